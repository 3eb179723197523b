/*
 * The plan run with arrays: one system after the other in the order of running, all
 * rows of one before the next; what a stage records comes at its end.
 */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

typedef struct body {
    bool alive;
    uint8_t mask;
    uint32_t values[SIM_COMPONENTS];
    uint8_t marks[SIM_SYSTEMS]; /* 1 << term */
} body_t;

typedef struct command {
    sim_deed_t deed;
    size_t body;
    uint32_t number;
} command_t;

struct naive {
    const sim_plan_t *plan;
    uint32_t run;
    struct {
        body_t *items;
        size_t count, capacity;
    } bodies;
    struct {
        command_t *items;
        size_t count, capacity;
    } commands; /* of the stage */
    struct {
        sim_event_t *items;
        size_t count, capacity;
    } queues[SIM_EVENTS], recorded[SIM_EVENTS];
    size_t cursors[SIM_SYSTEMS][SIM_EVENTS];
    bool active[SIM_SYSTEMS];
    sim_result_t result;
};

/* Bodies --------------------------------------------------------------------------- */

static void mark(naive_t *naive, body_t *body, uint32_t component, bool added)
{
    for (uint32_t s = 0; s < naive->plan->count; s++) {
        const sim_spec_t *spec = &naive->plan->specs[s];

        for (uint32_t i = 0; i < spec->term_count; i++) {
            if (spec->components[i] == component &&
                (spec->access[i] == REEF_ACCESS_CHANGED ||
                 (spec->access[i] == REEF_ACCESS_ADDED && added))) {
                body->marks[s] |= (uint8_t)(1u << i);
            }
        }
    }
}

static void put(naive_t *naive, body_t *body, uint32_t component, uint32_t value)
{
    bool added = (body->mask >> component & 1) == 0;

    body->mask |= (uint8_t)(1u << component);
    body->values[component] = value;
    mark(naive, body, component, added);
}

static void take(naive_t *naive, body_t *body, uint32_t component)
{
    body->mask &= (uint8_t) ~(1u << component);
    for (uint32_t s = 0; s < naive->plan->count; s++) {
        const sim_spec_t *spec = &naive->plan->specs[s];

        for (uint32_t i = 0; i < spec->term_count; i++) {
            if (spec->components[i] == component) {
                body->marks[s] &= (uint8_t) ~(1u << i);
            }
        }
    }
}

static void spawn(naive_t *naive, uint8_t mask, uint32_t number)
{
    body_t *body = REEF_ARRAY_PUSH(reef_alloc_default(), &naive->bodies);

    memset(body, 0, sizeof(*body));
    body->alive = true;
    for (uint32_t c = 0; c < SIM_COMPONENTS; c++) {
        if (mask >> c & 1) {
            put(naive, body, c, sim_spawn_value(number, c));
        }
    }
}

naive_t *naive_create(const sim_plan_t *plan)
{
    naive_t *naive = calloc(1, sizeof(*naive));

    naive->plan = plan;
    for (uint32_t i = 0; i < SIM_ANCHORS; i++) {
        spawn(naive, (1u << SIM_COMPONENTS) - 1, i);
    }
    for (uint32_t i = 0; i < plan->entities; i++) {
        spawn(naive, sim_spawn_mask(i * plan->step + 5), i);
    }
    return naive;
}

void naive_destroy(naive_t *naive)
{
    const reef_alloc_t *alloc = reef_alloc_default();

    REEF_ARRAY_FINISH(alloc, &naive->bodies);
    REEF_ARRAY_FINISH(alloc, &naive->commands);
    for (uint32_t i = 0; i < SIM_EVENTS; i++) {
        REEF_ARRAY_FINISH(alloc, &naive->queues[i]);
        REEF_ARRAY_FINISH(alloc, &naive->recorded[i]);
    }
    free(naive);
}

/* One system ----------------------------------------------------------------------- */

static uint8_t watching(const sim_spec_t *spec)
{
    uint8_t terms = 0;

    for (uint32_t i = 0; i < spec->term_count; i++) {
        terms |= (uint8_t)((unsigned)sim_is_watch(spec->access[i]) << i);
    }
    return terms;
}

