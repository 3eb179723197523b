/*
 * Operations from a seed, as text, and from text.
 *
 * What a seed's sequence is like is drawn first: how many registers, which types, how
 * often each operation.  Where some are missing and others frequent, rare meetings
 * become likely (swarm testing).
 */
#include "model.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

const char *const model_op_names[MODEL_KINDS] = {
#define X(name, function, letters) #function,
    MODEL_OP_MAP(X)
#undef X
};

const char *const model_op_letters[MODEL_KINDS] = {
#define X(name, function, letters) letters,
    MODEL_OP_MAP(X)
#undef X
};

/* Text ----------------------------------------------------------------------------- */

static void describe(const model_op_t *op, char *out, size_t size)
{
    const char *letters = model_op_letters[op->kind];
    size_t used = 0;

    out[0] = '\0';
    for (uint32_t i = 0; letters[i] != '\0' && used < size; i++) {
        uint16_t value = op->args[i];

        if (letters[i] == 's') {
            model_describe_term(value, out + used, size - used);
            used = strlen(out);
        }
        if (letters[i] == 't') {
            used += (size_t)snprintf(out + used, size - used, " %s",
                                     model_types[value % MODEL_TYPES].name);
        }
        for (uint32_t type = 0; letters[i] == 'm' && type < MODEL_TYPES && used < size;
             type++) {
            if (value >> type & 1) {
                used += (size_t)snprintf(out + used, size - used, " %s",
                                         model_types[type].name);
            }
        }
    }
}

void model_print_op(const model_op_t *op, char *out, size_t size)
{
    size_t letters = strlen(model_op_letters[op->kind]);
    char names[160];
    size_t used = (size_t)snprintf(out, size, "%s(", model_op_names[op->kind]);

    for (size_t i = 0; i < letters && used < size; i++) {
        used += (size_t)snprintf(out + used, size - used, "%s%u", i > 0 ? ", " : "",
                                 op->args[i]);
    }
    describe(op, names, sizeof(names));
    if (used < size) {
        snprintf(out + used, size - used, ");%s%s", names[0] != '\0' ? " //" : "",
                 names);
    }
}

static bool find_kind(const char *name, size_t length, uint8_t *kind)
{
    for (uint32_t i = 0; i < MODEL_KINDS; i++) {
        if (strlen(model_op_names[i]) == length &&
            memcmp(model_op_names[i], name, length) == 0) {
            *kind = (uint8_t)i;
            return true;
        }
    }
    return false;
}

bool model_parse_op(const char *line, model_op_t *op)
{
    const char *open = strchr(line, '(');
    const char *letters;
    char *end;

    *op = (model_op_t){0};
    while (isspace((unsigned char)*line)) {
        line++;
    }
    if (open == NULL || !find_kind(line, (size_t)(open - line), &op->kind)) {
        return false;
    }
    letters = model_op_letters[op->kind];
    line = open + 1;
    for (uint32_t i = 0; letters[i] != '\0'; i++) {
        unsigned long value = strtoul(line, &end, 10);

        if (end == line || value > UINT16_MAX ||
            (letters[i] == 'r' && value >= MODEL_REGISTERS)) {
            return false;
        }
        op->args[i] = (uint16_t)value;
        line = *end == ',' ? end + 1 : end;
    }
    return *line == ')';
}

/* From a seed ---------------------------------------------------------------------- */

typedef struct source {
    uint64_t state;
    uint32_t registers;
    uint32_t hot;  /* registers that most operations are about */
    uint16_t mask; /* types that are used */
    bool sessions;
    uint8_t kinds[1024]; /* drawn from */
} source_t;

static uint32_t draw(source_t *source, uint32_t bound)
{
    source->state ^= source->state << 13;
    source->state ^= source->state >> 7;
    source->state ^= source->state << 17;
    return (uint32_t)((source->state >> 32) * bound >> 32);
}

