/*
 * What becomes of one entity when several commands are applied to it at once.  The
 * chain is *folded*: for each component that it names, what becomes of it in the end.
 * Then, at most once each,
 *
 *     what goes is observed and dropped · the row moves · what comes is written and
 *     observed
 */
#include "command.h"

/* What becomes of one component. */
typedef struct entry {
    reef_component_t component;
    bool was_there;  /* before the chain */
    bool is_there;   /* after it */
    bool has_gone;   /* was there and was removed, perhaps to come back */
    bool is_written; /* gets `value`, or the initial value when that is NULL */
    uint8_t *value;  /* in the commands */
    const reef_type_t *type;
} entry_t;

/* What becomes of one entity. */
typedef struct fold {
    reef_world_t *world;
    reef_entity_t entity;
    reef__record_t *record; /* alive or reserved */
    reef_table_t *from;     /* the empty table of one that is not alive yet */
    bool is_spawned;
    bool is_despawned;
    uint32_t count;
    entry_t entries[REEF_MAX_COMPONENTS];
} fold_t;

/* Folding -------------------------------------------------------------------------- */

static entry_t *ensure_entry(fold_t *fold, reef_component_t component)
{
    entry_t *entry = fold->entries;
    bool there = false;

    for (uint32_t i = 0; i < fold->count; i++, entry++) {
        if (entry->component == component) {
            return entry;
        }
    }
    there = reef__table_column_of(fold->from, component) != REEF__NO_COLUMN;
    *entry = (entry_t){
        .component = component,
        .was_there = there,
        .is_there = there,
        .type = reef__component_at(&fold->world->components, component)->type};
    fold->count++;
    return entry;
}

/* Forget the value that an entry was to get. */
static void drop_value(entry_t *entry)
{
    if (entry->value != NULL) {
        reef_type_drop(entry->type, entry->value);
        entry->value = NULL;
    }
    entry->is_written = false;
}

static void fold_write(entry_t *entry, void *value)
{
    drop_value(entry);
    entry->is_there = true;
    entry->is_written = true;
    entry->value = value;
}

static void fold_remove(entry_t *entry)
{
    drop_value(entry);
    entry->has_gone |= entry->was_there;
    entry->is_there = false;
}

static void fold_bundle(fold_t *fold, reef__packed_t *packed)
{
    const reef_table_t *table = packed->bundle->table;

    fold->is_spawned = true;
    for (uint32_t i = 0; i < table->component_count; i++) {
        bool given = (packed->given >> i & 1) && table->columns[i].size > 0;

        fold_write(ensure_entry(fold, table->components[i]),
                   given ? reef__packed_values(packed) + packed->bundle->offsets[i]
                         : NULL);
    }
}

static void fold_component(fold_t *fold, reef__command_t *command)
{
    entry_t *entry =
        ensure_entry(fold, reef_world_component(fold->world, command->type));

    if (command->kind == REEF__COMMAND_REMOVE) {
        fold_remove(entry);
    } else if (command->kind == REEF__COMMAND_SET && !entry->is_there) {
        reef__command_drop(command);
    } else {
        fold_write(entry, reef__command_value(command));
    }
}

static void fold_command(fold_t *fold, reef__command_t *command)
{
    switch (command->kind) {
    case REEF__COMMAND_SPAWN:
        fold->is_spawned = true;
        break;
    case REEF__COMMAND_SPAWN_BUNDLE:
        fold_bundle(fold, reef__command_value(command));
        break;
    case REEF__COMMAND_DESPAWN:
        fold->is_despawned = true;
        break;
    case REEF__COMMAND_ADD:
    case REEF__COMMAND_INITIAL:
    case REEF__COMMAND_SET:
    case REEF__COMMAND_REMOVE:
        fold_component(fold, command);
        break;
    }
}

static bool is_relation(const fold_t *fold, const entry_t *entry)
{
    return REEF_UNLIKELY(reef__component_is_relation(
        reef__component_at(&fold->world->components, entry->component)));
}

