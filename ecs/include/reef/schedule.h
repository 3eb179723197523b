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
 * its run context stops the program with both names.
 *
 * Systems that neither conflict nor are ordered by before and after may run at the
 * same time, on the workers of the world (reef_world_desc_t).  Two *conflict* when one
 * writes a component, resource or event that the other touches, when they share a
 * context, or when one is exclusive; then they run in the order in which they were
 * added, unless before or after say otherwise.  The schedule cuts its systems into
 * *stages*; what a stage records as commands and emits as events takes effect at its
 * end, in the order of its systems.  So those ordered after it see the effect, and the
 * result is the same with any number of workers.
 *
 * All functions belong to the world thread but those under "inside a system".
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
    REEF_MAX_SYSTEM_SETS = 4,
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
    /** Events are kept until this system has read them: so its schedule must run. */
    const reef_event_type_t *reads[REEF_MAX_SYSTEM_EVENTS];
    const reef_event_type_t *emits[REEF_MAX_SYSTEM_EVENTS];
    bool commands;  /* records commands; an exclusive system always may */
    bool exclusive; /* touches the whole world and may change its structure */

    /**
     * Run on several slices of the query at the same time: `run` is then called once
     * per slice, with a query that covers only that.  Such a system writes nothing but
     * the rows it visits, commands and events; it reads other components by id only if
     * it does not write them, and reads no events.
     */
    bool parallel;

    /** Names of sets this system belongs to; see reef_set_desc_t. */
    const char *sets[REEF_MAX_SYSTEM_SETS];

    /** Names of systems or sets of the same schedule; unknown names have no effect, so
     *  a plugin may name one that is not loaded. */
    const char *after[REEF_MAX_SYSTEM_ORDER];
    const char *before[REEF_MAX_SYSTEM_ORDER];

    /** Skip this run when it returns false; the system's event cursors then move to
     *  the end.  Called before the stage runs.  May be NULL. */
    bool (*run_if)(const reef_world_t *world, void *context);
} reef_system_desc_t;

/** What holds for all systems that name it in `sets`. */
typedef struct reef_set_desc {
    const char *name; /* borrowed */
    const char *after[REEF_MAX_SYSTEM_ORDER];
    const char *before[REEF_MAX_SYSTEM_ORDER];
    bool (*run_if)(const reef_world_t *world,
                   void *context); /* once per run; or NULL */
    void *context;                 /* borrowed */
} reef_set_desc_t;

/** Create an empty schedule.  @p name is borrowed.  Owned by the caller:
 *  reef_schedule_destroy(), before the world. */
reef_schedule_t *reef_schedule_create(reef_world_t *world, const char *name);

/** Accepts NULL. */
void reef_schedule_destroy(reef_schedule_t *schedule);

const char *reef_schedule_name(const reef_schedule_t *schedule);

/** Add a system; the desc is copied.  @return REEF_OK, REEF_E_EXISTS (name taken). */
REEF_NODISCARD reef_error_t reef_schedule_add(reef_schedule_t *schedule,
                                              const reef_system_desc_t *desc);

/** Say what holds for a set; its systems may be added before or after, also none.
 *  @return REEF_OK, REEF_E_EXISTS (a set or system has that name). */
REEF_NODISCARD reef_error_t reef_schedule_add_set(reef_schedule_t *schedule,
                                                  const reef_set_desc_t *desc);

/** Whether two systems that conflict without an order are an error of
 *  reef_schedule_build().  Off at first. */
void reef_schedule_set_strict(reef_schedule_t *schedule, bool strict);

/**
 * Fix the order: by before and after, otherwise as added.  Called by the first run
 * when it was not called before; adding makes it necessary again.
 *
 * @return REEF_OK, or REEF_E_INVALID when before and after form a cycle, or an
 *         ambiguity is an error; the text names the systems.
 */
REEF_NODISCARD reef_error_t reef_schedule_build(reef_schedule_t *schedule,
                                                reef_failure_t *failure);

/** Run every enabled system once.  Asserts that the schedule can be built. */
void reef_schedule_run(reef_schedule_t *schedule);

/* Inspection ------------------------------------------------------------------- */

/** Two systems that conflict and have no order: the one added first runs first. */
typedef struct reef_ambiguity {
    const reef_system_t *first, *second;
    const char *what; /* name of the component, resource or event; or "context" */
} reef_ambiguity_t;

/** Ambiguities of a built schedule; the first @p max are written to @p out.  Returns
 *  how many there are. */
uint32_t reef_schedule_ambiguities(const reef_schedule_t *schedule,
                                   reef_ambiguity_t *out,
                                   uint32_t max);

/** Durations in nanoseconds; p50 and p99 over the last REEF_SYSTEM_RING runs. */
typedef struct reef_system_stats {
    uint64_t count;
    uint64_t last_ns, mean_ns, p50_ns, p99_ns, max_ns;
} reef_system_stats_t;

/** Systems in order of running. */
uint32_t reef_schedule_count(const reef_schedule_t *schedule);
reef_system_t *reef_schedule_system(const reef_schedule_t *schedule, uint32_t index);

/** Stage in which the system runs, from 0; of a built schedule. */
uint32_t reef_system_stage(const reef_system_t *system);

const reef_system_desc_t *reef_system_desc(const reef_system_t *system);
reef_system_stats_t reef_system_stats(const reef_system_t *system);
bool reef_system_is_enabled(const reef_system_t *system);

/** A disabled system is not run; its event cursors move to the end. */
void reef_system_set_enabled(reef_system_t *system, bool enabled);

/* Inside a system -------------------------------------------------------------- */

/** The world, in exclusive systems only: others stop the program. */
reef_world_t *reef_run_world(reef_run_t *run);

/** The desc's context.  In a parallel system: to be read only. */
void *reef_run_context(reef_run_t *run);

/** The recorder; `commands` must be declared. */
reef_commands_t *reef_run_commands(reef_run_t *run);

/** Iterate the declared query; in a parallel system, its part in this slice. */
reef_query_iter_t reef_run_query(reef_run_t *run);

/** A component of any entity, declared in `access`; or, but not in a parallel system,
 * of one that the query visits, declared there.  NULL when absent. */
const void *
reef_run_find(reef_run_t *run, reef_entity_t entity, const reef_type_t *type);
void *reef_run_find_mut(reef_run_t *run, reef_entity_t entity, const reef_type_t *type);

/** A declared resource. */
const void *reef_run_resource(reef_run_t *run, const reef_type_t *type);
void *reef_run_resource_mut(reef_run_t *run, const reef_type_t *type);

/** Next unread event of a type declared in `reads`, or NULL. */
const void *reef_run_next(reef_run_t *run, const reef_event_type_t *type);

/**
 * Emit an event of a type declared in `emits`; it can be read after this stage.  An
 * exclusive system may emit any type, at once.
 *
 * @return False when its bound is reached: the event was dropped and counted.  When
 *         several systems fill the queue in one stage, one that returned true may be
 * too.
 */
bool reef_run_emit(reef_run_t *run, const reef_event_type_t *type, const void *event);

/** `const chat_line_t *line = REEF_NEXT(run, chat_line);` */
#define REEF_NEXT(run, name) ((const name##_t *)reef_run_next((run), &name##_event))
/** `REEF_EMIT(run, chat_line, .room = room);` */
#define REEF_EMIT(run, name, ...)                                                      \
    reef_run_emit((run), &name##_event, &(name##_t){__VA_ARGS__})

#endif /* REEF_SCHEDULE_H */
