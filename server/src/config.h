/** @file config.h  What config.c shows to the fuzzer and the tests. */
#ifndef REEF_CONFIG_PRIVATE_H
#define REEF_CONFIG_PRIVATE_H

#include <reef/config.h>

/** As reef_config_create() with @p text as the content of the file; desc->path only
 *  names it in failures and is not opened.  NULL = "text". */
REEF_NODISCARD reef_error_t reef__config_parse(const reef_config_desc_t *desc,
                                               reef_span_t text,
                                               reef_config_t **config,
                                               reef_failure_t *failure);

#endif /* REEF_CONFIG_PRIVATE_H */
