/* One pass over the code points; the text is valid UTF-8, or is refused. */
#include <reef/name.h>

#include "codec/utf8.h"

#include <string.h>
#include <strings.h>

/* The code point at @p data, valid UTF-8; @p size receives its bytes. */
static uint32_t decode(const uint8_t *data, size_t *size)
{
    if (data[0] < 0x80) {
        *size = 1;
        return data[0];
    }
    if (data[0] < 0xe0) {
        *size = 2;
        return (data[0] & 0x1fu) << 6 | (data[1] & 0x3fu);
    }
    if (data[0] < 0xf0) {
        *size = 3;
        return (data[0] & 0x0fu) << 12 | (data[1] & 0x3fu) << 6 | (data[2] & 0x3fu);
    }
    *size = 4;
    return (data[0] & 0x07u) << 18 | (data[1] & 0x3fu) << 12 | (data[2] & 0x3fu) << 6 |
           (data[3] & 0x3fu);
}

static bool is_control(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0);
}

/* Shown as nothing, or makes what follows look like something else: what Unicode calls
 * default ignorable, without the variation selectors, which emoji need. */
static bool is_invisible(uint32_t point)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0xad, 0xad},     {0x34f, 0x34f},     {0x61c, 0x61c},     {0x115f, 0x1160},
        {0x17b4, 0x17b5}, {0x180b, 0x180f},   {0x200b, 0x200f},   {0x2028, 0x202e},
        {0x2060, 0x206f}, {0x3164, 0x3164},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},
        {0xfff0, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
    };

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (point >= ranges[i].first && point <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

static bool is_space(uint32_t point)
{
    return point == ' ' || point == 0xa0 || point == 0x1680 ||
           (point >= 0x2000 && point <= 0x200a) || point == 0x202f || point == 0x205f ||
           point == 0x2800 || point == 0x3000;
}

/* As notices do; `[` and its wide form. */
static bool begins_notice(uint32_t point)
{
    return point == '[' || point == 0xff3b;
}

/* `User 7`, where `User` is reserved. */
static bool is_reserved(const char *reserved, reef_span_t name)
{
    size_t at = reserved != NULL ? strlen(reserved) : 0;
    size_t first = at;

    if (at == 0 || name.size < at ||
        strncasecmp((const char *)name.data, reserved, at) != 0) {
        return false;
    }
    for (size_t size = 0; at < name.size; at += size) {
        if (!is_space(decode(name.data + at, &size))) {
            return at > first && name.data[at] >= '0' && name.data[at] <= '9';
        }
    }
    return false;
}

static reef_error_t
check_points(const reef_name_rules_t *rules, reef_span_t name, reef_failure_t *failure)
{
    for (size_t at = 0, size = 0; at < name.size; at += size) {
        uint32_t point = decode(name.data + at, &size);
        bool is_end = at == 0 || at + size == name.size;

        if (at == 0 && begins_notice(point)) {
            return reef_fail(failure, REEF_E_INVALID, "%s does not begin with [.",
                             rules->what);
        }
        if (is_control(point)) {
            return reef_fail(failure, REEF_E_INVALID, "%s has no control characters.",
                             rules->what);
        }
        if (is_invisible(point)) {
            return reef_fail(failure, REEF_E_INVALID, "%s has no invisible characters.",
                             rules->what);
        }
        if (rules->is_one_word && is_space(point)) {
            return reef_fail(failure, REEF_E_INVALID, "%s is one word.", rules->what);
        }
        if (is_end && is_space(point)) {
            return reef_fail(failure, REEF_E_INVALID,
                             "%s neither begins nor ends with white space.",
                             rules->what);
        }
        if (point == (uint8_t)rules->separator) {
            return reef_fail(failure, REEF_E_INVALID, "%s has no '%c'.", rules->what,
                             rules->separator);
        }
    }
    return REEF_OK;
}

reef_error_t reef_name_check(const reef_name_rules_t *rules,
                             reef_span_t name,
                             reef_failure_t *failure)
{
    if (name.size == 0) {
        return reef_fail(failure, REEF_E_RANGE, "%s is not empty.", rules->what);
    }
    if (name.size > rules->max_size) {
        return reef_fail(failure, REEF_E_RANGE, "%s has at most %zu bytes.",
                         rules->what, rules->max_size);
    }
    if (!reef__utf8_is_valid(name)) {
        return reef_fail(failure, REEF_E_INVALID, "%s is UTF-8.", rules->what);
    }
    if (is_reserved(rules->reserved, name)) {
        return reef_fail(failure, REEF_E_INVALID,
                         "%s is not '%s' with a number, which others may have.",
                         rules->what, rules->reserved);
    }
    return check_points(rules, name, failure);
}
