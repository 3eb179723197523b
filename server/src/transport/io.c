/*
 * A loop works in passes.  One takes in: it reads what is ready, lets deadlines pass,
 * and publishes its reports.  Then it puts out: it carries out orders and writes, all
 * connections in one go.
 *
 *     thread of its own   poll, take in, put out, poll …
 *     the world's thread  poll, take in, put out, FRAME, put out, poll …
 *
 * Sleeping and waking, both ways alike: who is about to sleep sets a flag and then
 * looks once more at its ring; who has published clears the flag, and wakes the other
 * if it was set.  Both exchange the flag's value, so one of them comes first: then
 * either the publisher sees the flag, or the sleeper sees what was published.  A busy
 * receiver costs no system call.
 */
#include "transport/io.h"

#include "app.h"
#include "buffer_cache.h"
#include "transport/peer.h"
#include "transport/stream.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <uv.h>

enum {
    MAX_TIMEOUT_MS = 60000,
    OVERSLEPT_MS = 250,
    CATCH_UP_NS = 50000,
    KEPT_BUFFER_BYTES = 1 << 22 /* of a loop: what it reads and writes in a round */
};

struct reef__io_thread {
    uv_thread_t id;
    uv_sem_t is_open; /* its engine is: the loop is as it will be */
};

/* One loop --------------------------------------------------------------------- */

static bool is_empty(const reef__spsc_t *queue)
{
    return reef__spsc_published_count(queue) == reef__spsc_popped_count(queue);
}

static void create_io(reef__ios_t *ios, uint32_t index)
{
    const reef_alloc_t *alloc = ios->app->alloc;
    reef__io_t *io = reef_resize(alloc, NULL, 0, sizeof(*io));

    memset(io, 0, sizeof(*io));
    io->ios = ios;
    io->index = index;
    io->loop = ios->is_threaded ? reef__loop_create(alloc) : ios->app->loop;
    io->slab = reef_resize(alloc, NULL, 0, REEF__IO_SLAB_SIZE);
    reef__io_look_at_clock(io);
    reef__spsc_init(&io->orders, alloc, sizeof(reef__order_t));
    reef__spsc_init(&io->reports, alloc, sizeof(reef__report_t));
    reef__wheel_init(&io->wheel, io->now_ms);
    reef__fans_init(&io->fans, alloc);
    reef__streams_init(io);
    ios->items[index] = io;
}

static void destroy_io(reef__io_t *io)
{
    const reef_alloc_t *alloc = io->ios->app->alloc;

    reef__egress_close(io->egress);
    reef__orders_discard(io);
    reef__reports_discard(io);
    reef__spsc_finish(&io->orders);
    reef__spsc_finish(&io->reports);
    reef__fans_finish(&io->fans);
    reef__streams_finish(io);
    reef__wheel_finish(&io->wheel);
    REEF_ARRAY_FINISH(alloc, &io->waiting);
    REEF_ARRAY_FINISH(alloc, &io->flushes);
    reef_resize(alloc, io->slab, REEF__IO_SLAB_SIZE, 0);
    if (io->ios->is_threaded) {
        reef__loop_destroy(io->loop);
    }
    reef_resize(alloc, io, sizeof(*io), 0);
}

/* Returns what it was.  Acquire and release, also where the value is not looked at:
 * each exchange sees all that was published before the one before it. */
static bool set_flag(_Atomic bool *flag, bool value)
{
    return atomic_exchange_explicit(flag, value, memory_order_acq_rel);
}

static void publish(reef__io_t *io)
{
    reef__ios_t *ios = io->ios;

    if (!reef__spsc_publish(&io->reports)) {
        return;
    }
    if (!ios->is_threaded) {
        reef__app_want_frame(ios->app);
        return;
    }
    if (set_flag(&ios->world_is_sleeping, false)) {
        reef__loop_wake(ios->app->loop);
    }
}

