/*
 * The plugin: settings, sockets, start and end.
 *
 * The first loop binds first: it finds out whether the address is free, and which port
 * 0 has become, which the others then share.  The sockets stay open until all sessions
 * are over, for what is sent at the end goes through them.
 */
#include "transport/udp.h"

#include "app.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_ADDRESSES = 16,
};

static const char *const drop_reasons[REEF__UDP_DROP_COUNT] = {
    [REEF__UDP_DROP_TOO_LARGE] = "too_large",
    [REEF__UDP_DROP_NOT_TEXT] = "not_text",
    [REEF__UDP_DROP_EMPTY] = "empty",
    [REEF__UDP_DROP_NO_COOKIE] = "no_cookie",
    [REEF__UDP_DROP_SESSIONS] = "max_sessions",
    [REEF__UDP_DROP_ADDRESS] = "max_sessions_per_address",
    [REEF__UDP_DROP_STOPPING] = "stopping",
    [REEF__UDP_DROP_NOT_ADMITTED] = "not_admitted",
    [REEF__UDP_DROP_INBOX_FULL] = "inbox_full",
    [REEF__UDP_DROP_QUARANTINE] = "quarantine",
    [REEF__UDP_DROP_SOURCE] = "bad_source",
};

static uint32_t connection_count(const void *self)
{
    return atomic_load(&((const reef__udp_server_t *)self)->session_count);
}

static void stop_accepting(void *self)
{
    atomic_store(&((reef__udp_server_t *)self)->is_stopping, true);
}

static void end(void *self);

const reef_transport_t reef__udp_transport = {
    .name = "udp",
    .kind = 5,
    .is_lossy = true,
    REEF__PEER_TRANSPORT,
    .stop_accepting = stop_accepting,
    .connection_count = connection_count,
    .end = end,
};

/* Sockets ---------------------------------------------------------------------------
 */

static void on_event(uv_poll_t *poll, int status, int events)
{
    reef__udp_listener_t *listener = poll->data;

    /* The loop may have slept for long; what begins now has its time before it. */
    reef__io_look_at_clock(listener->loop->io);
    if ((events & UV_WRITABLE) != 0) {
        listener->is_blocked = false; /* the end of the pass sends */
    }
    if (status < 0 || (events & UV_READABLE) != 0) {
        reef__udp_take_in(listener);
    }
    if (status < 0 || (events & UV_WRITABLE) != 0) {
        reef__udp_watch(listener); /* libuv stops at an error, which is read by now */
    }
}

void reef__udp_watch(reef__udp_listener_t *listener)
{
    uv_poll_start(&listener->poll,
                  UV_READABLE | (listener->is_blocked ? UV_WRITABLE : 0), on_event);
}

static void on_closed(uv_handle_t *handle)
{
    reef__io_count_out(((reef__udp_listener_t *)handle->data)->loop->io);
}

static void close_listener(reef__udp_listener_t *listener)
{
    if (listener->descriptor < 0) {
        return;
    }
    /* Before the descriptor goes: its number may be another thread's at once. */
    uv_close((uv_handle_t *)&listener->poll, on_closed);
    close(listener->descriptor);
    listener->descriptor = -1;
}

static reef_error_t
open_listener(reef__udp_loop_t *loop, uint32_t index, reef_failure_t *failure)
{
    reef__udp_server_t *server = loop->server;
    reef__udp_listener_t *listener = &loop->listeners[index];
    struct sockaddr_storage *address = &server->addresses[index];
    socklen_t size = sizeof(*address);
    int descriptor = reef__udp_socket_open(&(reef__udp_socket_desc_t){
        .address = address,
        .shares_port = server->loop_count > 1,
        .is_first = loop == server->loops,
        .is_ipv6_only =
            reef__address_is_ipv6_only(server->addresses, server->address_count, index),
        .may_fragment = server->config.fragment,
        .receive_buffer = server->config.receive_buffer_bytes,
        .send_buffer = server->config.send_buffer_bytes,
    });

    if (descriptor < 0) {
        int cause = errno;

        reef__address_format(address, listener->local);
        return reef_fail(failure, REEF_E_IO, "udp.listen: %s: %s", listener->local,
                         cause == EADDRINUSE ? "address already in use"
                                             : strerror(cause));
    }
    listener->descriptor = descriptor;
    getsockname(descriptor, (struct sockaddr *)address, &size);
    reef__address_format(address, listener->local);
    atomic_fetch_add(&loop->io->ios->open_count, 1);
    uv_poll_init(reef__loop_uv(loop->io->loop), &listener->poll, descriptor);
    listener->poll.data = listener;
    reef__udp_watch(listener);
    return REEF_OK;
}

