/*
 * Random operations on a world and on the plainest model of one, compared all along.
 *
 * The model holds per entity a bit set and one number per component.  All component
 * types differ in size; a value is the number repeated over its bytes.  Every value of
 * the one with a drop hook is counted, so none is dropped twice or forgotten.
 */
#include "test.h"

#include <reef/command.h>
#include <reef/observer.h>
#include <reef/query.h>
#include <reef/table.h>
#include <reef/world.h>

#include <stdio.h>
#include <string.h>

enum {
    TYPES = 7,
    OWNER = 3, /* the type with a drop hook */
    MAX_LIVE = 3000,
    MAX_SIZE = 400,
};

static int64_t owned;

static void drop_owner(void *value)
{
    (void)value;
    owned--;
}

#define BYTES(name_, count_)                                                           \
    {                                                                                  \
        .name = (name_), .kind = REEF_KIND_U8, .size = 1, .array_count = (count_)      \
    }

static const reef_field_t fields[TYPES] = {
    [0] = BYTES("b", 1),  [1] = BYTES("b", 4),        [2] = BYTES("b", 8),
    [5] = BYTES("b", 24), [6] = BYTES("b", MAX_SIZE),
};

static const reef_type_t types[TYPES] = {
    {"one", 1, 1, REEF_PERSISTENT, &fields[0], 1, NULL},
    {"four", 4, 4, REEF_PERSISTENT, &fields[1], 1, NULL},
    {"eight", 8, 8, 0, &fields[2], 1, NULL},
    {"owner", 16, 8, 0, NULL, 0, drop_owner},
    {"tag", 0, 1, REEF_PERSISTENT, NULL, 0, NULL},
    {"wide", 24, 8, REEF_PERSISTENT, &fields[5], 1, NULL},
    {"huge", MAX_SIZE, 16, REEF_PERSISTENT, &fields[6], 1, NULL},
};

typedef struct thing {
    reef_entity_t id;
    uint32_t has; /* 1 << type */
    uint8_t values[TYPES];
} thing_t;

typedef struct model {
    reef_world_t *world;
    reef_commands_t *commands;
    reef_component_t ids[TYPES];
    reef_query_t *queries[3];
    thing_t things[MAX_LIVE];
    uint32_t count;
    reef_entity_t dead[64]; /* some that were despawned */
    uint64_t stale;
    int64_t balance[TYPES]; /* adds less removes seen by observers */
    uint64_t seed;
} model_t;

static uint32_t draw(model_t *model, uint32_t bound)
{
    model->seed ^= model->seed << 13;
    model->seed ^= model->seed >> 7;
    model->seed ^= model->seed << 17;
    return (uint32_t)((model->seed >> 32) * bound >> 32);
}

static void
count_add(reef_world_t *w, reef_entity_t e, const void *value, void *context)
{
    (void)w;
    (void)e;
    assert_non_null(value);
    ++*(int64_t *)context;
}

static void count_remove(reef_world_t *w, reef_entity_t e, const void *v, void *context)
{
    assert_true(reef_world_is_alive(w, e));
    assert_non_null(v);
    --*(int64_t *)context;
}

static void begin(model_t *model, uint64_t seed)
{
    const reef_query_desc_t descs[3] = {
        {{{REEF_ACCESS_READ, &types[1]}}},
        {{{REEF_ACCESS_WRITE, &types[6]},
          {REEF_ACCESS_MAYBE_READ, &types[0]},
          {REEF_ACCESS_WITHOUT, &types[2]}}},
        {{{REEF_ACCESS_WITH, &types[4]}, {REEF_ACCESS_READ, &types[5]}}},
    };

    memset(model, 0, sizeof(*model));
    owned = 0;
    model->seed = seed;
    model->world = reef_world_create(&(reef_world_desc_t){0});
    model->commands = reef_commands_create(model->world);
    for (uint32_t i = 0; i < TYPES; i++) {
        model->ids[i] = reef_world_component(model->world, &types[i]);
        reef_world_observe(model->world, REEF_OBSERVE_ADD, &types[i], count_add,
                           &model->balance[i]);
        reef_world_observe(model->world, REEF_OBSERVE_REMOVE, &types[i], count_remove,
                           &model->balance[i]);
    }
    for (uint32_t i = 0; i < 3; i++) {
        model->queries[i] = reef_query_create(model->world, &descs[i]);
    }
}