static void expire(reef__io_t *io)
{
    reef__wheel_node_t *node;

    while ((node = reef__wheel_take_due(&io->wheel, io->now_ms)) != NULL) {
        reef__peer_t *peer = (reef__peer_t *)(void *)((uint8_t *)node -
                                                      offsetof(reef__peer_t, deadline));

        peer->type->expired(peer);
    }
}

/* Whether so much time has passed that the poll may have been interrupted, as when the
 * process is stopped and goes on.  What came meanwhile is not read then, and nobody
 * must be taken for silent.  Twice in a row would let a slow loop put off deadlines for
 * ever. */
static bool has_overslept(reef__io_t *io, uint64_t now_ms)
{
    io->has_overslept = !io->has_overslept && now_ms - io->now_ms > OVERSLEPT_MS;
    return io->has_overslept;
}

void reef__io_look_at_clock(reef__io_t *io)
{
    io->now_ms = uv_now(reef__loop_uv(io->loop));
    io->now_ns = reef__app_clock(io->ios->app);
}

static void take_in(reef__io_t *io)
{
    bool must_poll_again = has_overslept(io, uv_now(reef__loop_uv(io->loop)));

    reef__io_look_at_clock(io);
    reef__streams_read(io);
    if (!must_poll_again) {
        expire(io);
    }
    publish(io);
}

static void put_out(reef__io_t *io)
{
    reef__orders_carry_out(io);
    reef__peers_stop_waiting(io);
    reef__fans_flush(&io->fans);
    for (size_t i = 0; i < io->flushes.count; i++) {
        io->flushes.items[i].flush(io->flushes.items[i].context);
    }
    reef__streams_write(io);
    reef__fans_release(&io->fans);
    publish(io);
}

static uint32_t timeout_ms(const reef__io_t *io)
{
    uint64_t ms = reef__wheel_next_ms(&io->wheel, uv_now(reef__loop_uv(io->loop)));

    return ms > MAX_TIMEOUT_MS ? MAX_TIMEOUT_MS : (uint32_t)ms;
}

/* Egress engine ---------------------------------------------------------------- */

typedef enum engine_choice {
    ENGINE_AUTO,
    ENGINE_UV,
    ENGINE_URING,
} engine_choice_t;

static reef_error_t
read_choice(const reef_app_t *app, engine_choice_t *choice, reef_failure_t *failure)
{
    static const char *const names[] = {"auto", "uv", "uring"};
    const char *wanted = app->server_config.egress;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(wanted, names[i]) == 0) {
            *choice = (engine_choice_t)i;
            return REEF_OK;
        }
    }
    return reef_fail(failure, REEF_E_INVALID,
                     "server.egress: '%s' is none of auto, uv, uring", wanted);
}

/* What the setting says, or what works here: asked once, before any thread is made. */
static reef_error_t choose_engine(reef__ios_t *ios, reef_failure_t *failure)
{
    const reef_app_t *app = ios->app;
    const char *why = NULL;
    engine_choice_t choice = ENGINE_AUTO;
    reef_error_t error = read_choice(app, &choice, failure);

    if (error != REEF_OK) {
        return error;
    }
    if (choice != ENGINE_UV) {
        reef__egress_t *probe = reef__egress_uring_open(app->alloc, &why);

        ios->uses_uring = probe != NULL;
        reef__egress_close(probe);
    }
    if (choice == ENGINE_URING && !ios->uses_uring) {
        return reef_fail(failure, REEF_E_INVALID,
                         "server.egress: io_uring cannot be used here: %s; 'auto' "
                         "takes it where it can",
                         why);
    }
    if (why != NULL) {
        reef_log(app->log, REEF_LOG_INFO, "app", "doing without io_uring",
                 REEF_LOG_TEXT("why", why));
    }
    reef_log(app->log, REEF_LOG_INFO, "app", "connections are ready",
             REEF_LOG_INT("io_threads", ios->is_threaded ? ios->count : 0),
             REEF_LOG_TEXT("egress", ios->uses_uring ? "uring" : "uv"));
    return REEF_OK;
}