static bool matches(const sim_spec_t *spec, const body_t *body)
{
    for (uint32_t i = 0; i < spec->term_count; i++) {
        bool there = body->mask >> spec->components[i] & 1;
        reef_access_t access = spec->access[i];

        if (access == REEF_ACCESS_WITHOUT
                ? there
                : !there && access != REEF_ACCESS_MAYBE_READ &&
                      access != REEF_ACCESS_MAYBE_WRITE) {
            return false;
        }
    }
    return true;
}

static bool touches(const sim_spec_t *spec, const body_t *body, uint32_t term)
{
    return spec->access[term] != REEF_ACCESS_WITH &&
           spec->access[term] != REEF_ACCESS_WITHOUT &&
           (body->mask >> spec->components[term] & 1);
}

/* The same as visit_row() of sim_run.c. */
static uint32_t
visit(naive_t *naive, const sim_spec_t *spec, body_t *body, uint32_t base)
{
    uint32_t number = base;

    for (uint32_t i = 0; i < spec->term_count; i++) {
        if (touches(spec, body, i)) {
            number = sim_mix(number, body->values[spec->components[i]]);
        }
    }
    for (uint32_t i = 0; i < spec->term_count; i++) {
        if (touches(spec, body, i) && sim_is_write(spec->access[i])) {
            put(naive, body, spec->components[i],
                sim_mix(number, body->values[spec->components[i]]));
        }
    }
    return number;
}

static void emit(naive_t *naive, uint32_t system, uint32_t number)
{
    const sim_spec_t *spec = &naive->plan->specs[system];

    for (uint32_t i = 0; i < SIM_EVENTS; i++) {
        sim_event_t event = {system, number};

        if (spec->emits >> i & 1) {
            if (spec->exclusive) {
                *REEF_ARRAY_PUSH(reef_alloc_default(), &naive->queues[i]) = event;
            } else {
                *REEF_ARRAY_PUSH(reef_alloc_default(), &naive->recorded[i]) = event;
            }
        }
    }
}

static void record(naive_t *naive, size_t body, uint32_t number)
{
    sim_deed_t deed = sim_deed_of(number);

    if (deed == SIM_SPAWN || (deed != SIM_NOTHING && body >= SIM_ANCHORS)) {
        *REEF_ARRAY_PUSH(reef_alloc_default(), &naive->commands) =
            (command_t){deed, body, number};
    }
}

static uint32_t read_by_id(const naive_t *naive, const sim_spec_t *spec, uint32_t base)
{
    for (uint32_t c = 0; c < SIM_COMPONENTS; c++) {
        if (spec->by_id[c] != REEF_ACCESS_NONE) {
            base = sim_mix(
                base, naive->bodies.items[(spec->salt + c) % SIM_ANCHORS].values[c]);
        }
    }
    for (uint32_t r = 0; r < SIM_RESOURCES; r++) {
        if (spec->resources[r] != REEF_ACCESS_NONE) {
            base = sim_mix(base, naive->result.resources[r]);
        }
    }
    return base;
}

static void
write_by_id(naive_t *naive, const sim_spec_t *spec, uint32_t base, uint32_t sum)
{
    for (uint32_t c = 0; c < SIM_COMPONENTS; c++) {
        body_t *anchor = &naive->bodies.items[(spec->salt + c) % SIM_ANCHORS];

        if (spec->by_id[c] == REEF_ACCESS_WRITE) {
            put(naive, anchor, c, sim_mix(anchor->values[c], base));
        }
    }
    for (uint32_t r = 0; r < SIM_RESOURCES; r++) {
        if (spec->resources[r] == REEF_ACCESS_WRITE) {
            naive->result.resources[r] = sim_mix(naive->result.resources[r], sum);
        }
    }
}