/* One address, on all loops. */
static reef_error_t
open_address(reef__udp_server_t *server, uint32_t index, reef_failure_t *failure)
{
    const char *local = server->loops[0].listeners[index].local;

    for (uint32_t i = 0; i < server->loop_count; i++) {
        reef_error_t error = open_listener(&server->loops[i], index, failure);

        if (error != REEF_OK) {
            return error;
        }
    }
    reef_app_add_listener(server->app, "udp", local);
    reef_app_announce(server->app, "udp", "udp://%s", local);
    return REEF_OK;
}

/* Loops -----------------------------------------------------------------------------
 */

static void flush(void *context)
{
    reef__udp_flush(context);
}

static void create_loop(reef__udp_server_t *server, uint32_t index)
{
    const reef_alloc_t *alloc = server->app->alloc;
    reef__udp_loop_t *loop = &server->loops[index];

    memset(loop, 0, sizeof(*loop));
    loop->server = server;
    loop->io = server->app->ios->items[index];
    loop->listener_count = server->address_count;
    loop->listeners =
        reef_resize(alloc, NULL, 0, loop->listener_count * sizeof(*loop->listeners));
    for (uint32_t i = 0; i < loop->listener_count; i++) {
        memset(&loop->listeners[i], 0, sizeof(loop->listeners[i]));
        loop->listeners[i].loop = loop;
        loop->listeners[i].descriptor = -1;
        reef__udp_table_init(&loop->listeners[i].peers, alloc);
    }
    loop->receiver = reef__udp_receiver_create(alloc, server->config.max_datagram);
    loop->sender = reef__udp_sender_create(alloc, server->send);
    loop->owners = reef_resize(alloc, NULL, 0, REEF__UDP_SENDS * sizeof(*loop->owners));
    reef__io_add_flush(loop->io, flush, loop);
}

static void destroy_loop(reef__udp_loop_t *loop)
{
    const reef_alloc_t *alloc = loop->server->app->alloc;

    for (uint32_t i = 0; i < loop->listener_count; i++) {
        reef__udp_table_finish(&loop->listeners[i].peers);
    }
    reef_resize(alloc, loop->listeners, loop->listener_count * sizeof(*loop->listeners),
                0);
    reef__udp_receiver_destroy(loop->receiver);
    reef__udp_sender_destroy(loop->sender);
    reef_resize(alloc, loop->owners, REEF__UDP_SENDS * sizeof(*loop->owners), 0);
}

/* The plugin ------------------------------------------------------------------------
 */

static reef_error_t read_addresses(reef__udp_server_t *server, reef_failure_t *failure)
{
    reef_span_t list = reef_span_text(server->config.listen);
    struct sockaddr_storage addresses[MAX_ADDRESSES];
    uint32_t count = 0;
    reef_span_t item;

    while (reef__address_next(&list, &item)) {
        reef_error_t error;

        if (count == MAX_ADDRESSES) {
            return reef_fail(failure, REEF_E_LIMIT, "udp.listen: at most %d addresses",
                             MAX_ADDRESSES);
        }
        error = reef__address_parse(item, "udp.listen", &addresses[count], failure);
        if (error != REEF_OK) {
            return error;
        }
        if (addresses[count++].ss_family == AF_UNIX) {
            return reef_fail(failure, REEF_E_INVALID,
                             "udp.listen: '%.*s': not on Unix sockets", (int)item.size,
                             (const char *)item.data);
        }
    }
    server->address_count = count;
    server->addresses =
        reef_resize(server->app->alloc, NULL, 0, count * sizeof(*addresses));
    if (count > 0) {
        memcpy(server->addresses, addresses, count * sizeof(*addresses));
    }
    return REEF_OK;
}

