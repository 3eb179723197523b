/**
 * @file reef_v1.h
 * @brief Values of reflected types as the bytes of reef.v1, without I/O.
 *
 * Little-endian, fields in their order, no padding:
 *
 *     bool               1 byte, 0 or 1
 *     i8 … u64, f32, f64 as many bytes as they have
 *     entity             8
 *     enum, mask         1, 2 or 4: the fewest that hold all named values
 *     string             u16 bytes, then UTF-8
 *     text               u16 bytes, or u32 when it may have more than 65535; UTF-8
 *     array              its elements
 *     struct             its fields
 *
 * A plan is made of a type once; it is constant, and any thread may use it.
 */
#ifndef REEF_CODEC_REEF_V1_H
#define REEF_CODEC_REEF_V1_H

#include <reef/alloc.h>
#include <reef/opcode.h>
#include <reef/reflect.h>

enum {
    REEF__V1_FIRST_BYTE = 0xf8, /* of a typed message; its lowest 3 bits are flags */
    REEF__V1_HEAD_SIZE = 3,     /* that byte, and the opcode */
    REEF__V1_MAX_ITEMS = UINT16_MAX,
    REEF__V1_MAX_SIGNATURE = 4096, /* bytes */
};

typedef struct reef__v1_plan reef__v1_plan_t;

/** What is wrong with bytes. */
typedef struct reef__v1_fault {
    reef_v1_code_t code;       /* 0 = nothing */
    const reef_field_t *field; /* where; NULL = behind the last */
    const char *text;          /* static */
} reef__v1_fault_t;

/**
 * Compile a type; NULL is one without fields.  Owned by the caller:
 * reef__v1_plan_destroy().
 *
 * @return REEF_OK, or REEF_E_INVALID for a type that has a drop hook, a secret field or
 *         a string of more than 65535 bytes.
 */
REEF_NODISCARD reef_error_t reef__v1_plan_create(const reef_type_t *type,
                                                 const reef_alloc_t *alloc,
                                                 reef__v1_plan_t **plan,
                                                 reef_failure_t *failure);

/** Accepts NULL. */
void reef__v1_plan_destroy(reef__v1_plan_t *plan);

/** Bytes of any value at least; all have as many when @p is_fixed says so. */
size_t reef__v1_least_size(const reef__v1_plan_t *plan, bool *is_fixed);

/** Bytes of a value. */
size_t reef__v1_size(const reef__v1_plan_t *plan, const void *value);

/** Write a value to @p out, which has room for reef__v1_size() bytes; returns where it
 *  ends. */
uint8_t *reef__v1_write(const reef__v1_plan_t *plan, const void *value, uint8_t *out);

/**
 * Read a value.
 *
 * @param input Advanced past it.
 * @param value Receives it.  All of it is zeroed first, so that it can be released by
 *              reef_type_drop_texts() even on failure.
 * @return code 0 when it is there and keeps to its description.
 */
REEF_NODISCARD reef__v1_fault_t reef__v1_read(const reef__v1_plan_t *plan,
                                              reef_span_t *input,
                                              void *value);

/**
 * The fields in the form in which clients are told of them (docs/protocol.md):
 *
 *     id u64,pos {x f32,y f32},name string<63>,state enum:u8{away=1 busy=2},w f32[4]
 *
 * @return Bytes written, with a NUL behind them; 0 when @p size was not enough.  NULL
 *         has none.
 */
size_t reef__v1_describe(const reef_type_t *type, char *out, size_t size);

/** Bytes of an enum's or mask's element on the wire. */
uint32_t reef__v1_width(const reef_field_t *field);

#endif /* REEF_CODEC_REEF_V1_H */
