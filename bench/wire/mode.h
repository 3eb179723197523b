/**
 * @file mode.h
 * @brief The modes: each opens its connections, loads the server and reports.
 *
 * They return when all went well; whatever does not ends the program by fail().
 */
#ifndef WIRE_MODE_H
#define WIRE_MODE_H

#include "options.h"

void mode_echo(const options_t *options);
void mode_fanout(const options_t *options);
void mode_rate(const options_t *options);
void mode_idle(const options_t *options);
void mode_connect(const options_t *options);

/** echo, rate and idle over UDP. */
void mode_udp(const options_t *options);

#endif /* WIRE_MODE_H */
