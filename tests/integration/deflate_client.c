/* Compressing ends in a sync flush, of which the last four bytes are left out;
 * inflating puts them back (sections 7.2.1 and 7.2.2). */
#include "deflate_client.h"

#include <stdlib.h>
#include <string.h>

enum {
    TAIL_SIZE = 4,
    MIN_ZLIB_BITS = 9,
    STRICT_SIZE = 16384, /* of a message; what is beyond goes in larger steps */
    STEP_SIZE = 65536
};

static const uint8_t tail[TAIL_SIZE] = {0x00, 0x00, 0xff, 0xff};

/* The response ------------------------------------------------------------------ */

/* Section 7.1.2: 8 to 15, in decimal without leading zeroes */
static int read_bits(const char *value)
{
    char *end;
    long bits = strtol(value, &end, 10);

    if (value[0] < '1' || value[0] > '9' || *end != '\0' || bits < 8 || bits > 15) {
        fail_msg("a window of '%s' bits in the response", value);
    }
    return (int)bits;
}

/* Whether a flag is new, as every parameter must be. */
static bool once(bool *flag)
{
    assert_false(*flag);
    *flag = true;
    return true;
}

static void read_parameter(deflate_client_t *client, const char *offer, char *parameter)
{
    size_t name_size = strcspn(parameter, "=");
    bool is_flag = parameter[name_size] == '\0';
    const char *value = parameter + name_size + (is_flag ? 0 : 1);

    parameter[name_size] = '\0';
    if (strcmp(parameter, "server_no_context_takeover") == 0) {
        assert_true(is_flag && once(&client->server_resets));
    } else if (strcmp(parameter, "client_no_context_takeover") == 0) {
        assert_true(is_flag && once(&client->client_resets));
    } else if (strcmp(parameter, "server_max_window_bits") == 0) {
        assert_true(!is_flag && once(&client->tells_server_bits));
        client->server_bits = read_bits(value);
    } else if (strcmp(parameter, "client_max_window_bits") == 0) {
        assert_true(!is_flag && once(&client->tells_client_bits));
        client->client_bits = read_bits(value);
        assert_non_null(strstr(offer, "client_max_window_bits"));
    } else {
        fail_msg("'%s' in the response is no parameter", parameter);
    }
}

static void read_response(deflate_client_t *client, const char *offer, char *value)
{
    char *place = NULL;
    char *part = strtok_r(value, "; ", &place);

    assert_non_null(part);
    assert_null(strchr(value, ','));
    assert_string_equal(part, "permessage-deflate");
    while ((part = strtok_r(NULL, "; ", &place)) != NULL) {
        read_parameter(client, offer, part);
    }
}

