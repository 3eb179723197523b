/*
 * Messages to groups are numbered as they come, over all groups of the loop, and a peer
 * knows up to which number it was given everything (`given`).  So catching up and the
 * flush never give a message twice, and a peer of several groups with pending messages
 * gets them in order.
 *
 *     pending of a group:   #7 #8 #11 #12
 *     given <= 7            the block of all four, by reference
 *     given = 9             #11, #12, one by one
 *
 * This is one of the hot loops: for a member with nothing else to be sent the flush
 * hands over the block, and nothing more.
 */
#include "transport/fan.h"

#include "buffer.h"
#include "transport/io.h"

#include <assert.h>

enum {
    MAX_BLOCK = 65536, /* bytes: larger ones are not worth being copied together */
};

void reef__fans_init(reef__fans_t *fans, const reef_alloc_t *alloc)
{
    *fans = (reef__fans_t){.alloc = alloc};
}

static void finish_fan(reef__fans_t *fans, reef__fan_t *fan)
{
    for (size_t i = 0; i < fan->pending.count; i++) {
        reef_buffer_unref(fan->pending.items[i].payload);
    }
    REEF_ARRAY_FINISH(fans->alloc, &fan->pending);
    REEF_ARRAY_FINISH(fans->alloc, &fan->members);
}

void reef__fans_finish(reef__fans_t *fans)
{
    for (size_t i = 0; i < fans->groups.count; i++) {
        finish_fan(fans, &fans->groups.items[i]);
    }
    reef__fans_release(fans);
    REEF_ARRAY_FINISH(fans->alloc, &fans->groups);
    REEF_ARRAY_FINISH(fans->alloc, &fans->pending);
    REEF_ARRAY_FINISH(fans->alloc, &fans->blocks);
}

static reef__fan_t *ensure(reef__fans_t *fans, uint32_t group)
{
    while (fans->groups.count <= group) {
        *REEF_ARRAY_PUSH(fans->alloc, &fans->groups) = (reef__fan_t){0};
    }
    return &fans->groups.items[group];
}

/* Membership ------------------------------------------------------------------- */

static reef__fan_membership_t *find(const reef__peer_t *peer, uint32_t group)
{
    for (uint32_t i = 0; i < peer->memberships.count; i++) {
        if (peer->memberships.items[i].group == group) {
            return &peer->memberships.items[i];
        }
    }
    return NULL;
}

static reef__fan_membership_t *add_membership(reef__fans_t *fans, reef__peer_t *peer)
{
    reef__fan_memberships_t *list = &peer->memberships;

    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity ? list->capacity * 2 : 1;

        list->items =
            reef_resize(fans->alloc, list->items, list->capacity * sizeof(*list->items),
                        capacity * sizeof(*list->items));
        list->capacity = capacity;
    }
    return &list->items[list->count++];
}

void reef__fans_join(reef__fans_t *fans, reef__peer_t *peer, uint32_t group)
{
    reef__fan_t *fan = ensure(fans, group);

    assert(find(peer, group) == NULL);
    reef__fans_catch_up(fans, peer); /* so that what comes from now on is for it */
    *REEF_ARRAY_PUSH(fans->alloc, &fan->members) = peer;
    *add_membership(fans, peer) = (reef__fan_membership_t){
        .group = group, .position = (uint32_t)(fan->members.count - 1)};
}

void reef__fans_leave(reef__fans_t *fans, reef__peer_t *peer, uint32_t group)
{
    reef__fan_membership_t *membership = find(peer, group);
    reef__fan_t *fan;
    reef__peer_t *last;

    if (membership == NULL) {
        return;
    }
    reef__fans_catch_up(fans, peer);
    fan = &fans->groups.items[group];
    last = fan->members.items[--fan->members.count];
    fan->members.items[membership->position] = last;
    find(last, group)->position = membership->position;
    *membership = peer->memberships.items[--peer->memberships.count];
}

void reef__fans_end(reef__fans_t *fans, uint32_t group)
{
    if (group < fans->groups.count) {
        reef__fan_t *fan = &fans->groups.items[group];

        assert(fan->members.count == 0);
        REEF_ARRAY_FINISH(fans->alloc, &fan->members);
    }
}

void reef__fans_finish_peer(reef__fans_t *fans, reef__peer_t *peer)
{
    reef__fan_memberships_t *list = &peer->memberships;

    assert(list->count == 0);
    list->items =
        reef_resize(fans->alloc, list->items, list->capacity * sizeof(*list->items), 0);
    list->capacity = 0;
}

/* Sending ---------------------------------------------------------------------- */

void reef__fans_send(reef__fans_t *fans,
                     uint32_t group,
                     const reef__fan_message_t *message)
{
    reef__fan_t *fan = ensure(fans, group);

    if (fan->members.count == 0) {
        reef_buffer_unref(message->payload);
        return;
    }
    if (fan->pending.count == 0) {
        *REEF_ARRAY_PUSH(fans->alloc, &fans->pending) = group;
    }
    *REEF_ARRAY_PUSH(fans->alloc, &fan->pending) = *message;
    fan->pending.items[fan->pending.count - 1].number = fans->next_number++;
}

