/*
 * The spatial index against brute force: a matrix of who sees whom, in double
 * precision.  Coordinates are multiples of 1/16 and radii are whole, so that both
 * precisions are exact and what lies just on a radius counts.
 */
#include "interest.h"
#include "place.h"
#include "test.h"

#include <math.h>

enum {
    BODIES = 96,
    ENTER = 100,
    LEAVE = 110,
    MOVES = 42000, /* of each of the 24 runs: a million in all */
    STEPS_PER_UPDATE = 24,
};

typedef struct model {
    reef__interest_t interest;
    reef_spatial_mode_t mode;
    double origin; /* about which the bodies are */
    double spread;
    uint64_t seed;

    bool is_here[BODIES];
    bool is_receiver[BODIES];
    bool moved[BODIES]; /* since the last update */
    uint32_t slots[BODIES];
    uint32_t body_of[BODIES * 4]; /* by slot */
    double at[BODIES][3];

    bool sees[BODIES][BODIES];
    bool told[BODIES][BODIES];    /* the receiver has been told of it … */
    bool current[BODIES][BODIES]; /* … and it has not moved since */
    bool hears[BODIES];           /* may be told something in this update */
    uint64_t moves, pairs_checked, enters, leaves;
} model_t;

static uint32_t pick(model_t *m, uint32_t count)
{
    uint64_t z = (m->seed += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)(((z ^ (z >> 31)) >> 32) * count >> 32);
}

/* Hooks -------------------------------------------------------------------------- */

static void on_entered(void *context, uint32_t observer, uint32_t other)
{
    model_t *m = context;
    uint32_t a = m->body_of[observer], b = m->body_of[other];

    assert_false(m->sees[a][b]);
    assert_true(a != b);
    m->sees[a][b] = true;
    m->enters++;
}

static void on_left(void *context, uint32_t observer, uint32_t other, bool was_told)
{
    model_t *m = context;
    uint32_t a = m->body_of[observer], b = m->body_of[other];

    assert_true(m->sees[a][b]);
    if (m->is_receiver[a]) {
        assert_int_equal(was_told, m->told[a][b]);
    }
    m->sees[a][b] = false;
    m->told[a][b] = false;
    m->current[a][b] = false;
    m->leaves++;
}

static void on_deliver(void *context, uint32_t receiver, const reef__due_t *due)
{
    model_t *m = context;
    uint32_t a = m->body_of[receiver];

    assert_true(m->is_receiver[a]);
    if (m->interest.sights[receiver].record != NULL) {
        return;
    }
    if (!m->hears[a]) {
        reef__interest_begin_record(&m->interest, receiver, due);
        return;
    }
    for (uint32_t i = 0; i < due->count; i++) {
        uint32_t b = m->body_of[due->slots[i]];

        assert_true(m->sees[a][b]);
        assert_false(m->current[a][b]); /* each once, and only what is news */
        assert_int_equal(i < due->known, m->told[a][b]);
        m->told[a][b] = true;
        m->current[a][b] = true;
    }
}

static const reef__interest_hooks_t hooks = {on_entered, on_left, on_deliver};

/* The matrix ----------------------------------------------------------------------- */

/* Whether range depends on that axis. */
static bool counts(reef_spatial_mode_t mode, int axis)
{
    return mode == REEF_SPATIAL_3D || axis == 0 ||
           axis == (mode == REEF_SPATIAL_2D ? 1 : 2);
}

static double distance_squared(const model_t *m, uint32_t a, uint32_t b)
{
    double sum = 0;

    for (int axis = 0; axis < 3; axis++) {
        double d = m->at[a][axis] - m->at[b][axis];

        sum += counts(m->mode, axis) ? d * d : 0;
    }
    return sum;
}

static bool should_see(const model_t *m, uint32_t a, uint32_t b, bool saw)
{
    double d2 = distance_squared(m, a, b);

    return d2 <= (double)ENTER * ENTER || (saw && d2 <= (double)LEAVE * LEAVE);
}

