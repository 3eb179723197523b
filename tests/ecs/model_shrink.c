/*
 * Delta debugging: first the operations after the one that failed go, then chunks of
 * half of the rest, of a quarter … down to single ones; then numbers become smaller.
 * All of it again, until nothing changes: a smaller number can make an operation
 * superfluous.
 */
#include "model_shrink.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    TIMEOUT_S = 40 /* of one run; only for those that hang */
};

static REEF_NORETURN void
child(const model_ops_t *ops, model_fault_t fault, model_report_t *report, int output)
{
    alarm(TIMEOUT_S);
    dup2(output, STDERR_FILENO);
    model_run(ops, fault, report);
    _exit(0);
}

/* The end of the output is what says why. */
static void read_output(int input, char *text, size_t size)
{
    char block[1024];
    size_t used = 0;
    ssize_t got;

    while ((got = read(input, block, sizeof(block))) > 0) {
        size_t count = (size_t)got;

        if (count > size - 1 - used) {
            count = size - 1 - used; /* what comes first tells most */
        }
        memcpy(text + used, block, count);
        used += count;
    }
    text[used] = '\0';
}

void model_run_child(const model_ops_t *ops,
                     model_fault_t fault,
                     model_outcome_t *outcome)
{
    model_report_t *report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int ends[2];
    int status = 0;
    pid_t pid;

    if (report == MAP_FAILED || pipe(ends) != 0) {
        perror("a child's channels");
        abort();
    }
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        close(ends[0]);
        child(ops, fault, report, ends[1]);
    }
    close(ends[1]);
    read_output(ends[0], outcome->text, sizeof(outcome->text));
    close(ends[0]);
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        perror("a child");
        abort();
    }
    outcome->failed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    outcome->report = *report;
    munmap(report, sizeof(*report));
}

/* Shrinking ------------------------------------------------------------------------ */

typedef struct shrinker {
    model_ops_t *best;
    model_ops_t trial;
    model_fault_t fault;
    model_outcome_t *outcome; /* of the best */
    uint32_t runs;
    time_t end;
} shrinker_t;

static bool is_out_of_time(const shrinker_t *shrinker)
{
    return time(NULL) >= shrinker->end;
}

static void copy_ops(model_ops_t *to, const model_ops_t *from)
{
    REEF_ARRAY_RESERVE(reef_alloc_default(), to, from->count);
    memcpy(to->items, from->items, from->count * sizeof(from->items[0]));
    to->count = from->count;
}

/* Whether the trial fails too: it is then the best. */
static bool accept(shrinker_t *shrinker)
{
    model_outcome_t outcome;

    if (is_out_of_time(shrinker)) {
        return false;
    }
    shrinker->runs++;
    model_run_child(&shrinker->trial, shrinker->fault, &outcome);
    if (!outcome.failed) {
        return false;
    }
    if (outcome.report.at + 1 < shrinker->trial.count) {
        shrinker->trial.count = outcome.report.at + 1;
    }
    copy_ops(shrinker->best, &shrinker->trial);
    *shrinker->outcome = outcome;
    return true;
}

static void drop_range(shrinker_t *shrinker, size_t from, size_t count)
{
    model_ops_t *trial = &shrinker->trial;

    copy_ops(trial, shrinker->best);
    memmove(trial->items + from, trial->items + from + count,
            (trial->count - from - count) * sizeof(trial->items[0]));
    trial->count -= count;
}

/* Leave out pieces of `size`, from the end: what is late depends on what is early. */
static bool drop_pieces(shrinker_t *shrinker, size_t size)
{
    bool progress = false;
    size_t end = shrinker->best->count;

    while (end > 0) {
        size_t from = end > size ? end - size : 0;

        drop_range(shrinker, from, end - from);
        progress |= accept(shrinker);
        end = from < shrinker->best->count ? from : shrinker->best->count;
    }
    return progress;
}

static bool try_arg(shrinker_t *shrinker, size_t at, uint32_t arg, uint16_t value)
{
    if (value >= shrinker->best->items[at].args[arg]) {
        return false;
    }
    copy_ops(&shrinker->trial, shrinker->best);
    shrinker->trial.items[at].args[arg] = value;
    return accept(shrinker) && at < shrinker->best->count;
}

/* Everywhere at once: one register for another. */
static bool rename_register(shrinker_t *shrinker, uint16_t from, uint16_t to)
{
    bool changed = false;

    copy_ops(&shrinker->trial, shrinker->best);
    for (size_t i = 0; i < shrinker->trial.count; i++) {
        model_op_t *op = &shrinker->trial.items[i];
        const char *letters = model_op_letters[op->kind];

        for (uint32_t k = 0; letters[k] != '\0'; k++) {
            if ((letters[k] == 'r' || letters[k] == 'v') && op->args[k] == from) {
                op->args[k] = to;
                changed = true;
            }
        }
    }
    return changed && accept(shrinker);
}

/* Lower names for the registers of one operation. */
static bool simplify_names(shrinker_t *shrinker, size_t at)
{
    const char *letters = model_op_letters[shrinker->best->items[at].kind];
    bool progress = false;

    for (uint32_t k = 0; letters[k] != '\0' && at < shrinker->best->count; k++) {
        uint16_t from = shrinker->best->items[at].args[k];
        bool renamed = false;

        for (uint16_t to = 0; letters[k] == 'r' && to < from && to < 8 && !renamed;
             to++) {
            renamed = rename_register(shrinker, from, to);
        }
        progress |= renamed;
    }
    return progress;
}

static bool simplify_registers(shrinker_t *shrinker)
{
    bool progress = false;

    for (size_t i = 0; i < shrinker->best->count; i++) {
        progress |= simplify_names(shrinker, i);
    }
    return progress;
}

static bool simplify_args(shrinker_t *shrinker)
{
    bool progress = false;

    for (size_t i = 0; i < shrinker->best->count; i++) {
        size_t args = strlen(model_op_letters[shrinker->best->items[i].kind]);

        for (uint32_t k = 0; k < args && i < shrinker->best->count; k++) {
            if (try_arg(shrinker, i, k, 0)) {
                progress = true;
                continue;
            }
            while (i < shrinker->best->count && !is_out_of_time(shrinker) &&
                   try_arg(shrinker, i, k, shrinker->best->items[i].args[k] / 2)) {
                progress = true;
            }
            while (i < shrinker->best->count && shrinker->best->items[i].args[k] < 64 &&
                   shrinker->best->items[i].args[k] > 0 &&
                   try_arg(shrinker, i, k, shrinker->best->items[i].args[k] - 1)) {
                progress = true;
            }
        }
    }
    return progress;
}

uint32_t model_shrink(model_ops_t *ops,
                      model_fault_t fault,
                      uint32_t limit_s,
                      model_outcome_t *outcome)
{
    shrinker_t shrinker = {.best = ops,
                           .fault = fault,
                           .outcome = outcome,
                           .end = time(NULL) + (time_t)limit_s};
    bool progress = true;

    if (outcome->report.at + 1 < ops->count) {
        copy_ops(&shrinker.trial, ops);
        shrinker.trial.count = outcome->report.at + 1;
        (void)accept(&shrinker);
    }
    while (progress && !is_out_of_time(&shrinker)) {
        for (size_t size = ops->count / 2; size > 1; size /= 2) {
            (void)drop_pieces(&shrinker, size);
        }
        while (drop_pieces(&shrinker, 1)) {
        }
        progress = simplify_registers(&shrinker);
        progress |= simplify_args(&shrinker);
    }
    REEF_ARRAY_FINISH(reef_alloc_default(), &shrinker.trial);
    return shrinker.runs;
}
