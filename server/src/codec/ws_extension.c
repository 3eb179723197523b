/*
 *     list      = extension *( "," extension ), empty elements are skipped
 *     extension = token *( ";" token [ "=" ( token / quoted-string ) ] )
 *
 * with white space around every part.  What is in quotes must be a token too, once its
 * backslashes are gone.
 */
#include "codec/ws_extension.h"

static bool is_token_byte(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

size_t reef__ws_token_size(reef_span_t text)
{
    size_t size = 0;

    while (size < text.size && is_token_byte(text.data[size])) {
        size++;
    }
    return size;
}

static void skip_space(reef_span_t *text)
{
    while (text->size > 0 && (text->data[0] == ' ' || text->data[0] == '\t')) {
        *text = reef_span_skip(*text, 1);
    }
}

/* Take @p c off, and the white space before and behind it. */
static bool take(reef_span_t *text, char c)
{
    skip_space(text);
    if (text->size == 0 || text->data[0] != (uint8_t)c) {
        return false;
    }
    *text = reef_span_skip(*text, 1);
    skip_space(text);
    return true;
}

static bool take_token(reef_span_t *text, reef_span_t *token)
{
    *token = reef_span(text->data, reef__ws_token_size(*text));
    *text = reef_span_skip(*text, token->size);
    return token->size > 0;
}

/* The quotation mark that opens it is taken. */
static bool take_quoted(reef_span_t *text, reef_span_t *value)
{
    size_t i = 0;

    while (i < text->size && text->data[i] != '"') {
        i += text->data[i] == '\\';
        if (i == text->size || !is_token_byte(text->data[i])) {
            return false;
        }
        i++;
    }
    if (i == 0 || i == text->size) {
        return false;
    }
    *value = reef_span(text->data, i);
    *text = reef_span_skip(*text, i + 1);
    return true;
}

static bool take_value(reef_span_t *text, reef_span_t *value)
{
    if (text->size > 0 && text->data[0] == '"') {
        *text = reef_span_skip(*text, 1);
        return take_quoted(text, value);
    }
    return take_token(text, value);
}

/* The semicolon before it is taken. */
static bool take_param(reef_span_t *text, reef__ws_extension_param_t *param)
{
    *param = (reef__ws_extension_param_t){0};
    return take_token(text, &param->name) &&
           (!take(text, '=') || take_value(text, &param->value));
}

reef__ws_extension_status_t reef__ws_extension_next(reef_span_t *list,
                                                    reef__ws_extension_t *extension)
{
    reef__ws_extension_param_t param;
    const uint8_t *params;

    do {
        skip_space(list);
    } while (take(list, ','));
    if (list->size == 0) {
        return REEF__WS_EXTENSION_END;
    }
    if (!take_token(list, &extension->name)) {
        return REEF__WS_EXTENSION_MALFORMED;
    }
    params = list->data;
    while (take(list, ';')) {
        if (!take_param(list, &param)) {
            return REEF__WS_EXTENSION_MALFORMED;
        }
    }
    extension->params = reef_span(params, (size_t)(list->data - params));
    return list->size == 0 || take(list, ',') ? REEF__WS_EXTENSION_NEXT
                                              : REEF__WS_EXTENSION_MALFORMED;
}

bool reef__ws_extension_next_param(reef_span_t *params,
                                   reef__ws_extension_param_t *param)
{
    return take(params, ';') && take_param(params, param);
}
