/* One table has every option: its name, the modes it is for, its bounds, its help. */
#include "options.h"

#include "payload.h"
#include "tls.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum kind {
    KIND_FLAG,
    KIND_COUNT,
    KIND_BYTES,   /* may end in k or m */
    KIND_SECONDS, /* may have a fraction */
    KIND_WARMUP,  /* a count, or seconds when it ends in s */
    KIND_TEXT
} kind_t;

typedef struct option {
    const char *name, *value; /* what the value is called */
    kind_t kind;
    unsigned modes; /* bits 1 << bench_mode_t */
    size_t offset;
    uint64_t min, max; /* of counts and bytes */
    const char *help;
} option_t;

enum {
    ECHO = 1 << MODE_ECHO,
    FANOUT = 1 << MODE_FANOUT,
    IDLE = 1 << MODE_IDLE,
    RATE = 1 << MODE_RATE,
    CONNECT = 1 << MODE_CONNECT,
    LOADS = ECHO | FANOUT | RATE,
    ALL = LOADS | IDLE | CONNECT,
    MAX_DATAGRAM = 65507
};

#define FIELD(name) offsetof(options_t, name)

static const char *const mode_names[] = {"echo", "fanout", "idle", "rate", "connect"};
static const uint32_t mode_count = sizeof(mode_names) / sizeof(mode_names[0]);

static const option_t table[] = {
    {"connections", "N", KIND_COUNT, LOADS | IDLE, FIELD(connections), 1, 4000000,
     "echo, fanout, rate, idle: connections [64; idle: 1000]"},
    {"pipeline", "N", KIND_COUNT, ECHO, FIELD(pipeline), 1, 65536,
     "echo: messages in flight on each connection [1]"},
    {"size", "BYTES", KIND_BYTES, LOADS, FIELD(size), PAYLOAD_MARK, 64 << 20,
     "bytes of a message, at least 12; k and m may follow [128]"},
    {"binary", NULL, KIND_FLAG, LOADS, FIELD(is_binary), 0, 0,
     "binary messages instead of text"},
    {"room", "N", KIND_COUNT, FANOUT, FIELD(room), 1, 4000000,
     "fanout: members of a room [all connections]"},
    {"window", "N", KIND_COUNT, FANOUT, FIELD(window), 1, 65536,
     "fanout: broadcasts in flight in each room [1; with --rate: 64]"},
    {"join", "TEXT", KIND_TEXT, FANOUT, FIELD(join), 0, 0,
     "fanout: text that each client sends first; %r in it is the\n"
     "number of its room, %n its own; replies to it are ignored"},
    {"settle", "SECONDS", KIND_SECONDS, FANOUT, FIELD(settle_ns), 0, 0,
     "fanout: silence to wait for before the first broadcast [0.3]"},
    {"no-self", NULL, KIND_FLAG, FANOUT, FIELD(is_without_self), 0, 0,
     "fanout: the sender does not receive its own broadcast"},
    {"stall", "N", KIND_COUNT, FANOUT, FIELD(stall), 0, 4000000,
     "fanout: members of the first room that stop reading [0]"},
    {"rate", "N", KIND_COUNT, RATE | FANOUT, FIELD(rate), 1, 100000000,
     "rate: messages a second, over all connections [1000];\n"
     "fanout: broadcasts a second in each room [as the window lets]"},
    {"total", "N", KIND_COUNT, CONNECT, FIELD(total), 1, 100000000,
     "connect: connections to open and close [10000]"},
    {"at-once", "N", KIND_COUNT, ALL, FIELD(at_once), 1, 20000,
     "connections that are being opened at one time [100]"},
    {"abort", NULL, KIND_FLAG, CONNECT, FIELD(is_abort), 0, 0,
     "connect: close by a reset instead of in good order"},
    {"resume", NULL, KIND_FLAG, CONNECT, FIELD(is_resuming), 0, 0,
     "connect, TLS: take up the session of the connection before"},
    {"resend", "SECONDS", KIND_SECONDS, ECHO | RATE | IDLE, FIELD(resend_ns), 1, 0,
     "udp: a datagram unanswered for so long is lost: count it and,\n"
     "but for rate, send it again [0.25]"},
    {"messages", "N", KIND_COUNT, LOADS, FIELD(messages), 1, UINT64_MAX / 2,
     "messages (fanout: deliveries) of a round, instead of --seconds"},
    {"seconds", "SECONDS", KIND_SECONDS, LOADS | IDLE | CONNECT, FIELD(round_ns), 1, 0,
     "time of a round [2]; idle: to hold the connections [10];\n"
     "connect: to go on for, instead of --total"},
    {"warmup", "N|SECONDSs", KIND_WARMUP, LOADS, FIELD(warmup_messages), 0,
     UINT64_MAX / 2, "messages or, with an s behind, seconds that do not count [0.5s]"},
    {"repeat", "N", KIND_COUNT, LOADS, FIELD(repeat), 1, OPTIONS_MAX_REPEAT,
     "rounds, of whose figures the median is reported [1]"},
    {"pid", "PID", KIND_COUNT, ALL, FIELD(pid), 1, INT32_MAX,
     "the server's process: report its processor time and memory"},
    {"cpu", "N", KIND_COUNT, ALL, FIELD(cpu), 0, 1023, "run on this processor only"},
    {"unix", "PATH", KIND_TEXT, ALL, FIELD(unix_path), 0, 0,
     "connect to this Unix socket instead of to host and port"},
    {"ca", "FILE", KIND_TEXT, ALL, FIELD(ca), 0, 0,
     "TLS: authorities in PEM that the server's certificate must\n"
     "be from [the system's; on this machine any certificate will do]"},
    {"insecure", NULL, KIND_FLAG, ALL, FIELD(is_insecure), 0, 0,
     "TLS: any certificate will do"},
    {"tls", "1.2|1.3", KIND_TEXT, ALL, FIELD(tls), 0, 0,
     "TLS: this version only [the highest that the server has]"},
    {"cipher", "NAME", KIND_TEXT, ALL, FIELD(cipher), 0, 0,
     "TLS: this cipher suite only, as OpenSSL calls it"},
    {"timeout", "SECONDS", KIND_SECONDS, ALL, FIELD(timeout_ns), 1, 0,
     "give up when nothing comes for so long [10]"},
    {"json", NULL, KIND_FLAG, ALL, FIELD(is_json), 0, 0,
     "print one JSON document instead of a table"},
    {"help", NULL, KIND_FLAG, ALL, FIELD(is_help), 0, 0, "print this"},
};
static const uint32_t option_count = sizeof(table) / sizeof(table[0]);

