/**
 * @file reflect_fixture.h
 * @brief A type with everything in it, for the tests of the reflection.
 */
#ifndef REFLECT_FIXTURE_H
#define REFLECT_FIXTURE_H

#include <reef/reflect.h>

static const reef_enum_value_t mood_values[] = {{"calm", 1}, {"angry", 5}};
static const reef_enum_value_t side_values[] = {{"left", 1}, {"right", 2}};

REEF_COMPONENT(point, 0, REEF_F32(x), REEF_F32(y, .read_only = true));
REEF_COMPONENT(pose, 0, REEF_STRUCT(origin, point), REEF_U8(turn, .max = 7));
REEF_COMPONENT(member,
               0,
               REEF_TEXT(name, 16, .initial = "nobody"),
               REEF_U32(age),
               REEF_TEXT_ARRAY(notes, 8, 2));
REEF_COMPONENT(keys, 0, REEF_U32(pin), REEF_TEXT(word, 8));
REEF_COMPONENT(all,
               REEF_PERSISTENT,
               REEF_BOOL(flag),
               REEF_U64(u64),
               REEF_F64(f64),
               REEF_TEXT(story, 32, .initial = "once"),
               REEF_STRUCT(pose, pose),
               REEF_ARRAY(bools, BOOL, 2),
               REEF_ARRAY(weights, F32, 3, .initial = "1.5"),
               REEF_ARRAY(targets, ENTITY, 2),
               REEF_ENUM_ARRAY(moods, mood_values, 2, .initial = "angry"),
               REEF_MASK_ARRAY(sides, side_values, 2, .initial = "left|right"),
               REEF_STRING_ARRAY(titles, 6, 3, .initial = "sir"),
               REEF_TEXT_ARRAY(lines, 8, 3, .initial = "line"),
               REEF_STRUCT_ARRAY(members, member, 4),
               REEF_TEXT(fixed, 8, .read_only = true, .initial = "rock"),
               REEF_TEXT(password, 8, .secret = true, .initial = "1234"),
               REEF_STRUCT(vault, keys, .secret = true));

static inline reef_value_t of_text(const char *text)
{
    return (reef_value_t){.tag = REEF_VALUE_TEXT, .text = reef_span_text(text)};
}

static inline reef_value_t of_uint(uint64_t natural)
{
    return (reef_value_t){.tag = REEF_VALUE_UINT, .natural = natural};
}

/* A value with its initial content; all_t is large, so it is made anew by each test. */
static inline int setup(void **state)
{
    static all_t value;

    reef_type_init(&all_type, &value);
    *state = &value;
    return 0;
}

static inline int teardown(void **state)
{
    reef_type_drop(&all_type, *state);
    return 0;
}

#endif /* REFLECT_FIXTURE_H */
