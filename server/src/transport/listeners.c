/*
 * The first loop binds first: it finds out whether the address is free, and which port
 * 0 has become, which the others then share.
 */
#include "transport/listeners.h"

#include "app.h"
#include "transport/address.h"

#include <stdio.h>
#include <string.h>

enum {
    MAX_ADDRESSES = 16,
    MAX_SETTING = 64,
};

static reef_error_t read_list(reef__listeners_t *listeners,
                              struct sockaddr_storage addresses[MAX_ADDRESSES],
                              reef_span_t list,
                              reef_failure_t *failure)
{
    char setting[MAX_SETTING];
    reef_span_t item;

    snprintf(setting, sizeof(setting), "%s.listen", listeners->name);
    while (reef__address_next(&list, &item)) {
        reef_error_t error;

        if (listeners->address_count == MAX_ADDRESSES) {
            return reef_fail(failure, REEF_E_LIMIT, "%s: at most %d addresses", setting,
                             MAX_ADDRESSES);
        }
        error = reef__address_parse(item, setting, &addresses[listeners->address_count],
                                    failure);
        if (error != REEF_OK) {
            return error;
        }
        listeners->address_count++;
    }
    return REEF_OK;
}

static size_t addresses_size(const reef__listeners_t *listeners)
{
    return listeners->address_count * sizeof(*listeners->addresses);
}

reef_error_t reef__listeners_init(reef__listeners_t *listeners,
                                  reef_app_t *app,
                                  const char *name,
                                  reef_span_t list,
                                  reef_failure_t *failure)
{
    struct sockaddr_storage addresses[MAX_ADDRESSES];
    reef_error_t error;

    *listeners = (reef__listeners_t){.app = app, .name = name};
    error = read_list(listeners, addresses, list, failure);
    if (error != REEF_OK) {
        return error;
    }
    listeners->addresses = reef_resize(app->alloc, NULL, 0, addresses_size(listeners));
    if (listeners->address_count > 0) {
        memcpy(listeners->addresses, addresses, addresses_size(listeners));
    }
    return REEF_OK;
}

/* Opening ---------------------------------------------------------------------- */

static void create_loops(reef__listeners_t *listeners)
{
    const reef__ios_t *ios = listeners->app->ios;
    const reef_alloc_t *alloc = listeners->app->alloc;

    listeners->loop_count = ios->count;
    listeners->loops =
        reef_resize(alloc, NULL, 0, ios->count * sizeof(*listeners->loops));
    for (uint32_t i = 0; i < ios->count; i++) {
        listeners->loops[i] = (reef__loop_listeners_t){
            .io = ios->items[i],
            .acceptors = reef_resize(
                alloc, NULL, 0, listeners->address_count * sizeof(reef__acceptor_t)),
            .capacity = listeners->address_count,
        };
    }
}

static void tell(const reef__listeners_t *listeners,
                 const struct sockaddr_storage *address,
                 const char *scheme)
{
    char text[REEF__ADDRESS_TEXT_SIZE];
    bool is_unix = address->ss_family == AF_UNIX;

    reef__address_format(address, text);
    reef_app_add_listener(listeners->app, listeners->name, text);
    reef_app_announce(listeners->app, listeners->name, "%s%s%s", is_unix ? "" : scheme,
                      is_unix ? "" : "://", text);
}

static reef_error_t listen_on(reef__listeners_t *listeners,
                              uint32_t loop,
                              uint32_t index,
                              const reef__listeners_desc_t *desc,
                              bool is_first,
                              reef_failure_t *failure)
{
    struct sockaddr_storage *address = &listeners->addresses[index];
    reef__loop_listeners_t *own = &listeners->loops[loop];
    reef__acceptor_t *acceptor = &own->acceptors[own->count];
    reef_error_t error = reef__acceptor_open(
        acceptor,
        &(reef__acceptor_desc_t){
            .io = own->io,
            .address = address,
            .module = listeners->name,
            .backlog = desc->backlog,
            .shares_port = listeners->loop_count > 1 && address->ss_family != AF_UNIX,
            .is_first = is_first,
            .is_ipv6_only = reef__address_is_ipv6_only(listeners->addresses,
                                                       listeners->address_count, index),
            .accepted = desc->accepted,
            .context = desc->context,
        },
        failure);

    if (error != REEF_OK) {
        return error;
    }
    own->count++;
    if (is_first) {
        reef__acceptor_address(acceptor, address); /* the others share its port */
        tell(listeners, address, desc->scheme);
    }
    return REEF_OK;
}

static reef_error_t open_address(reef__listeners_t *listeners,
                                 uint32_t index,
                                 const reef__listeners_desc_t *desc,
                                 reef_failure_t *failure)
{
    reef_error_t error = REEF_OK;

    if (listeners->addresses[index].ss_family == AF_UNIX) {
        return listen_on(listeners, index % listeners->loop_count, index, desc, true,
                         failure);
    }
    for (uint32_t i = 0; i < listeners->loop_count && error == REEF_OK; i++) {
        error = listen_on(listeners, i, index, desc, i == 0, failure);
    }
    return error;
}

reef_error_t reef__listeners_open(reef__listeners_t *listeners,
                                  const reef__listeners_desc_t *desc,
                                  reef_failure_t *failure)
{
    reef_error_t error = REEF_OK;

    create_loops(listeners);
    for (uint32_t i = 0; i < listeners->address_count && error == REEF_OK; i++) {
        error = open_address(listeners, i, desc, failure);
    }
    return error;
}

/* The end ---------------------------------------------------------------------- */

/* On the loop's thread. */
static void close_on_loop(void *context)
{
    reef__loop_listeners_t *loop = context;

    while (loop->count > 0) {
        reef__acceptor_close(&loop->acceptors[--loop->count]);
    }
}

void reef__listeners_close(reef__listeners_t *listeners)
{
    for (uint32_t i = 0; listeners->loops != NULL && i < listeners->loop_count; i++) {
        reef__io_call(listeners->loops[i].io, close_on_loop, &listeners->loops[i]);
    }
}

void reef__listeners_finish(reef__listeners_t *listeners)
{
    const reef_alloc_t *alloc = listeners->app->alloc;

    for (uint32_t i = 0; listeners->loops != NULL && i < listeners->loop_count; i++) {
        reef_resize(alloc, listeners->loops[i].acceptors,
                    listeners->loops[i].capacity * sizeof(reef__acceptor_t), 0);
    }
    reef_resize(alloc, listeners->loops,
                listeners->loop_count * sizeof(*listeners->loops), 0);
    reef_resize(alloc, listeners->addresses, addresses_size(listeners), 0);
}