/* What a record says is what the receiver was told; half of them then hear the rest. */
static void check_record(model_t *m, uint32_t a)
{
    const reef__sight_t *sight = &m->interest.sights[m->slots[a]];

    for (uint32_t i = 0; i < sight->count; i++) {
        uint32_t b = m->body_of[sight->seen[i]];
        uint32_t moved = m->interest.bodies[sight->seen[i]].moved;

        assert_int_equal(sight->record[i] != REEF__NEVER_TOLD, m->told[a][b]);
        assert_int_equal(sight->record[i] == moved, m->current[a][b]);
    }
    if (pick(m, 2) == 0) {
        for (uint32_t i = 0; i < sight->count; i++) {
            m->told[a][m->body_of[sight->seen[i]]] = true;
            m->current[a][m->body_of[sight->seen[i]]] = true;
        }
        reef__interest_end_record(&m->interest, m->slots[a]);
    }
}

static void check_body(model_t *m, uint32_t a, const bool saw[BODIES])
{
    const reef__sight_t *sight = &m->interest.sights[m->slots[a]];
    uint32_t expected = 0;

    for (uint32_t b = 0; b < BODIES; b++) {
        bool wanted = b != a && m->is_here[b] && should_see(m, a, b, saw[b]);

        assert_int_equal(m->sees[a][b], wanted);
        assert_int_equal(m->sees[b][a], wanted);
        expected += wanted;
        m->pairs_checked++;
        if (wanted && m->is_receiver[a] && sight->record == NULL) {
            assert_true(m->told[a][b] && m->current[a][b]); /* nothing is missed */
        }
    }
    assert_int_equal(sight->count, expected);
    if (sight->record != NULL) {
        check_record(m, a);
    }
}

static void update(model_t *m)
{
    static bool saw[BODIES][BODIES];

    memcpy(saw, m->sees, sizeof(saw));
    for (uint32_t a = 0; a < BODIES; a++) {
        m->hears[a] = pick(m, 8) != 0;
        for (uint32_t b = 0; b < BODIES; b++) {
            m->current[b][a] = m->current[b][a] && !m->moved[a];
        }
    }
    reef__interest_update(&m->interest);
    for (uint32_t a = 0; a < BODIES; a++) {
        if (m->is_here[a]) {
            check_body(m, a, saw[a]);
        }
    }
    memset(m->moved, 0, sizeof(m->moved));
}

/* Moves ---------------------------------------------------------------------------- */

static double quantum(double value)
{
    return floor(value * 16) / 16;
}

static double anywhere(model_t *m)
{
    return quantum(m->origin + (double)pick(m, 1 << 20) / (1 << 20) * m->spread -
                   m->spread / 2);
}

/* Just on a radius of another, or a sixteenth beside it. */
static void put_on_radius(model_t *m, uint32_t a)
{
    static const double ways[][3] = {
        {100, 0, 0},         {0, -100, 0}, {60, 80, 0},         {-80, 60, 0},
        {110, 0, 0},         {66, -88, 0}, {100 + .0625, 0, 0}, {100 - .0625, 0, 0},
        {110 + .0625, 0, 0}, {0, 0, 0},    {0, 110 + .0625, 0}, {48, 64, 60},
    };
    const double *way = ways[pick(m, sizeof(ways) / sizeof(ways[0]))];
    uint32_t b = pick(m, BODIES);

    for (int axis = 0; axis < 3; axis++) {
        m->at[a][axis] =
            m->at[b][axis] + way[m->mode == REEF_SPATIAL_3D_FLAT ? 2 - axis : axis];
    }
}

static void choose_place(model_t *m, uint32_t a)
{
    uint32_t way = pick(m, 16);

    if (way == 0) { /* teleport */
        for (int axis = 0; axis < 3; axis++) {
            m->at[a][axis] = anywhere(m);
        }
    } else if (way <= 2) {
        put_on_radius(m, a);
    } else if (way == 3) { /* a crowd in one cell */
        for (int axis = 0; axis < 3; axis++) {
            m->at[a][axis] = m->origin + pick(m, 16);
        }
    } else {
        for (int axis = 0; axis < 3; axis++) {
            m->at[a][axis] = quantum(m->at[a][axis] + pick(m, 40) - 19.5);
        }
    }
    for (int axis = 0; axis < 3; axis++) { /* not out of the world for ever */
        if (fabs(m->at[a][axis] - m->origin) > m->spread) {
            m->at[a][axis] = anywhere(m);
        }
    }
}