/* Relations that cannot be: as if they had not been recorded. */
static void refuse_relations(fold_t *fold)
{
    for (uint32_t i = 0; i < fold->count; i++) {
        entry_t *entry = &fold->entries[i];
        reef_relation_t wanted = {0};

        if (!entry->is_written || !is_relation(fold, entry)) {
            continue;
        }
        if (entry->value != NULL) {
            memcpy(&wanted, entry->value, sizeof(wanted));
        }
        if (!reef__relation_accepts(fold->world, entry->component, fold->entity,
                                    wanted.target)) {
            fold->world->stale_count++;
            drop_value(entry);
            entry->is_there = entry->was_there && !entry->has_gone;
        }
    }
}

/* Where the entity goes ------------------------------------------------------------ */

static bool is_flipped(const entry_t *entry)
{
    return entry->was_there != entry->is_there;
}

static bool memo_holds(const reef__transition_t *memo, const fold_t *fold)
{
    uint32_t count = 0;

    if (memo->to == NULL || memo->from != fold->from ||
        memo->released != fold->world->graph.released) {
        return false;
    }
    for (uint32_t i = 0; i < fold->count; i++) {
        if (is_flipped(&fold->entries[i])) {
            if (count == memo->count ||
                memo->flipped[count] != fold->entries[i].component) {
                return false;
            }
            count++;
        }
    }
    return count == memo->count;
}

/* The ids that are there in the end, ascending. */
static uint32_t list_components(const fold_t *fold, reef_component_t *ids)
{
    uint32_t count = fold->from->component_count;

    memcpy(ids, fold->from->components, count * sizeof(*ids));
    for (uint32_t i = 0; i < fold->count; i++) {
        const entry_t *entry = &fold->entries[i];
        uint32_t place = 0;

        if (!is_flipped(entry)) {
            continue;
        }
        while (place < count && ids[place] < entry->component) {
            place++;
        }
        if (entry->is_there) {
            assert(count < REEF_MAX_TABLE_COMPONENTS);
            memmove(ids + place + 1, ids + place, (count - place) * sizeof(*ids));
            ids[place] = entry->component;
            count++;
        } else {
            count--;
            memmove(ids + place, ids + place + 1, (count - place) * sizeof(*ids));
        }
    }
    return count;
}

static void find_transition(reef__transition_t *memo, const fold_t *fold)
{
    reef_world_t *world = fold->world;
    reef_component_t ids[REEF_MAX_TABLE_COMPONENTS];
    uint32_t count;

    if (REEF_LIKELY(memo_holds(memo, fold))) {
        return;
    }
    count = list_components(fold, ids);
    memo->from = fold->from;
    memo->to = reef__table_graph_ensure(&world->graph, &world->components, ids, count);
    memo->released = world->graph.released;
    memo->move_count = reef__table_plan_moves(memo->from, memo->to, memo->moves);
    memo->count = 0;
    for (uint32_t i = 0; i < fold->count; i++) {
        if (!is_flipped(&fold->entries[i])) {
            continue;
        }
        if (memo->count == REEF__MEMO_COMPONENTS) {
            memo->released = UINT64_MAX; /* too many to recognise */
            break;
        }
        memo->flipped[memo->count++] = fold->entries[i].component;
    }
}

/* Carrying it out ------------------------------------------------------------------ */

static void observe(const fold_t *fold, const entry_t *entry, reef_observe_t what)
{
    const reef__component_t *info =
        reef__component_at(&fold->world->components, entry->component);

    if (reef__component_is_observed(info, what)) {
        reef__world_run_observers(
            fold->world, what, fold->entity, entry->component,
            reef__world_value(fold->world, fold->entity, entry->component));
    }
}

/* Values that go or are replaced: observed, unlinked, dropped. */
static void release_old(const fold_t *fold)
{
    for (uint32_t i = 0; i < fold->count; i++) {
        const entry_t *entry = &fold->entries[i];

        if (entry->has_gone) {
            observe(fold, entry, REEF_OBSERVE_REMOVE);
        }
    }
    for (uint32_t i = 0; i < fold->count; i++) {
        const entry_t *entry = &fold->entries[i];
        uint8_t *old;

        if (!entry->was_there || (entry->is_there && !entry->is_written)) {
            continue;
        }
        old = reef__world_value(fold->world, fold->entity, entry->component);
        if (is_relation(fold, entry)) {
            reef__relation_unlink(fold->world, entry->component, (void *)old);
        }
        if (entry->type->size > 0) {
            reef_type_drop(entry->type, old);
        }
    }
}

