/**
 * @file process.h
 * @brief A program under test: started, listened to, stopped, waited for.
 *
 * It dies with the test, and no wait is without a deadline.
 */
#ifndef TEST_PROCESS_H
#define TEST_PROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    PROCESS_DEADLINE_MS = 30000,
    PROCESS_TEXT_SIZE = 65536,
    PROCESS_MAX_ARGUMENTS = 64
};

/** What a pipe has brought so far; terminated.  What does not fit is dropped. */
typedef struct process_text {
    int descriptor; /* -1 at its end */
    size_t size;
    char text[PROCESS_TEXT_SIZE];
} process_text_t;

/** All zero: no process. */
typedef struct process {
    pid_t pid; /* 0 = none, or waited for */
    process_text_t output;
    process_text_t errors;
} process_t;

typedef struct process_desc {
    const char *const *arguments; /* NULL-terminated; the first is the program's path */
    const char *const *environment; /* NULL-terminated "NAME=value"; NULL = none */
    const char *directory;          /* to run in */
} process_desc_t;

/** Have the test end by a signal when it takes longer than @p seconds. */
void process_watchdog(unsigned seconds);

void process_start(process_t *process, const process_desc_t *desc);

/** The rest of the line after @p text on stderr, once it is complete; copied.  Fails
 *  the test when the process ends or says nothing more. */
void process_await(process_t *process, const char *text, char *rest, size_t capacity);

void process_signal(process_t *process, int number);

/** Wait for the end, collecting what is printed.  Returns the exit code, or minus the
 *  signal that ended it. */
int process_wait(process_t *process);

/** End it by SIGKILL if it runs; closes the pipes.  For tear down and faults. */
void process_kill(process_t *process);

/** Open descriptors of the process. */
size_t process_descriptor_count(const process_t *process);

/** Memory that is resident (VmRSS). */
size_t process_memory_bytes(const process_t *process);

/** Processor time used so far. */
uint64_t process_cpu_us(const process_t *process);

#endif /* TEST_PROCESS_H */