/* A ring belongs to the thread that opens it. */
static void open_engine(reef__io_t *io)
{
    const reef_app_t *app = io->ios->app;
    const char *why;

    if (io->ios->uses_uring) {
        io->egress = reef__egress_uring_open(app->alloc, &why);
        if (io->egress != NULL) {
            return;
        }
        reef_log(app->log, REEF_LOG_WARN, "app", "one loop has to do without io_uring",
                 REEF_LOG_TEXT("why", why));
    }
    io->egress = reef__egress_uv_open(app->alloc);
}

/* Threads ---------------------------------------------------------------------- */

/* About to sleep; false = there is something to do already: orders, or the world has
 * taken what peers waited for while it saw nobody asleep. */
static bool go_to_sleep(reef__io_t *io)
{
    set_flag(&io->is_sleeping, true);
    return is_empty(&io->orders) && !reef__peers_may_stop_waiting(io);
}

static void run_loop(void *context)
{
    reef__io_t *io = context;
    reef__buffer_cache_t *cache = reef__buffer_cache_create(KEPT_BUFFER_BYTES);

    reef__buffer_cache_use(cache);
    open_engine(io);
    uv_sem_post(&io->thread->is_open);
    while (!io->is_stopping) {
        uint32_t timeout = go_to_sleep(io) ? timeout_ms(io) : 0;

        reef__loop_poll(io->loop, timeout);
        set_flag(&io->is_sleeping, false);
        take_in(io);
        put_out(io);
    }
    reef__egress_close(io->egress);
    io->egress = NULL;
    reef__buffer_cache_destroy(cache);
}

static void stop_loop(void *context)
{
    ((reef__io_t *)context)->is_stopping = true;
}

static void start_thread(reef__io_t *io)
{
    int error;

    io->thread = reef_resize(io->ios->app->alloc, NULL, 0, sizeof(*io->thread));
    error = uv_sem_init(&io->thread->is_open, 0);
    assert(error == 0);
    error = uv_thread_create(&io->thread->id, run_loop, io);
    assert(error == 0);
    (void)error;
    uv_sem_wait(&io->thread->is_open);
}

static void stop_thread(reef__io_t *io)
{
    reef__io_call(io, stop_loop, io);
    reef__ios_submit(io->ios);
    uv_thread_join(&io->thread->id);
    uv_sem_destroy(&io->thread->is_open);
    reef_resize(io->ios->app->alloc, io->thread, sizeof(*io->thread), 0);
    io->thread = NULL;
}

/* All loops -------------------------------------------------------------------- */

reef__ios_t *reef__ios_create(reef_app_t *app)
{
    reef__ios_t *ios = reef_resize(app->alloc, NULL, 0, sizeof(*ios));
    uint32_t threads = app->server_config.io_threads;

    memset(ios, 0, sizeof(*ios));
    ios->app = app;
    ios->is_threaded = threads > 0;
    ios->count = threads > 0 ? threads : 1;
    ios->items = reef_resize(app->alloc, NULL, 0, ios->count * sizeof(reef__io_t *));
    for (uint32_t i = 0; i < ios->count; i++) {
        create_io(ios, i);
    }
    return ios;
}

void reef__ios_destroy(reef__ios_t *ios)
{
    if (ios == NULL) {
        return;
    }
    for (uint32_t i = 0; i < ios->count; i++) {
        if (ios->items[i]->thread != NULL) {
            stop_thread(ios->items[i]);
        }
    }
    for (uint32_t i = 0; i < ios->count; i++) {
        destroy_io(ios->items[i]);
    }
    reef_resize(ios->app->alloc, ios->items, ios->count * sizeof(reef__io_t *), 0);
    reef_resize(ios->app->alloc, ios, sizeof(*ios), 0);
}

reef_error_t reef__ios_start(reef__ios_t *ios, reef_failure_t *failure)
{
    reef_error_t error = choose_engine(ios, failure);

    for (uint32_t i = 0; i < ios->count && error == REEF_OK; i++) {
        if (ios->is_threaded) {
            start_thread(ios->items[i]);
        } else {
            open_engine(ios->items[i]);
        }
    }
    return error;
}

