/*
 * Schedules on 1, 2 and 4 workers.  The worlds have no clock, so that every stage that
 * can be shared is.
 */
#include "sim.h"
#include "test.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum {
    PLANS = 60,
    RUNS = 6
};
#else
enum {
    PLANS = 200,
    RUNS = 8
};
#endif

enum {
    VARIANTS = 3
};

static const uint32_t worker_counts[VARIANTS] = {1, 2, 4};

/* Random schedules ----------------------------------------------------------------- */

typedef struct fleet {
    sim_plan_t plan;
    sim_t *sims[VARIANTS];
    naive_t *naive;
} fleet_t;

static void begin(fleet_t *fleet, uint64_t seed)
{
    sim_plan_init(&fleet->plan, seed);
    fleet->naive = naive_create(&fleet->plan);
    for (uint32_t i = 0; i < VARIANTS; i++) {
        fleet->sims[i] = sim_create(&fleet->plan, worker_counts[i]);
    }
}

static void end(fleet_t *fleet)
{
    for (uint32_t i = 0; i < VARIANTS; i++) {
        sim_destroy(fleet->sims[i]);
    }
    naive_destroy(fleet->naive);
}

REEF_PRINTF(3, 4)
static void
fail_plan(const fleet_t *fleet, const char *condition, const char *format, ...)
{
    va_list list;

    fprintf(stderr, "plan %llu, ", (unsigned long long)fleet->plan.seed);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fail_msg("%s", condition);
}

