/**
 * @file schedule.h
 * @brief Systems, what they touch, and the order in which they run.
 *
 *     static void move(reef_run_t *run)
 *     {
 *         reef_query_iter_t it = reef_run_query(run);
 *         while (reef_query_next(&it)) { … }
 *     }
 *
 *     reef_schedule_add(schedule, &(reef_system_desc_t){
 *         .name = "move",
 *         .run = move,
 *         .query = {REEF_WRITE(position_2d), REEF_READ(velocity_2d)},
 *     });
 *
 * A system declares everything it touches.  Reaching for something undeclared through
 * its run context stops the program with both names.  What a system records as
 * commands is applied right after it ran, so systems ordered after it see the effect.
 * World thread only.
 */
#ifndef REEF_SCHEDULE_H
#define REEF_SCHEDULE_H

#include <reef/attrs.h>
#include <reef/command.h>
#include <reef/error.h>
#include <reef/event.h>
#include <reef/query.h>
#include <reef/world.h>

enum {
    REEF_MAX_SYSTEM_EVENTS = 8,
    REEF_MAX_SYSTEM_ORDER = 8,
    REEF_SYSTEM_RING = 256, /* runs remembered for percentiles and sparklines */
};

typedef struct reef_run reef_run_t;
typedef struct reef_schedule reef_schedule_t;
typedef struct reef_system reef_system_t;

typedef void (*reef_system_fn)(reef_run_t *run);

typedef struct reef_system_desc {
    const char *name;   /* unique in its schedule, snake_case; borrowed */
    const char *plugin; /* for people; borrowed, may be NULL */
    reef_system_fn run;
    void *context; /* borrowed; reef_run_context() */

    reef_term_t query[REEF_MAX_TERMS];  /* iterated with reef_run_query() */
    reef_term_t access[REEF_MAX_TERMS]; /* READ or WRITE of components by entity id */
    reef_term_t resources[REEF_MAX_TERMS]; /* READ or WRITE of resources */
    const reef_event_type_t *reads[REEF_MAX_SYSTEM_EVENTS];
    const reef_event_type_t *emits[REEF_MAX_SYSTEM_EVENTS];
    bool exclusive; /* touches the whole world and may change its structure */

    /** Names of systems of the same schedule; unknown names have no effect, so a
     *  plugin may name one that is not loaded. */
    const char *after[REEF_MAX_SYSTEM_ORDER];
    const char *before[REEF_MAX_SYSTEM_ORDER];

    /** Skip this run when it returns false; the system's event cursors then move to
     *  the end.  May be NULL. */
    bool (*run_if)(const reef_world_t *world, void *context);
} reef_system_desc_t;

/** Create an empty schedule.  @p name is borrowed.  Owned by the caller:
 *  reef_schedule_destroy(), before the world. */
reef_schedule_t *reef_schedule_create(reef_world_t *world, const char *name);

/** Accepts NULL. */
void reef_schedule_destroy(reef_schedule_t *schedule);

const char *reef_schedule_name(const reef_schedule_t *schedule);

/** Add a system; the desc is copied.  @return REEF_OK, REEF_E_EXISTS (name taken). */
REEF_NODISCARD reef_error_t reef_schedule_add(reef_schedule_t *schedule,
                                              const reef_system_desc_t *desc);

/**
 * Fix the order: by before and after, otherwise as added.  Called by the first run
 * when it was not called before; adding makes it necessary again.
 *
 * @return REEF_OK, or REEF_E_INVALID when before and after form a cycle; the text
 *         names its systems.
 */
REEF_NODISCARD reef_error_t reef_schedule_build(reef_schedule_t *schedule,
                                                reef_failure_t *failure);

/** Run every enabled system once.  Asserts that the schedule can be built. */
void reef_schedule_run(reef_schedule_t *schedule);

/* Inspection ------------------------------------------------------------------- */

/** Durations in nanoseconds; p50 and p99 over the last REEF_SYSTEM_RING runs. */
typedef struct reef_system_stats {
    uint64_t count;
    uint64_t last_ns, mean_ns, p50_ns, p99_ns, max_ns;
} reef_system_stats_t;

/** Systems in order of running. */
uint32_t reef_schedule_count(const reef_schedule_t *schedule);
reef_system_t *reef_schedule_system(const reef_schedule_t *schedule, uint32_t index);

const reef_system_desc_t *reef_system_desc(const reef_system_t *system);
reef_system_stats_t reef_system_stats(const reef_system_t *system);
bool reef_system_is_enabled(const reef_system_t *system);

/** A disabled system is not run; its event cursors move to the end. */
void reef_system_set_enabled(reef_system_t *system, bool enabled);

/* Inside a system -------------------------------------------------------------- */

/** The world: to read freely only in exclusive systems. */
reef_world_t *reef_run_world(reef_run_t *run);
void *reef_run_context(reef_run_t *run);
reef_commands_t *reef_run_commands(reef_run_t *run);

/** Iterate the declared query. */
reef_query_iter_t reef_run_query(reef_run_t *run);

/** A component of any entity, declared in `access` (or `query`); NULL when absent. */
const void *
reef_run_find(reef_run_t *run, reef_entity_t entity, const reef_type_t *type);
void *reef_run_find_mut(reef_run_t *run, reef_entity_t entity, const reef_type_t *type);

/** A declared resource. */
const void *reef_run_resource(reef_run_t *run, const reef_type_t *type);
void *reef_run_resource_mut(reef_run_t *run, const reef_type_t *type);

/** Next unread event of a type declared in `reads`, or NULL. */
const void *reef_run_next(reef_run_t *run, const reef_event_type_t *type);

/** Emit an event of a type declared in `emits` (any type, when exclusive); false when
 *  its bound is reached. */
bool reef_run_emit(reef_run_t *run, const reef_event_type_t *type, const void *event);

/** `const chat_line_t *line = REEF_NEXT(run, chat_line);` */
#define REEF_NEXT(run, name) ((const name##_t *)reef_run_next((run), &name##_event))
/** `REEF_EMIT(run, chat_line, .room = room);` */
#define REEF_EMIT(run, name, ...)                                                      \
    reef_run_emit((run), &name##_event, &(name##_t){__VA_ARGS__})

#endif /* REEF_SCHEDULE_H */
