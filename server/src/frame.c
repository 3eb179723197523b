/*
 * A frame is one run of the `frame` schedule, whose systems are its steps:
 *
 *     ingress → admin → admission → update → fixed_update × k → replicate
 *             → (capture) → egress → lifetimes
 *
 * Real time is followed by counting: each tick is due one tick_ns after the one
 * before.  When more than max_ticks_per_frame are due, the surplus is given up,
 * counted and warned about, at most once a second.
 */
#include "app.h"

#define SECOND_NS UINT64_C(1000000000)

static void step_admin(reef_run_t *run)
{
    reef_app_t *app = reef_run_context(run);

    reef_mailbox_drain(app->mailbox);
}

static void step_update(reef_run_t *run)
{
    reef_app_t *app = reef_run_context(run);

    reef_schedule_run(reef_app_find_schedule(app, REEF_UPDATE));
}

static void warn_skipped(reef_app_t *app, uint64_t skipped)
{
    frame_time_t *frame = REEF_RESOURCE(app->world, frame_time);

    frame->skipped_ticks += skipped;
    frame->overrun = true;
    if (app->pace.warned_ns != 0 && app->now_ns - app->pace.warned_ns < SECOND_NS) {
        return;
    }
    app->pace.warned_ns = app->now_ns;
    reef_log(app->log, REEF_LOG_WARN, "app", "simulation is behind: time skipped",
             REEF_LOG_INT("ticks", skipped),
             REEF_LOG_INT("skipped_in_all", frame->skipped_ticks));
}

/* How many ticks this frame runs; moves the due time past them. */
static uint64_t take_due_ticks(reef_app_t *app)
{
    reef__pace_t *pace = &app->pace;
    uint64_t due;

    if (pace->forced) {
        return pace->forced_ticks;
    }
    if (app->now_ns < pace->next_tick_ns) {
        return 0;
    }
    due = 1 + (app->now_ns - pace->next_tick_ns) / pace->tick_ns;
    pace->next_tick_ns += due * pace->tick_ns;
    REEF_RESOURCE(app->world, frame_time)->overrun = false;
    if (due > app->server_config.max_ticks_per_frame) {
        warn_skipped(app, due - app->server_config.max_ticks_per_frame);
        due = app->server_config.max_ticks_per_frame;
    }
    return due;
}

static void step_fixed_update(reef_run_t *run)
{
    reef_app_t *app = reef_run_context(run);
    simulation_time_t *time = REEF_RESOURCE(app->world, simulation_time);
    reef_schedule_t *schedule = reef_app_find_schedule(app, REEF_FIXED_UPDATE);

    for (uint64_t left = take_due_ticks(app); left > 0; left--) {
        time->tick++;
        reef_schedule_run(schedule);
    }
}

/* Nothing to send yet; plugins order themselves against this step. */
static void step_replicate(reef_run_t *run)
{
    (void)run;
}

static void add_step(reef_app_t *app, reef_system_desc_t desc)
{
    desc.plugin = "core";
    desc.exclusive = true;
    reef_app_add_system(app, REEF_FRAME, &desc);
}

void reef__frame_add_steps(reef_app_t *app)
{
    add_step(app, (reef_system_desc_t){.name = "ingress",
                                       .run = reef__sessions_ingress,
                                       .context = app->sessions});
    add_step(app, (reef_system_desc_t){.name = "admin",
                                       .run = step_admin,
                                       .context = app,
                                       .after = {"ingress"}});
    add_step(app, (reef_system_desc_t){.name = "admission",
                                       .run = reef__sessions_admission,
                                       .context = app->sessions,
                                       .after = {"admin"}});
    add_step(app, (reef_system_desc_t){.name = "update",
                                       .run = step_update,
                                       .context = app,
                                       .after = {"admission"}});
    add_step(app, (reef_system_desc_t){.name = "fixed_update",
                                       .run = step_fixed_update,
                                       .context = app,
                                       .after = {"update"}});
    add_step(app, (reef_system_desc_t){.name = "replicate",
                                       .run = step_replicate,
                                       .context = app,
                                       .after = {"fixed_update"}});
    add_step(app, (reef_system_desc_t){.name = "egress",
                                       .run = reef__sessions_egress,
                                       .context = app->sessions,
                                       .reads = {&message_send_failed_event},
                                       .after = {"replicate"}});
    add_step(app, (reef_system_desc_t){.name = "lifetimes",
                                       .run = reef__sessions_lifetimes,
                                       .context = app->sessions,
                                       .after = {"egress"}});
}

void reef__frame_run(reef_app_t *app, uint64_t now_ns)
{
    frame_time_t *frame = REEF_RESOURCE(app->world, frame_time);

    app->now_ns = now_ns;
    app->frame_wanted = false;
    app->pace.next_frame_ns = now_ns + app->server_config.min_frame_us * UINT64_C(1000);
    frame->frame++;
    reef_schedule_run(reef_app_find_schedule(app, REEF_FRAME));
    reef_events_trim(app->world);
    if (now_ns - app->trimmed_ns >= 60 * SECOND_NS) {
        app->trimmed_ns = now_ns;
        reef_world_trim(app->world);
    }
    frame->frame_us = (reef__app_clock(app) - now_ns) / 1000;
}

uint64_t reef__frame_delay_ns(const reef_app_t *app, uint64_t now_ns)
{
    uint64_t due = app->pace.next_tick_ns;

    if (app->frame_wanted && app->pace.next_frame_ns < due) {
        due = app->pace.next_frame_ns;
    }
    return due > now_ns ? due - now_ns : 0;
}
