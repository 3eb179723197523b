/*
 * A client is a socket that does not block and a mood:
 *
 *     away → coming → lively ⇄ silent → away
 *
 * A silent one neither speaks nor answers pings, so heartbeats find it.  Some do not
 * read, so queues fill.  What cannot be written at once is not written to its end: a
 * client may always be cut off in the middle of a message.
 */
#include "crowd.h"

#include "speech.h"
#include "test.h"
#include "ws_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MAX_HEAD = 16 /* bytes before a message, in any framing */
};

typedef enum mood {
    AWAY,
    COMING, /* connected, the WebSocket handshake is under way */
    LIVELY,
    SILENT,
} mood_t;

typedef struct member {
    int descriptor;
    mood_t mood;
    uint8_t kind;  /* kind_t */
    bool is_deaf;  /* does not read */
    uint32_t left; /* steps until the mood changes */
} member_t;

typedef enum kind {
    WEBSOCKET,
    TCP,
    UDP,
} kind_t;

struct crowd {
    crowd_desc_t desc;
    crowd_counts_t counts;
    speech_t speech;
    bool is_over;
    member_t members[];
};

crowd_t *crowd_create(const crowd_desc_t *desc)
{
    crowd_t *crowd = calloc(1, sizeof(*crowd) + desc->count * sizeof(member_t));

    assert_non_null(crowd);
    crowd->desc = *desc;
    speech_init(&crowd->speech, desc->seed);
    for (uint32_t i = 0; i < desc->count; i++) {
        crowd->members[i] = (member_t){.descriptor = -1};
    }
    return crowd;
}

static uint32_t choose(crowd_t *crowd, uint32_t count)
{
    return speech_choose(&crowd->speech, count);
}

static void leave(member_t *member)
{
    if (member->descriptor >= 0) {
        close(member->descriptor);
    }
    *member = (member_t){.descriptor = -1};
}

void crowd_destroy(crowd_t *crowd)
{
    if (crowd != NULL) {
        crowd_drop_all(crowd);
        free(crowd);
    }
}

void crowd_drop_all(crowd_t *crowd)
{
    for (uint32_t i = 0; i < crowd->desc.count; i++) {
        leave(&crowd->members[i]);
    }
    crowd->is_over = true;
}

crowd_counts_t crowd_counts(const crowd_t *crowd)
{
    return crowd->counts;
}