static void end(model_t *model)
{
    for (uint32_t i = 0; i < 3; i++) {
        reef_query_destroy(model->queries[i]);
    }
    reef_commands_destroy(model->commands);
    reef_world_destroy(model->world);
    assert_int_equal(owned, 0);
}

static void check_value(const thing_t *thing, uint32_t type, const void *value)
{
    const uint8_t *bytes = value;

    for (uint32_t i = 0; i < types[type].size; i++) {
        assert_int_equal(bytes[i], thing->values[type]);
    }
}

static void check_thing(const model_t *model, const thing_t *thing)
{
    uint32_t count;
    uint32_t bits = 0;

    assert_true(reef_world_is_alive(model->world, thing->id));
    reef_world_components_of(model->world, thing->id, &count);
    for (uint32_t i = 0; i < TYPES; i++) {
        const void *value = reef_world_find(model->world, thing->id, model->ids[i]);

        assert_int_equal(value != NULL, thing->has >> i & 1);
        if (value != NULL) {
            check_value(thing, i, value);
            bits++;
        }
    }
    assert_int_equal(count, bits);
}

static thing_t *find_thing(model_t *model, reef_entity_t id)
{
    for (uint32_t i = 0; i < model->count; i++) {
        if (model->things[i].id == id) {
            return &model->things[i];
        }
    }
    return NULL;
}

static bool matches(const thing_t *thing, uint32_t query)
{
    const uint32_t with[] = {1u << 1, 1u << 6, 1u << 4 | 1u << 5};
    const uint32_t without[] = {0, 1u << 2, 0};

    return (thing->has & with[query]) == with[query] &&
           (thing->has & without[query]) == 0;
}

/* Same number, each visited thing matches and has its value in the columns. */
static void check_query(model_t *model, uint32_t query)
{
    const uint32_t first_type[] = {1, 6, 4};
    reef_query_iter_t it = reef_query_begin(model->queries[query]);
    uint32_t expected = 0;
    uint32_t visited = 0;

    for (uint32_t i = 0; i < model->count; i++) {
        expected += matches(&model->things[i], query);
    }
    while (reef_query_next(&it)) {
        const uint8_t *column = reef_query_column(&it, 0);
        uint32_t sample = draw(model, it.count);
        thing_t *thing = find_thing(model, it.entities[sample]);

        assert_non_null(thing);
        assert_true(matches(thing, query));
        if (column != NULL) {
            check_value(thing, first_type[query],
                        column + (size_t)sample * types[first_type[query]].size);
        }
        visited += it.count;
    }
    assert_int_equal(visited, expected);
    assert_int_equal(reef_query_count(model->queries[query]), expected);
}

static void check_all(model_t *model)
{
    int64_t balance[TYPES] = {0};
    reef_entity_t entity = 0;
    uint32_t alive = 0;

    for (uint32_t i = 0; i < model->count; i++) {
        check_thing(model, &model->things[i]);
        for (uint32_t k = 0; k < TYPES; k++) {
            balance[k] += model->things[i].has >> k & 1;
        }
    }
    while ((entity = reef_world_next_entity(model->world, reef_entity_index(entity))) !=
           0) {
        alive++;
    }
    assert_int_equal(alive, model->count);
    assert_int_equal(reef_world_entity_count(model->world), model->count);
    assert_int_equal(reef_world_stale_count(model->world), model->stale);
    assert_memory_equal(balance, model->balance, sizeof(balance));
    assert_int_equal(owned, balance[OWNER]);
    for (uint32_t i = 0; i < 3; i++) {
        check_query(model, i);
    }
}

static const void *make_value(model_t *model, uint32_t type, uint8_t *number)
{
    static _Alignas(64) uint8_t bytes[MAX_SIZE];

    *number = (uint8_t)draw(model, 256);
    memset(bytes, *number, types[type].size);
    return bytes;
}

static thing_t *new_thing(model_t *model, reef_entity_t id)
{
    thing_t *thing = &model->things[model->count++];

    *thing = (thing_t){.id = id};
    return thing;
}