static uint32_t read_events(naive_t *naive, uint32_t system)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < SIM_EVENTS; i++) {
        size_t *cursor = &naive->cursors[system][i];

        for (; (naive->plan->specs[system].reads >> i & 1) &&
               *cursor < naive->queues[i].count;
             ++*cursor) {
            const sim_event_t *event = &naive->queues[i].items[*cursor];

            sum += sim_mix(event->system, event->number);
        }
    }
    naive->result.events += sum * (uint64_t)(system + 1);
    return sum;
}

static void run_system(naive_t *naive, uint32_t system)
{
    const sim_spec_t *spec = &naive->plan->specs[system];
    uint32_t base = read_by_id(naive, spec, spec->salt);
    uint32_t sum = read_events(naive, system);
    uint8_t watched = watching(spec);
    size_t count = naive->bodies.count;

    for (size_t i = 0; i < count && spec->term_count > 0; i++) {
        body_t *body = &naive->bodies.items[i];
        uint32_t number;

        if (!body->alive || !matches(spec, body) ||
            (watched != 0 && (body->marks[system] & watched) == 0)) {
            continue;
        }
        body->marks[system] = 0;
        number = visit(naive, spec, body, base);
        naive->result.rows++;
        sum += number;
        if (sim_emits_at(number)) {
            emit(naive, system, number);
        }
        if (spec->commands) {
            record(naive, i, number);
        }
    }
    write_by_id(naive, spec, base, sum);
    if (spec->exclusive) {
        spawn(naive, sim_spawn_mask(sum), sum);
    }
}

/* Stages --------------------------------------------------------------------------- */

static void apply(naive_t *naive, const command_t *command)
{
    body_t *body = &naive->bodies.items[command->body];
    uint32_t component = command->number % SIM_COMPONENTS;

    if (command->deed == SIM_SPAWN) {
        spawn(naive, sim_spawn_mask(command->number), command->number);
    } else if (body->alive && command->deed == SIM_DESPAWN) {
        body->alive = false;
    } else if (body->alive && command->deed == SIM_ADD) {
        put(naive, body, component, command->number);
    } else if (body->alive) {
        take(naive, body, component);
    }
}

static void settle(naive_t *naive)
{
    for (uint32_t i = 0; i < SIM_EVENTS; i++) {
        for (size_t k = 0; k < naive->recorded[i].count; k++) {
            *REEF_ARRAY_PUSH(reef_alloc_default(), &naive->queues[i]) =
                naive->recorded[i].items[k];
        }
        naive->recorded[i].count = 0;
    }
    for (size_t i = 0; i < naive->commands.count; i++) {
        apply(naive, &naive->commands.items[i]);
    }
    naive->commands.count = 0;
}

static void prepare(naive_t *naive, uint32_t system)
{
    naive->active[system] = sim_is_due(&naive->plan->specs[system], naive->run);
    for (uint32_t i = 0; i < SIM_EVENTS && !naive->active[system]; i++) {
        naive->cursors[system][i] = naive->queues[i].count;
    }
}

void naive_run(naive_t *naive, const sim_t *sim)
{
    uint32_t stage, other;

    naive->result.events = 0;
    naive->result.rows = 0;
    for (uint32_t i = 0; i < naive->plan->count;) {
        uint32_t end = i;

        (void)sim_order(sim, i, &stage);
        for (;
             end < naive->plan->count && (sim_order(sim, end, &other), other == stage);
             end++) {
            prepare(naive, sim_order(sim, end, &other));
        }
        for (; i < end; i++) {
            uint32_t system = sim_order(sim, i, &other);

            if (naive->active[system]) {
                run_system(naive, system);
            }
        }
        settle(naive);
    }
    naive->run++;
}

sim_result_t naive_result(const naive_t *naive)
{
    sim_result_t result = naive->result;

    for (size_t i = 0; i < naive->bodies.count; i++) {
        const body_t *body = &naive->bodies.items[i];
        uint32_t number = body->mask;

        for (uint32_t c = 0; c < SIM_COMPONENTS; c++) {
            if (body->mask >> c & 1) {
                number = sim_mix(number, body->values[c]);
            }
        }
        result.state += body->alive ? number : 0;
        result.alive += body->alive;
    }
    return result;
}