/* What does not go at once does not go. */
static void write_bytes(crowd_t *crowd, member_t *member, const void *data, size_t size)
{
    ssize_t sent = send(member->descriptor, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (member->kind != UDP && sent != (ssize_t)size) {
        crowd->counts.rude_ends++; /* the stream has a hole: nothing more to say */
        leave(member);
    }
}

/* Coming ----------------------------------------------------------------------- */

static uint16_t port_of(const crowd_t *crowd, kind_t kind)
{
    return kind == WEBSOCKET ? crowd->desc.ws_port
           : kind == TCP     ? crowd->desc.tcp_port
                             : crowd->desc.udp_port;
}

static kind_t choose_kind(crowd_t *crowd)
{
    static const kind_t kinds[] = {WEBSOCKET, WEBSOCKET, WEBSOCKET, TCP, UDP};
    kind_t kind = kinds[choose(crowd, sizeof(kinds) / sizeof(kinds[0]))];

    return port_of(crowd, kind) == 0 ? WEBSOCKET : kind;
}

static void come(crowd_t *crowd, member_t *member)
{
    kind_t kind = choose_kind(crowd);
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port_of(crowd, kind)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };

    member->kind = (uint8_t)kind;
    member->descriptor =
        socket(AF_INET,
               kind == UDP ? SOCK_DGRAM | SOCK_CLOEXEC : SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(member->descriptor >= 0);
    /* The backlog takes it at once: the server is on this thread and not yet asked. */
    if (connect(member->descriptor, (struct sockaddr *)&address, sizeof(address)) !=
        0) {
        leave(member);
        return;
    }
    crowd->counts.connects++;
    member->is_deaf = choose(crowd, 40) == 0;
    member->mood = kind == WEBSOCKET ? COMING : LIVELY;
    member->left = 1 + choose(crowd, 600);
    if (kind == WEBSOCKET) {
        static const char plain[] = WS_HANDSHAKE "\r\n";
        static const char typed[] =
            WS_HANDSHAKE "Sec-WebSocket-Protocol: reef.v1\r\n\r\n";
        bool is_typed = choose(crowd, 4) == 0;

        write_bytes(crowd, member, is_typed ? typed : plain,
                    is_typed ? sizeof(typed) - 1 : sizeof(plain) - 1);
    }
}

/* Being there ------------------------------------------------------------------ */

static void read_all(crowd_t *crowd, member_t *member)
{
    char data[16384];
    ssize_t size;

    while (member->descriptor >= 0 && !member->is_deaf) {
        size = recv(member->descriptor, data, sizeof(data), MSG_DONTWAIT);
        if (size < 0) {
            break;
        }
        if (size == 0 && member->kind != UDP) {
            leave(member); /* the server has ended it */
            return;
        }
        crowd->counts.bytes_received += (size_t)size;
        if (member->mood == COMING) {
            member->mood = LIVELY; /* the answer to the handshake */
        }
    }
}

/* @p out has MAX_HEAD bytes more than the message. */
static size_t frame(const member_t *member, const speech_text_t *text, uint8_t *out)
{
    size_t size = text->size;
    size_t head = 0;

    switch ((kind_t)member->kind) {
    case WEBSOCKET:
        return ws_client_write_frame(
            out, (uint8_t)(WS_FIN | (text->is_binary ? WS_BINARY : WS_TEXT)),
            text->data, size);
    case TCP:
        for (; size >= 0x80; size >>= 7) {
            out[head++] = (uint8_t)(size | 0x80);
        }
        out[head++] = (uint8_t)size;
        break;
    case UDP:
        break;
    }
    memcpy(out + head, text->data, text->size);
    return head + text->size;
}

static void say(crowd_t *crowd, member_t *member)
{
    static uint8_t out[SPEECH_MAX + MAX_HEAD];
    const speech_text_t *text = speech_next(&crowd->speech);
    size_t size = frame(member, text, out);

    if (choose(crowd, 400) == 0) { /* dies in the middle of it */
        size = size > 1 ? 1 + choose(crowd, (uint32_t)size - 1) : size;
        write_bytes(crowd, member, out, size);
        crowd->counts.rude_ends++;
        leave(member);
        return;
    }
    write_bytes(crowd, member, out, size);
    crowd->counts.messages++;
}

/* Bytes that no client of good faith sends. */
static void be_rude(crowd_t *crowd, member_t *member)
{
    uint8_t noise[64];

    for (size_t i = 0; i < sizeof(noise); i++) {
        noise[i] = (uint8_t)choose(crowd, 256);
    }
    write_bytes(crowd, member, noise, 1 + choose(crowd, sizeof(noise) - 1));
    crowd->counts.rude_ends++;
    if (choose(crowd, 2) == 0) {
        leave(member);
    }
}

static void say_farewell(crowd_t *crowd, member_t *member)
{
    static const uint8_t normal[] = {0x03, 0xe8};
    uint8_t out[sizeof(normal) + MAX_HEAD];

    if (member->kind == WEBSOCKET && choose(crowd, 2) == 0) {
        write_bytes(
            crowd, member, out,
            ws_client_write_frame(out, WS_FIN | WS_CLOSE, normal, sizeof(normal)));
    }
    leave(member);
}

static void live(crowd_t *crowd, member_t *member)
{
    uint32_t dice = choose(crowd, 1000);

    if (member->left-- == 0) {
        member->mood = choose(crowd, 4) == 0 ? SILENT : AWAY;
        member->left = 1 + choose(crowd, 3000);
        if (member->mood == AWAY) {
            say_farewell(crowd, member);
        }
    } else if (dice < 60) {
        say(crowd, member);
    } else if (dice < 62) {
        for (int i = 0; i < 40 && member->mood == LIVELY; i++) {
            say(crowd, member); /* more than a rate limit likes */
        }
    } else if (dice == 62) {
        be_rude(crowd, member);
    }
}

static void step(crowd_t *crowd, member_t *member)
{
    read_all(crowd, member);
    switch (member->mood) {
    case AWAY:
        if (choose(crowd, 60) == 0) {
            come(crowd, member);
        }
        break;
    case COMING:
    case SILENT:
        if (member->left-- == 0) {
            crowd->counts.rude_ends++;
            leave(member);
        }
        break;
    case LIVELY:
        live(crowd, member);
        break;
    }
}

void crowd_step(crowd_t *crowd)
{
    for (uint32_t i = 0; i < crowd->desc.count && !crowd->is_over; i++) {
        step(crowd, &crowd->members[i]);
    }
}