static void forget(model_t *model, thing_t *thing)
{
    model->dead[draw(model, 64)] = thing->id;
    *thing = model->things[--model->count];
}

static void spawn_rows(model_t *model)
{
    uint32_t order[] = {5, 1, 4};
    reef_component_t components[] = {model->ids[5], model->ids[1], model->ids[4]};
    uint8_t wide[40][24];
    uint8_t numbers[40];
    reef_entity_t ids[40];
    uint32_t count = 1 + draw(model, 40);

    if (model->count + count > MAX_LIVE) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        memcpy(wide[i], make_value(model, 5, &numbers[i]), sizeof(wide[i]));
    }
    reef_world_spawn_rows(
        model->world,
        &(reef_rows_desc_t){.range = draw(model, 2),
                            .count = count,
                            .components = components,
                            .component_count = 3,
                            .columns = (const void *[]){wide, NULL, NULL}},
        ids);
    for (uint32_t i = 0; i < count; i++) {
        thing_t *thing = new_thing(model, ids[i]);

        for (uint32_t k = 0; k < 3; k++) {
            thing->has |= 1u << order[k];
        }
        thing->values[5] = numbers[i];
    }
}

static void spawn_one(model_t *model, bool deferred)
{
    reef_entity_range_t range = draw(model, 4) == 0;

    if (model->count < MAX_LIVE) {
        new_thing(model, deferred ? reef_commands_spawn(model->commands, range)
                                  : reef_world_spawn(model->world, range));
    }
}

static void despawn_one(model_t *model, bool deferred)
{
    thing_t *thing = &model->things[draw(model, model->count)];

    if (deferred) {
        reef_commands_despawn(model->commands, thing->id);
    } else {
        assert_true(reef_world_despawn(model->world, thing->id));
    }
    forget(model, thing);
}

static void add_one(model_t *model, bool deferred)
{
    thing_t *thing = &model->things[draw(model, model->count)];
    uint32_t type = draw(model, TYPES);
    const void *value = make_value(model, type, &thing->values[type]);

    owned += type == OWNER;
    if (deferred) {
        reef_commands_add(model->commands, thing->id, &types[type], value);
    } else if ((thing->has >> type & 1) && draw(model, 2)) {
        assert_true(reef_world_set(model->world, thing->id, model->ids[type], value));
    } else {
        assert_true(reef_world_add(model->world, thing->id, model->ids[type], value));
    }
    thing->has |= 1u << type;
}

static void remove_one(model_t *model, bool deferred)
{
    thing_t *thing = &model->things[draw(model, model->count)];
    uint32_t type = draw(model, TYPES);

    if (deferred) {
        reef_commands_remove(model->commands, thing->id, &types[type]);
    } else {
        assert_int_equal(reef_world_remove(model->world, thing->id, model->ids[type]),
                         thing->has >> type & 1);
    }
    thing->has &= ~(1u << type);
}

static void touch_dead(model_t *model, bool deferred)
{
    reef_entity_t dead = model->dead[draw(model, 64)];
    uint32_t type = draw(model, TYPES);
    uint8_t number;
    const void *value = make_value(model, type, &number);

    model->stale++;
    if (deferred) {
        owned += type == OWNER;
        reef_commands_add(model->commands, dead, &types[type], value);
    } else {
        assert_null(reef_world_find(model->world, dead, model->ids[type]));
        assert_false(reef_world_add(model->world, dead, model->ids[type], value));
    }
}

static void step(model_t *model, bool deferred)
{
    uint32_t dice = draw(model, 100);

    if (dice < 15 || model->count == 0) {
        spawn_one(model, deferred);
    } else if (dice < 30) {
        despawn_one(model, deferred);
    } else if (dice < 68) {
        add_one(model, deferred);
    } else if (dice < 94) {
        remove_one(model, deferred);
    } else if (dice < 99) {
        touch_dead(model, deferred);
    } else if (!deferred) {
        spawn_rows(model);
    }
}

static void run(model_t *model, uint32_t rounds)
{
    for (uint32_t round = 0; round < rounds; round++) {
        bool deferred = round % 3 == 2;

        for (uint32_t i = 0; i < 500; i++) {
            step(model, deferred);
        }
        reef_commands_apply(model->commands);
        check_all(model);
        reef_world_advance_version(model->world);
    }
}