void deflate_client_open(deflate_client_t *client,
                         ws_client_t *ws,
                         uint16_t port,
                         const char *offer)
{
    char headers[512];
    char head[2048];
    char value[512];
    int bits;

    *client = (deflate_client_t){.ws = ws, .client_bits = 15, .server_bits = 15};
    snprintf(headers, sizeof(headers), "Sec-WebSocket-Extensions: %s\r\n", offer);
    ws_client_open_with(ws, port, headers, head, sizeof(head));
    if (!ws_client_head_value(head, "Sec-WebSocket-Extensions", value, sizeof(value))) {
        return;
    }
    read_response(client, offer, value);
    client->is_agreed = true;
    ws->takes_compressed = true;
    /* zlib has no window of 8 bits; that of 9 looks back 2^9 - 262 bytes only. */
    bits = client->client_bits < MIN_ZLIB_BITS ? MIN_ZLIB_BITS : client->client_bits;
    assert_int_equal(deflateInit2(&client->out, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
                                  -bits, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    assert_int_equal(inflateInit2(&client->in, -client->server_bits), Z_OK);
}

void deflate_client_finish(deflate_client_t *client)
{
    if (client->is_agreed) {
        deflateEnd(&client->out);
        inflateEnd(&client->in);
    }
    free(client->data);
    *client = (deflate_client_t){0};
}

/* Sending ------------------------------------------------------------------------ */

uint8_t *deflate_client_compress(z_stream *stream,
                                 const void *data,
                                 size_t size,
                                 size_t *written)
{
    size_t capacity = deflateBound(stream, size) + 16;
    uint8_t *out = malloc(capacity);

    assert_non_null(out);
    stream->next_in = data;
    stream->avail_in = (uInt)size;
    stream->next_out = out;
    stream->avail_out = (uInt)capacity;
    assert_int_equal(deflate(stream, Z_SYNC_FLUSH), Z_OK);
    assert_int_equal(stream->avail_in, 0);
    *written = capacity - stream->avail_out;
    assert_true(*written >= TAIL_SIZE);
    *written -= TAIL_SIZE;
    assert_memory_equal(out + *written, tail, TAIL_SIZE);
    return out;
}

static void send_frames(
    ws_client_t *ws, uint8_t first, const uint8_t *data, size_t size, size_t fragment)
{
    size_t room = fragment > 0 ? fragment : size + 1;
    uint8_t *frames = malloc(size + (size / room + 1) * WS_MAX_HEAD);
    size_t used = 0;
    size_t at = 0;

    assert_non_null(frames);
    do {
        bool last = size - at <= room;
        size_t count = last ? size - at : room;

        used += ws_client_write_frame(
            frames + used, (uint8_t)((at == 0 ? first : 0) | (last ? WS_FIN : 0)),
            data + at, count);
        at += count;
    } while (at < size);
    ws_client_send_raw(ws, frames, used);
    free(frames);
}

void deflate_client_send(deflate_client_t *client,
                         uint8_t opcode,
                         const void *data,
                         size_t size,
                         size_t fragment)
{
    uint8_t *compressed;

    if (!client->is_agreed) {
        send_frames(client->ws, opcode, data, size, fragment);
        return;
    }
    if (client->client_resets) {
        assert_int_equal(deflateReset(&client->out), Z_OK);
    }
    compressed = deflate_client_compress(&client->out, data, size, &size);
    send_frames(client->ws, opcode | WS_RSV1, compressed, size, fragment);
    free(compressed);
}

/* Receiving ---------------------------------------------------------------------- */

static uint8_t *room_for(deflate_client_t *client, size_t size)
{
    if (size > client->capacity) {
        client->capacity = 2 * size;
        client->data = realloc(client->data, client->capacity);
        assert_non_null(client->data);
    }
    return client->data;
}

/* All of @p in; the size of what came of it grows.  A byte of output at a time has zlib
 * look for every earlier one in its window, and not in what it just wrote: so a window
 * that is too large is noticed. */
static void
inflate_part(deflate_client_t *client, const uint8_t *in, size_t in_size, size_t *size)
{
    z_stream *stream = &client->in;

    stream->next_in = in;
    stream->avail_in = (uInt)in_size;
    for (;;) {
        bool strict = client->server_bits < 15 && *size < STRICT_SIZE;
        size_t step = strict ? 1 : STEP_SIZE;
        int result;

        stream->next_out = room_for(client, *size + step) + *size;
        stream->avail_out = (uInt)step;
        result = inflate(stream, Z_SYNC_FLUSH);
        *size += step - stream->avail_out;
        if (result == Z_BUF_ERROR && stream->avail_in == 0) {
            return;
        }
        if (result != Z_OK) {
            fail_msg("inflating what the server sent: %d %s", result,
                     stream->msg ? stream->msg : "");
        }
        if (stream->avail_in == 0 && stream->avail_out > 0) {
            return;
        }
    }
}

void deflate_client_receive(deflate_client_t *client, ws_frame_t *frame)
{
    size_t size = 0;

    ws_client_receive(client->ws, frame);
    if (!frame->compressed) {
        return;
    }
    if (client->server_resets) {
        assert_int_equal(inflateReset(&client->in), Z_OK);
    }
    room_for(client, 1);
    inflate_part(client, frame->data, frame->size, &size);
    inflate_part(client, tail, TAIL_SIZE, &size);
    frame->data = client->data;
    frame->size = size;
}
