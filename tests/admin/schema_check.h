/**
 * @file schema_check.h
 * @brief Replies against the description of the API, as far as that uses JSON Schema.
 */
#ifndef TEST_SCHEMA_CHECK_H
#define TEST_SCHEMA_CHECK_H

#include <cjson/cJSON.h>

/**
 * Check the JSON of a reply to GET @p path, as the description writes it
 * ("/lists/{name}"), with status 200 or, for any other, as a problem.
 *
 * @param wrong Receives where it does not agree, and how; "" when it does.
 */
void schema_check_reply(const char *path,
                        int status,
                        const char *body,
                        char wrong[256]);

#endif /* TEST_SCHEMA_CHECK_H */
