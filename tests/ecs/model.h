/**
 * @file model.h
 * @brief Random operations on a world and on the plainest model of one.
 *
 * Operations are data: a kind and a few small numbers.  They name entities by
 * *register*, a place that holds one entity, or none; so each means the same whatever
 * happened before, and one that cannot be done is skipped.  That is what lets a failing
 * sequence shrink (model_shrink.c).
 *
 * The model holds, per register, a bit set of component types and a number for each.
 * Every operation is done to both; a difference stops the program (model_fail()).
 */
#ifndef MODEL_H
#define MODEL_H

#include <reef/array.h>
#include <reef/attrs.h>
#include <reef/bundle.h>
#include <reef/command.h>
#include <reef/observer.h>
#include <reef/query.h>
#include <reef/relation.h>
#include <reef/table.h>
#include <reef/world.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    MODEL_REGISTERS = 8192,
    MODEL_INDICES = 2 * MODEL_REGISTERS, /* of entities; more means that ids leak */
    MODEL_QUERIES = 8,
    MODEL_TERMS = 5,
    MODEL_RECORDERS = 4,
    MODEL_REACTOR = MODEL_RECORDERS - 1, /* the one that observers record with */
    MODEL_BUNDLES = 4,
    MODEL_OBSERVERS = 3, /* of one kind and type */
    MODEL_ARGS = 1 + MODEL_TERMS,
    MODEL_MAX_SIZE = 400,  /* of a component */
    MODEL_INITIAL = 65535, /* as a value: NULL */
};

/* Component types ------------------------------------------------------------------ */

enum {
    MODEL_ONE,
    MODEL_FOUR, /* its initial value is not zero */
    MODEL_EIGHT,
    MODEL_OWNER, /* every value is one of a kind, and dropped once */
    MODEL_TAG,
    MODEL_WIDE,
    MODEL_HUGE,
    MODEL_PARENT, /* cascades */
    MODEL_ANCHOR, /* cascades too */
    MODEL_MEMBER, /* detaches */
    MODEL_FLAG,
    MODEL_TOKEN, /* an owner of four bytes */
    MODEL_TYPES,

    MODEL_OWNERS = 1 << MODEL_OWNER | 1 << MODEL_TOKEN,
    MODEL_TAGS = 1 << MODEL_TAG | 1 << MODEL_FLAG,
    MODEL_CASCADES = 1 << MODEL_PARENT | 1 << MODEL_ANCHOR,
    MODEL_RELATIONS = MODEL_CASCADES | 1 << MODEL_MEMBER,
};

extern const reef_type_t model_types[MODEL_TYPES];

static inline bool model_is_owner(uint32_t type)
{
    return (unsigned)MODEL_OWNERS >> type & 1;
}

static inline bool model_is_relation(uint32_t type)
{
    return (unsigned)MODEL_RELATIONS >> type & 1;
}

/* Operations ----------------------------------------------------------------------- */

/**
 * Name, and a letter per argument:
 *
 *     r register   g range      t type       m set of types   v value (65535 = NULL; of
 *     n count      q query      s term       i slices         a relation a register)
 *     d how        k recorder   b bundle     o reef_observe_t
 */
#define MODEL_OP_MAP(X)                                                                \
    X(SPAWN, spawn, "rg")                                                              \
    X(SPAWN_ROWS, spawn_rows, "rnmvg")                                                 \
    X(BUNDLE_CREATE, bundle_create, "bm")                                              \
    X(BUNDLE_DESTROY, bundle_destroy, "b")                                             \
    X(BUNDLE_SPAWN, bundle_spawn, "brvg")                                              \
    X(BUNDLE_ROWS, bundle_rows, "brnvg")                                               \
    X(DESPAWN, despawn, "r")                                                           \
    X(ADD, add, "rtv")                                                                 \
    X(SET, set, "rtv")                                                                 \
    X(REMOVE, remove, "rt")                                                            \
    X(FIND_MUT, find_mut, "rtv")                                                       \
    X(COPY, copy, "rtr")                                                               \
    X(STALE, stale, "rdtv")                                                            \
    X(QUERY_CREATE, query_create, "qsssss")                                            \
    X(QUERY_DESTROY, query_destroy, "q")                                               \
    X(ITERATE, iterate, "qidv")                                                        \
    X(NESTED, nested, "qqdv")                                                          \
    X(SKIP_CHANGES, skip_changes, "q")                                                 \
    X(TRIM, trim, "")                                                                  \
    X(OBSERVE, observe, "ot")                                                          \
    X(REACT, react, "d")                                                               \
    X(ADVANCE, advance, "")                                                            \
    X(RECORD_SPAWN, record_spawn, "krg")                                               \
    X(RECORD_BUNDLE, record_bundle, "kbrvg")                                           \
    X(RECORD_DESPAWN, record_despawn, "kr")                                            \
    X(RECORD_ADD, record_add, "krtv")                                                  \
    X(RECORD_SET, record_set, "krtv")                                                  \
    X(RECORD_REMOVE, record_remove, "krt")                                             \
    X(RECORD_STALE, record_stale, "krdtv")                                             \
    X(APPLY, apply, "k")                                                               \
    X(DISCARD, discard, "k")                                                           \
    X(RESTORE, restore, "d")                                                           \
    X(COMPARE, compare, "")

