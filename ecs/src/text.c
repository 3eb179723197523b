#include <reef/text.h>

#include "reflect.h"

#include <reef/alloc.h>

/* RFC 3629, so neither overlong forms nor surrogates nor anything above U+10FFFF. */
size_t reef__utf8_sequence(reef_span_t text)
{
    uint8_t lead = text.data[0];
    size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;

    if (size == 1) {
        return 1;
    }
    if (lead < 0xc2 || lead > 0xf4 || size > text.size || text.data[1] < low ||
        text.data[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < size; i++) {
        if ((text.data[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return size;
}

bool reef_text_is_valid(reef_span_t content)
{
    while (content.size > 0) {
        size_t size = reef__utf8_sequence(content);

        if (size == 0 || content.data[0] == 0) {
            return false;
        }
        content = reef_span_skip(content, size);
    }
    return true;
}

reef_span_t reef_text_cut(reef_span_t content, size_t max_size)
{
    if (content.size > max_size) {
        content.size = max_size;
        /* 10xxxxxx continues a character. */
        while (content.size > 0 && (content.data[content.size] & 0xc0) == 0x80) {
            content.size--;
        }
    }
    return content;
}

reef_text_t reef__text_copy(reef_span_t content)
{
    reef_text_t copy = {0};

    if (content.size > 0) {
        copy.size = (uint32_t)content.size;
        copy.data = reef_resize(reef_alloc_default(), NULL, 0, content.size + 1);
        memcpy(copy.data, content.data, content.size);
        copy.data[copy.size] = '\0';
    }
    return copy;
}

bool reef_text_set(reef_text_t *text, reef_span_t content)
{
    reef_text_t copy;

    if (content.size >= UINT32_MAX || !reef_text_is_valid(content)) {
        return false;
    }
    copy = reef__text_copy(content);
    reef_text_clear(text); /* only now: the content may have been borrowed from it */
    *text = copy;
    return true;
}

void reef_text_clear(reef_text_t *text)
{
    if (text->data != NULL) {
        reef_resize(reef_alloc_default(), text->data, (size_t)text->size + 1, 0);
    }
    *text = (reef_text_t){0};
}
