/**
 * @file reef_v1_fixture.h
 * @brief A type with everything that reef.v1 can carry.
 */
#ifndef REEF_V1_FIXTURE_H
#define REEF_V1_FIXTURE_H

#include <reef/reflect.h>

static const reef_enum_value_t v1_moods[] = {{"calm", 1}, {"angry", 5}};
static const reef_enum_value_t v1_depths[] = {{"low", -2}, {"high", 300}};
static const reef_enum_value_t v1_wide[] = {{"first", 0}, {"last", 300}};
static const reef_enum_value_t v1_sides[] = {{"left", 1}, {"right", 2}};
static const reef_enum_value_t v1_flags[] = {{"one", 1}, {"far", 1 << 20}};

REEF_COMPONENT(v1_point, 0, REEF_F32(x, .min = -10, .max = 10), REEF_F32(y));
REEF_COMPONENT(v1_pose, 0, REEF_STRUCT(origin, v1_point), REEF_U8(turn, .max = 7));
REEF_COMPONENT(v1_member,
               0,
               REEF_TEXT(name, 16),
               REEF_U32(age),
               REEF_STRUCT_ARRAY(poses, v1_pose, 2));
REEF_COMPONENT(v1_all,
               0,
               REEF_BOOL(flag),
               REEF_I8(i8),
               REEF_I16(i16),
               REEF_I32(i32, .min = -100, .max = 100),
               REEF_I64(i64),
               REEF_U8(u8),
               REEF_U16(u16),
               REEF_U32(u32),
               REEF_U64(u64),
               REEF_F32(f32),
               REEF_F64(f64),
               REEF_ENUM(mood, v1_moods),
               REEF_ENUM(depth, v1_depths),
               REEF_ENUM(wide, v1_wide),
               REEF_MASK(sides, v1_sides),
               REEF_MASK(flags, v1_flags),
               REEF_STRING(name, 8),
               REEF_TEXT(story, 100000),
               REEF_ENTITY(target),
               REEF_ARRAY(weights, F32, 3),
               REEF_STRING_ARRAY(titles, 6, 2),
               REEF_ENUM_ARRAY(moods, v1_moods, 2),
               REEF_STRUCT(pose, v1_pose),
               REEF_STRUCT_ARRAY(members, v1_member, 2));

#endif /* REEF_V1_FIXTURE_H */