typedef enum model_kind {
#define X(name, function, letters) MODEL_OP_##name,
    MODEL_OP_MAP(X)
#undef X
    MODEL_KINDS
} model_kind_t;

typedef struct model_op {
    uint8_t kind;
    uint16_t args[MODEL_ARGS];
} model_op_t;

typedef struct model_ops {
    model_op_t *items; /* owned by the caller, with reef_alloc_default() */
    size_t count, capacity;
} model_ops_t;

/** @p count operations, and what they are like, from a seed. */
void model_generate(model_ops_t *ops, uint64_t seed, uint32_t count);

/** One operation as a line of C, without its end. */
void model_print_op(const model_op_t *op, char *out, size_t size);

/** Read what model_print_op() wrote; false when it is none. */
REEF_NODISCARD bool model_parse_op(const char *line, model_op_t *op);

extern const char *const model_op_names[MODEL_KINDS];
extern const char *const model_op_letters[MODEL_KINDS];

/** What the model does wrong on purpose: the tests of the shrinker. */
typedef enum model_fault {
    MODEL_SOUND,
    MODEL_KEEPS_REMOVED, /* remove of `wide` does nothing */
    MODEL_MISSES_VALUE,  /* a value written alone is not changed */
    MODEL_SPARES_SOURCE, /* parents leave children behind */
    MODEL_CRASHES,       /* a recorded set of `eight` stops the program */
} model_fault_t;

/** What a run reports, also when it fails. */
typedef struct model_report {
    uint64_t at;       /* operation under way */
    uint64_t executed; /* operations that were not skipped */
    uint64_t digest;   /* of all ids and of the state in the end */
    uint64_t kinds[MODEL_KINDS];
    uint64_t visited;    /* rows by queries that watch */
    uint32_t max_chunks; /* most chunks that a table had */
    uint32_t max_alive;
} model_report_t;

/** Carry out the operations on a new world.  Any difference stops the program. */
void model_run(const model_ops_t *ops, model_fault_t fault, model_report_t *report);

/* The model ------------------------------------------------------------------------ */

typedef enum model_state {
    MODEL_EMPTY,
    MODEL_ALIVE,
    MODEL_RESERVED, /* by a recorder; not alive yet */
} model_state_t;

typedef struct model_thing {
    reef_entity_t id;  /* 0 while empty */
    reef_entity_t old; /* the last one that died; 0 = none */
    model_state_t state;
    uint16_t has; /* 1 << type */
    bool dying;
    uint32_t visit[2], due[2];     /* numbers of iterations, the inner one first */
    uint32_t sources[MODEL_TYPES]; /* how many point here, by relation */
    uint64_t marks;                /* 8 bits per query: terms to which it has changed */
    uint64_t values[MODEL_TYPES];
    uint64_t written[MODEL_TYPES]; /* version of the last write */
} model_thing_t;

typedef struct model_query {
    reef_query_t *query; /* NULL = none */
    uint32_t term_count;
    reef_access_t access[MODEL_TERMS];
    uint8_t types[MODEL_TERMS];
    uint16_t with, without;
    uint16_t either[8]; /* 0 = no such group */
    uint8_t watching;   /* 1 << term */
} model_query_t;

typedef struct model_bundle {
    reef_bundle_t *bundle; /* NULL = none */
    uint16_t mask;
    uint8_t order[MODEL_TYPES];
    uint32_t count;
    uint32_t recorded; /* commands that name it */
} model_bundle_t;

typedef struct model_command {
    model_kind_t kind;
    bool done;
    uint8_t bundle;
    uint16_t mask; /* types that it names */
    reef_entity_t entity;
    uint64_t values[MODEL_TYPES];
} model_command_t;

