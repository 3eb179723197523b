/*
 * The certificate of a development server.  Browsers that are given its hash accept it
 * (`serverCertificateHashes` of WebTransport wants ECDSA P-256 and at most 14 days),
 * the others ask once.  Its dates are set here and not by wolfSSL, which would take
 * them from the clock and begin a day earlier.
 */
#include "transport/tls.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/random.h>

enum {
    KEY_SIZE = 32, /* P-256 */
    DAY_S = 24 * 60 * 60,
    HOUR_S = 60 * 60,
    TAG_UTC_TIME = 0x17,
    TAG_GENERALIZED_TIME = 0x18,
};

/* GeneralNames: DNS localhost, IP 127.0.0.1, IP ::1 (RFC 5280 section 4.2.1.6). */
static const uint8_t alt_names[] = {
    0x30, 35,                                              /* SEQUENCE */
    0x82, 9,  'l', 'o', 'c', 'a', 'l', 'h', 'o', 's', 't', /* dNSName */
    0x87, 4,  127, 0,   0,   1,                            /* iPAddress */
    0x87, 16, 0,   0,   0,   0,   0,   0,   0,   0,   0,   0, 0, 0, 0, 0, 0, 1,
};

/* A date in DER; two digits of the year until 2049 (RFC 5280 section 4.1.2.5). */
static int write_date(byte *out, int64_t time_s)
{
    time_t time = (time_t)time_s;
    struct tm tm;
    char text[32];
    size_t size;
    size_t skip;

    gmtime_r(&time, &tm);
    size = strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm);
    skip = tm.tm_year < 150 ? 2 : 0;
    out[0] = skip > 0 ? TAG_UTC_TIME : TAG_GENERALIZED_TIME;
    out[1] = (byte)(size - skip);
    memcpy(out + 2, text + skip, size - skip);
    return (int)(size - skip) + 2;
}

static int describe(Cert *cert, int64_t now_s)
{
    int64_t from_s = now_s - HOUR_S; /* clients whose clocks are behind */
    int error = wc_InitCert(cert);

    if (error != 0) {
        return error;
    }
    snprintf(cert->subject.commonName, sizeof(cert->subject.commonName), "localhost");
    snprintf(cert->subject.org, sizeof(cert->subject.org), "Reef development");
    cert->sigType = CTC_SHA256wECDSA;
    cert->selfSigned = 1;
    cert->isCA = 0;
    memcpy(cert->altNames, alt_names, sizeof(alt_names));
    cert->altNamesSz = (int)sizeof(alt_names);
    cert->beforeDateSz = write_date(cert->beforeDate, from_s);
    cert->afterDateSz =
        write_date(cert->afterDate, from_s + (int64_t)REEF__TLS_DEV_DAYS * DAY_S - 1);
    return 0;
}

/* Sign the certificate and write it and its key; 0, or wolfSSL's error. */
static int make(reef__tls_dev_t *dev, ecc_key *key, WC_RNG *random, int64_t now_s)
{
    Cert cert = {0};
    int size = wc_ecc_make_key_ex(random, KEY_SIZE, key, ECC_SECP256R1);

    if (size == 0) {
        size = describe(&cert, now_s);
    }
    if (size == 0) {
        size = wc_MakeCert(&cert, dev->certificate, sizeof(dev->certificate), NULL, key,
                           random);
    }
    if (size > 0) {
        size = wc_SignCert(cert.bodySz, cert.sigType, dev->certificate,
                           sizeof(dev->certificate), NULL, key, random);
    }
    if (size < 0) {
        return size;
    }
    dev->certificate_size = (uint32_t)size;
    size = wc_EccKeyToDer(key, dev->key, sizeof(dev->key));
    dev->key_size = size > 0 ? (uint32_t)size : 0;
    return size > 0 ? 0 : size;
}

reef_error_t
reef__tls_dev_create(reef__tls_dev_t *dev, int64_t now_s, reef_failure_t *failure)
{
    WC_RNG random;
    ecc_key key;
    int error = wc_InitRng(&random);

    if (error == 0) {
        error = wc_ecc_init(&key);
        if (error == 0) {
            error = make(dev, &key, &random, now_s);
            wc_ecc_free(&key);
        }
        wc_FreeRng(&random);
    }
    return error == 0 ? REEF_OK
                      : reef_fail(failure, REEF_E_IO,
                                  "cannot make a certificate for development: %s",
                                  wc_GetErrorString(error));
}
