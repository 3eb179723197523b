/**
 * @file process.h
 * @brief What the server's process has used.
 */
#ifndef WIRE_PROCESS_H
#define WIRE_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

/** Processor time, user and system, of all threads the process has or had.  fail() when
 *  there is no such process. */
uint64_t process_cpu_ns(pid_t pid);

/** Resident memory in bytes. */
uint64_t process_memory(pid_t pid);

/** Open descriptors. */
uint64_t process_descriptors(pid_t pid);

/** Processor time of this process. */
uint64_t process_own_cpu_ns(void);

/** The clock of all times here. */
uint64_t clock_now_ns(void);

/** Keep this process on one processor; fail() when the system refuses. */
void process_pin(unsigned processor);

/** Allow @p count open descriptors; fail() when the system does not. */
void process_need_descriptors(uint64_t count);

#endif /* WIRE_PROCESS_H */
