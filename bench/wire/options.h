/**
 * @file options.h
 * @brief The command line.
 */
#ifndef WIRE_OPTIONS_H
#define WIRE_OPTIONS_H

#include "target.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum bench_mode {
    MODE_ECHO,
    MODE_FANOUT,
    MODE_IDLE,
    MODE_RATE,
    MODE_CONNECT
} bench_mode_t;

enum {
    OPTIONS_MAX_REPEAT = 100
};

/** Whole numbers are 64 bits wide whatever their bounds, so that one table sets them.
 */
typedef struct options {
    bench_mode_t mode;
    target_t target;
    uint64_t connections;
    uint64_t pipeline; /* echo: messages in flight per connection */
    uint64_t size;     /* bytes of a message */
    uint64_t room;     /* fanout: members of a room; 0 = all in one */
    uint64_t window;   /* fanout: broadcasts in flight per room */
    uint64_t stall;    /* fanout: members that stop reading */
    uint64_t rate;     /* messages per second */
    uint64_t total;    /* connect: connections in all, unless by time */
    uint64_t at_once;  /* connections being opened at one time */
    uint64_t messages; /* of a round; 0 = by time */
    uint64_t round_ns; /* connect: 0 = by number */
    uint64_t warmup_messages, warmup_ns; /* one of them; the other is 0 */
    uint64_t repeat;                     /* rounds */
    uint64_t settle_ns; /* fanout: silence before the first broadcast */
    uint64_t timeout_ns;
    uint64_t pid;       /* of the server; 0 = not given */
    uint64_t cpu;       /* UINT64_MAX = not given */
    uint64_t resend_ns; /* UDP: when an answer is given up */
    /* Texts are borrowed; NULL = not given. */
    const char *join; /* fanout: sent by every client */
    const char *unix_path;
    const char *ca, *tls, *cipher; /* of wss:// and tcps */
    bool is_insecure, is_resuming;
    bool is_binary, is_json, is_help, is_abort, is_without_self;
} options_t;

/** The word that chooses a mode. */
const char *options_mode_name(bench_mode_t mode);

/** False when something is wrong, which was then printed to stderr. */
bool options_parse(options_t *options, int count, char **arguments);

/** What --help prints. */
void options_help(void);

#endif /* WIRE_OPTIONS_H */
