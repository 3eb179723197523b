/** @file aborts.h  What must abort, seen from outside: in a child process. */
#ifndef TEST_ABORTS_H
#define TEST_ABORTS_H

#include "test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/** Call @p run with @p context in a child; it must abort with @p message in what it
 * says on stderr. */
static inline void
assert_aborts(void (*run)(void *context), void *context, const char *message)
{
    char output[512] = "";
    int status = 0;
    size_t used = 0;
    ssize_t got;
    int ends[2];
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL); /* cmocka's handler would jump back into the test */
        dup2(ends[1], STDERR_FILENO);
        run(context);
        _exit(0);
    }
    close(ends[1]);
    while ((got = read(ends[0], output + used, sizeof(output) - 1 - used)) > 0) {
        used += (size_t)got;
    }
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    if (strstr(output, message) == NULL) {
        fail_msg("'%s' is not in '%s'", message, output);
    }
}

#endif /* TEST_ABORTS_H */