typedef struct model_list {
    model_command_t *items;
    size_t count, capacity;
} model_list_t;

typedef struct model_event {
    reef_entity_t entity;
    uint64_t value;
    reef_observe_t kind;
    uint8_t type;
    uint8_t observer; /* which of those of its kind and type */
    bool optional;
    uint32_t sequence;
} model_event_t;

typedef struct model_events {
    model_event_t *items;
    size_t count, capacity;
} model_events_t;

typedef struct model model_t;

/** Context of an observer. */
typedef struct model_observer {
    model_t *model;
    reef_observe_t kind;
    uint8_t type, number;
} model_observer_t;

/** What was in a chunk at the last full comparison. */
typedef struct model_chunk {
    uint64_t entities; /* hash */
    uint64_t columns[MODEL_TYPES];
} model_chunk_t;

typedef struct model_table {
    uint16_t mask;
    model_chunk_t *items;
    size_t count, capacity;
} model_table_t;

struct model {
    reef_world_t *world;
    reef_alloc_t alloc; /* counts bytes */
    size_t allocated;
    const model_op_t *op;
    model_fault_t fault;
    model_report_t *report;

    model_thing_t *things; /* [MODEL_REGISTERS] */
    uint32_t used;         /* registers below have been touched */
    uint16_t *by_index[2]; /* [MODEL_INDICES] register + 1, by range */
    uint32_t *generations[2];
    uint32_t bound[2], peak[2]; /* ids alive or reserved, now and at most */
    uint32_t alive;
    uint64_t stale;
    bool anchored; /* two cascading relations are in use */

    reef_component_t ids[MODEL_TYPES];
    uint8_t type_of[REEF_MAX_COMPONENTS];

    model_query_t queries[MODEL_QUERIES];
    uint64_t changed[MODEL_TYPES], added[MODEL_TYPES]; /* marks that a write sets */
    uint32_t iteration;

    model_bundle_t bundles[MODEL_BUNDLES];

    reef_commands_t *recorders[MODEL_RECORDERS];
    model_list_t commands[MODEL_RECORDERS];
    bool reacting;
    bool has_reactor;

    uint8_t observers[4][MODEL_TYPES];
    model_observer_t contexts[4][MODEL_TYPES][MODEL_OBSERVERS];
    model_events_t expected, actual;

    uint64_t tokens; /* that should be alive */

    struct {
        uint8_t *items;
        size_t count, capacity;
    } scratch;
    struct {
        model_thing_t **items;
        size_t count, capacity;
    } doomed;
    struct {
        model_table_t *items;
        size_t count, capacity;
    } tables;
    uint64_t looked;                     /* version of the last full comparison */
    uint16_t table_of[1 << MODEL_TYPES]; /* by components, where it was last */
};

/** Report a difference and stop. */
REEF_NORETURN REEF_PRINTF(4, 5) void model_fail(const model_t *model,
                                                const char *where,
                                                const char *condition,
                                                const char *format,
                                                ...);

