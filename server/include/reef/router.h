/**
 * @file router.h
 * @brief Gives each inbound text one owner, by its prefix.
 *
 * A prefix is the first word of a text, e.g. `/join`; the handler gets the trimmed
 * rest.  One that does not begin with `/`, as `pong`, owns the text that is just that.
 * The prefix "" owns all other texts that do not begin with `/`, and those whose
 * handler declined them.  Handlers are called in one exclusive system of `update`,
 * called `router`, per client in order of arrival, and see the effect of those before.
 *
 * Without any prefix the router never answers.  With one, be it "" but not a whole
 * text, a text `/x …` that nobody owns, or whose handler declines it, is answered
 * `[Error] Unknown command: /x`.
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
 *  @return REEF_OK, or REEF_E_EXISTS when it is taken: the text names both plugins. */
REEF_NODISCARD reef_error_t reef_app_add_prefix(reef_app_t *app,
                                                const char *prefix,
                                                reef_prefix_fn handle,
                                                void *context,
                                                reef_failure_t *failure);

/** Several at once, as a table that ends with a prefix of NULL; all with one context.
 *  @return REEF_OK, or the first failure as above. */
typedef struct reef_prefix {
    const char *prefix;
    reef_prefix_fn handle;
} reef_prefix_t;

REEF_NODISCARD reef_error_t reef_app_add_prefixes(reef_app_t *app,
                                                  const reef_prefix_t *prefixes,
                                                  void *context,
                                                  reef_failure_t *failure);

#endif /* REEF_ROUTER_H */