const char *options_mode_name(bench_mode_t mode)
{
    return mode_names[mode];
}

static bool parse_whole(const char *text, uint64_t *value, const char **rest)
{
    char *end;

    errno = 0;
    *value = strtoull(text, &end, 10);
    *rest = end;
    return text[0] >= '0' && text[0] <= '9' && errno == 0;
}

/* Seconds as nanoseconds, up to a day. */
static bool parse_seconds(const char *text, size_t size, uint64_t *ns)
{
    char *end;
    double seconds = strtod(text, &end);

    *ns = 0;
    if (end != text + size || size == 0 || !(seconds >= 0 && seconds <= 86400)) {
        return false;
    }
    *ns = (uint64_t)(seconds * 1e9);
    return true;
}

static bool parse_count(const option_t *option, const char *text, uint64_t *value)
{
    unsigned shift = 0;
    const char *rest;

    if (!parse_whole(text, value, &rest)) {
        return false;
    }
    if (option->kind == KIND_BYTES && (rest[0] == 'k' || rest[0] == 'm')) {
        shift = rest[0] == 'k' ? 10 : 20;
        rest++;
    }
    if (rest[0] != '\0' || *value > option->max >> shift) {
        return false;
    }
    *value <<= shift;
    return *value >= option->min;
}

static bool parse_warmup(options_t *options, const option_t *option, const char *text)
{
    size_t size = strlen(text);

    options->warmup_messages = 0;
    options->warmup_ns = 0;
    if (size > 0 && text[size - 1] == 's') {
        return parse_seconds(text, size - 1, &options->warmup_ns);
    }
    return parse_count(option, text, &options->warmup_messages);
}

static bool set(options_t *options, const option_t *option, const char *text)
{
    void *field = (char *)options + option->offset;

    switch (option->kind) {
    case KIND_FLAG:
        *(bool *)field = true;
        return true;
    case KIND_COUNT:
    case KIND_BYTES:
        return parse_count(option, text, field);
    case KIND_SECONDS:
        return parse_seconds(text, strlen(text), field) &&
               *(uint64_t *)field >= option->min;
    case KIND_WARMUP:
        return parse_warmup(options, option, text);
    case KIND_TEXT:
        *(const char **)field = text;
        return true;
    }
    return false;
}

