/*
 * What libuv and OpenSSL cost without a protocol: a TLS echo.
 *
 * As peer_uv_echo.c, one slab for all reads.  OpenSSL reads from it and writes to one
 * buffer through a BIO that all connections share; all records of a read are answered
 * by one uv_try_write().
 */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

enum {
    SLAB = 256 * 1024,
    PLAIN = SLAB + 16 * 1024, /* and what OpenSSL has of a record before */
    OUT = 2 * PLAIN,          /* heads of records included; the handshake fits too */
    BACKLOG = 1024
};

typedef struct client {
    uv_tcp_t tcp;
    SSL *ssl;
} client_t;

typedef struct server {
    uv_loop_t loop;
    uv_tcp_t listener;
    SSL_CTX *context;
    BIO *bio;
    bool is_forgetful; /* resumes no session */
    const char *in;    /* what OpenSSL has not read */
    size_t in_size, out_size;
    char slab[SLAB], plain[PLAIN], out[OUT];
} server_t;

typedef struct queued {
    uv_write_t request;
    char data[];
} queued_t;

static void *need(void *memory)
{
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static int read_memory(BIO *bio, char *out, int capacity)
{
    server_t *server = BIO_get_data(bio);
    size_t size =
        (size_t)capacity < server->in_size ? (size_t)capacity : server->in_size;

    BIO_clear_retry_flags(bio);
    if (size == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(out, server->in, size);
    server->in += size;
    server->in_size -= size;
    return (int)size;
}

static int write_memory(BIO *bio, const char *data, int size)
{
    server_t *server = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (OUT - server->out_size < (size_t)size) {
        abort(); /* it holds the answer to whatever one read brings */
    }
    memcpy(server->out + server->out_size, data, (size_t)size);
    server->out_size += (size_t)size;
    return size;
}

static long control(BIO *bio, int command, long number, void *data)
{
    (void)bio, (void)number, (void)data;
    return command == BIO_CTRL_FLUSH;
}

static void written(uv_write_t *request, int status)
{
    (void)status;
    free(request->data);
}

/* Now what the socket takes, the rest when it takes more. */
static void send_out(server_t *server, client_t *client)
{
    uv_stream_t *stream = (uv_stream_t *)&client->tcp;
    uv_buf_t buffer = uv_buf_init(server->out, (unsigned)server->out_size);
    int sent = server->out_size > 0 ? uv_try_write(stream, &buffer, 1) : 0;
    size_t rest = server->out_size - (sent > 0 ? (size_t)sent : 0);
    queued_t *queued;

    server->out_size = 0;
    if (rest == 0 || (sent < 0 && sent != UV_EAGAIN)) {
        return; /* an error shows when it is read */
    }
    queued = need(malloc(sizeof(*queued) + rest));
    memcpy(queued->data, buffer.base + buffer.len - rest, rest);
    queued->request.data = queued;
    buffer = uv_buf_init(queued->data, (unsigned)rest);
    if (uv_write(&queued->request, stream, &buffer, 1, written) != 0) {
        free(queued);
    }
}

static void closed(uv_handle_t *handle)
{
    client_t *client = (client_t *)handle;

    SSL_free(client->ssl);
    free(client);
}

static void drop(client_t *client)
{
    if (!uv_is_closing((uv_handle_t *)&client->tcp)) {
        SSL_set_shutdown(client->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        uv_close((uv_handle_t *)&client->tcp, closed);
    }
}

/* False = the connection is over. */
static bool answer(server_t *server, client_t *client)
{
    size_t size = 0, part;
    int result = SSL_is_init_finished(client->ssl) ? 1 : SSL_accept(client->ssl);

    while (result == 1 && size < PLAIN &&
           (result = SSL_read_ex(client->ssl, server->plain + size, PLAIN - size,
                                 &part)) == 1) {
        size += part;
    }
    if (result != 1 && SSL_get_error(client->ssl, result) != SSL_ERROR_WANT_READ) {
        ERR_clear_error();
        return false;
    }
    return size == 0 || SSL_write_ex(client->ssl, server->plain, size, &part) == 1;
}

static void lend_slab(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    server_t *server = handle->data;

    (void)wanted;
    *buffer = uv_buf_init(server->slab, SLAB);
}

static void received(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    server_t *server = stream->data;
    client_t *client = (client_t *)stream;
    bool is_over = size < 0;

    if (size > 0) {
        server->in = buffer->base;
        server->in_size = (size_t)size;
        is_over = !answer(server, client);
        send_out(server, client);
        server->in_size = 0;
    }
    if (is_over) {
        drop(client);
    }
}

static void connected(uv_stream_t *listener, int status)
{
    server_t *server = listener->data;
    client_t *client = need(calloc(1, sizeof(*client)));

    uv_tcp_init(&server->loop, &client->tcp);
    client->tcp.data = server;
    client->ssl = need(SSL_new(server->context));
    BIO_up_ref(server->bio);
    SSL_set_bio(client->ssl, server->bio, server->bio);
    if (status != 0 || uv_accept(listener, (uv_stream_t *)&client->tcp) != 0) {
        drop(client);
        return;
    }
    uv_tcp_nodelay(&client->tcp, 1);
    uv_read_start((uv_stream_t *)&client->tcp, lend_slab, received);
}

static bool init_tls(server_t *server, const char *certificate, const char *key)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "");

    BIO_meth_set_read(method, read_memory);
    BIO_meth_set_write(method, write_memory);
    BIO_meth_set_ctrl(method, control);
    server->bio = need(BIO_new(method));
    BIO_set_data(server->bio, server);
    BIO_set_init(server->bio, 1);
    server->context = need(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_set_mode(server->context, SSL_MODE_RELEASE_BUFFERS);
    if (server->is_forgetful) {
        SSL_CTX_set_options(server->context, SSL_OP_NO_TICKET);
        SSL_CTX_set_session_cache_mode(server->context, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_num_tickets(server->context, 0);
    }
    return SSL_CTX_use_certificate_chain_file(server->context, certificate) == 1 &&
           SSL_CTX_use_PrivateKey_file(server->context, key, SSL_FILETYPE_PEM) == 1;
}

static int listen_on(server_t *server, int port)
{
    struct sockaddr_storage storage;
    struct sockaddr_in address;
    int size = sizeof(storage), error;

    uv_ip4_addr("127.0.0.1", port, &address);
    uv_tcp_init(&server->loop, &server->listener);
    server->listener.data = server;
    error = uv_tcp_bind(&server->listener, (const struct sockaddr *)&address, 0);
    if (error == 0) {
        error = uv_listen((uv_stream_t *)&server->listener, BACKLOG, connected);
    }
    if (error != 0) {
        fprintf(stderr, "peer_uv_tls_echo: cannot listen: %s\n", uv_strerror(error));
        return error;
    }
    uv_tcp_getsockname(&server->listener, (struct sockaddr *)&storage, &size);
    memcpy(&address, &storage, sizeof(address));
    fprintf(stderr, "listening port=%d\n",
            address.sin_port >> 8 | (address.sin_port & 0xff) << 8);
    return 0;
}

int main(int count, char **arguments)
{
    static server_t server;
    const char *certificate = NULL, *key = NULL;
    struct rlimit limit;
    int port = 0;

    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--tls") == 0 && i + 2 < count) {
            certificate = arguments[++i];
            key = arguments[++i];
        } else if (strcmp(arguments[i], "--no-resume") == 0) {
            server.is_forgetful = true;
        } else if (strcmp(arguments[i], "--port") == 0 && i + 1 < count) {
            port = (int)strtol(arguments[++i], NULL, 10);
        } else {
            certificate = NULL;
            break;
        }
    }
    if (certificate == NULL) {
        fputs(
            "usage: peer_uv_tls_echo [--port N] [--no-resume] --tls CERTIFICATE KEY\n",
            stderr);
        return 2;
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    uv_loop_init(&server.loop);
    if (!init_tls(&server, certificate, key)) {
        ERR_print_errors_fp(stderr);
        return 1;
    }
    return listen_on(&server, port) != 0 ? 1 : uv_run(&server.loop, UV_RUN_DEFAULT);
}