/* Let the entity have its row in the table it ends in. */
static uint32_t move_row(fold_t *fold, const reef__transition_t *memo)
{
    reef_world_t *world = fold->world;
    reef_table_t *to = memo->to;
    uint32_t row;

    if (fold->is_spawned) {
        reef__entity_index_activate(&world->entities[reef_entity_range(fold->entity)],
                                    fold->record);
        return reef__world_place(world, to, fold->record, fold->entity);
    }
    if (to == fold->from) {
        return fold->record->row;
    }
    row = reef__table_append(to, world->version);
    reef__world_carry_row(world, fold->record, to, row, memo->moves, memo->move_count);
    return row;
}

/* The watches that see an entry's new value: all, when it came. */
static void note_value(const reef_table_t *table,
                       uint32_t row,
                       uint8_t column,
                       const fold_t *fold,
                       const entry_t *entry)
{
    const reef__track_t *track = table->columns[column].track;

    reef__table_note_write(table, row, column, fold->world->version);
    if (track != NULL && (entry->has_gone || !entry->was_there)) {
        reef__track_mark(track, row, track->used);
    }
}

static void write_new(const fold_t *fold, reef_table_t *table, uint32_t row)
{
    for (uint32_t i = 0; i < fold->count; i++) {
        const entry_t *entry = &fold->entries[i];
        uint8_t column;
        uint8_t *to;

        if (!entry->is_written) {
            continue;
        }
        column = reef__table_column_of(table, entry->component);
        to = reef__table_value(table, row, column);
        if (entry->type->size > 0) {
            reef__component_write(
                reef__component_at(&fold->world->components, entry->component), to,
                entry->value);
        }
        note_value(table, row, column, fold, entry);
        if (is_relation(fold, entry)) {
            reef__relation_link(fold->world, entry->component, fold->entity,
                                (void *)to);
        }
    }
}

static void observe_new(const fold_t *fold)
{
    for (uint32_t i = 0; i < fold->count; i++) {
        const entry_t *entry = &fold->entries[i];

        if (entry->is_written) {
            observe(fold, entry,
                    entry->was_there && !entry->has_gone ? REEF_OBSERVE_SET
                                                         : REEF_OBSERVE_ADD);
        }
    }
}

/* The entity goes, whatever else was recorded. */
static void apply_despawn(fold_t *fold)
{
    for (uint32_t i = 0; i < fold->count; i++) {
        drop_value(&fold->entries[i]);
    }
    if (!fold->is_spawned) {
        (void)reef_world_despawn(fold->world, fold->entity);
    } else if (fold->record->is_target) {
        reef__relation_despawn_tree(fold->world, fold->entity);
    } else {
        reef__entity_index_cancel(
            &fold->world->entities[reef_entity_range(fold->entity)], fold->entity);
    }
}

static void apply_fold(reef_commands_t *commands, fold_t *fold)
{
    uint32_t row;

    if (fold->is_despawned) {
        apply_despawn(fold);
        return;
    }
    refuse_relations(fold);
    reef__world_begin_change(fold->world);
    find_transition(&commands->memo, fold);
    if (!fold->is_spawned) {
        release_old(fold);
    }
    row = move_row(fold, &commands->memo);
    write_new(fold, commands->memo.to, row);
    observe_new(fold);
}

void reef__commands_apply_chain(reef_commands_t *commands,
                                const reef__command_bytes_t *bytes,
                                size_t offset,
                                reef__record_t *record)
{
    reef_world_t *world = commands->world;
    reef__command_t *command = reef__command_at(bytes, offset);
    bool alive = record->generation & 1;
    fold_t fold;

    fold.world = world;
    fold.entity = command->entity;
    fold.record = record;
    fold.from = alive ? reef__world_table_of(world, record) : world->empty;
    fold.is_spawned = false;
    fold.is_despawned = false;
    fold.count = 0;
    for (;; command = reef__command_at(bytes, command->chain)) {
        if (fold.is_despawned) { /* recorded for one that is dead by then */
            reef__command_skip(world, command);
        } else {
            fold_command(&fold, command);
        }
        if (command->chain == 0) {
            break;
        }
    }
    apply_fold(commands, &fold);
}