/* The first pending message of a group with at least this number, or NULL. */
static const reef__fan_message_t *first_from(const reef__fan_t *fan, uint64_t number)
{
    size_t low = 0;
    size_t high = fan->pending.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (fan->pending.items[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < fan->pending.count ? &fan->pending.items[low] : NULL;
}

/* The oldest message that the peer was not given yet, or NULL. */
static const reef__fan_message_t *next_for(const reef__fans_t *fans,
                                           const reef__peer_t *peer)
{
    const reef__fan_message_t *best = NULL;

    for (uint32_t i = 0; i < peer->memberships.count; i++) {
        const reef__fan_message_t *message =
            first_from(&fans->groups.items[peer->memberships.items[i].group],
                       peer->memberships.given);

        if (message != NULL && (best == NULL || message->number < best->number)) {
            best = message;
        }
    }
    return best;
}

void reef__fans_catch_up(reef__fans_t *fans, reef__peer_t *peer)
{
    const reef__fan_message_t *message;

    if (fans->pending.count > 0) {
        while ((message = next_for(fans, peer)) != NULL) {
            reef__fan_message_t copy = *message;

            peer->memberships.given = message->number + 1;
            copy.payload =
                reef__framer_frame(&fans->framer, reef_buffer_ref(message->payload),
                                   (reef__framing_t)peer->framing);
            peer->type->send(peer, &copy);
        }
    }
    peer->memberships.given = fans->next_number;
}

/* All pending frames in one, or NULL when they are too large for that. */
static reef_buffer_t *
make_block(reef__fans_t *fans, const reef__fan_t *fan, reef__framing_t framing)
{
    reef_buffer_t *block;
    uint8_t *at;
    size_t size = 0;

    if (fan->pending.count == 1) {
        return reef__framer_frame(
            &fans->framer, reef_buffer_ref(fan->pending.items[0].payload), framing);
    }
    for (size_t i = 0; i < fan->pending.count; i++) {
        size += reef__buffer_frame_size(fan->pending.items[i].payload, framing);
    }
    if (size > MAX_BLOCK) {
        return NULL;
    }
    block = reef__buffer_blank(size, &at);
    for (size_t i = 0; i < fan->pending.count; i++) {
        at = reef__buffer_write_frame(fan->pending.items[i].payload, framing, at);
    }
    return block;
}

/* The block of one group, in each framing that a member has asked for. */
typedef struct blocks {
    reef_buffer_t *items[REEF__FRAMING_COUNT];
    bool are_made[REEF__FRAMING_COUNT];
} blocks_t;

static reef_buffer_t *find_block(reef__fans_t *fans,
                                 const reef__fan_t *fan,
                                 blocks_t *blocks,
                                 reef__framing_t framing)
{
    if (framing == REEF__FRAMING_NONE) {
        return NULL;
    }
    if (!blocks->are_made[framing]) {
        blocks->are_made[framing] = true;
        blocks->items[framing] = make_block(fans, fan, framing);
        if (blocks->items[framing] != NULL) {
            *REEF_ARRAY_PUSH(fans->alloc, &fans->blocks) = blocks->items[framing];
        }
    }
    return blocks->items[framing];
}

/* Whether all of this group's pending messages, and no others, are for the peer. */
static bool
wants_block(const reef__fans_t *fans, const reef__peer_t *peer, uint32_t group)
{
    if (peer->memberships.given > fans->groups.items[group].pending.items[0].number) {
        return false;
    }
    for (uint32_t i = 0; fans->pending.count > 1 && i < peer->memberships.count; i++) {
        uint32_t other = peer->memberships.items[i].group;

        if (other != group && fans->groups.items[other].pending.count > 0) {
            return false;
        }
    }
    return true;
}

static void give_to_members(reef__fans_t *fans, uint32_t group)
{
    const reef__fan_t *fan = &fans->groups.items[group];
    reef__framing_t framing = REEF__FRAMING_NONE; /* the last member's */
    reef_buffer_t *block = NULL;
    blocks_t blocks = {0};

    for (size_t i = 0; i < fan->members.count; i++) {
        reef__peer_t *peer = fan->members.items[i];

        if (peer->framing != framing) {
            framing = (reef__framing_t)peer->framing;
            block = find_block(fans, fan, &blocks, framing);
        }

        /* Who gets the block has nothing else pending, so there is nothing to note. */
        if (block == NULL || !wants_block(fans, peer, group) ||
            !peer->type->send_frames(peer, block)) {
            reef__fans_catch_up(fans, peer);
        }
    }
}

static void forget_pending(reef__fan_t *fan)
{
    for (size_t i = 0; i < fan->pending.count; i++) {
        reef_buffer_unref(fan->pending.items[i].payload);
    }
    fan->pending.count = 0;
}

void reef__fans_flush(reef__fans_t *fans)
{
    for (size_t i = 0; i < fans->pending.count; i++) {
        give_to_members(fans, fans->pending.items[i]);
    }
    for (size_t i = 0; i < fans->pending.count; i++) {
        forget_pending(&fans->groups.items[fans->pending.items[i]]);
    }
    fans->pending.count = 0;
}

void reef__fans_release(reef__fans_t *fans)
{
    while (fans->blocks.count > 0) {
        reef_buffer_unref(fans->blocks.items[--fans->blocks.count]);
    }
    reef__framer_release(&fans->framer);
}