static void test_world_model_agrees_over_random_operations(void **state)
{
    static model_t model;

    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        begin(&model, seed * 0x9E3779B97F4A7C15u);
        run(&model, 100);
        end(&model);
    }
}

/* Put the persistent columns of one chunk into `to`, as a snapshot does. */
static void restore_chunk(reef_world_t *to,
                          const reef_world_t *from,
                          const reef_table_t *table,
                          uint32_t chunk)
{
    static reef_entity_t ids[8192];
    static uint8_t data[TYPES][65536];
    reef_component_t components[TYPES];
    const void *columns[TYPES];
    reef_chunk_view_t view = reef_table_chunk(table, chunk);
    reef_rows_desc_t rows = {.components = components, .columns = columns};
    uint32_t kept[TYPES];
    uint32_t count;
    const reef_component_t *all = reef_table_components(table, &count);

    for (uint32_t i = 0; i < count; i++) {
        const reef_type_t *type = reef_world_component_type(from, all[i]);

        if (type->flags & REEF_PERSISTENT) {
            kept[rows.component_count] = i;
            columns[rows.component_count] = data[rows.component_count];
            components[rows.component_count++] = reef_world_component(to, type);
        }
    }
    for (uint32_t i = 0; i < view.count; i++) {
        if (reef_entity_range(view.entities[i]) == REEF_RANGE_SESSION) {
            continue;
        }
        for (uint32_t k = 0; k < rows.component_count; k++) {
            size_t size = reef_world_component_type(from, all[kept[k]])->size;
            const uint8_t *column = reef_table_column(table, chunk, kept[k], NULL);

            if (size > 0) {
                memcpy(data[k] + rows.count * size, column + i * size, size);
            }
        }
        ids[rows.count++] = view.entities[i];
    }
    assert_int_equal(reef_world_restore_rows(to, &rows, ids), REEF_OK);
}

static void copy_world(reef_world_t *to, const reef_world_t *from)
{
    reef_slots_t slots;

    reef_world_export_slots(from, &slots);
    assert_int_equal(reef_world_import_slots(to, &slots), REEF_OK);
    reef_slots_finish(&slots);
    for (uint32_t i = 0; i < reef_world_table_count(from); i++) {
        const reef_table_t *table = reef_world_table(from, i);

        for (uint32_t k = 0; k < reef_table_chunk_count(table); k++) {
            restore_chunk(to, from, table, k);
        }
    }
    assert_int_equal(reef_world_restore_end(to), 0);
}

static void test_world_model_survives_export_and_restore(void **state)
{
    static model_t model;
    reef_world_t *copy = reef_world_create(&(reef_world_desc_t){0});
    reef_entity_t session = reef_world_spawn(copy, REEF_RANGE_SESSION);

    (void)state;
    reef_world_component(copy, &types[6]); /* so that ids differ */
    for (uint32_t i = 0; i < 10; i++) {
        reef_world_spawn(copy, REEF_RANGE_WORLD);
    }
    begin(&model, 77);
    run(&model, 20);
    for (uint32_t round = 0; round < 2; round++) {
        copy_world(copy, model.world);
        assert_int_equal(reef_world_persistent_hash(copy),
                         reef_world_persistent_hash(model.world));
        assert_true(reef_world_is_alive(copy, session));
        for (uint32_t i = 0; i < 1000; i++) {
            assert_int_equal(reef_world_spawn(copy, REEF_RANGE_WORLD),
                             reef_world_spawn(model.world, REEF_RANGE_WORLD));
        }
    }
    end(&model);
    reef_world_destroy(copy);
}

static void test_world_model_is_deterministic(void **state)
{
    static model_t a, b;
    int64_t first;

    (void)state;
    begin(&a, 5);
    run(&a, 10);
    first = owned;
    begin(&b, 5);
    run(&b, 10);
    assert_int_equal(reef_world_state_hash(a.world), reef_world_state_hash(b.world));
    end(&b);
    owned = first;
    end(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_world_model_agrees_over_random_operations),
        cmocka_unit_test(test_world_model_survives_export_and_restore),
        cmocka_unit_test(test_world_model_is_deterministic),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
