/*
 * The opening handshake of a connection.  A request head that comes in one read, as
 * nearly all do, is parsed where it lies; only one that is cut is kept until it is
 * whole.
 */
#include "transport/ws.h"

#include "app.h"
#include "authenticate.h"
#include "buffer.h"
#include "opcode.h"
#include "transport/address.h"

#include <string.h>

static void send_raw(reef__ws_connection_t *connection, const char *text, size_t size)
{
    reef__stream_push_last(&connection->stream,
                           reef__buffer_raw(reef_span(text, size)));
}

static size_t handshake_size(const reef__ws_server_t *server)
{
    return sizeof(reef__ws_handshake_t) + server->config.max_handshake;
}

void reef__ws_handshake_finish(reef__ws_connection_t *connection)
{
    if (connection->handshake != NULL) {
        reef_resize(reef_app_alloc(connection->server->app), connection->handshake,
                    handshake_size(connection->server), 0);
        connection->handshake = NULL;
    }
    reef_resize(reef_app_alloc(connection->server->app), connection->answer,
                connection->answer ? sizeof(*connection->answer) : 0, 0);
    connection->answer = NULL;
}

static reef__ws_upgrade_limits_t upgrade_limits(const reef__ws_server_t *server)
{
    reef__ws_upgrade_limits_t limits = {.max_head = server->config.max_handshake};

    limits.wanted =
        reef__authenticators_headers(server->app->authenticators, &limits.wanted_count);
    return limits;
}

static void send_refusal(reef__ws_connection_t *connection,
                         const reef__ws_upgrade_t *upgrade)
{
    char response[REEF__WS_RESPONSE_SIZE];
    size_t size = reef__ws_upgrade_write_refusal(upgrade, response);

    reef_metric_add(connection->server->metric_refused, 1);
    reef_log(reef_app_log(connection->server->app), REEF_LOG_DEBUG, "websocket",
             "handshake refused", REEF_LOG_INT("status", upgrade->http_status),
             REEF_LOG_TEXT("reason", upgrade->reason));
    send_raw(connection, response, size);
    reef__ws_enter(connection, REEF__WS_LEAVING);
}

void reef__ws_handshake_refuse(reef__ws_connection_t *connection,
                               int http_status,
                               const char *reason)
{
    reef__ws_upgrade_t upgrade = {0};

    reef__ws_upgrade_refuse(&upgrade, http_status, reason);
    send_refusal(connection, &upgrade);
}

/* One value for each name that was asked for and is there: of several lines they are
 * joined (RFC 9110 section 5.3). */
static uint32_t join_headers(const reef__ws_upgrade_t *upgrade,
                             const reef__ws_upgrade_limits_t *limits,
                             uint8_t *room,
                             reef_header_t *headers)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < limits->wanted_count; i++) {
        uint8_t *begin = room;
        bool is_there = false;

        for (uint32_t j = 0; j < upgrade->header_count; j++) {
            reef_span_t value = upgrade->headers[j].value;

            if (upgrade->headers[j].wanted != i) {
                continue;
            }
            if (is_there) {
                *room++ = ',';
                *room++ = ' ';
            }
            memcpy(room, value.data, value.size);
            room += value.size;
            is_there = true;
        }
        if (is_there) {
            headers[count++] = (reef_header_t){
                .name = limits->wanted[i],
                .value = reef_span(begin, (size_t)(room - begin)),
            };
        }
    }
    return count;
}

static size_t joined_size(const reef__ws_upgrade_t *upgrade)
{
    size_t size = 0;

    for (uint32_t i = 0; i < upgrade->header_count; i++) {
        size += upgrade->headers[i].value.size + strlen(", ");
    }
    return size;
}

/* Whether it is in already. */
static bool tell_world(reef__ws_connection_t *connection,
                       const reef__ws_upgrade_t *upgrade,
                       reef_span_t protocol,
                       const struct sockaddr_storage *client)
{
    const reef_alloc_t *alloc = reef_app_alloc(connection->server->app);
    reef__ws_upgrade_limits_t limits = upgrade_limits(connection->server);
    size_t size = joined_size(upgrade);
    uint8_t *room = size > 0 ? reef_resize(alloc, NULL, 0, size) : NULL;
    reef_header_t headers[REEF_MAX_ASKED_HEADERS];
    uint32_t count = size > 0 ? join_headers(upgrade, &limits, room, headers) : 0;
    char peer[REEF__ADDRESS_TEXT_SIZE];
    char local[REEF__ADDRESS_TEXT_SIZE];
    reef__tls_facts_t tls = reef__stream_tls_facts(&connection->stream);
    bool is_in;

    if (client->ss_family == AF_UNIX) {
        reef__address_of_peer(connection->stream.descriptor, peer);
    } else {
        reef__address_format(client, peer);
    }
    reef__address_of_socket(connection->stream.descriptor, local);
    connection->was_opened = true;
    is_in = reef__peer_opened(
        &connection->stream.peer,
        &(reef_link_desc_t){.peer = reef_span_text(peer),
                            .local = reef_span_text(local),
                            .tls = connection->secure != NULL,
                            .tls_version = reef_span_text(tls.version),
                            .cipher = reef_span_text(tls.cipher),
                            .path = upgrade->path,
                            .query = upgrade->query,
                            .subprotocol = protocol,
                            .headers = headers,
                            .header_count = count});
    reef_resize(alloc, room, size, 0);
    return is_in;
}

static void open_connection(reef__ws_connection_t *connection,
                            const reef__ws_answer_t *answer)
{
    send_raw(connection, answer->response, answer->size);
    if (answer->deflates) {
        connection->reader.deflate =
            reef__ws_deflate_create(connection->loop->deflate, &answer->deflate);
    }
    reef__ws_enter(connection, REEF__WS_OPEN);
}

