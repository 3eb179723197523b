/*
 * libwebsockets: an echo, and with --fanout a broadcast to all; with --tls over TLS by
 * the library it was built with, in Debian OpenSSL.
 *
 * A message is put together once, behind the room that lws_write() wants for the head,
 * and shared by all whom it goes to.  A session writes as many of its messages per
 * callback as the socket takes.
 */
#include <libwebsockets.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    RECEIVE_BUFFER = 64 * 1024
};

typedef struct message {
    size_t owners, size;
    bool is_binary;
    unsigned char data[]; /* LWS_PRE bytes, then the payload */
} message_t;

/* Zeroed by the library. */
typedef struct session {
    struct lws *wsi;
    struct session *next;
    message_t *coming; /* not complete */
    message_t **queue; /* ring of `capacity`, a power of two */
    size_t first, count, capacity;
} session_t;

typedef struct server {
    bool is_fanout;
    const char *certificate, *key; /* files; NULL = no TLS */
    session_t *sessions;
} server_t;

static void *need(void *memory)
{
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static void give_up(message_t *message)
{
    if (message != NULL && --message->owners == 0) {
        free(message);
    }
}

static void grow(session_t *session)
{
    size_t capacity = session->capacity > 0 ? 2 * session->capacity : 16;
    message_t **queue = need(malloc(capacity * sizeof(message_t *)));

    for (size_t i = 0; i < session->count; i++) {
        queue[i] = session->queue[(session->first + i) & (session->capacity - 1)];
    }
    free(session->queue);
    session->queue = queue;
    session->first = 0;
    session->capacity = capacity;
}

static void send_to(session_t *session, message_t *message)
{
    if (session->count == session->capacity) {
        grow(session);
    }
    message->owners++;
    session->queue[(session->first + session->count++) & (session->capacity - 1)] =
        message;
    lws_callback_on_writable(session->wsi);
}

static int write_queued(session_t *session)
{
    while (session->count > 0) {
        message_t *message = session->queue[session->first];
        enum lws_write_protocol kind =
            message->is_binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT;
        int written =
            lws_write(session->wsi, message->data + LWS_PRE, message->size, kind);

        if (written < (int)message->size) {
            return -1;
        }
        session->first = (session->first + 1) & (session->capacity - 1);
        session->count--;
        give_up(message);
        if (lws_send_pipe_choked(session->wsi)) {
            break;
        }
    }
    if (session->count > 0) {
        lws_callback_on_writable(session->wsi);
    }
    return 0;
}

static void complete(server_t *server, session_t *session)
{
    message_t *message = session->coming;

    session->coming = NULL;
    if (!server->is_fanout) {
        send_to(session, message);
    }
    for (session_t *to = server->sessions; to != NULL && server->is_fanout;
         to = to->next) {
        send_to(to, message);
    }
    give_up(message);
}

static void
received(server_t *server, session_t *session, const void *data, size_t size)
{
    message_t *message = session->coming;
    size_t rest = lws_remaining_packet_payload(session->wsi);
    size_t before = message != NULL ? message->size : 0;

    if (message == NULL || rest > 0 || !lws_is_first_fragment(session->wsi)) {
        message =
            need(realloc(message, sizeof(*message) + LWS_PRE + before + size + rest));
    }
    memcpy(message->data + LWS_PRE + before, data, size);
    message->owners = 1;
    message->size = before + size;
    message->is_binary = lws_frame_is_binary(session->wsi) != 0;
    session->coming = message;
    if (rest == 0 && lws_is_final_fragment(session->wsi)) {
        complete(server, session);
    }
}

static void forget(server_t *server, session_t *session)
{
    session_t **at = &server->sessions;

    while (*at != NULL && *at != session) {
        at = &(*at)->next;
    }
    *at = session->next;
    while (session->count-- > 0) {
        give_up(session->queue[session->first]);
        session->first = (session->first + 1) & (session->capacity - 1);
    }
    free(session->queue);
    give_up(session->coming);
}

static int callback(struct lws *wsi,
                    enum lws_callback_reasons reason,
                    void *user,
                    void *in,
                    size_t size)
{
    session_t *session = user;
    server_t *server = lws_context_user(lws_get_context(wsi));

    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        *session = (session_t){.wsi = wsi, .next = server->sessions};
        server->sessions = session;
        return 0;
    case LWS_CALLBACK_RECEIVE:
        received(server, session, in, size);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return write_queued(session);
    case LWS_CALLBACK_CLOSED:
        forget(server, session);
        return 0;
    default:
        return lws_callback_http_dummy(wsi, reason, user, in, size);
    }
}

static int serve(server_t *server, int port)
{
    const struct lws_protocols protocols[] = {
        {.name = "bench",
         .callback = callback,
         .per_session_data_size = sizeof(session_t),
         .rx_buffer_size = RECEIVE_BUFFER},
        {0}};
    const struct lws_context_creation_info info = {
        .port = port,
        .iface = "127.0.0.1",
        .protocols = protocols,
        .gid = -1,
        .uid = -1,
        .pt_serv_buf_size = RECEIVE_BUFFER,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   (server->key != NULL ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0),
        .ssl_cert_filepath = server->certificate,
        .ssl_private_key_filepath = server->key,
        .user = server};
    struct lws_context *context;
    struct lws_vhost *host;

    lws_set_log_level(LLL_ERR, NULL);
    context = lws_create_context(&info);
    host = context != NULL ? lws_create_vhost(context, &info) : NULL;
    if (host == NULL) {
        fputs("peer_lws: cannot listen\n", stderr);
        return 1;
    }
    fprintf(stderr, "listening port=%d\n", lws_get_vhost_listen_port(host));
    while (lws_service(context, 0) >= 0) {
    }
    return 1;
}

int main(int count, char **arguments)
{
    server_t server = {0};
    struct rlimit limit;
    int port = 0;

    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--fanout") == 0) {
            server.is_fanout = true;
        } else if (strcmp(arguments[i], "--tls") == 0 && i + 2 < count) {
            server.certificate = arguments[++i];
            server.key = arguments[++i];
        } else if (strcmp(arguments[i], "--port") == 0 && i + 1 < count) {
            port = (int)strtol(arguments[++i], NULL, 10);
        } else {
            fputs("usage: peer_lws [--port N] [--fanout] [--tls CERTIFICATE KEY]\n",
                  stderr);
            return 2;
        }
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    return serve(&server, port);
}
