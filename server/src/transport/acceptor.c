/*
 * accept(2) is called here and not by libuv, because of one case: with no descriptor
 * left, accepting fails while the peer goes on waiting, so the socket stays readable.
 * Trying again at once would keep the loop busy for nothing; so polling stops for a
 * moment, and the peers wait in the kernel's queue.  If there still is no descriptor
 * then, they are turned away: a spare one is given up for as long as that takes, so
 * that they learn of it instead of waiting for an answer that may never come.
 */
#include "transport/acceptor.h"

#include "transport/address.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    ACCEPTS_PER_TURN = 64, /* then other sockets get their turn */
    RETRY_MS = 100,
    WARN_MS = 1000,
};

static void on_readable(uv_poll_t *poll, int status, int events);

static int open_spare(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int accept_peer(const reef__acceptor_t *acceptor)
{
    return accept4(acceptor->descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static bool is_shortage(int cause)
{
    return cause == EMFILE || cause == ENFILE;
}

/* Accept in place of the spare descriptor, and close. */
static void turn_away(reef__acceptor_t *acceptor)
{
    for (int i = 0; i < ACCEPTS_PER_TURN && acceptor->spare >= 0; i++) {
        int peer;

        close(acceptor->spare);
        peer = accept_peer(acceptor);
        if (peer >= 0) {
            close(peer);
            reef_metric_add(acceptor->metric_turned_away, 1);
        }
        acceptor->spare = open_spare();
        if (peer < 0) {
            return;
        }
    }
}

static void on_retry(uv_timer_t *timer)
{
    reef__acceptor_t *acceptor = timer->data;
    int probe = open_spare();

    if (probe < 0 && is_shortage(errno)) {
        turn_away(acceptor);
    } else if (probe >= 0) {
        close(probe);
    }
    if (acceptor->spare < 0) {
        acceptor->spare = open_spare();
    }
    uv_poll_start(&acceptor->poll, UV_READABLE, on_readable);
}

static void back_off(reef__acceptor_t *acceptor, int cause)
{
    uint64_t now_ms = uv_now(acceptor->poll.loop);

    reef_metric_add(acceptor->metric_failures, 1);
    if (acceptor->warned_ms == 0 || now_ms - acceptor->warned_ms >= WARN_MS) {
        acceptor->warned_ms = now_ms;
        reef_log(reef_app_log(acceptor->io->ios->app), REEF_LOG_WARN, acceptor->module,
                 "cannot accept connections now, trying again soon",
                 REEF_LOG_TEXT("error", strerror(cause)));
    }
    uv_poll_stop(&acceptor->poll);
    uv_timer_start(&acceptor->retry, on_retry, RETRY_MS, 0);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    reef__acceptor_t *acceptor = poll->data;

    (void)status;
    (void)events;
    /* The loop may have slept for long; what begins now has its time before it. */
    acceptor->io->now_ms = uv_now(poll->loop);
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int peer = accept_peer(acceptor);

        if (peer >= 0) {
            acceptor->accepted(acceptor->context, acceptor->io, peer);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            back_off(acceptor, errno);
            return;
        }
    }
}

static const char *unix_path(const struct sockaddr_storage *address)
{
    return ((const struct sockaddr_un *)address)->sun_path;
}

static bool is_socket(const struct sockaddr_storage *address)
{
    struct stat file;

    return lstat(unix_path(address), &file) == 0 && S_ISSOCK(file.st_mode);
}

static const char *explain(const struct sockaddr_storage *address, int cause)
{
    if (cause != EADDRINUSE) {
        return strerror(cause);
    }
    return address->ss_family == AF_UNIX && !is_socket(address)
               ? "there is a file that is no socket"
               : "address already in use";
}

/* A server that was killed leaves the file of its socket behind. */
static void remove_stale_file(const struct sockaddr_storage *address)
{
    int probe;

    if (!is_socket(address)) {
        return;
    }
    probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe >= 0 &&
        connect(probe, (const struct sockaddr *)address, reef__address_size(address)) !=
            0 &&
        errno == ECONNREFUSED) {
        unlink(unix_path(address));
    }
    if (probe >= 0) {
        close(probe);
    }
}

/* A listening socket, or -1 with errno. */
static int make_socket(const reef__acceptor_desc_t *desc, int backlog, bool shares)
{
    const struct sockaddr_storage *address = desc->address;
    socklen_t size = reef__address_size(address);
    int on = 1;
    int cause;
    int descriptor =
        socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (descriptor < 0) {
        return -1;
    }
    /* A restarted server takes its port over at once. */
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (shares) {
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    }
    if (desc->is_ipv6_only) {
        setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    }
    if (address->ss_family == AF_UNIX) {
        remove_stale_file(address);
    }
    if (bind(descriptor, (const struct sockaddr *)address, size) == 0 &&
        listen(descriptor, backlog) == 0) {
        return descriptor;
    }
    cause = errno;
    close(descriptor);
    errno = cause;
    return -1;
}

/* Sharing a port means sharing it with anybody of the same user, another server that
 * was forgotten among them.  So the first acceptor finds out whether the address is
 * free. */
static int make_first_socket(const reef__acceptor_desc_t *desc)
{
    int probe = make_socket(desc, 1, false);

    if (probe < 0) {
        return -1;
    }
    close(probe);
    return make_socket(desc, desc->backlog, true);
}

reef_error_t reef__acceptor_open(reef__acceptor_t *acceptor,
                                 const reef__acceptor_desc_t *desc,
                                 reef_failure_t *failure)
{
    reef_app_t *app = desc->io->ios->app;
    int descriptor = desc->shares_port && desc->is_first
                         ? make_first_socket(desc)
                         : make_socket(desc, desc->backlog, desc->shares_port);

    if (descriptor < 0) {
        int cause = errno;
        char text[REEF__ADDRESS_TEXT_SIZE];

        reef__address_format(desc->address, text);
        return reef_fail(failure, REEF_E_IO, "%s.listen: %s: %s", desc->module, text,
                         explain(desc->address, cause));
    }
    *acceptor = (reef__acceptor_t){
        .descriptor = descriptor,
        .spare = open_spare(),
        .io = desc->io,
        .module = desc->module,
        .accepted = desc->accepted,
        .context = desc->context,
        .open_handles = 2,
        .metric_failures = reef_metrics_ensure(
            reef_app_metrics(app),
            &(reef_metric_desc_t){.name = "reef_accept_failures_total",
                                  .help = "Times a connection could not be accepted."}),
    };
    atomic_fetch_add(&desc->io->ios->open_count, 1);
    acceptor->metric_turned_away = reef_metrics_ensure(
        reef_app_metrics(app),
        &(reef_metric_desc_t){.name = "reef_accept_turned_away_total",
                              .help = "Connections closed at once, for want of "
                                      "descriptors."});
    uv_poll_init(reef__loop_uv(desc->io->loop), &acceptor->poll, descriptor);
    uv_timer_init(reef__loop_uv(desc->io->loop), &acceptor->retry);
    acceptor->poll.data = acceptor;
    acceptor->retry.data = acceptor;
    uv_poll_start(&acceptor->poll, UV_READABLE, on_readable);
    return REEF_OK;
}

static void on_handle_closed(uv_handle_t *handle)
{
    reef__acceptor_t *acceptor = handle->data;

    if (--acceptor->open_handles == 0) {
        atomic_fetch_sub(&acceptor->io->ios->open_count, 1);
    }
}

static void remove_file(const reef__acceptor_t *acceptor)
{
    struct sockaddr_storage address;

    reef__acceptor_address(acceptor, &address);
    if (address.ss_family == AF_UNIX) {
        unlink(unix_path(&address));
    }
}

void reef__acceptor_close(reef__acceptor_t *acceptor)
{
    assert(acceptor->descriptor >= 0);
    /* Before the descriptor goes: its number may be another thread's at once. */
    uv_close((uv_handle_t *)&acceptor->poll, on_handle_closed);
    uv_close((uv_handle_t *)&acceptor->retry, on_handle_closed);
    remove_file(acceptor);
    close(acceptor->descriptor);
    acceptor->descriptor = -1;
    if (acceptor->spare >= 0) {
        close(acceptor->spare);
    }
}

void reef__acceptor_address(const reef__acceptor_t *acceptor,
                            struct sockaddr_storage *address)
{
    socklen_t size = sizeof(*address);

    memset(address, 0, sizeof(*address));
    getsockname(acceptor->descriptor, (struct sockaddr *)address, &size);
}
