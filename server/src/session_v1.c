/*
 * Who speaks reef.v1, and what its messages are.  A WebSocket has agreed on it before
 * it is a session; others say so by their first message, which nobody else gets to see.
 */
#include "session_table.h"

#include "app.h"
#include "buffer.h"
#include "codec/utf8.h"
#include "message_bundle.h"

/* A stream on which messages have bounds, or datagrams. */
static bool keeps_messages_apart(const reef__link_t *link)
{
    reef__framing_t framing = reef__framing_of(link->framing);

    return framing != REEF__FRAMING_RAW && framing != REEF__FRAMING_LINES;
}

/* The first message of a client of whom nothing is known: true when it is a hello,
 * which is no message to anybody else. */
static bool
take_hello(reef__sessions_t *sessions, reef__link_t *link, reef_span_t payload)
{
    reef__opcodes_t *opcodes = sessions->app->opcodes;
    uint16_t version;

    if (link->profile != REEF_PROFILE_BINARY || link->v1.has_spoken ||
        !keeps_messages_apart(link) || !reef__is_client_hello(payload, &version)) {
        link->v1.has_spoken = true;
        return false;
    }
    if (version != REEF_V1_VERSION) { /* it may try again with another */
        reef__opcodes_fail(opcodes, &link->v1, link->entity, REEF_V1_WRONG_VERSION,
                           REEF__OPCODE_HELLO, "this server speaks version %d",
                           REEF_V1_VERSION);
        return true;
    }
    link->v1.has_spoken = true;
    link->profile = REEF_PROFILE_V1;
    reef__opcodes_welcome(opcodes, &link->v1, link->entity, link->client_id);
    return true;
}

/* What a binary message of a client of reef.v1 is: the text that it is, or itself when
 * it is typed, or neither; then the router answers, when it is its turn.  Takes the
 * reference over, and gives one. */
static reef_buffer_t *as_v1(reef_buffer_t *payload)
{
    reef_span_t bytes = reef_buffer_payload(payload);
    reef_buffer_t *text;

    if (reef__is_typed(bytes) || !reef__utf8_is_valid(bytes)) {
        return payload;
    }
    text = reef_buffer_create(REEF_PAYLOAD_TEXT, bytes);
    reef_buffer_unref(payload);
    return text;
}

reef_buffer_t *reef__link_as_profile(reef__sessions_t *sessions,
                                     reef__link_t *link,
                                     reef_buffer_t *payload)
{
    if (reef_buffer_kind(payload) == REEF_PAYLOAD_TEXT ||
        !reef__opcodes_exist(sessions->app->opcodes)) {
        return payload;
    }
    if (take_hello(sessions, link, reef_buffer_payload(payload))) {
        reef_buffer_unref(payload);
        return NULL;
    }
    return link->profile == REEF_PROFILE_V1 ? as_v1(payload) : payload;
}

uint32_t reef__link_owner(const reef__sessions_t *sessions,
                          const reef__link_t *link,
                          const reef_buffer_t *payload)
{
    if (link->profile == REEF_PROFILE_V1 &&
        reef_buffer_kind(payload) == REEF_PAYLOAD_BINARY) {
        return REEF_OWNER_TYPED | reef__typed_opcode(reef_buffer_payload(payload));
    }
    return reef__router_owner(sessions->app->router, payload);
}
