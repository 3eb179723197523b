/* One pass over the code points; the text is valid UTF-8, or is refused. */
#include <reef/name.h>

#include "codec/utf8.h"

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

/* Shown as nothing, or makes what follows look like something else. */
static bool is_invisible(uint32_t point)
{
    return (point >= 0x200b && point <= 0x200f) ||
           (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2060 && point <= 0x2069) || point == 0xfeff;
}

static bool is_space(uint32_t point)
{
    return point == ' ' || point == 0xa0 || point == 0x1680 ||
           (point >= 0x2000 && point <= 0x200a) || point == 0x202f || point == 0x205f ||
           point == 0x3000;
}

static reef_error_t
check_points(const reef_name_rules_t *rules, reef_span_t name, reef_failure_t *failure)
{
    for (size_t at = 0, size = 0; at < name.size; at += size) {
        uint32_t point = decode(name.data + at, &size);

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
    if (name.data[0] == '[') {
        return reef_fail(failure, REEF_E_INVALID, "%s does not begin with [.",
                         rules->what);
    }
    return check_points(rules, name, failure);
}
