/**
 * @file asset.h
 * @brief The dashboard's files, out of the program itself.
 */
#ifndef REEF_ADMIN_ASSET_H
#define REEF_ADMIN_ASSET_H

#include "exchange.h"

/** Answer a GET or HEAD for one of the embedded files; false when it names none. */
bool reef__asset_serve(const reef__request_t *request, reef__reply_t *reply);

#endif /* REEF_ADMIN_ASSET_H */