static const uint8_t weights[MODEL_KINDS] = {
    [MODEL_OP_SPAWN] = 60,
    [MODEL_OP_SPAWN_ROWS] = 6,
    [MODEL_OP_BUNDLE_CREATE] = 4,
    [MODEL_OP_BUNDLE_DESTROY] = 3,
    [MODEL_OP_BUNDLE_SPAWN] = 40,
    [MODEL_OP_BUNDLE_ROWS] = 3,
    [MODEL_OP_DESPAWN] = 50,
    [MODEL_OP_ADD] = 150,
    [MODEL_OP_SET] = 60,
    [MODEL_OP_REMOVE] = 100,
    [MODEL_OP_FIND_MUT] = 40,
    [MODEL_OP_COPY] = 15,
    [MODEL_OP_STALE] = 10,
    [MODEL_OP_QUERY_CREATE] = 16,
    [MODEL_OP_QUERY_DESTROY] = 4,
    [MODEL_OP_ITERATE] = 40,
    [MODEL_OP_NESTED] = 4,
    [MODEL_OP_SKIP_CHANGES] = 2,
    [MODEL_OP_TRIM] = 2,
    [MODEL_OP_OBSERVE] = 2,
    [MODEL_OP_REACT] = 1,
    [MODEL_OP_ADVANCE] = 4,
    [MODEL_OP_RECORD_SPAWN] = 30,
    [MODEL_OP_RECORD_BUNDLE] = 20,
    [MODEL_OP_RECORD_DESPAWN] = 25,
    [MODEL_OP_RECORD_ADD] = 80,
    [MODEL_OP_RECORD_SET] = 30,
    [MODEL_OP_RECORD_REMOVE] = 50,
    [MODEL_OP_RECORD_STALE] = 5,
    [MODEL_OP_APPLY] = 12,
    [MODEL_OP_DISCARD] = 1,
    [MODEL_OP_RESTORE] = 1,
};

/* What costs time with every entity comes less often where they are many. */
static uint32_t tame(model_kind_t kind, uint32_t weight, uint32_t registers)
{
    switch (kind) {
    case MODEL_OP_ITERATE:
    case MODEL_OP_NESTED:
    case MODEL_OP_QUERY_CREATE:
    case MODEL_OP_QUERY_DESTROY:
    case MODEL_OP_SKIP_CHANGES:
        return registers > 200 ? weight * 200 / registers : weight;
    case MODEL_OP_RESTORE:
        return registers > 100 ? 0 : weight;
    case MODEL_OP_TRIM:
        return registers > 100 ? weight / 2 : weight;
    default:
        return weight;
    }
}

static void draw_kinds(source_t *source)
{
    static const uint8_t factors[] = {0, 1, 2, 2, 2, 4, 8};
    uint32_t scaled[MODEL_KINDS];
    uint32_t total = 0;

    for (uint32_t i = 0; i < MODEL_KINDS; i++) {
        uint32_t factor = factors[draw(source, sizeof(factors))];

        scaled[i] = tame(i, weights[i] * factor * 16, source->registers);
        if (i == MODEL_OP_SPAWN || i == MODEL_OP_ADD || i == MODEL_OP_APPLY) {
            scaled[i] += weights[i] * 16u;
        }
        total += scaled[i];
    }
    for (uint32_t i = 0, kind = 0, sum = scaled[0]; i < sizeof(source->kinds); i++) {
        while ((uint64_t)sum * sizeof(source->kinds) <= (uint64_t)i * total) {
            sum += scaled[++kind];
        }
        source->kinds[i] = (uint8_t)kind;
    }
}

static void draw_nature(source_t *source)
{
    static const uint16_t sizes[] = {4,  8,   8,   16,  16,   40,
                                     40, 100, 100, 300, 1000, 7000};

    source->registers = sizes[draw(source, sizeof(sizes) / sizeof(sizes[0]))];
    source->hot = 1 + draw(source, source->registers < 8 ? source->registers : 8);
    source->mask = (1u << MODEL_TYPES) - 1;
    if (draw(source, 4) > 0) {
        source->mask = (uint16_t)(draw(source, 1u << MODEL_TYPES) |
                                  1u << draw(source, MODEL_TYPES));
    }
    if (draw(source, 3) == 0) {
        source->mask &= (uint16_t) ~(1u << MODEL_ANCHOR);
    }
    if (source->registers > 500) { /* few tables, so that they are long */
        source->mask &= (uint16_t)draw(source, 1u << MODEL_TYPES);
        source->mask &= (uint16_t)draw(source, 1u << MODEL_TYPES);
    }
    source->mask |= source->mask == 0;
    source->sessions = draw(source, 2) == 0;
    draw_kinds(source);
}

static uint16_t draw_register(source_t *source)
{
    return (uint16_t)draw(source,
                          draw(source, 3) == 0 ? source->hot : source->registers);
}

static uint16_t draw_type(source_t *source)
{
    uint32_t type = draw(source, MODEL_TYPES);

    while ((source->mask >> type & 1) == 0) {
        type = (type + 1) % MODEL_TYPES;
    }
    return (uint16_t)type;
}

