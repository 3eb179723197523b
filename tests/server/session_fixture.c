/* The system stands in `update`, as those of applications do. */
#include "session_fixture.h"

void note(fixture_t *fixture, const char *what, uint64_t id, const char *text)
{
    size_t size = strlen(fixture->log);

    snprintf(fixture->log + size, sizeof(fixture->log) - size, "%s %llu%s%s\n", what,
             (unsigned long long)id, *text ? " " : "", text);
}

void watch(reef_run_t *run)
{
    fixture_t *fixture = reef_run_context(run);
    const user_connected_t *connected;
    const message_received_t *message;
    const user_disconnected_t *gone;

    while ((connected = REEF_NEXT(run, user_connected)) != NULL) {
        note(fixture, "connected", connected->client_id, "");
    }
    while ((message = REEF_NEXT(run, message_received)) != NULL) {
        char text[64] = "";
        reef_span_t payload = reef_buffer_payload(message->payload);

        memcpy(text, payload.data, payload.size);
        note(fixture, "message", message->client_id, text);
        if (fixture->echo) {
            reef_send(run, message->entity, message->payload);
        }
    }
    while ((gone = REEF_NEXT(run, user_disconnected)) != NULL) {
        const session_t *session = reef_run_find(run, gone->entity, &session_type);

        fixture->reason = gone->reason;
        note(fixture, "gone", gone->client_id, session ? session->peer : "despawned");
    }
}

int setup(void **state)
{
    static const char *const argv[] = {"test", "--set", "server.inbox_messages=4",
                                       "--set", "server.max_frame_messages=6"};
    fixture_t *fixture = calloc(1, sizeof(*fixture));

    fixture->app = loopback_app_create(5, argv);
    reef_app_add_system(fixture->app, REEF_UPDATE,
                        &(reef_system_desc_t){
                            .name = "watch",
                            .run = watch,
                            .context = fixture,
                            .access = {REEF_READ(session)},
                            .reads = {&user_connected_event, &message_received_event,
                                      &user_disconnected_event},
                            .emits = {&send_message_event},
                        });
    loopback_app_start(fixture->app);
    *state = fixture;
    return 0;
}

int teardown(void **state)
{
    fixture_t *fixture = *state;

    reef_app_destroy(fixture->app);
    free(fixture);
    return 0;
}

double metric(const fixture_t *fixture, const char *name, reef_metric_kind_t kind)
{
    return reef_metric_value(reef_metrics_ensure(
        reef_app_metrics(fixture->app),
        &(reef_metric_desc_t){
            .name = name, .help = "Registered already.", .kind = kind}));
}
