/*
 * What libuv costs without a protocol: a TCP echo, and with --fanout a broadcast of
 * messages of a fixed size to all.
 *
 * As fast as libuv allows: one slab for all reads, larger than what comes at once, so
 * that each readiness is one read; replies go out by uv_try_write() from the slab; only
 * what a socket does not take is copied and queued.  Broadcasts of one iteration are
 * put together once, and every member gets them by one uv_try_write().
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

enum {
    SLAB = 256 * 1024,
    BACKLOG = 1024
};

typedef struct member {
    uv_tcp_t tcp;
    size_t place; /* in server.members */
    char *part;   /* of a message that is not complete */
    size_t part_size;
} member_t;

typedef struct server {
    uv_loop_t loop;
    uv_tcp_t listener;
    uv_check_t check; /* runs when all that was readable is read */
    bool is_fanout;
    size_t message; /* size */
    member_t **members;
    size_t count, capacity;
    char *batch; /* messages of this iteration */
    size_t batch_size, batch_capacity;
    char slab[SLAB];
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

static void written(uv_write_t *request, int status)
{
    (void)status;
    free(request->data);
}

/* Now what the socket takes, the rest when it takes more. */
static void send_to(member_t *member, char *data, size_t size)
{
    uv_stream_t *stream = (uv_stream_t *)&member->tcp;
    uv_buf_t buffer = uv_buf_init(data, (unsigned)size);
    int sent = uv_try_write(stream, &buffer, 1);
    size_t rest = size - (sent > 0 ? (size_t)sent : 0);
    queued_t *queued;

    if (rest == 0 || (sent < 0 && sent != UV_EAGAIN)) {
        return; /* an error shows when it is read */
    }
    queued = need(malloc(sizeof(*queued) + rest));
    memcpy(queued->data, data + size - rest, rest);
    queued->request.data = queued;
    buffer = uv_buf_init(queued->data, (unsigned)rest);
    if (uv_write(&queued->request, stream, &buffer, 1, written) != 0) {
        free(queued);
    }
}

static void closed(uv_handle_t *handle)
{
    member_t *member = (member_t *)handle;

    free(member->part);
    free(member);
}

static void drop(server_t *server, member_t *member)
{
    if (!uv_is_closing((uv_handle_t *)&member->tcp)) {
        server->members[member->place] = server->members[--server->count];
        server->members[member->place]->place = member->place;
        uv_close((uv_handle_t *)&member->tcp, closed);
    }
}

static void add_to_batch(server_t *server, const char *data, size_t size)
{
    if (server->batch_capacity - server->batch_size < size) {
        server->batch_capacity = 2 * (server->batch_size + size);
        server->batch = need(realloc(server->batch, server->batch_capacity));
    }
    memcpy(server->batch + server->batch_size, data, size);
    server->batch_size += size;
}

/* Whole messages go to the batch, the beginning of another waits with its member. */
static void collect(server_t *server, member_t *member, const char *data, size_t size)
{
    size_t whole;

    if (member->part_size > 0) {
        size_t wanted = server->message - member->part_size;
        size_t part = size < wanted ? size : wanted;

        memcpy(member->part + member->part_size, data, part);
        member->part_size += part;
        data += part;
        size -= part;
        if (member->part_size < server->message) {
            return;
        }
        add_to_batch(server, member->part, server->message);
        member->part_size = 0;
    }
    whole = size - size % server->message;
    if (whole > 0) {
        add_to_batch(server, data, whole);
    }
    if (size > whole) {
        if (member->part == NULL) {
            member->part = need(malloc(server->message));
        }
        memcpy(member->part, data + whole, size - whole);
        member->part_size = size - whole;
    }
}

static void send_batch(uv_check_t *check)
{
    server_t *server = check->data;

    for (size_t i = 0; i < server->count && server->batch_size > 0; i++) {
        send_to(server->members[i], server->batch, server->batch_size);
    }
    server->batch_size = 0;
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
    member_t *member = (member_t *)stream;

    if (size < 0) {
        drop(server, member);
    } else if (size > 0 && server->is_fanout) {
        collect(server, member, buffer->base, (size_t)size);
    } else if (size > 0) {
        send_to(member, buffer->base, (size_t)size);
    }
}

static void connected(uv_stream_t *listener, int status)
{
    server_t *server = listener->data;
    member_t *member = need(calloc(1, sizeof(*member)));

    uv_tcp_init(&server->loop, &member->tcp);
    member->tcp.data = server;
    if (server->count == server->capacity) {
        server->capacity = server->capacity > 0 ? 2 * server->capacity : 64;
        server->members =
            need(realloc(server->members, server->capacity * sizeof(member_t *)));
    }
    member->place = server->count;
    server->members[server->count++] = member;
    if (status != 0 || uv_accept(listener, (uv_stream_t *)&member->tcp) != 0) {
        drop(server, member);
        return;
    }
    uv_tcp_nodelay(&member->tcp, 1);
    uv_read_start((uv_stream_t *)&member->tcp, lend_slab, received);
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
        fprintf(stderr, "peer_uv_echo: cannot listen: %s\n", uv_strerror(error));
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
    static server_t server = {.message = 128};
    struct rlimit limit;
    int port = 0;

    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--fanout") == 0) {
            server.is_fanout = true;
        } else if (strcmp(arguments[i], "--size") == 0 && i + 1 < count) {
            server.message = strtoul(arguments[++i], NULL, 10);
        } else if (strcmp(arguments[i], "--port") == 0 && i + 1 < count) {
            port = (int)strtol(arguments[++i], NULL, 10);
        } else {
            fputs("usage: peer_uv_echo [--port N] [--fanout [--size BYTES]]\n", stderr);
            return 2;
        }
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    uv_loop_init(&server.loop);
    uv_check_init(&server.loop, &server.check);
    server.check.data = &server;
    if (server.is_fanout) {
        uv_check_start(&server.check, send_batch);
    }
    if (server.message == 0 || listen_on(&server, port) != 0) {
        return 1;
    }
    return uv_run(&server.loop, UV_RUN_DEFAULT);
}