static void register_metrics(reef__udp_server_t *server)
{
    reef_metrics_t *metrics = reef_app_metrics(server->app);

    for (int i = 0; i < REEF__UDP_DROP_COUNT; i++) {
        char labels[64];

        snprintf(labels, sizeof(labels), "reason=\"%s\"", drop_reasons[i]);
        server->drops[i].reason = drop_reasons[i];
        server->drops[i].metric = reef_metrics_ensure(
            metrics, &(reef_metric_desc_t){.name = "reef_udp_dropped_total",
                                           .help = "Datagrams received and dropped.",
                                           .labels = labels});
    }
    server->metric_challenges = reef_metrics_ensure(
        metrics, &(reef_metric_desc_t){.name = "reef_udp_challenges_total",
                                       .help = "Cookies sent to addresses that had to "
                                               "show that they are true."});
    server->metric_errors = reef_metrics_ensure(
        metrics, &(reef_metric_desc_t){.name = "reef_udp_errors_total",
                                       .help = "Datagrams that could not be sent, or "
                                               "that the network sent back."});
}

static reef_error_t
build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    reef__udp_server_t *server =
        reef_resize(reef_app_alloc(app), NULL, 0, sizeof(*server));
    reef_error_t error;

    memset(server, 0, sizeof(*server));
    server->app = app;
    server->config = *(const udp_config_t *)config;
    error = read_addresses(server, failure);
    if (error != REEF_OK) {
        reef_resize(reef_app_alloc(app), server, sizeof(*server), 0);
        return error;
    }
    reef__quota_init(&server->quota, app->alloc, server->config.max_sessions,
                     server->config.max_sessions_per_address);
    reef__udp_secret_init(&server->secret);
    register_metrics(server);
    reef_app_add_transport(app, &reef__udp_transport, server);
    *state = server;
    return REEF_OK;
}

/* What loops need is made only where there is something to listen on. */
static reef_error_t ready(reef_app_t *app, void *state, reef_failure_t *failure)
{
    reef__udp_server_t *server = state;

    if (server->address_count == 0) {
        return REEF_OK;
    }
    server->loop_count = app->ios->count;
    server->loops =
        reef_resize(app->alloc, NULL, 0, server->loop_count * sizeof(*server->loops));
    for (uint32_t i = 0; i < server->loop_count; i++) {
        create_loop(server, i);
    }
    for (uint32_t i = 0; i < server->address_count; i++) {
        reef_error_t error = open_address(server, i, failure);

        if (error != REEF_OK) {
            return error;
        }
    }
    return REEF_OK;
}

/* On the loop's thread. */
static void abort_loop(void *context)
{
    reef__udp_loop_t *loop = context;

    reef__io_remove_flush(loop->io, loop);
    reef__udp_peers_abort(loop);
    for (uint32_t i = 0; i < loop->listener_count; i++) {
        close_listener(&loop->listeners[i]);
    }
}

static void end(void *self)
{
    reef__udp_server_t *server = self;

    stop_accepting(server);
    for (uint32_t i = 0; i < server->loop_count; i++) {
        reef__io_call(server->loops[i].io, abort_loop, &server->loops[i]);
    }
}

static void cleanup(reef_app_t *app, void *state)
{
    reef__udp_server_t *server = state;

    for (uint32_t i = 0; i < server->loop_count; i++) {
        destroy_loop(&server->loops[i]);
    }
    reef_resize(app->alloc, server->loops, server->loop_count * sizeof(*server->loops),
                0);
    reef_resize(app->alloc, server->addresses,
                server->address_count * sizeof(*server->addresses), 0);
    reef__quota_finish(&server->quota);
    reef_resize(app->alloc, server, sizeof(*server), 0);
}

const reef_plugin_t reef_udp_plugin = {
    .api = REEF_PLUGIN_API,
    .name = "udp",
    .always = true,
    .config_type = &udp_config_type,
    .build = build,
    .ready = ready,
    .cleanup = cleanup,
};
