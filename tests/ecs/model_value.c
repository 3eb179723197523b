/*
 * A value is a number: repeated over the bytes, or the target of a relation, or the
 * token of an owner.  Each token is made once, and has to be dropped once.
 */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    MAX_TOKENS = 1 << 22
};

/* The drop hook has no context. */
static uint8_t token_alive[MAX_TOKENS];
static uint32_t token_count;
static uint64_t live_tokens;

static void drop_token(void *value)
{
    uint32_t token;

    memcpy(&token, value, sizeof(token));
    if (token == 0) {
        return; /* an initial value */
    }
    if (token > token_count || !token_alive[token - 1]) {
        fprintf(stderr, "dropped twice, or never made: token %u\n", token);
        abort();
    }
    token_alive[token - 1] = 0;
    live_tokens--;
    memset(value, 0xdd, sizeof(token)); /* nobody reads it again */
}

#define BYTES(count_)                                                                  \
    {                                                                                  \
        .name = "bytes", .kind = REEF_KIND_U8, .size = 1, .array_count = (count_)      \
    }

static const reef_field_t one_field = BYTES(1);
static const reef_field_t four_field = {.name = "bytes",
                                        .kind = REEF_KIND_U32,
                                        .size = 4,
                                        .initial = "117901063"}; /* 0x07070707 */
static const reef_field_t eight_field = BYTES(8);
static const reef_field_t wide_field = BYTES(24);
static const reef_field_t huge_field = BYTES(MODEL_MAX_SIZE);

#define RELATION(name_, flags_)                                                        \
    {                                                                                  \
        .name = (name_), .size = sizeof(reef_relation_t),                              \
        .alignment = _Alignof(reef_relation_t), .flags = (flags_),                     \
        .fields = reef_relation_fields, .field_count = 1                               \
    }

const reef_type_t model_types[MODEL_TYPES] = {
    [MODEL_ONE] = {"one", 1, 1, REEF_PERSISTENT, &one_field, 1, NULL},
    [MODEL_FOUR] = {"four", 4, 4, REEF_PERSISTENT, &four_field, 1, NULL},
    [MODEL_EIGHT] = {"eight", 8, 8, 0, &eight_field, 1, NULL},
    [MODEL_OWNER] = {"owner", 16, 8, 0, NULL, 0, drop_token},
    [MODEL_TAG] = {"tag", 0, 1, REEF_PERSISTENT, NULL, 0, NULL},
    [MODEL_WIDE] = {"wide", 24, 8, REEF_PERSISTENT, &wide_field, 1, NULL},
    [MODEL_HUGE] = {"huge", MODEL_MAX_SIZE, 16, REEF_PERSISTENT, &huge_field, 1, NULL},
    [MODEL_PARENT] = RELATION("parent", REEF_PERSISTENT | REEF_CASCADE),
    [MODEL_ANCHOR] = RELATION("anchor", REEF_CASCADE),
    [MODEL_MEMBER] = RELATION("member", REEF_DETACH),
    [MODEL_FLAG] = {"flag", 0, 1, 0, NULL, 0, NULL},
    [MODEL_TOKEN] = {"token", 4, 4, 0, NULL, 0, drop_token},
};

void model_reset_tokens(void)
{
    memset(token_alive, 0, token_count);
    token_count = 0;
    live_tokens = 0;
}

uint64_t model_live_tokens(void)
{
    return live_tokens;
}

uint64_t model_initial(uint32_t type)
{
    return type == MODEL_FOUR ? 7 : 0;
}

uint64_t model_value(model_t *model, uint32_t type, uint16_t arg)
{
    if (arg == MODEL_INITIAL) {
        return model_initial(type);
    }
    if (model_is_owner(type)) {
        MODEL_CHECK(model, token_count < MAX_TOKENS, "too many tokens");
        token_alive[token_count++] = 1;
        live_tokens++;
        model->tokens++;
        return token_count;
    }
    if (model_is_relation(type)) {
        return model->things[arg % MODEL_REGISTERS].id;
    }
    return model_types[type].size > 0 ? (uint8_t)arg : 0;
}

void model_encode(uint32_t type, uint64_t value, void *out)
{
    uint32_t token = (uint32_t)value;

    if (model_is_relation(type)) {
        memcpy(out, &(reef_relation_t){.target = value, .place = 0xbadc0de},
               sizeof(reef_relation_t));
    } else if (model_is_owner(type)) {
        for (uint32_t i = 0; i < model_types[type].size; i += 4) {
            memcpy((uint8_t *)out + i, &token, sizeof(token));
        }
    } else {
        memset(out, (int)value, model_types[type].size);
    }
}

uint64_t model_decode(uint32_t type, const void *bytes)
{
    reef_entity_t target;
    uint32_t token;

    if (model_is_relation(type)) {
        memcpy(&target, bytes, sizeof(target));
        return target;
    }
    if (model_is_owner(type)) {
        memcpy(&token, bytes, sizeof(token));
        return token;
    }
    return model_types[type].size > 0 ? *(const uint8_t *)bytes : 0;
}

bool model_holds(uint32_t type, const void *bytes, uint64_t value)
{
    uint8_t wanted[MODEL_MAX_SIZE];

    if (model_is_relation(type)) {
        return model_decode(type, bytes) == value;
    }
    model_encode(type, value, wanted);
    return memcmp(bytes, wanted, model_types[type].size) == 0;
}

void model_release(uint32_t type, uint64_t value)
{
    uint32_t token = (uint32_t)value;

    if (model_is_owner(type)) {
        drop_token(&token);
    }
}

void model_forget_token(model_t *model, uint32_t type, uint64_t value)
{
    if (model_is_owner(type) && value != 0) {
        model->tokens--;
    }
}
