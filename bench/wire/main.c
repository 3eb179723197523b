/*
 * reef-bench: loads a WebSocket, TCP or UDP server and checks all that it sends.
 *
 *     options ─► mode_* ─► pool ─► conn, conn_read ─► tls ─► ws, frame
 *                  │         verify ◄─ payload
 *                  ├─► mode_udp ─► udp
 *                  └─► meter ─► report
 */
#include "mode.h"
#include "options.h"
#include "process.h"

#include <signal.h>
#include <stdio.h>

static void (*const modes[])(const options_t *) = {
    [MODE_ECHO] = mode_echo, [MODE_FANOUT] = mode_fanout,   [MODE_IDLE] = mode_idle,
    [MODE_RATE] = mode_rate, [MODE_CONNECT] = mode_connect,
};

int main(int count, char **arguments)
{
    options_t options;

    if (!options_parse(&options, count, arguments)) {
        return 2;
    }
    if (options.is_help) {
        options_help();
        return 0;
    }
    if (options.cpu != UINT64_MAX) {
        process_pin((unsigned)options.cpu);
    }
    signal(SIGPIPE, SIG_IGN);
    if (options.unix_path != NULL) {
        target_use_unix(&options.target, options.unix_path);
    } else {
        target_resolve(&options.target);
    }
    if (options.target.framing == FRAMING_DATAGRAM) {
        mode_udp(&options);
    } else {
        modes[options.mode](&options);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