void reef__io_add_flush(reef__io_t *io, void (*flush)(void *context), void *context)
{
    *REEF_ARRAY_PUSH(io->ios->app->alloc, &io->flushes) =
        (reef__io_flush_t){.flush = flush, .context = context};
}

void reef__io_remove_flush(reef__io_t *io, const void *context)
{
    size_t kept = 0;

    for (size_t i = 0; i < io->flushes.count; i++) {
        if (io->flushes.items[i].context != context) {
            io->flushes.items[kept++] = io->flushes.items[i];
        }
    }
    io->flushes.count = kept;
}

void reef__ios_pass(reef__ios_t *ios)
{
    if (!ios->is_threaded) {
        take_in(ios->items[0]);
        put_out(ios->items[0]);
    } else if (reef__ios_have_reports(ios)) {
        reef__app_want_frame(ios->app);
    }
}

uint32_t reef__ios_timeout_ms(const reef__ios_t *ios)
{
    return ios->is_threaded ? MAX_TIMEOUT_MS : timeout_ms(ios->items[0]);
}

bool reef__ios_have_reports(const reef__ios_t *ios)
{
    for (uint32_t i = 0; i < ios->count; i++) {
        if (!is_empty(&ios->items[i]->reports)) {
            return true;
        }
    }
    return false;
}

bool reef__ios_world_sleeps(reef__ios_t *ios)
{
    set_flag(&ios->world_is_sleeping, true);
    return !reef__ios_have_reports(ios);
}

void reef__ios_world_wakes(reef__ios_t *ios)
{
    set_flag(&ios->world_is_sleeping, false);
}

/* Who waits for its reports to be taken was in the list before they were published, so
 * whoever has taken them sees that somebody waits. */
static bool has_freed_peers(const reef__io_t *io)
{
    return io->has_drained &&
           atomic_load_explicit(&io->has_waiting, memory_order_relaxed);
}

static void submit(reef__io_t *io)
{
    if (!io->has_orders && !has_freed_peers(io)) {
        return;
    }
    io->has_drained = false;
    io->has_orders = false;
    reef__spsc_publish(&io->orders);
    if (io->thread == NULL) {
        uv_update_time(reef__loop_uv(io->loop)); /* the frame may have taken long */
        io->now_ms = uv_now(reef__loop_uv(io->loop));
        put_out(io);
        return;
    }
    if (set_flag(&io->is_sleeping, false)) {
        reef__loop_wake(io->loop);
    }
}

void reef__io_catch_up(reef__io_t *io)
{
    uint64_t aim = reef__spsc_pushed_count(&io->orders) - reef__io_backlog(io) / 2;

    submit(io);
    while (reef__spsc_popped_count(&io->orders) < aim) {
        nanosleep(&(struct timespec){.tv_nsec = CATCH_UP_NS}, NULL);
    }
}

void reef__ios_submit(reef__ios_t *ios)
{
    for (uint32_t i = 0; i < ios->count; i++) {
        submit(ios->items[i]);
    }
}

uint64_t reef__ios_backlog(const reef__ios_t *ios)
{
    uint64_t most = 0;

    for (uint32_t i = 0; i < ios->count; i++) {
        uint64_t backlog = reef__io_backlog(ios->items[i]);

        most = backlog > most ? backlog : most;
    }
    return most;
}

void reef__ios_run_down(reef__ios_t *ios)
{
    while (atomic_load(&ios->open_count) > 0 || reef__ios_backlog(ios) > 0) {
        bool may_sleep;

        reef__ios_drain(ios);
        reef__ios_submit(ios);
        may_sleep = reef__ios_world_sleeps(ios);
        for (uint32_t i = 0; i < ios->count; i++) {
            if (ios->items[i]->thread == NULL) {
                reef__loop_poll(ios->items[i]->loop, may_sleep ? 10 : 0);
                take_in(ios->items[i]);
                put_out(ios->items[i]);
            }
        }
        if (ios->is_threaded) {
            reef__loop_poll(ios->app->loop, may_sleep ? 10 : 0);
        }
        reef__ios_world_wakes(ios);
    }
}
