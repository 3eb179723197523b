/*
 * A hierarchical wheel (Varghese and Lauck, 1987, scheme 7).  Times are numbers of
 * eleven digits in base 64, and each level is one digit.  A deadline lies at the level
 * of the highest digit in which it differs from the present, in that digit's slot:
 *
 *     now        … 0  3  7  12
 *     deadline   … 0  3  7  40     level 0, slot 40: this very millisecond
 *     deadline   … 0  3  9   1     level 1, slot  9: 64 ms, sorted when they begin
 *     deadline   … 2  0  0   0     level 3, slot  2
 *
 * So every slot in use lies ahead of the present's digit, no slot is shared by several
 * turns of the wheel, and the lowest level in use has the earliest deadlines.  When
 * the present moves, all below its highest changed digit is due, and one slot of that
 * level is spread over the levels below.  A jump of hours costs no more than this.
 */
#include "wheel.h"

#include <reef/attrs.h>

static void ring_init(reef__wheel_link_t *head)
{
    *head = (reef__wheel_link_t){.next = head, .previous = head};
}

static bool ring_is_empty(const reef__wheel_link_t *head)
{
    return head->next == head;
}

static void ring_append(reef__wheel_link_t *head, reef__wheel_link_t *link)
{
    link->next = head;
    link->previous = head->previous;
    head->previous->next = link;
    head->previous = link;
}

static void ring_remove(reef__wheel_link_t *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    *link = (reef__wheel_link_t){.next = NULL};
}

static reef__wheel_node_t *ring_take(reef__wheel_link_t *head)
{
    reef__wheel_link_t *link = head->next;

    ring_remove(link);
    return (reef__wheel_node_t *)link;
}

/* Append all of `from`, which is empty afterwards. */
static void ring_move(reef__wheel_link_t *head, reef__wheel_link_t *from)
{
    if (ring_is_empty(from)) {
        return;
    }
    from->next->previous = head->previous;
    from->previous->next = head;
    head->previous->next = from->next;
    head->previous = from->previous;
    ring_init(from);
}

/* Level of the highest digit in which two times differ. */
static unsigned level_of(uint64_t a, uint64_t b)
{
    uint64_t difference = a ^ b;
    unsigned level = 0;

    while (difference >= REEF__WHEEL_SLOTS) {
        difference >>= REEF__WHEEL_LEVEL_BITS;
        level++;
    }
    return level;
}

static unsigned digit_of(uint64_t time_ms, unsigned level)
{
    return (time_ms >> (level * REEF__WHEEL_LEVEL_BITS)) & (REEF__WHEEL_SLOTS - 1);
}

static uint64_t bit(unsigned slot)
{
    return UINT64_C(1) << slot;
}

/* Into its slot, or into `passed` when it is due. */
static void
place(reef__wheel_t *wheel, reef__wheel_node_t *node, reef__wheel_link_t *passed)
{
    unsigned level;
    unsigned slot;

    if (node->due_ms <= wheel->now_ms) {
        ring_append(passed, &node->link);
        return;
    }
    level = level_of(node->due_ms, wheel->now_ms);
    slot = digit_of(node->due_ms, level);
    ring_append(&wheel->slots[level][slot], &node->link);
    wheel->occupied[level] |= bit(slot);
}

void reef__wheel_init(reef__wheel_t *wheel, uint64_t now_ms)
{
    *wheel = (reef__wheel_t){.now_ms = now_ms};
    ring_init(&wheel->due);
    ring_init(&wheel->late);
    for (unsigned level = 0; level < REEF__WHEEL_LEVELS; level++) {
        for (unsigned slot = 0; slot < REEF__WHEEL_SLOTS; slot++) {
            ring_init(&wheel->slots[level][slot]);
        }
    }
}

void reef__wheel_finish(reef__wheel_t *wheel)
{
    wheel->is_in_round = false; /* with those that are late */
    while (reef__wheel_take_due(wheel, UINT64_MAX) != NULL) {
    }
}

void reef__wheel_set(reef__wheel_t *wheel, reef__wheel_node_t *node, uint64_t due_ms)
{
    reef__wheel_remove(wheel, node);
    node->due_ms = due_ms;
    place(wheel, node, &wheel->late);
}

void reef__wheel_remove(reef__wheel_t *wheel, reef__wheel_node_t *node)
{
    if (!reef__wheel_has(node)) {
        return;
    }
    ring_remove(&node->link);
    if (node->due_ms > wheel->now_ms) {
        /* Since it was placed, no digit has reached its slot: it is found again. */
        unsigned level = level_of(node->due_ms, wheel->now_ms);
        unsigned slot = digit_of(node->due_ms, level);

        if (ring_is_empty(&wheel->slots[level][slot])) {
            wheel->occupied[level] &= ~bit(slot);
        }
    }
}

/* All that waits in the given slots of a level is due. */
static void expire(reef__wheel_t *wheel, unsigned level, uint64_t slots)
{
    uint64_t left = wheel->occupied[level] & slots;

    wheel->occupied[level] &= ~slots;
    for (; left != 0; left &= left - 1) {
        ring_move(&wheel->due, &wheel->slots[level][REEF_LOWEST_BIT(left)]);
    }
}

static void advance(reef__wheel_t *wheel, uint64_t now_ms)
{
    unsigned top = level_of(now_ms, wheel->now_ms);
    unsigned digit = digit_of(now_ms, top);
    reef__wheel_link_t begun;

    wheel->now_ms = now_ms;
    for (unsigned level = 0; level < top; level++) {
        expire(wheel, level, UINT64_MAX);
    }
    expire(wheel, top, bit(digit) - 1);
    if ((wheel->occupied[top] & bit(digit)) == 0) {
        return;
    }
    wheel->occupied[top] &= ~bit(digit);
    ring_init(&begun);
    ring_move(&begun, &wheel->slots[top][digit]);
    while (!ring_is_empty(&begun)) {
        place(wheel, ring_take(&begun), &wheel->due);
    }
}

reef__wheel_node_t *reef__wheel_take_due(reef__wheel_t *wheel, uint64_t now_ms)
{
    if (now_ms > wheel->now_ms) {
        advance(wheel, now_ms);
        wheel->is_in_round = false;
    }
    if (!wheel->is_in_round) {
        ring_move(&wheel->due, &wheel->late);
        wheel->is_in_round = true;
    }
    if (ring_is_empty(&wheel->due)) {
        wheel->is_in_round = false;
        return NULL;
    }
    return ring_take(&wheel->due);
}

uint64_t reef__wheel_next_ms(const reef__wheel_t *wheel, uint64_t now_ms)
{
    if (!ring_is_empty(&wheel->due) || !ring_is_empty(&wheel->late)) {
        return 0;
    }
    for (unsigned level = 0; level < REEF__WHEEL_LEVELS; level++) {
        if (wheel->occupied[level] != 0) {
            unsigned shift = level * REEF__WHEEL_LEVEL_BITS;
            uint64_t above =
                wheel->now_ms >> shift & ~(REEF__WHEEL_SLOTS - UINT64_C(1));
            uint64_t begin_ms = (above | REEF_LOWEST_BIT(wheel->occupied[level]))
                                << shift;

            return begin_ms > now_ms ? begin_ms - now_ms : 0;
        }
    }
    return UINT64_MAX;
}