static const option_t *find(const char *name, size_t size)
{
    for (uint32_t i = 0; i < option_count; i++) {
        if (strlen(table[i].name) == size && memcmp(table[i].name, name, size) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

/* One option at @p arguments; returns how many words it took, 0 = wrong. */
static int parse_option(options_t *options, char **arguments)
{
    const char *name = arguments[0] + 2;
    size_t size = strcspn(name, "=");
    const option_t *option = find(name, size);
    const char *value = name[size] == '=' ? name + size + 1 : arguments[1];
    bool is_flag = option != NULL && option->kind == KIND_FLAG;

    if (option == NULL) {
        fprintf(stderr, "reef-bench: unknown option --%.*s; --help lists them\n",
                (int)size, name);
    } else if ((option->modes & 1u << options->mode) == 0) {
        fprintf(stderr, "reef-bench: --%s is not for %s\n", option->name,
                options_mode_name(options->mode));
    } else if (is_flag && name[size] == '=') {
        fprintf(stderr, "reef-bench: --%s takes no value\n", option->name);
    } else if (!is_flag && value == NULL) {
        fprintf(stderr, "reef-bench: --%s needs %s\n", option->name, option->value);
    } else if (!set(options, option, value)) {
        fprintf(stderr, "reef-bench: --%s: '%s' is not %s", option->name, value,
                option->kind == KIND_SECONDS ? "seconds, up to a day\n" : "a number");
        if (option->kind != KIND_SECONDS) {
            fprintf(stderr, " from %llu to %llu\n", (unsigned long long)option->min,
                    (unsigned long long)option->max);
        }
    } else {
        return is_flag || name[size] == '=' ? 1 : 2;
    }
    return 0;
}

static bool refuse(const char *text)
{
    fprintf(stderr, "reef-bench: %s\n", text);
    return false;
}

static bool check_tls(const options_t *options)
{
    const char *version = options->tls;
    bool has_option = version != NULL || options->ca != NULL ||
                      options->cipher != NULL || options->is_insecure ||
                      options->is_resuming;

    if (!options->target.is_tls) {
        return !has_option || refuse("--tls, --cipher, --ca, --insecure and --resume "
                                     "are for wss:// and tcps only");
    }
    if (tls_missing() != NULL) {
        return refuse(tls_missing());
    }
    if (version != NULL && strcmp(version, "1.2") != 0 && strcmp(version, "1.3") != 0) {
        return refuse("--tls is 1.2 or 1.3");
    }
    if (options->ca != NULL && options->is_insecure) {
        return refuse("--ca and --insecure exclude each other");
    }
    return true;
}

/* What not every kind of server can do. */
static bool check_target(const options_t *options)
{
    framing_t framing = options->target.framing;

    if (framing == FRAMING_DATAGRAM &&
        (options->mode == MODE_FANOUT || options->mode == MODE_CONNECT)) {
        return refuse("udp:// is for echo, rate and idle only");
    }
    if (framing == FRAMING_DATAGRAM && options->size > MAX_DATAGRAM) {
        return refuse("--size: a datagram has at most 65507 bytes");
    }
    if (framing == FRAMING_DATAGRAM && options->unix_path != NULL) {
        return refuse("--unix is not for udp://");
    }
    if (framing == FRAMING_LINES && options->is_binary) {
        return refuse("--binary: a line cannot hold any byte");
    }
    if (framing == FRAMING_RAW && options->join != NULL) {
        return refuse("--join needs messages: ws://, tcp+varint:// …");
    }
    return true;
}

/* What no option can tell alone. */
static bool check(options_t *options)
{
    if (!check_tls(options) || !check_target(options)) {
        return false;
    }
    if (options->room == 0) {
        options->room = options->connections;
    }
    if (options->window == 0) {
        options->window = options->rate > 0 ? 64 : 1;
    }
    if (options->mode != MODE_FANOUT) {
        return true;
    }
    if (options->room > options->connections) {
        return refuse("--room is more than --connections");
    }
    if (options->is_without_self && options->room < 2) {
        return refuse("--room: with --no-self nobody receives in a room of one");
    }
    if (options->connections % options->room != 0) {
        return refuse("--connections is no multiple of --room");
    }
    if (options->stall > 0 && options->stall + 2 > options->room) {
        return refuse("--stall leaves no other member than the sender");
    }
    return true;
}

/* 0 = it is the number of connections that counts. */
static uint64_t default_seconds(bench_mode_t mode)
{
    return mode == MODE_IDLE ? 10 : mode == MODE_CONNECT ? 0 : 2;
}

static void set_defaults(options_t *options, bench_mode_t mode)
{
    *options = (options_t){
        .mode = mode,
        .connections = mode == MODE_IDLE ? 1000 : 64,
        .pipeline = 1,
        .size = 128,
        .rate = mode == MODE_RATE ? 1000 : 0,
        .total = 10000,
        .at_once = 100,
        .round_ns = default_seconds(mode) * 1000000000,
        .warmup_ns = 500000000,
        .repeat = 1,
        .settle_ns = 300000000,
        .resend_ns = 250000000,
        .timeout_ns = 10 * (uint64_t)1000000000,
        .cpu = UINT64_MAX,
    };
}

static bool parse_mode(options_t *options, const char *word)
{
    for (uint32_t i = 0; i < mode_count; i++) {
        if (word != NULL && strcmp(word, mode_names[i]) == 0) {
            set_defaults(options, (bench_mode_t)i);
            return true;
        }
    }
    if (word == NULL) {
        return refuse("the mode is missing; see reef-bench --help");
    }
    fprintf(stderr, "reef-bench: unknown mode '%s'; see reef-bench --help\n", word);
    return false;
}

bool options_parse(options_t *options, int count, char **arguments)
{
    const char *url = NULL, *error;

    set_defaults(options, MODE_ECHO);
    if (count > 1 && strcmp(arguments[1], "--help") == 0) {
        options->is_help = true;
        return true;
    }
    if (!parse_mode(options, arguments[1])) {
        return false;
    }
    for (int i = 2, taken; i < count; i += taken) {
        bool is_option = strncmp(arguments[i], "--", 2) == 0;

        if (!is_option && url != NULL) {
            fprintf(stderr, "reef-bench: '%s' is one argument too many\n",
                    arguments[i]);
            return false;
        }
        taken = is_option ? parse_option(options, arguments + i) : 1;
        url = is_option ? url : arguments[i];
        if (taken == 0) {
            return false;
        }
    }
    if (options->is_help) {
        return true;
    }
    if (url == NULL) {
        return refuse("the address is missing, such as ws://host:port/path");
    }
    error = target_parse(&options->target, url);
    if (error != NULL) {
        fprintf(stderr, "reef-bench: %s: %s\n", url, error);
        return false;
    }
    return check(options);
}

static void print_option(const option_t *option)
{
    const char *help = option->help;
    int width = printf("  --%s%s%s", option->name, option->value ? " " : "",
                       option->value ? option->value : "");

    for (bool is_first = true; help[0] != '\0'; is_first = false) {
        size_t size = strcspn(help, "\n");

        printf("%*s%.*s\n", is_first ? 25 - width : 25, "", (int)size, help);
        help += size + (help[size] == '\n');
    }
}

/* Those of exactly these modes; with 0, what other groups do not have. */
static void print_options(unsigned modes, const char *title)
{
    puts(title);
    for (uint32_t i = 0; i < option_count; i++) {
        unsigned own = table[i].modes;

        if (modes != 0 ? own == modes : own != ALL && own != LOADS) {
            print_option(&table[i]);
        }
    }
}

void options_help(void)
{
    puts(
        "usage: reef-bench MODE ADDRESS [option...]\n"
        "\n"
        "Loads a server, checks every byte that comes back, and says what it took.\n"
        "ADDRESS is one of\n"
        "  ws://host[:port][/path]   WebSocket; wss:// with TLS\n"
        "  tcp://host:port           the bytes as they came, without frames\n"
        "  tcp+varint://host:port    messages behind their length, 7 bits a byte\n"
        "  tcp+u32://host:port       messages behind their length, 32 bits big endian\n"
        "  tcp+lines://host:port     messages that end with a line feed\n"
        "  udp://host:port           messages are datagrams: echo, rate and idle\n"
        "and tcps://, tcps+varint:// … with TLS.\n"
        "\n"
        "Modes:\n"
        "  echo     every connection keeps --pipeline messages in flight\n"
        "  fanout   one member of each room sends, every member must receive\n"
        "  rate     echo at a fixed rate; times count from when a message was due\n"
        "  idle     open connections and hold them\n"
        "  connect  open and close connections\n");
    print_options(ALL, "Options:");
    print_options(LOADS, "\nOptions of echo, fanout and rate:");
    print_options(0, "\nOptions of some modes:");
    puts("\nExit status: 0, 1 = the server refused, closed, stalled or sent something\n"
         "wrong, 2 = an argument is wrong.");
}
