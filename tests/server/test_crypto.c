#include "test.h"

#include <reef/crypto.h>

static void assert_hex(const uint8_t *data, size_t size, const char *expected)
{
    char text[2 * REEF_SHA256_SIZE + 1];

    reef_crypto_hex_encode(reef_span(data, size), text);
    assert_string_equal(text, expected);
}

/* RFC 3174 section 7.3 */
static void test_crypto_sha1_matches_the_published_vectors(void **state)
{
    static uint8_t letters[1000000];
    uint8_t digest[REEF_SHA1_SIZE];

    (void)state;
    reef_crypto_sha1(reef_span_text("abc"), digest);
    assert_hex(digest, sizeof(digest), "a9993e364706816aba3e25717850c26c9cd0d89d");
    reef_crypto_sha1(reef_span(NULL, 0), digest);
    assert_hex(digest, sizeof(digest), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    memset(letters, 'a', sizeof(letters));
    reef_crypto_sha1(reef_span(letters, sizeof(letters)), digest);
    assert_hex(digest, sizeof(digest), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

/* RFC 6234 section 8.5 */
static void test_crypto_sha256_matches_the_published_vectors(void **state)
{
    static uint8_t letters[1000000];
    uint8_t digest[REEF_SHA256_SIZE];

    (void)state;
    reef_crypto_sha256(reef_span_text("abc"), digest);
    assert_hex(digest, sizeof(digest),
               "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    reef_crypto_sha256(reef_span(NULL, 0), digest);
    assert_hex(digest, sizeof(digest),
               "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    memset(letters, 'a', sizeof(letters));
    reef_crypto_sha256(reef_span(letters, sizeof(letters)), digest);
    assert_hex(digest, sizeof(digest),
               "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* RFC 4231 sections 4.2 to 4.4, 4.7, and an empty key */
static void test_crypto_hmac_sha256_matches_the_published_vectors(void **state)
{
    static const struct {
        uint8_t key_byte;
        size_t key_size;
        const char *key, *data, *digest;
    } vectors[] = {
        {0x0b, 20, NULL, "Hi There",
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {0, 4, "Jefe", "what do ya want for nothing?",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {0xaa, 131, NULL, "Test Using Larger Than Block-Size Key - Hash Key First",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {0, 0, NULL, "",
         "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        uint8_t key[131];
        uint8_t digest[REEF_SHA256_SIZE];

        memset(key, vectors[i].key_byte, sizeof(key));
        if (vectors[i].key != NULL) {
            memcpy(key, vectors[i].key, vectors[i].key_size);
        }
        reef_crypto_hmac_sha256(reef_span(key, vectors[i].key_size),
                                reef_span_text(vectors[i].data), digest);
        assert_hex(digest, sizeof(digest), vectors[i].digest);
    }
}

/* Appendix A of the paper, and the first of the vectors of its authors. */
static void test_crypto_siphash_matches_the_published_vectors(void **state)
{
    uint8_t key[REEF_SIPHASH_KEY_SIZE];
    uint8_t data[15];
    uint8_t tag[REEF_SIPHASH_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(key); i++) {
        key[i] = (uint8_t)i;
    }
    memcpy(data, key, sizeof(data));
    reef_crypto_siphash(key, reef_span(data, sizeof(data)), tag);
    assert_hex(tag, sizeof(tag), "e545be4961ca29a1");
    reef_crypto_siphash(key, reef_span(NULL, 0), tag);
    assert_hex(tag, sizeof(tag), "310e0edd47db6f72");
}

static void test_crypto_random_fills_every_byte_and_no_more(void **state)
{
    uint8_t seen[40] = {0};
    uint8_t bytes[42];

    (void)state;
    for (int round = 0; round < 20; round++) { /* 2^-160: the odds that a 0 stays */
        memset(bytes, 0, sizeof(bytes));
        reef_crypto_random(bytes + 1, 40);
        assert_int_equal(bytes[0] | bytes[41], 0);
        for (size_t i = 0; i < sizeof(seen); i++) {
            seen[i] |= bytes[i + 1];
        }
    }
    assert_null(memchr(seen, 0, sizeof(seen)));
    reef_crypto_random(bytes, 0);
}

/* RFC 4648 section 10 */
static void test_crypto_base64_matches_the_published_vectors(void **state)
{
    static const char *const pairs[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xfb\xff\xbf", "+/+/"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        size_t plain = strlen(pairs[i][0]);
        char text[16];
        uint8_t bytes[16];
        size_t size = 99;

        assert_int_equal(reef_crypto_base64_encode(reef_span_text(pairs[i][0]), text),
                         REEF_BASE64_SIZE(plain));
        assert_string_equal(text, pairs[i][1]);
        assert_int_equal(
            reef_crypto_base64_decode(reef_span_text(text), bytes, plain, &size),
            REEF_OK);
        assert_int_equal(size, plain);
        assert_memory_equal(bytes, pairs[i][0], plain);
    }
}

static void test_crypto_base64_brings_every_byte_back(void **state)
{
    uint8_t bytes[256];
    uint8_t back[256];
    char text[REEF_BASE64_SIZE(sizeof(bytes)) + 1];

    (void)state;
    for (size_t size = 0; size <= sizeof(bytes); size++) {
        size_t got = 0;

        for (size_t i = 0; i < size; i++) {
            bytes[i] = (uint8_t)(i * 37 + size);
        }
        reef_crypto_base64_encode(reef_span(bytes, size), text);
        assert_int_equal(strlen(text), REEF_BASE64_SIZE(size));
        assert_int_equal(
            reef_crypto_base64_decode(reef_span_text(text), back, size, &got), REEF_OK);
        assert_int_equal(got, size);
        assert_memory_equal(back, bytes, size);
    }
}

/* RFC 4648 sections 3.2, 3.3 and 3.5 */
static void test_crypto_base64_decodes_strictly(void **state)
{
    static const char *const texts[] = {
        "Zg",           "Zg=",  "Z",    "Zg==Zg==", "Zg=a",
        "====",         "Z===", "=Zg=", "Zm 9",     "Zm9v\n",
        "Zm9v\n\n\n\n", "Zm-_", "Zh==", "Zm9=",     "Zm\x80v",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        uint8_t bytes[16];
        size_t size = 99;

        assert_int_equal(reef_crypto_base64_decode(reef_span_text(texts[i]), bytes,
                                                   sizeof(bytes), &size),
                         REEF_E_INVALID);
        assert_int_equal(size, 99);
    }
}

static void test_crypto_base64_decodes_no_more_than_fits(void **state)
{
    uint8_t bytes[4] = {0, 0, 0, 7};
    size_t size = 99;

    (void)state;
    assert_int_equal(reef_crypto_base64_decode(reef_span_text("Zm9v"), bytes, 2, &size),
                     REEF_E_LIMIT);
    assert_int_equal(size, 99);
    assert_int_equal(reef_crypto_base64_decode(reef_span_text("Zm9v"), bytes, 3, &size),
                     REEF_OK);
    assert_int_equal(bytes[3], 7);
}

/* RFC 4648 section 5, RFC 7515 appendix C */
static void test_crypto_base64url_decodes_what_has_no_padding(void **state)
{
    static const struct {
        const char *text;
        const char *bytes;
        size_t size;
    } good[] = {
        {"", "", 0},
        {"Zg", "f", 1},
        {"Zm8", "fo", 2},
        {"Zm9v", "foo", 3},
        {"-_-_", "\xfb\xff\xbf", 3},
        {"A-z_4ME", "\x03\xec\xff\xe0\xc1", 5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        uint8_t bytes[8];
        size_t size = 99;

        assert_int_equal(reef_crypto_base64url_decode(reef_span_text(good[i].text),
                                                      bytes, good[i].size, &size),
                         REEF_OK);
        assert_int_equal(size, good[i].size);
        assert_memory_equal(bytes, good[i].bytes, size);
    }
}

static void test_crypto_base64url_decodes_strictly(void **state)
{
    static const char *const texts[] = {
        "Z",     "Zg==", "Zm8=", "Zm9vZ", "Zh", "Zm9",   "A",
        "Zm9vA", "+/+/", "Zm 9", "Zg\n",  "=",  "Zm9v=", "Zm\x80v",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        uint8_t bytes[8];
        size_t size = 99;

        assert_int_equal(reef_crypto_base64url_decode(reef_span_text(texts[i]), bytes,
                                                      sizeof(bytes), &size),
                         REEF_E_INVALID);
        assert_int_equal(size, 99);
    }
}

static void test_crypto_base64url_decodes_no_more_than_fits(void **state)
{
    uint8_t bytes[4] = {0, 0, 7, 0};
    size_t size = 99;

    (void)state;
    assert_int_equal(
        reef_crypto_base64url_decode(reef_span_text("Zm9v"), bytes, 2, &size),
        REEF_E_LIMIT);
    assert_int_equal(size, 99);
    assert_int_equal(bytes[2], 7);
}

static void test_crypto_hex_brings_every_byte_back(void **state)
{
    uint8_t bytes[256];
    uint8_t back[256];
    char text[2 * sizeof(bytes) + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)i;
    }
    reef_crypto_hex_encode(reef_span(bytes, sizeof(bytes)), text);
    assert_int_equal(strlen(text), 512);
    assert_memory_equal(text, "000102", 6);
    assert_string_equal(text + 506, "fdfeff");
    assert_int_equal(reef_crypto_hex_decode(reef_span_text(text), back, 256), REEF_OK);
    assert_memory_equal(back, bytes, sizeof(bytes));
    assert_int_equal(reef_crypto_hex_decode(reef_span_text("aBCd"), back, 2), REEF_OK);
    assert_memory_equal(back, "\xab\xcd", 2);
    assert_int_equal(reef_crypto_hex_decode(reef_span(NULL, 0), back, 0), REEF_OK);
}

static void test_crypto_hex_refuses_other_characters_and_sizes(void **state)
{
    uint8_t bytes[8];
    size_t refused = 0;

    (void)state;
    assert_int_equal(reef_crypto_hex_decode(reef_span_text("abc"), bytes, 1),
                     REEF_E_INVALID);
    assert_int_equal(reef_crypto_hex_decode(reef_span_text("abcd"), bytes, 1),
                     REEF_E_INVALID);
    assert_int_equal(reef_crypto_hex_decode(reef_span_text("ab"), bytes, 2),
                     REEF_E_INVALID);
    for (unsigned c = 0; c < 256; c++) {
        uint8_t low[2] = {'0', (uint8_t)c};
        uint8_t high[2] = {(uint8_t)c, '0'};
        bool good = c != 0 && strchr("0123456789abcdefABCDEF", (int)c) != NULL;
        reef_error_t expected = good ? REEF_OK : REEF_E_INVALID;

        refused += !good;
        assert_int_equal(reef_crypto_hex_decode(reef_span(low, 2), bytes, 1), expected);
        assert_int_equal(reef_crypto_hex_decode(reef_span(high, 2), bytes, 1),
                         expected);
    }
    assert_int_equal(refused, 256 - 22);
}

static void test_crypto_equal_sees_every_difference(void **state)
{
    uint8_t a[33] = {0};
    uint8_t b[33] = {0};

    (void)state;
    assert_true(reef_crypto_equal(reef_span(a, 33), reef_span(b, 33)));
    assert_true(reef_crypto_equal(reef_span(NULL, 0), reef_span(b, 0)));
    assert_false(reef_crypto_equal(reef_span(a, 33), reef_span(b, 32)));
    for (size_t i = 0; i < 8 * sizeof(b); i++) {
        b[i / 8] = (uint8_t)(1U << i % 8);
        assert_false(reef_crypto_equal(reef_span(a, 33), reef_span(b, 33)));
        b[i / 8] = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crypto_sha1_matches_the_published_vectors),
        cmocka_unit_test(test_crypto_sha256_matches_the_published_vectors),
        cmocka_unit_test(test_crypto_hmac_sha256_matches_the_published_vectors),
        cmocka_unit_test(test_crypto_siphash_matches_the_published_vectors),
        cmocka_unit_test(test_crypto_random_fills_every_byte_and_no_more),
        cmocka_unit_test(test_crypto_base64_matches_the_published_vectors),
        cmocka_unit_test(test_crypto_base64_brings_every_byte_back),
        cmocka_unit_test(test_crypto_base64_decodes_strictly),
        cmocka_unit_test(test_crypto_base64_decodes_no_more_than_fits),
        cmocka_unit_test(test_crypto_base64url_decodes_what_has_no_padding),
        cmocka_unit_test(test_crypto_base64url_decodes_strictly),
        cmocka_unit_test(test_crypto_base64url_decodes_no_more_than_fits),
        cmocka_unit_test(test_crypto_hex_brings_every_byte_back),
        cmocka_unit_test(test_crypto_hex_refuses_other_characters_and_sizes),
        cmocka_unit_test(test_crypto_equal_sees_every_difference),
    };

    return cmocka_run_group_tests_name("crypto", tests, NULL, NULL);
}
