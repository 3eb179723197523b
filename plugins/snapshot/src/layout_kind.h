/*
 * What layout.c and layout_parse.c share.
 */
#ifndef REEF_SNAPSHOT_LAYOUT_KIND_H
#define REEF_SNAPSHOT_LAYOUT_KIND_H

#include "layout.h"

const char *reef__kind_name(reef_kind_t kind);
bool reef__kind_find(const char *name, reef_kind_t *kind);

/* Append ".name", or ".name[index]", to a path of REEF__LAYOUT_PATH_SIZE bytes.  False
 * when it does not fit. */
bool reef__path_append(char *path, const char *name, uint32_t index, bool indexed);

/* Once the list is complete and does not move any more: point each field's name to its
 * path, and sort for reef__layout_find().  False when two have the same path. */
bool reef__layout_seal(reef__layout_t *layout);

#endif /* REEF_SNAPSHOT_LAYOUT_KIND_H */