static reef__point_t point_of(const model_t *m, uint32_t a)
{
    return reef__place_point(
        m->mode,
        (reef__place_t){(float)m->at[a][0], (float)m->at[a][1], (float)m->at[a][2]});
}

static void step(model_t *m, uint32_t a)
{
    if (!m->is_here[a]) {
        choose_place(m, a);
        m->is_receiver[a] = pick(m, 3) != 0;
        m->slots[a] =
            reef__interest_add(&m->interest, point_of(m, a), m->is_receiver[a]);
        m->body_of[m->slots[a]] = a;
        m->is_here[a] = true;
    } else if (pick(m, 50) == 0) {
        reef__interest_remove(&m->interest, m->slots[a]);
        m->is_here[a] = false;
        for (uint32_t b = 0; b < BODIES; b++) {
            assert_false(m->sees[b][a]); /* was told to all who saw it */
            assert_false(m->is_receiver[a] && m->sees[a][b]); /* and to itself */
            m->sees[a][b] = false;
        }
    } else {
        reef__cell_t cell;

        choose_place(m, a);
        cell = reef__grid_cell(&m->interest.grid, point_of(m, a));
        reef__interest_move(&m->interest, m->slots[a], point_of(m, a), &cell);
    }
    m->moved[a] = true;
    m->moves++;
}

static void move_all(model_t *m)
{
    for (uint32_t a = 0; a < BODIES; a++) {
        step(m, a);
    }
}

static void
run(reef_spatial_mode_t mode, double ratio, double origin, double spread, uint64_t seed)
{
    model_t *m = calloc(1, sizeof(*m));

    m->mode = mode;
    m->origin = origin;
    m->spread = spread;
    m->seed = seed;
    reef__interest_init(&m->interest, &(reef__interest_desc_t){
                                          .alloc = reef_alloc_default(),
                                          .cell_size = ENTER / ratio,
                                          .enter = ENTER,
                                          .leave = LEAVE,
                                          .is_deep = mode == REEF_SPATIAL_3D,
                                          .hooks = &hooks,
                                          .context = m,
                                      });
    while (m->moves < MOVES) {
        m->interest.pack_factor = pick(m, 2) * 1000000; /* never or always */
        if (pick(m, 4) == 0) {
            move_all(m);
        } else {
            for (uint32_t i = 1 + pick(m, STEPS_PER_UPDATE * 2); i > 0; i--) {
                step(m, pick(m, BODIES));
            }
        }
        update(m);
    }
    assert_true(m->enters > MOVES / 4 && m->leaves > MOVES / 4);
    assert_true(m->pairs_checked > 1000000);
    reef__interest_finish(&m->interest);
    free(m);
}

static const double ratios[] = {0.3, 0.5, 1, 2, 3.3, 5};

static void test_spatial_interest_is_exact_in_2d(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        run(REEF_SPATIAL_2D, ratios[i], 0, 1500, (uint64_t)i);
    }
}

static void test_spatial_interest_is_exact_in_3d_flat(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        run(REEF_SPATIAL_3D_FLAT, ratios[i], 0, 1500, 10 + (uint64_t)i);
    }
}

static void test_spatial_interest_is_exact_in_3d(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        run(REEF_SPATIAL_3D, ratios[i], 0, 600, 20 + (uint64_t)i);
    }
}

/* As far from 0 as sixteenths can be told apart. */
static void test_spatial_interest_is_exact_far_from_zero(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        run((reef_spatial_mode_t)(i % 3), ratios[i], i % 2 == 0 ? -1000000 : 1000000,
            900, 30 + (uint64_t)i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spatial_interest_is_exact_in_2d),
        cmocka_unit_test(test_spatial_interest_is_exact_in_3d_flat),
        cmocka_unit_test(test_spatial_interest_is_exact_in_3d),
        cmocka_unit_test(test_spatial_interest_is_exact_far_from_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
