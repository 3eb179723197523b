/**
 * @file openapi.h
 * @brief The description of the API, admin/openapi.json, embedded at build time.
 */
#ifndef REEF_ADMIN_OPENAPI_H
#define REEF_ADMIN_OPENAPI_H

#include <stddef.h>

/** OpenAPI 3.1, as JSON. */
extern const char *const reef__openapi;
extern const size_t reef__openapi_size; /* without the closing NUL */

#endif /* REEF_ADMIN_OPENAPI_H */
