/**
 * @file reflect_declare.h
 * @brief The macros that declare a struct and its description together.
 *
 * Included by reflect.h, which shows their use.
 */
#ifndef REEF_REFLECT_DECLARE_H
#define REEF_REFLECT_DECLARE_H

#include <reef/attrs.h>
#include <reef/foreach.h>
#include <reef/text.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fields.  What follows are initialisers of reef_field_t: .unit, .min … */
#define REEF_BOOL(name, ...) (BOOL, bool, name, , __VA_ARGS__)
#define REEF_I8(name, ...)   (I8, int8_t, name, , __VA_ARGS__)
#define REEF_I16(name, ...)  (I16, int16_t, name, , __VA_ARGS__)
#define REEF_I32(name, ...)  (I32, int32_t, name, , __VA_ARGS__)
#define REEF_I64(name, ...)  (I64, int64_t, name, , __VA_ARGS__)
#define REEF_U8(name, ...)   (U8, uint8_t, name, , __VA_ARGS__)
#define REEF_U16(name, ...)  (U16, uint16_t, name, , __VA_ARGS__)
#define REEF_U32(name, ...)  (U32, uint32_t, name, , __VA_ARGS__)
#define REEF_U64(name, ...)  (U64, uint64_t, name, , __VA_ARGS__)
#define REEF_F32(name, ...)  (F32, float, name, , __VA_ARGS__)
#define REEF_F64(name, ...)  (F64, double, name, , __VA_ARGS__)
/** An int32_t that is one of @p table, an array of reef_enum_value_t. */
#define REEF_ENUM(name, table, ...)                                                    \
    (ENUM, int32_t, name, , REEF__VALUES(table), __VA_ARGS__)
/** A uint32_t of bits named in @p table, an array of reef_enum_value_t. */
#define REEF_MASK(name, table, ...)                                                    \
    (MASK, uint32_t, name, , REEF__VALUES(table), __VA_ARGS__)
/** A text of at most @p capacity - 1 bytes. */
#define REEF_STRING(name, capacity, ...)                                               \
    (STRING, char, name, [capacity], .size = (capacity), __VA_ARGS__)
/** A reef_text_t of at most @p limit bytes, up to REEF_TEXT_MAX_SIZE. */
#define REEF_TEXT(name, limit, ...)                                                    \
    (TEXT, reef_text_t, name, , .max_size = (limit), __VA_ARGS__)
