/*
 * Plans: what systems declare, by chance.
 */
#include "sim.h"

#include <stdio.h>
#include <string.h>

static uint32_t draw(uint64_t *seed, uint32_t bound)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (uint32_t)((*seed >> 32) * bound >> 32);
}

uint8_t sim_spawn_mask(uint32_t number)
{
    static const uint8_t masks[] = {0x01, 0x03, 0x07, 0x0b, 0x15, 0x1f, 0x2c, 0x3f};

    return masks[number % sizeof(masks)];
}

uint32_t sim_spawn_value(uint32_t number, uint32_t component)
{
    return sim_mix(number, component + 1);
}

static reef_access_t draw_access(uint64_t *seed)
{
    static const reef_access_t kinds[] = {
        REEF_ACCESS_READ,  REEF_ACCESS_READ,       REEF_ACCESS_WRITE,
        REEF_ACCESS_WRITE, REEF_ACCESS_MAYBE_READ, REEF_ACCESS_MAYBE_WRITE,
        REEF_ACCESS_WITH,  REEF_ACCESS_WITHOUT,    REEF_ACCESS_CHANGED,
        REEF_ACCESS_ADDED,
    };

    return kinds[draw(seed, sizeof(kinds) / sizeof(kinds[0]))];
}

/* Each component once, but that one may be watched and written. */
static void draw_query(sim_spec_t *spec, uint64_t *seed)
{
    uint32_t wanted = 1 + draw(seed, 4);
    uint32_t used = 0;

    for (uint32_t i = 0; i < wanted && spec->term_count < SIM_TERMS; i++) {
        uint32_t component = draw(seed, SIM_COMPONENTS);
        reef_access_t access = draw_access(seed);

        if (used >> component & 1) {
            continue;
        }
        used |= 1u << component;
        spec->components[spec->term_count] = (uint8_t)component;
        spec->access[spec->term_count++] = access;
        if (sim_is_watch(access) && spec->term_count < SIM_TERMS &&
            draw(seed, 3) == 0) {
            spec->components[spec->term_count] = (uint8_t)component;
            spec->access[spec->term_count++] = REEF_ACCESS_WRITE;
        }
    }
}

static bool writes_by_query(const sim_spec_t *spec, uint32_t component)
{
    for (uint32_t i = 0; i < spec->term_count; i++) {
        if (spec->components[i] == component && sim_is_write(spec->access[i])) {
            return true;
        }
    }
    return false;
}

static void draw_by_id(sim_spec_t *spec, uint64_t *seed)
{
    for (uint32_t i = draw(seed, SIM_BY_ID + 1); i > 0; i--) {
        uint32_t component = draw(seed, SIM_COMPONENTS);

        if (!spec->parallel) {
            spec->by_id[component] =
                draw(seed, 2) ? REEF_ACCESS_READ : REEF_ACCESS_WRITE;
        } else if (!writes_by_query(spec, component)) {
            spec->by_id[component] = REEF_ACCESS_READ;
        }
    }
}

static void draw_resources(sim_spec_t *spec, uint64_t *seed)
{
    for (uint32_t i = 0; i < SIM_RESOURCES; i++) {
        uint32_t dice = draw(seed, 8);

        if (dice == 0 && !spec->parallel) {
            spec->resources[i] = REEF_ACCESS_WRITE;
        } else if (dice < 3) {
            spec->resources[i] = REEF_ACCESS_READ;
        }
    }
}

static void draw_events(sim_spec_t *spec, uint64_t *seed)
{
    for (uint32_t i = 0; i < SIM_EVENTS; i++) {
        if (draw(seed, 5) == 0) {
            spec->emits |= 1u << i;
        }
        if (draw(seed, 5) == 0 && !spec->parallel) {
            spec->reads |= 1u << i;
        }
    }
}

static void draw_spec(sim_spec_t *spec, uint32_t number, bool rows_only, uint64_t *seed)
{
    snprintf(spec->name, sizeof(spec->name), "s%u", number);
    spec->salt = draw(seed, UINT32_MAX);
    spec->exclusive = draw(seed, 10) == 0;
    spec->parallel = !spec->exclusive && draw(seed, 2) == 0;
    spec->commands = draw(seed, 4) == 0;
    if (rows_only) {
        spec->exclusive = false;
        spec->parallel = true;
    }
    if (spec->parallel || draw(seed, 6) > 0) {
        draw_query(spec, seed);
    }
    if (!rows_only) {
        draw_by_id(spec, seed);
        draw_resources(spec, seed);
        draw_events(spec, seed);
    }
    spec->in_set = draw(seed, 5) == 0;
    spec->skips = draw(seed, 5) == 0 ? 2 + draw(seed, 3) : 0;
    spec->rests = draw(seed, 6) == 0 ? 2 + draw(seed, 3) : 0;
    spec->shared_context = draw(seed, 4) == 0 ? (int)draw(seed, SIM_CONTEXTS) : -1;
}

/* Wishes from a hidden order, so that they form no cycle. */
static void draw_wishes(sim_plan_t *plan, uint64_t *seed)
{
    uint32_t place[SIM_SYSTEMS];

    for (uint32_t i = 0; i < plan->count; i++) {
        place[i] = draw(seed, 1000) * SIM_SYSTEMS + i;
    }
    for (uint32_t i = 0; i < plan->count; i++) {
        uint32_t other = draw(seed, plan->count);

        if (other == i || draw(seed, 2)) {
            continue;
        }
        if (place[other] < place[i]) {
            plan->specs[i].after |= 1u << other;
        } else {
            plan->specs[i].before |= 1u << other;
        }
    }
}

void sim_plan_init(sim_plan_t *plan, uint64_t seed)
{
    uint64_t state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
    bool rows_only; /* all are parallel and share nothing but rows */

    memset(plan, 0, sizeof(*plan));
    plan->seed = seed;
    draw(&state, 2);
    plan->count = 2 + draw(&state, SIM_SYSTEMS - 1);
    plan->entities = draw(&state, 4) == 0 ? draw(&state, 60) : 200 + draw(&state, 1500);
    plan->step = 1;
    if (draw(&state, 6) == 0) { /* one long table */
        plan->entities = 2000 + draw(&state, 4000);
        plan->step = 8;
    }
    rows_only = draw(&state, 3) == 0;
    for (uint32_t i = 0; i < plan->count; i++) {
        draw_spec(&plan->specs[i], i, rows_only, &state);
    }
    draw_wishes(plan, &state);
}