void reef__ws_handshake_admit(reef__ws_connection_t *connection)
{
    open_connection(connection, connection->answer);
    reef__ws_handshake_finish(connection);
}

/* The deadline stays that of the handshake. */
static void await_admission(reef__ws_connection_t *connection,
                            const reef__ws_answer_t *answer)
{
    connection->answer =
        reef_resize(reef_app_alloc(connection->server->app), NULL, 0, sizeof(*answer));
    *connection->answer = *answer;
    connection->state = REEF__WS_ASKING;
}

/* Of those offered.  Without a setting it is reef.v1, if the app has messages in it. */
static reef_span_t choose_protocol(const reef__ws_connection_t *connection,
                                   const reef__ws_upgrade_t *upgrade)
{
    const reef__ws_server_t *server = connection->server;
    const char *spoken = server->config.subprotocols;

    if (spoken[0] == '\0' && reef__opcodes_exist(server->app->opcodes)) {
        spoken = REEF_V1;
    }
    return reef__ws_upgrade_choose_protocol(upgrade, reef_span_text(spoken));
}

static void accept_upgrade(reef__ws_connection_t *connection,
                           const reef__ws_upgrade_t *upgrade,
                           const struct sockaddr_storage *client)
{
    reef_span_t protocol = choose_protocol(connection, upgrade);
    reef__ws_answer_t answer;

    answer.deflates = reef__ws_deflate_negotiate(upgrade, &connection->server->deflate,
                                                 &answer.deflate);
    answer.size = reef__ws_upgrade_write_accept(
        upgrade, protocol, answer.deflates ? &answer.deflate : NULL, answer.response);
    if (tell_world(connection, upgrade, protocol, client)) {
        open_connection(connection, &answer);
    } else {
        await_admission(connection, &answer);
    }
}

/* The head is whole, or wrong.  Frames may follow it at once. */
static void finish(reef__ws_connection_t *connection,
                   reef__ws_upgrade_t *upgrade,
                   reef__ws_upgrade_status_t status,
                   uint8_t *data,
                   size_t size)
{
    struct sockaddr_storage client;

    if (status == REEF__WS_UPGRADE_REFUSED ||
        !reef__ws_policy_check(connection, upgrade, &client)) {
        send_refusal(connection, upgrade);
        return;
    }
    accept_upgrade(connection, upgrade, &client);
    if (size > upgrade->consumed) {
        reef__ws_read_frames(connection, data + upgrade->consumed,
                             size - upgrade->consumed);
    }
}

static reef__ws_handshake_t *keep_head(const reef__ws_server_t *server,
                                       const reef__ws_upgrade_t *upgrade,
                                       const uint8_t *data,
                                       size_t size)
{
    reef__ws_handshake_t *handshake =
        reef_resize(reef_app_alloc(server->app), NULL, 0, handshake_size(server));

    handshake->upgrade = *upgrade;
    handshake->size = size;
    memcpy(handshake->data, data, size);
    return handshake;
}

static void read_first(reef__ws_connection_t *connection, uint8_t *data, size_t size)
{
    const reef__ws_server_t *server = connection->server;
    reef__ws_upgrade_limits_t limits = upgrade_limits(server);
    reef__ws_header_t headers[REEF__WS_MAX_HEADERS];
    reef__ws_upgrade_t upgrade = {.headers = headers};
    reef__ws_upgrade_status_t status =
        reef__ws_upgrade_parse(&upgrade, &limits, data, size);

    if (status == REEF__WS_UPGRADE_MORE && size >= server->config.max_handshake) {
        status = reef__ws_upgrade_refuse(&upgrade, 431, "request head too big");
    }
    if (status == REEF__WS_UPGRADE_MORE) {
        connection->handshake = keep_head(server, &upgrade, data, size);
    } else {
        finish(connection, &upgrade, status, data, size);
    }
}

static void read_more(reef__ws_connection_t *connection, uint8_t *data, size_t size)
{
    const reef__ws_server_t *server = connection->server;
    reef__ws_handshake_t *handshake = connection->handshake;
    reef__ws_upgrade_limits_t limits = upgrade_limits(server);
    reef__ws_header_t headers[REEF__WS_MAX_HEADERS];
    size_t room = server->config.max_handshake - handshake->size;
    size_t taken = size < room ? size : room;
    reef__ws_upgrade_status_t status;

    memcpy(handshake->data + handshake->size, data, taken);
    handshake->size += taken;
    handshake->upgrade.headers = headers;
    status = reef__ws_upgrade_parse(&handshake->upgrade, &limits, handshake->data,
                                    handshake->size);
    if (status == REEF__WS_UPGRADE_MORE &&
        handshake->size == server->config.max_handshake) {
        status =
            reef__ws_upgrade_refuse(&handshake->upgrade, 431, "request head too big");
    }
    if (status == REEF__WS_UPGRADE_MORE) {
        return;
    }
    connection->handshake = NULL; /* what is read next may end the connection */
    finish(connection, &handshake->upgrade, status, handshake->data, handshake->size);
    reef_resize(reef_app_alloc(server->app), handshake, handshake_size(server), 0);
    if (taken < size &&
        (connection->state == REEF__WS_ASKING || connection->state == REEF__WS_OPEN ||
         connection->state == REEF__WS_CLOSING)) {
        reef__ws_read_frames(connection, data + taken, size - taken);
    }
}

void reef__ws_handshake_read(reef__ws_connection_t *connection,
                             uint8_t *data,
                             size_t size)
{
    if (connection->handshake == NULL) {
        read_first(connection, data, size);
    } else {
        read_more(connection, data, size);
    }
}
