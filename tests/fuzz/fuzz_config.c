/* Any text as a config file: it is refused with one printable line, or every setting
 * that is taken from it is valid. */
#include "config.h"

#include <assert.h>

static const reef_enum_value_t modes[] = {{"slow", 1}, {"fast", 2}};

REEF_COMPONENT(sample,
               0,
               REEF_F64(rate, .initial = "60", .min = 1, .max = 1000, .unit = "Hz"),
               REEF_U16(size, .initial = "100", .max = 1000),
               REEF_STRING(listen, 16, .initial = "x"),
               REEF_BOOL(quiet),
               REEF_ENUM(mode, modes, .initial = "slow"),
               REEF_MASK(mask, modes),
               REEF_I8(pin, .secret = true));

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_failure(reef_error_t error, const reef_failure_t *failure)
{
    size_t length = strnlen(failure->text, sizeof(failure->text));

    assert(failure->error == error && length > 0 && length < sizeof(failure->text));
    assert(strpbrk(failure->text, "\n\r\x1b") == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    reef_config_t *config = NULL;
    reef_failure_t failure = {0};
    sample_t value;
    reef_error_t error = reef__config_parse(&(reef_config_desc_t){0},
                                            reef_span(data, size), &config, &failure);

    if (error != REEF_OK) {
        check_failure(error, &failure);
        return 0;
    }
    error = reef_config_resolve(config, "sample", &sample_type, NULL, &value, &failure);
    if (error == REEF_OK) {
        assert(value.rate >= 1 && value.rate <= 1000 && value.size <= 1000);
        assert(memchr(value.listen, '\0', sizeof(value.listen)) != NULL);
        assert(value.mask <= 3);
        error = reef_config_check_unused(config, NULL, &failure);
    }
    if (error != REEF_OK) {
        check_failure(error, &failure);
    }
    reef_config_destroy(config);
    return 0;
}
