/*
 * Which AEAD is fastest depends on how wolfSSL was built more than on the processor:
 * Debian's does without the AES instructions, and its ChaCha20 beats its AES-GCM by
 * far. So the order is not written down but measured, by records of a size that a
 * realtime server sends.  The best of a few short runs counts: a run that was
 * interrupted only looks slower than it is.
 */
#include "transport/tls.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/chacha20_poly1305.h>

enum {
    RECORD_SIZE = 1024,
    RECORDS_PER_RUN = 64,
    RUNS = 5,
    TAG_SIZE = 16,
    IV_SIZE = 12,
    AAD_SIZE = 5,
};

typedef struct aead_names {
    const char *name;
    const char *suites; /* TLS 1.3, then 1.2, in wolfSSL's spelling */
} aead_names_t;

static const aead_names_t names[REEF__TLS_AEAD_COUNT] = {
    [REEF__TLS_AES_128_GCM] = {"aes-128-gcm", "TLS13-AES128-GCM-SHA256:"
                                              "ECDHE-ECDSA-AES128-GCM-SHA256:"
                                              "ECDHE-RSA-AES128-GCM-SHA256"},
    [REEF__TLS_AES_256_GCM] = {"aes-256-gcm", "TLS13-AES256-GCM-SHA384:"
                                              "ECDHE-ECDSA-AES256-GCM-SHA384:"
                                              "ECDHE-RSA-AES256-GCM-SHA384"},
    [REEF__TLS_CHACHA20_POLY1305] = {"chacha20-poly1305",
                                     "TLS13-CHACHA20-POLY1305-SHA256:"
                                     "ECDHE-ECDSA-CHACHA20-POLY1305:"
                                     "ECDHE-RSA-CHACHA20-POLY1305"},
};

const char *reef__tls_aead_name(reef__tls_aead_t aead)
{
    return names[aead].name;
}

/* Measuring --------------------------------------------------------------------- */

typedef struct bench {
    Aes aes;
    uint8_t key[CHACHA20_POLY1305_AEAD_KEYSIZE];
    uint8_t iv[IV_SIZE];
    uint8_t aad[AAD_SIZE];
    uint8_t tag[TAG_SIZE];
    uint8_t in[RECORD_SIZE], out[RECORD_SIZE];
} bench_t;

static void seal(bench_t *bench, reef__tls_aead_t aead)
{
    bench->iv[0]++; /* a nonce is for one record */
    if (aead == REEF__TLS_CHACHA20_POLY1305) {
        wc_ChaCha20Poly1305_Encrypt(bench->key, bench->iv, bench->aad, AAD_SIZE,
                                    bench->in, RECORD_SIZE, bench->out, bench->tag);
    } else {
        wc_AesGcmEncrypt(&bench->aes, bench->out, bench->in, RECORD_SIZE, bench->iv,
                         IV_SIZE, bench->tag, TAG_SIZE, bench->aad, AAD_SIZE);
    }
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double time_run(bench_t *bench, reef__tls_aead_t aead)
{
    double start = seconds();

    for (int i = 0; i < RECORDS_PER_RUN; i++) {
        seal(bench, aead);
    }
    return seconds() - start;
}

static double measure(reef__tls_aead_t aead)
{
    bench_t bench = {.key = {1}};
    double best = 1;

    wc_AesInit(&bench.aes, NULL, INVALID_DEVID);
    wc_AesGcmSetKey(&bench.aes, bench.key, aead == REEF__TLS_AES_128_GCM ? 16 : 32);
    for (int i = 0; i < RUNS; i++) {
        double time = time_run(&bench, aead);

        best = time > 0 && time < best ? time : best;
    }
    wc_AesFree(&bench.aes);
    return (double)RECORDS_PER_RUN * RECORD_SIZE / best / 1e6;
}

void reef__tls_suites_measure(reef__tls_suites_t *suites)
{
    *suites = (reef__tls_suites_t){.count = REEF__TLS_AEAD_COUNT};
    for (uint32_t i = 0; i < REEF__TLS_AEAD_COUNT; i++) {
        uint32_t place = i;

        suites->mb_per_s[i] = measure((reef__tls_aead_t)i);
        while (place > 0 &&
               suites->mb_per_s[suites->order[place - 1]] < suites->mb_per_s[i]) {
            suites->order[place] = suites->order[place - 1];
            place--;
        }
        suites->order[place] = (reef__tls_aead_t)i;
    }
}

/* Texts ------------------------------------------------------------------------- */

static bool find(reef_span_t name, reef__tls_aead_t *aead)
{
    for (uint32_t i = 0; i < REEF__TLS_AEAD_COUNT; i++) {
        if (reef_span_equal(name, reef_span_text(names[i].name))) {
            *aead = (reef__tls_aead_t)i;
            return true;
        }
    }
    return false;
}

static bool has(const reef__tls_suites_t *suites, reef__tls_aead_t aead)
{
    for (uint32_t i = 0; i < suites->count; i++) {
        if (suites->order[i] == aead) {
            return true;
        }
    }
    return false;
}

reef_error_t reef__tls_suites_parse(reef__tls_suites_t *suites,
                                    reef_span_t text,
                                    const char *setting,
                                    reef_failure_t *failure)
{
    reef__tls_suites_t parsed = {0};

    while (text.size > 0) {
        const uint8_t *comma = memchr(text.data, ',', text.size);
        reef_span_t item =
            reef_span(text.data, comma ? (size_t)(comma - text.data) : text.size);
        reef_span_t name = reef_span_trim(item);
        reef__tls_aead_t aead;

        text = reef_span_skip(text, item.size + (comma ? 1 : 0));
        if (!find(name, &aead) || has(&parsed, aead)) {
            return reef_fail(failure, REEF_E_INVALID,
                             "%s: '%.*s' is none of aes-128-gcm, aes-256-gcm, "
                             "chacha20-poly1305, or there twice",
                             setting, (int)name.size, (const char *)name.data);
        }
        parsed.order[parsed.count++] = aead;
    }
    if (parsed.count == 0) {
        return reef_fail(failure, REEF_E_INVALID, "%s: names no cipher", setting);
    }
    *suites = parsed;
    return REEF_OK;
}

void reef__tls_suites_format(const reef__tls_suites_t *suites,
                             char text[REEF__TLS_SUITES_SIZE])
{
    size_t size = 0;

    for (uint32_t i = 0; i < suites->count; i++) {
        size += (size_t)snprintf(text + size, REEF__TLS_SUITES_SIZE - size, "%s%s",
                                 i > 0 ? ":" : "", names[suites->order[i]].suites);
    }
}

const char *reef__tls_suite_name(uint16_t number)
{
    static const struct {
        uint16_t number;
        const char *name;
    } suites[] = {
        {0x1301, "TLS_AES_128_GCM_SHA256"},
        {0x1302, "TLS_AES_256_GCM_SHA384"},
        {0x1303, "TLS_CHACHA20_POLY1305_SHA256"},
        {0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
        {0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"},
        {0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
        {0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"},
        {0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"},
        {0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"},
    };

    for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
        if (suites[i].number == number) {
            return suites[i].name;
        }
    }
    return "";
}
