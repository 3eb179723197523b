/*
 * fork() and exec with a pipe for each output.  The pipes are read whenever the test
 * waits, and they are wide, so the program never waits for the test.
 */
#include "process.h"

#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    PIPE_SIZE = 1 << 20
};

void process_watchdog(unsigned seconds)
{
    alarm(seconds);
}

static void open_pipe(process_text_t *text, int *write_end)
{
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    (void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE); /* a refusal leaves the usual size */
    text->descriptor = ends[0];
    text->size = 0;
    text->text[0] = '\0';
    *write_end = ends[1];
}

/* Settings come from the test alone, not from where it is run. */
static void forget_settings(void)
{
    for (char **entry = environ; *entry != NULL;) {
        if (strncmp(*entry, "REEF_", 5) == 0) {
            char *name = strndup(*entry, strcspn(*entry, "="));

            unsetenv(name); /* moves what follows to this place */
            free(name);
        } else {
            entry++;
        }
    }
}

static void run(const process_desc_t *desc, pid_t parent, int output, int errors)
{
    char *arguments[PROCESS_MAX_ARGUMENTS + 1] = {strdup(desc->arguments[0])};

    for (size_t i = 1; i < PROCESS_MAX_ARGUMENTS && desc->arguments[i] != NULL; i++) {
        arguments[i] = strdup(desc->arguments[i]);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(output, STDOUT_FILENO);
    dup2(errors, STDERR_FILENO);
    forget_settings();
    for (size_t i = 0; desc->environment != NULL && desc->environment[i] != NULL; i++) {
        putenv(strdup(desc->environment[i]));
    }
    if (getppid() == parent && chdir(desc->directory) == 0) {
        execv(arguments[0], arguments);
    }
    fprintf(stderr, "cannot run %s: %s\n", arguments[0], strerror(errno));
    _exit(127);
}

void process_start(process_t *process, const process_desc_t *desc)
{
    pid_t parent = getpid();
    int output;
    int errors;

    assert_int_equal(process->pid, 0);
    open_pipe(&process->output, &output);
    open_pipe(&process->errors, &errors);
    fflush(NULL);
    process->pid = fork();
    if (process->pid == 0) {
        run(desc, parent, output, errors);
    }
    close(output);
    close(errors);
    assert_true(process->pid > 0);
}

static void close_text(process_text_t *text)
{
    if (text->descriptor > 0) {
        close(text->descriptor);
    }
    text->descriptor = -1;
}

static void read_some(process_text_t *text)
{
    char surplus[4096];
    size_t room = sizeof(text->text) - 1 - text->size;
    ssize_t size = room > 0 ? read(text->descriptor, text->text + text->size, room)
                            : read(text->descriptor, surplus, sizeof(surplus));

    if (size <= 0) {
        close_text(text);
    } else if (room > 0) {
        text->size += (size_t)size;
        text->text[text->size] = '\0';
    }
}

/* Wait for either pipe to bring something or to end. */
static void listen_to(process_t *process)
{
    process_text_t *texts[] = {&process->output, &process->errors};
    struct pollfd waiting[2];

    for (size_t i = 0; i < 2; i++) {
        waiting[i] = (struct pollfd){.fd = texts[i]->descriptor, .events = POLLIN};
    }
    if (poll(waiting, 2, PROCESS_DEADLINE_MS) <= 0) {
        fail_msg("the program was silent for %d ms; it had said:\n%s",
                 PROCESS_DEADLINE_MS, process->errors.text);
    }
    for (size_t i = 0; i < 2; i++) {
        if (waiting[i].revents != 0) {
            read_some(texts[i]);
        }
    }
}

void process_await(process_t *process, const char *text, char *rest, size_t capacity)
{
    for (;;) {
        const char *at = strstr(process->errors.text, text);

        at = at ? at + strlen(text) : NULL;
        if (at != NULL && strchr(at, '\n') != NULL) {
            snprintf(rest, capacity, "%.*s", (int)strcspn(at, "\n"), at);
            return;
        }
        if (process->errors.descriptor < 0) {
            fail_msg("the program ended without '%s'; it had said:\n%s", text,
                     process->errors.text);
        }
        listen_to(process);
    }
}

void process_signal(process_t *process, int number)
{
    assert_true(process->pid > 0);
    assert_int_equal(kill(process->pid, number), 0);
}

static int reap(process_t *process)
{
    int status = 0;

    assert_int_equal(waitpid(process->pid, &status, 0), process->pid);
    process->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int process_wait(process_t *process)
{
    assert_true(process->pid > 0);
    while (process->output.descriptor >= 0 || process->errors.descriptor >= 0) {
        listen_to(process);
    }
    return reap(process);
}

void process_kill(process_t *process)
{
    if (process->pid > 0) {
        kill(process->pid, SIGKILL);
        reap(process);
    }
    close_text(&process->output);
    close_text(&process->errors);
}

size_t process_descriptor_count(const process_t *process)
{
    char path[64];
    size_t count = 0;
    DIR *directory;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)process->pid);
    directory = opendir(path);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    closedir(directory);
    return count;
}

size_t process_memory_bytes(const process_t *process)
{
    static const char name[] = "VmRSS:";
    char line[128];
    size_t size = 0;
    FILE *status;

    snprintf(line, sizeof(line), "/proc/%d/status", (int)process->pid);
    status = fopen(line, "re");
    assert_non_null(status);
    while (fgets(line, sizeof(line), status) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            size = strtoul(line + strlen(name), NULL, 10) * 1024; /* is in KiB */
        }
    }
    fclose(status);
    assert_true(size > 0);
    return size;
}

uint64_t process_cpu_us(const process_t *process)
{
    struct timespec used;
    clockid_t clock;

    assert_int_equal(clock_getcpuclockid(process->pid, &clock), 0);
    assert_int_equal(clock_gettime(clock, &used), 0);
    return (uint64_t)used.tv_sec * 1000000u + (uint64_t)used.tv_nsec / 1000u;
}
