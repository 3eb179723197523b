/*
 * The first byte picks a field, the rest is what a person typed.  What is accepted must
 * be printed in a form that is accepted again and means the same; what is refused must
 * leave the value alone and say why.
 */
#include <reef/reflect.h>

#include <stdlib.h>
#include <string.h>

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const reef_enum_value_t level_values[] = {{"low", -3}, {"high", 7}, {"off", 0}};
static const reef_enum_value_t flag_values[] = {
    {"read", 1}, {"write", 2}, {"all", 7}, {"pair", 24}, {"top", 0x80000000}};

REEF_COMPONENT(target,
               0,
               REEF_BOOL(boolean),
               REEF_I8(i8),
               REEF_I16(i16),
               REEF_I32(i32),
               REEF_I64(i64),
               REEF_U8(u8),
               REEF_U16(u16, .min = 1, .max = 1000, .unit = "Hz"),
               REEF_U32(u32),
               REEF_U64(u64, .min = 1, .max = 9007199254740993.0),
               REEF_F32(f32),
               REEF_F64(f64),
               REEF_F32(part, .min = -0.1, .max = 0.1),
               REEF_F64(limited, .min = -1e9, .max = 1e9),
               REEF_ENUM(level, level_values),
               REEF_MASK(flags, flag_values),
               REEF_STRING(text, 32),
               REEF_ENTITY(entity));

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static bool same(const target_t *a, const target_t *b)
{
    return reef_type_hash(&target_type, a, 0) == reef_type_hash(&target_type, b, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    target_t value = {0};
    target_t again = {0};
    char text[64];
    const reef_field_t *field;
    reef_failure_t failure = {0};
    size_t length;

    if (size == 0) {
        return 0;
    }
    field = &target_type.fields[data[0] % target_type.field_count];
    if (reef_field_parse(field, reef_field_at(field, &value, 0),
                         reef_span(data + 1, size - 1), &failure) != REEF_OK) {
        check(same(&value, &again));
        check(failure.error != REEF_OK && strstr(failure.text, field->name) != NULL);
        return 0;
    }
    length = reef_field_format(field, reef_field_at_const(field, &value, 0), text,
                               sizeof(text));
    check(length == strlen(text) && length < sizeof(text) - 1);
    check(reef_field_parse(field, reef_field_at(field, &again, 0),
                           reef_span(text, length), NULL) == REEF_OK);
    check(same(&value, &again));
    return 0;
}