#define MODEL_CHECK(model, condition, ...)                                             \
    (REEF_LIKELY(condition) ? (void)0                                                  \
                            : model_fail((model), __func__, #condition, __VA_ARGS__))

/* model.c: state, and what becomes of it ------------------------------------------- */

void model_begin(model_t *model, model_fault_t fault, model_report_t *report);

/** Tear both down; checks that nothing is left. */
void model_end(model_t *model);

/** The register that holds @p id, alive, or NULL. */
model_thing_t *model_find(const model_t *model, reef_entity_t id);

/** The same, alive or reserved. */
model_thing_t *model_find_known(const model_t *model, reef_entity_t id);

/** Let an empty register hold a new id. */
void model_bind(model_t *model,
                uint32_t at,
                reef_entity_t id,
                reef_entity_range_t range,
                model_state_t state);

/** A register for reading: also those beyond `used`. */
static inline model_thing_t *model_at(model_t *model, uint32_t at)
{
    if (at >= model->used) {
        model->used = at + 1;
    }
    return &model->things[at];
}

/** A component arrives; returns false when it is a relation that points nowhere. */
void model_attach(model_t *model, model_thing_t *thing, uint32_t type, uint64_t value);
void model_write(model_t *model, model_thing_t *thing, uint32_t type, uint64_t value);
void model_take(model_t *model, model_thing_t *thing, uint32_t type);
/** Note a write without a new value. */
void model_mark(model_t *model, model_thing_t *thing, uint32_t type);

/** Whether a relation may point there. */
bool model_accepts(const model_t *model,
                   uint32_t type,
                   reef_entity_t source,
                   reef_entity_t target);

/** Despawn what is in model->doomed, with what hangs on it. */
void model_despawn_doomed(model_t *model);
void model_despawn(model_t *model, model_thing_t *thing);

/** A value that somebody owns is gone. */
void model_forget_token(model_t *model, uint32_t type, uint64_t value);

/* model_value.c -------------------------------------------------------------------- */

/** The value that an operation's argument means; owners get a new token. */
uint64_t model_value(model_t *model, uint32_t type, uint16_t arg);
uint64_t model_initial(uint32_t type);
/** Bytes of a value; @p out has room for the type's size. */
void model_encode(uint32_t type, uint64_t value, void *out);
bool model_holds(uint32_t type, const void *bytes, uint64_t value);
/** The number that the bytes say. */
uint64_t model_decode(uint32_t type, const void *bytes);
/** Release an encoded value that the world did not take. */
void model_release(uint32_t type, uint64_t value);
void model_reset_tokens(void);
/** Tokens that were made and not dropped. */
uint64_t model_live_tokens(void);

/* model_observe.c ------------------------------------------------------------------ */

bool model_observe(model_t *model, const uint16_t *args);
bool model_react(model_t *model, const uint16_t *args);
/** Observers should be called. */
void model_expect(model_t *model,
                  reef_observe_t kind,
                  const model_thing_t *thing,
                  uint32_t type,
                  bool optional);
/** They were, exactly. */
void model_check_events(model_t *model);

/* model_query.c -------------------------------------------------------------------- */

bool model_query_create(model_t *model, const uint16_t *args);
bool model_query_destroy(model_t *model, const uint16_t *args);
bool model_iterate(model_t *model, const uint16_t *args);
bool model_nested(model_t *model, const uint16_t *args);
bool model_skip_changes(model_t *model, const uint16_t *args);
/** A term of a query, for people. */
void model_describe_term(uint16_t arg, char *out, size_t size);
bool model_query_matches(const model_query_t *query, uint16_t has);
/** Count, and visit without a trace where the query does not watch. */
void model_check_query(model_t *model, model_query_t *query);

/* model_command.c ------------------------------------------------------------------ */

bool model_record_spawn(model_t *model, const uint16_t *args);
bool model_record_bundle(model_t *model, const uint16_t *args);
bool model_record_despawn(model_t *model, const uint16_t *args);
bool model_record_add(model_t *model, const uint16_t *args);
bool model_record_set(model_t *model, const uint16_t *args);
bool model_record_remove(model_t *model, const uint16_t *args);
bool model_record_stale(model_t *model, const uint16_t *args);
bool model_apply(model_t *model, const uint16_t *args);
bool model_discard(model_t *model, const uint16_t *args);
/** Note a command that was recorded. */
model_command_t *model_record(model_t *model,
                              uint32_t recorder,
                              model_kind_t kind,
                              reef_entity_t entity);

/* model_rows.c --------------------------------------------------------------------- */

bool model_spawn_rows(model_t *model, const uint16_t *args);
bool model_bundle_create(model_t *model, const uint16_t *args);
bool model_bundle_destroy(model_t *model, const uint16_t *args);
bool model_bundle_spawn(model_t *model, const uint16_t *args);
bool model_bundle_rows(model_t *model, const uint16_t *args);
bool model_restore(model_t *model, const uint16_t *args);
/** Values of a bundle's types from one argument; a NULL where the initial one is meant.
 *  @p out receives the numbers, @p bytes has MODEL_TYPES * MODEL_MAX_SIZE bytes. */
void model_bundle_values(model_t *model,
                         const model_bundle_t *bundle,
                         uint16_t arg,
                         uint8_t *bytes,
                         const void **pointers,
                         uint64_t *out);
/** A row arrives with all its components; @p numbers by type. */
void model_fill(model_t *model,
                model_thing_t *thing,
                uint16_t mask,
                const uint64_t *numbers);

/* model_check.c -------------------------------------------------------------------- */

bool model_compare(model_t *model, const uint16_t *args);
/** What is cheap, after every operation. */
void model_check_cheap(model_t *model, const model_thing_t *thing);
/** The column that holds a value that was just written says so. */
void model_check_version(model_t *model, const model_thing_t *thing, uint32_t type);
/** A second world, made from the model, has the same hash; so has one that was restored
 *  from the first. */
void model_check_replica(model_t *model);

#endif /* MODEL_H */
