/**
 * @file router.h
 * @brief Gives each inbound text one owner, by its prefix.
 *
 * A prefix is the first word of a text, e.g. `/join`.  The handler of a prefix gets
 * the trimmed rest.  The prefix "" owns texts that do not begin with `/`.  Handlers
 * are called in one exclusive system of `update`, called `router`, per client in
 * order of arrival, and see the effect of those before.
 *
 * Without any prefix the router never answers.  With one, a text `/x …` that nobody
 * owns, or whose handler declines it, is answered `[Error] Unknown command: /x`.
 */
#ifndef REEF_ROUTER_H
#define REEF_ROUTER_H

#include <reef/app.h>
#include <reef/message.h>

typedef struct reef_command_text {
    reef_entity_t entity;
    uint64_t client_id;
    reef_span_t rest; /* after the prefix, trimmed of spaces; borrowed */
} reef_command_text_t;

/** Handle one text.  Return false to decline it (a bare `/join`). */
typedef bool (*reef_prefix_fn)(reef_run_t *run,
                               const reef_command_text_t *text,
                               void *context);

/** Register the owner of @p prefix (borrowed).
 *  @return REEF_OK, or REEF_E_EXISTS when it is taken. */
REEF_NODISCARD reef_error_t reef_app_add_prefix(reef_app_t *app,
                                                const char *prefix,
                                                reef_prefix_fn handle,
                                                void *context);

#endif /* REEF_ROUTER_H */
