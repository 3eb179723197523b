/*
 * Every row: how much of what, against which floor, and what it may cost
 * (PERFORMANCE.md, section B).
 *
 * A budget by ratio is to the floor.  "Never slower than one thread" is 1.05 times the
 * time of one thread, because two measurements of the same thing differ by as much.
 */
#include "rows.h"

enum {
    K10 = 10000,
    M1 = 1000000
};

#define AGAINST_MINI(ours_, floor_)                                                    \
    .ours = &(ours_), .floor = &(floor_), .floor_kind = "mini"
#define AGAINST_SOA(ours_, floor_)                                                     \
    .ours = &(ours_), .floor = &(floor_), .floor_kind = "soa"
#define RATIO(limit_) .judge = BENCH_BY_RATIO, .budget = (limit_)
#define VALUE(limit_) .judge = BENCH_BY_VALUE, .budget = (limit_)

const bench_row_t bench_rows[] = {
    {"create", AGAINST_MINI(side_create, mini_create), .count = M1, RATIO(2)},
    {"create_bulk", AGAINST_MINI(side_create_bulk, mini_create_bulk), .count = M1,
     RATIO(1.5)},
    {"destroy", AGAINST_MINI(side_destroy, mini_destroy), .count = K10, RATIO(3)},
    {"destroy_random_1m", AGAINST_MINI(side_destroy, mini_destroy), .count = M1,
     .variant = 1, RATIO(2)},
    {"add", AGAINST_MINI(side_add, mini_add_all), .count = K10, RATIO(2.4)},
    {"remove", AGAINST_MINI(side_remove, mini_remove_all), .count = K10, RATIO(2.4)},
    {"toggle", AGAINST_MINI(side_toggle, mini_toggle), .count = K10, RATIO(2.5)},
    {"get_random", AGAINST_MINI(side_get, mini_get), .count = K10, RATIO(2)},
    {"get_random_1m", AGAINST_MINI(side_get, mini_get), .count = M1, RATIO(1.5)},
    {"set_random", AGAINST_MINI(side_set, mini_set), .count = K10, RATIO(2.5)},

    {"iterate_1_10k", AGAINST_SOA(side_iterate, soa_iterate), .count = K10,
     .passes = 50, .variant = 1, RATIO(1.15)},
    {"iterate_2_10k", AGAINST_SOA(side_iterate, soa_iterate), .count = K10,
     .passes = 50, .variant = 2, RATIO(1.15)},
    {"iterate_5_10k", AGAINST_SOA(side_iterate, soa_iterate), .count = K10,
     .passes = 50, .variant = 5, RATIO(1.15)},
    {"iterate_1_1m", AGAINST_SOA(side_iterate, soa_iterate), .count = M1, .variant = 1,
     RATIO(1.05)},
    {"iterate_2_1m", AGAINST_SOA(side_iterate, soa_iterate), .count = M1, .variant = 2,
     RATIO(1.05)},
    {"iterate_5_1m", AGAINST_SOA(side_iterate, soa_iterate), .count = M1, .variant = 5,
     RATIO(1.05)},
    {"fragmented_26x20", AGAINST_MINI(side_fragmented, mini_fragmented),
     .count = 26 * 20, .passes = 500, .variant = 20, RATIO(1.4)},
    {"fragmented_256x4", AGAINST_MINI(side_fragmented, mini_fragmented),
     .count = 256 * 4, .passes = 50, .variant = 4, RATIO(1.4)},
    {"fragmented_256x40", AGAINST_MINI(side_fragmented, mini_fragmented),
     .count = 256 * 40, .passes = 50, .variant = 40, RATIO(1.4)},

    {"deferred_spawn", AGAINST_MINI(side_deferred_spawn, mini_deferred_spawn),
     .count = K10, RATIO(2.5)},
    {"deferred_despawn", AGAINST_MINI(side_deferred_despawn, mini_deferred_despawn),
     .count = K10, RATIO(2.5)},
    {"deferred_add", AGAINST_MINI(side_deferred_add, mini_deferred_add), .count = K10,
     RATIO(2.5)},
    {"observed_add", AGAINST_MINI(side_add, mini_add_all), .count = K10, .variant = 1,
     RATIO(2.5)},
    {"observed_remove", AGAINST_MINI(side_remove, mini_remove_all), .count = K10,
     .variant = 1, RATIO(2.5)},

    {"changed_none_1m", .ours = &side_changed_none, .unit = BENCH_US_PER_PASS,
     .count = M1, .passes = 100, VALUE(0.5)},
    {"changed_0p1_1m", .ours = &side_changed_some, .unit = BENCH_US_PER_PASS,
     .count = M1, .variant = 1000, VALUE(20)},

    {"systems_empty_100", AGAINST_SOA(side_empty, soa_calls),
     .unit = BENCH_US_PER_FRAME, .passes = 100, VALUE(1.2)},
    {"systems_8_1m_1t", AGAINST_SOA(side_systems, soa_passes),
     .unit = BENCH_US_PER_FRAME, .count = M1, .variant = 1},
    {"systems_8_1m_2t", AGAINST_SOA(side_systems, soa_passes),
     .unit = BENCH_US_PER_FRAME, .count = M1, .variant = 2, RATIO(0.35),
     .beside = "systems_8_1m_1t", .beside_budget = 0.65},
    {"systems_8_10k_1t", AGAINST_SOA(side_systems, soa_passes),
     .unit = BENCH_US_PER_FRAME, .count = K10, .passes = 20, .variant = 1},
    {"systems_8_10k_2t", .ours = &side_systems, .floor = &side_systems_alone,
     .floor_kind = "own 1t", .unit = BENCH_US_PER_FRAME, .count = K10, .passes = 20,
     .variant = 2, RATIO(1.05)},
    {"bytes_per_entity", .measure = measure_bytes, .floor_kind = "soa",
     .unit = BENCH_BYTES_PER_ENTITY, .count = M1, VALUE(56)},

    {"systems_empty_100_timed", AGAINST_SOA(side_empty, soa_calls),
     .unit = BENCH_US_PER_FRAME, .passes = 100, .variant = 1, VALUE(3)},
    {"events", AGAINST_SOA(side_events, soa_events), .unit = BENCH_NS_PER_EVENT,
     .count = K10},
    {"spawn_5_adds", AGAINST_MINI(side_spawn_5_adds, mini_spawn_5_adds), .count = K10},
};

const uint32_t bench_row_count = sizeof(bench_rows) / sizeof(bench_rows[0]);