/* A value of the type that was drawn before. */
static uint16_t draw_value(source_t *source, uint32_t type)
{
    if (draw(source, 16) == 0) {
        return MODEL_INITIAL;
    }
    if (type == MODEL_TYPES || model_is_relation(type)) {
        return draw_register(source);
    }
    return (uint16_t)draw(source, 256);
}

/* A term of a query, or none. */
static uint16_t draw_term(source_t *source)
{
    static const uint8_t kinds[] = {
        REEF_ACCESS_READ,        REEF_ACCESS_WRITE,       REEF_ACCESS_WRITE,
        REEF_ACCESS_WRITE,       REEF_ACCESS_MAYBE_WRITE, REEF_ACCESS_MAYBE_READ,
        REEF_ACCESS_WITH,        REEF_ACCESS_WITHOUT,     REEF_ACCESS_EITHER_WRITE,
        REEF_ACCESS_EITHER_READ, REEF_ACCESS_CHANGED,     REEF_ACCESS_CHANGED,
        REEF_ACCESS_CHANGED,     REEF_ACCESS_ADDED,       REEF_ACCESS_ADDED,
    };
    uint32_t access = kinds[draw(source, sizeof(kinds))];

    return draw(source, 5) < 3 ? 0
                               : (uint16_t)(access | (uint32_t)draw_type(source) << 4 |
                                            draw(source, 3) << 8);
}

static uint16_t draw_arg(source_t *source, char letter, uint32_t *type)
{
    switch (letter) {
    case 'r':
        return draw_register(source);
    case 'n':
        return (uint16_t)(1 + draw(source, draw(source, 4) == 0
                                               ? source->registers
                                               : source->registers / 8 + 1));
    case 't':
        *type = draw_type(source);
        return (uint16_t)*type;
    case 'm':
        return (uint16_t)(draw(source, 1u << MODEL_TYPES) & source->mask);
    case 'v':
        return draw_value(source, *type);
    case 'g':
        return source->sessions && draw(source, 3) == 0;
    case 'q':
        return (uint16_t)draw(source, MODEL_QUERIES);
    case 'k':
        return (uint16_t)(draw(source, 2) ? 0 : draw(source, MODEL_RECORDERS));
    case 'b':
        return (uint16_t)draw(source, MODEL_BUNDLES);
    case 'i':
        return (uint16_t)(draw(source, 3) == 0 ? draw(source, 4) : UINT16_MAX);
    case 'o':
        return (uint16_t)draw(source, 4);
    case 's':
        return draw_term(source);
    default: /* how */
        return (uint16_t)draw(source, 256);
    }
}

static model_op_t draw_op(source_t *source, model_kind_t kind)
{
    const char *letters = model_op_letters[kind];
    model_op_t op = {.kind = (uint8_t)kind};
    uint32_t type = MODEL_TYPES;

    for (uint32_t i = 0; letters[i] != '\0'; i++) {
        op.args[i] = draw_arg(source, letters[i], &type);
        if (letters[i] == 'n' && op.args[i - 1] + op.args[i] > source->registers) {
            op.args[i] = (uint16_t)(source->registers - op.args[i - 1]);
        }
    }
    return op;
}

void model_generate(model_ops_t *ops, uint64_t seed, uint32_t count)
{
    const reef_alloc_t *alloc = reef_alloc_default();
    source_t source = {.state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15)};
    uint32_t every;

    draw(&source, 2);
    draw_nature(&source);
    every = source.registers < 250 ? 250 : source.registers * 2;
    ops->count = 0;
    for (uint32_t i = draw(&source, 24); i > 0; i--) {
        *REEF_ARRAY_PUSH(alloc, ops) = draw_op(&source, MODEL_OP_OBSERVE);
    }
    if (source.registers > 500) { /* most of them at once, alike */
        model_op_t op = draw_op(&source, MODEL_OP_SPAWN_ROWS);

        op.args[0] = (uint16_t)(op.args[0] % 100);
        op.args[1] = (uint16_t)(source.registers - op.args[0]);
        *REEF_ARRAY_PUSH(alloc, ops) = op;
    }
    for (uint32_t i = draw(&source, 12); i > 0; i--) {
        *REEF_ARRAY_PUSH(alloc, ops) = draw_op(&source, MODEL_OP_QUERY_CREATE);
    }
    while (ops->count < count) {
        model_kind_t kind = source.kinds[draw(&source, sizeof(source.kinds))];

        if (ops->count % every == 0) {
            kind = MODEL_OP_COMPARE;
        }
        *REEF_ARRAY_PUSH(alloc, ops) = draw_op(&source, kind);
    }
    ops->count = count;
}
