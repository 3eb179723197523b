/*
 * One byte says of what type a value is, the rest is what a client sends of it.  What
 * is accepted must keep to its description, and be written again as the same bytes;
 * what is refused, at any byte, must leave nothing behind.
 */
#include "codec/reef_v1.h"

#include "opcode.h"
#include "reef_v1_fixture.h"

#include <stdlib.h>
#include <string.h>

static const reef_type_t *const types[] = {&v1_all_type, &v1_member_type,
                                           &v1_opcode_type, &v1_error_type};

enum {
    TYPES = sizeof(types) / sizeof(types[0])
};

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static const reef__v1_plan_t *plan_of(size_t index)
{
    static reef__v1_plan_t *plans[TYPES];

    if (plans[index] == NULL) {
        check(reef__v1_plan_create(types[index], reef_alloc_default(), &plans[index],
                                   NULL) == REEF_OK);
    }
    return plans[index];
}

static void check_round_trip(const reef__v1_plan_t *plan,
                             const reef_type_t *type,
                             const void *value,
                             reef_span_t bytes)
{
    uint8_t *out = malloc(bytes.size + 1);
    void *again = malloc(type->size);
    reef_span_t input = reef_span(out, bytes.size);

    check(reef__v1_size(plan, value) == bytes.size);
    check(reef__v1_write(plan, value, out) == out + bytes.size);
    check(memcmp(out, bytes.data, bytes.size) == 0);
    check(reef__v1_read(plan, &input, again).code == 0 && input.size == 0);
    check(reef_type_equal(type, value, again));
    reef_type_drop_texts(type, again);
    free(again);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t index = size > 0 ? data[0] % TYPES : 0;
    const reef_type_t *type = types[index];
    const reef__v1_plan_t *plan = plan_of(index);
    void *value = malloc(type->size);
    reef_span_t bytes = size > 0 ? reef_span(data + 1, size - 1) : reef_span(data, 0);
    reef_span_t input = bytes;
    reef__v1_fault_t fault = reef__v1_read(plan, &input, value);
    bool is_fixed;

    check(input.size <= bytes.size);
    if (fault.code == 0) {
        check(bytes.size - input.size >= reef__v1_least_size(plan, &is_fixed));
        check_round_trip(plan, type, value,
                         reef_span(bytes.data, bytes.size - input.size));
    } else {
        check(fault.field != NULL && fault.text != NULL);
    }
    reef_type_drop_texts(type, value);
    free(value);
    return 0;
}