#define CHECK(fleet, condition, ...)                                                   \
    ((condition) ? (void)0 : fail_plan((fleet), #condition, __VA_ARGS__))

static void check_result(const fleet_t *fleet, uint32_t run)
{
    sim_result_t wanted = naive_result(fleet->naive);

    for (uint32_t i = 0; i < VARIANTS; i++) {
        sim_result_t got = sim_result(fleet->sims[i]);
        const char *failure = sim_failure(fleet->sims[i]);

        CHECK(fleet, failure == NULL, "run %u, %u workers: %s\n", run, worker_counts[i],
              failure);
        CHECK(fleet, got.rows == wanted.rows,
              "run %u, %u workers: %llu rows, not %llu\n", run, worker_counts[i],
              (unsigned long long)got.rows, (unsigned long long)wanted.rows);
        CHECK(fleet, got.events == wanted.events, "run %u, %u workers\n", run,
              worker_counts[i]);
        CHECK(fleet, got.alive == wanted.alive,
              "run %u, %u workers: %u alive, not %u\n", run, worker_counts[i],
              got.alive, wanted.alive);
        CHECK(fleet, memcmp(&got, &wanted, sizeof(got)) == 0, "run %u, %u workers\n",
              run, worker_counts[i]);
    }
}

static void check_same(const fleet_t *fleet, uint32_t run)
{
    sim_digest_t first = sim_digest(fleet->sims[0]);

    for (uint32_t i = 1; i < VARIANTS; i++) {
        sim_digest_t other = sim_digest(fleet->sims[i]);

        CHECK(fleet, first.state_hash == other.state_hash, "run %u, %u workers\n", run,
              worker_counts[i]);
        CHECK(fleet, first.ids == other.ids, "run %u, %u workers\n", run,
              worker_counts[i]);
        CHECK(fleet, first.rows == other.rows, "run %u, %u workers\n", run,
              worker_counts[i]);
        CHECK(fleet, first.sequence == other.sequence, "run %u, %u workers\n", run,
              worker_counts[i]);
    }
}

static void test_executor_does_what_one_after_the_other_does(void **state)
{
    static fleet_t fleet;

    (void)state;
    for (uint64_t seed = 1; seed <= PLANS; seed++) {
        begin(&fleet, seed);
        for (uint32_t run = 0; run < RUNS; run++) {
            for (uint32_t i = 0; i < VARIANTS; i++) {
                sim_run(fleet.sims[i]);
            }
            naive_run(fleet.naive, fleet.sims[0]);
            check_result(&fleet, run);
            check_same(&fleet, run);
        }
        end(&fleet);
    }
}

/* Order ---------------------------------------------------------------------------- */

/* Whether two queries have no entity in common. */
static bool are_disjoint(const sim_spec_t *a, const sim_spec_t *b)
{
    uint32_t with[2] = {0, 0}, without[2] = {0, 0};
    const sim_spec_t *both[2] = {a, b};

    for (uint32_t k = 0; k < 2; k++) {
        for (uint32_t i = 0; i < both[k]->term_count; i++) {
            reef_access_t access = both[k]->access[i];
            uint32_t bit = 1u << both[k]->components[i];

            if (access == REEF_ACCESS_WITHOUT) {
                without[k] |= bit;
            } else if (access != REEF_ACCESS_MAYBE_READ &&
                       access != REEF_ACCESS_MAYBE_WRITE) {
                with[k] |= bit;
            }
        }
    }
    return (with[0] & without[1]) != 0 || (with[1] & without[0]) != 0;
}

static void query_access(const sim_spec_t *spec, uint32_t *reads, uint32_t *writes)
{
    *reads = 0;
    *writes = 0;
    for (uint32_t i = 0; i < spec->term_count; i++) {
        uint32_t bit = 1u << spec->components[i];

        if (sim_is_write(spec->access[i])) {
            *writes |= bit;
        } else if (spec->access[i] != REEF_ACCESS_WITH &&
                   spec->access[i] != REEF_ACCESS_WITHOUT) {
            *reads |= bit;
        }
    }
}

static void id_access(const sim_spec_t *spec, uint32_t *reads, uint32_t *writes)
{
    *reads = 0;
    *writes = 0;
    for (uint32_t c = 0; c < SIM_COMPONENTS; c++) {
        *reads |= (uint32_t)(spec->by_id[c] == REEF_ACCESS_READ) << c;
        *writes |= (uint32_t)(spec->by_id[c] == REEF_ACCESS_WRITE) << c;
    }
}

static bool share_components(const sim_spec_t *a, const sim_spec_t *b)
{
    uint32_t ra, wa, rb, wb, ria, wia, rib, wib;

    query_access(a, &ra, &wa);
    query_access(b, &rb, &wb);
    id_access(a, &ria, &wia);
    id_access(b, &rib, &wib);
    return (!are_disjoint(a, b) && ((wa & (rb | wb)) | (wb & ra)) != 0) ||
           (wia & (rb | wb | rib | wib)) != 0 || (wib & (ra | wa | ria)) != 0 ||
           (ria & wb) != 0 || (rib & wa) != 0;
}

/* As the header says it, but that what no entity has in common is no conflict. */
static bool conflict(const sim_spec_t *a, const sim_spec_t *b)
{
    if (a->exclusive || b->exclusive || share_components(a, b) ||
        (a->emits & b->reads) != 0 || (b->emits & a->reads) != 0) {
        return true;
    }
    for (uint32_t r = 0; r < SIM_RESOURCES; r++) {
        if ((a->resources[r] == REEF_ACCESS_WRITE &&
             b->resources[r] != REEF_ACCESS_NONE) ||
            (b->resources[r] == REEF_ACCESS_WRITE &&
             a->resources[r] != REEF_ACCESS_NONE)) {
            return true;
        }
    }
    return a->shared_context >= 0 && a->shared_context == b->shared_context &&
           !(a->parallel && b->parallel);
}

static bool wants_before(const sim_plan_t *plan, uint32_t a, uint32_t b)
{
    return (plan->specs[a].before >> b & 1) || (plan->specs[b].after >> a & 1);
}

/* Places in the order that the header describes. */
static void plain_order(const sim_plan_t *plan, uint32_t *place)
{
    uint32_t placed = 0;

    for (uint32_t n = 0; n < plan->count; n++) {
        for (uint32_t i = 0; i < plan->count; i++) {
            bool waits = placed >> i & 1;

            for (uint32_t k = 0; k < plan->count; k++) {
                waits |= (placed >> k & 1) == 0 && wants_before(plan, k, i);
            }
            if (!waits) {
                placed |= 1u << i;
                place[i] = n;
                break;
            }
        }
    }
}

/* Who conflicts, or is ordered, ran in this order. */
static void check_order(const fleet_t *fleet, const sim_t *sim)
{
    const sim_plan_t *plan = &fleet->plan;
    uint32_t place[SIM_SYSTEMS] = {0}, ran[SIM_SYSTEMS] = {0}, stage[SIM_SYSTEMS] = {0};

    plain_order(plan, place);
    for (uint32_t i = 0; i < plan->count; i++) {
        uint32_t at, system = sim_order(sim, i, &at);

        ran[system] = i;
        stage[system] = at;
    }
    for (uint32_t a = 0; a < plan->count; a++) {
        for (uint32_t b = 0; b < plan->count; b++) {
            const sim_spec_t *x = &plan->specs[a], *y = &plan->specs[b];

            if (place[a] >= place[b] ||
                (!conflict(x, y) && !wants_before(plan, a, b))) {
                continue;
            }
            CHECK(fleet, ran[a] < ran[b], "s%u before s%u\n", a, b);
            CHECK(fleet, stage[a] < stage[b] || (x->parallel && y->parallel),
                  "s%u and s%u in one stage\n", a, b);
            CHECK(fleet,
                  stage[a] < stage[b] || !x->commands || !wants_before(plan, a, b),
                  "s%u does not see the commands of s%u\n", b, a);
            CHECK(fleet, sim_ran_before(sim, a, b), "s%u ran before s%u\n", b, a);
        }
    }
}

static void test_executor_keeps_the_order_of_those_that_conflict(void **state)
{
    static fleet_t fleet;

    (void)state;
    for (uint64_t seed = 1000; seed < 1000 + PLANS; seed++) {
        begin(&fleet, seed);
        for (uint32_t run = 0; run < 3; run++) {
            for (uint32_t i = 0; i < VARIANTS; i++) {
                sim_run(fleet.sims[i]);
                check_order(&fleet, fleet.sims[i]);
            }
        }
        end(&fleet);
    }
}

static void test_executor_shares_work_with_its_threads(void **state)
{
    sim_plan_t plan;
    uint32_t shared = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 400 && shared < 3; seed++) {
        sim_t *sim;

        sim_plan_init(&plan, seed);
        sim = sim_create(&plan, 4);
        for (uint32_t run = 0; run < 10; run++) {
            sim_run(sim);
        }
        shared += sim_threads(sim) == 2;
        sim_destroy(sim);
    }
    assert_int_equal(shared, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_executor_does_what_one_after_the_other_does),
        cmocka_unit_test(test_executor_keeps_the_order_of_those_that_conflict),
        cmocka_unit_test(test_executor_shares_work_with_its_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