#define REEF_ENTITY(name, ...) (ENTITY, uint64_t, name, , __VA_ARGS__)
/** A struct that was itself declared with REEF_STRUCT_TYPE() or REEF_COMPONENT(). */
#define REEF_STRUCT(name, struct_name, ...)                                            \
    (STRUCT, struct_name##_t, name, , .type = &struct_name##_type, __VA_ARGS__)

/* Arrays; an `.initial` is that of each element. */
/** @p count elements of BOOL, ENTITY or a number: REEF_ARRAY(weights, F32, 4). */
#define REEF_ARRAY(name, kind, count, ...)                                             \
    (kind, REEF__CTYPE_##kind, name, [count], .array_count = (count), __VA_ARGS__)
#define REEF_ENUM_ARRAY(name, table, count, ...)                                       \
    (ENUM, int32_t, name, [count], .array_count = (count), REEF__VALUES(table),        \
     __VA_ARGS__)
#define REEF_MASK_ARRAY(name, table, count, ...)                                       \
    (MASK, uint32_t, name, [count], .array_count = (count), REEF__VALUES(table),       \
     __VA_ARGS__)
/** @p count texts of at most @p capacity - 1 bytes each. */
#define REEF_STRING_ARRAY(name, capacity, count, ...)                                  \
    (STRING, char, name, [count][capacity], .array_count = (count),                    \
     .size = (capacity), __VA_ARGS__)
#define REEF_TEXT_ARRAY(name, limit, count, ...)                                       \
    (TEXT, reef_text_t, name, [count], .array_count = (count), .max_size = (limit),    \
     __VA_ARGS__)
#define REEF_STRUCT_ARRAY(name, struct_name, count, ...)                               \
    (STRUCT, struct_name##_t, name, [count], .array_count = (count),                   \
     .type = &struct_name##_type, __VA_ARGS__)

/** Declare struct `<name>_t` and its description `<name>_type`, 1 to 32 fields. */
#define REEF_COMPONENT(name_, flags_, ...)                                             \
    typedef struct name_ {                                                             \
        REEF__EACH(REEF__DECLARE, name_, __VA_ARGS__)                                  \
    } name_##_t;                                                                       \
    REEF_UNUSED static const reef_field_t name_##_fields[] = {                         \
        REEF__EACH(REEF__DESCRIBE, name_, __VA_ARGS__)};                               \
    REEF_UNUSED static const reef_type_t name_##_type = {                              \
        .name = #name_,                                                                \
        .size = sizeof(name_##_t),                                                     \
        .alignment = _Alignof(name_##_t),                                              \
        .flags = (flags_),                                                             \
        .fields = name_##_fields,                                                      \
        .field_count = sizeof(name_##_fields) / sizeof(name_##_fields[0])}

/** Declare a component without data. */
#define REEF_TAG(name_, flags_)                                                        \
    REEF_UNUSED static const reef_type_t name_##_type = {                              \
        .name = #name_, .alignment = 1, .flags = (flags_)}

#define REEF__CTYPE_BOOL   bool
#define REEF__CTYPE_I8     int8_t
#define REEF__CTYPE_I16    int16_t
#define REEF__CTYPE_I32    int32_t
#define REEF__CTYPE_I64    int64_t
#define REEF__CTYPE_U8     uint8_t
#define REEF__CTYPE_U16    uint16_t
#define REEF__CTYPE_U32    uint32_t
#define REEF__CTYPE_U64    uint64_t
#define REEF__CTYPE_F32    float
#define REEF__CTYPE_F64    double
#define REEF__CTYPE_ENTITY uint64_t

/* A string gives its capacity itself. */
#define REEF__SIZE_BOOL(ctype_)   .size = sizeof(ctype_),
#define REEF__SIZE_I8(ctype_)     .size = sizeof(ctype_),
#define REEF__SIZE_I16(ctype_)    .size = sizeof(ctype_),
#define REEF__SIZE_I32(ctype_)    .size = sizeof(ctype_),
#define REEF__SIZE_I64(ctype_)    .size = sizeof(ctype_),
#define REEF__SIZE_U8(ctype_)     .size = sizeof(ctype_),
#define REEF__SIZE_U16(ctype_)    .size = sizeof(ctype_),
#define REEF__SIZE_U32(ctype_)    .size = sizeof(ctype_),
#define REEF__SIZE_U64(ctype_)    .size = sizeof(ctype_),
#define REEF__SIZE_F32(ctype_)    .size = sizeof(ctype_),
#define REEF__SIZE_F64(ctype_)    .size = sizeof(ctype_),
#define REEF__SIZE_ENUM(ctype_)   .size = sizeof(ctype_),
#define REEF__SIZE_MASK(ctype_)   .size = sizeof(ctype_),
#define REEF__SIZE_TEXT(ctype_)   .size = sizeof(ctype_),
#define REEF__SIZE_ENTITY(ctype_) .size = sizeof(ctype_),
#define REEF__SIZE_STRUCT(ctype_) .size = sizeof(ctype_),
#define REEF__SIZE_STRING(ctype_)

#define REEF__VALUES(table)                                                            \
    .values = (table), .value_count = sizeof(table) / sizeof((table)[0])
#define REEF__DECLARE(name_, field_)                       REEF__DECLARE_ field_
#define REEF__DECLARE_(kind_, ctype_, member_, dims_, ...) ctype_ member_ dims_;
#define REEF__DESCRIBE(name_, field_)                      REEF__DESCRIBE_(name_, REEF__UNPACK field_)
#define REEF__UNPACK(...)                                  __VA_ARGS__
#define REEF__DESCRIBE_(name_, ...)                        REEF__DESCRIBE__(name_, __VA_ARGS__)
#define REEF__DESCRIBE__(name_, kind_, ctype_, member_, dims_, ...)                    \
    {.name = #member_,                                                                 \
     .kind = REEF_KIND_##kind_,                                                        \
     .offset = offsetof(name_##_t, member_),                                           \
     REEF__SIZE_##kind_(ctype_) __VA_ARGS__},

#endif /* REEF_REFLECT_DECLARE_H */
