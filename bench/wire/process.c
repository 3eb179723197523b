/*
 * The processor clock of a process counts nanoseconds; /proc/PID/stat counts ticks of
 * 10 ms, far too coarse for a run of a second.
 */
#include "process.h"

#include "fail.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static const uint64_t second_ns = 1000000000;

static uint64_t read_clock(clockid_t clock)
{
    struct timespec time;

    if (clock_gettime(clock, &time) != 0) {
        fail("cannot read a clock: %s", strerror(errno));
    }
    return (uint64_t)time.tv_sec * second_ns + (uint64_t)time.tv_nsec;
}

uint64_t clock_now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t process_own_cpu_ns(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t process_cpu_ns(pid_t pid)
{
    struct timespec time;
    clockid_t clock;
    int error = clock_getcpuclockid(pid, &clock);

    if (error != 0 || clock_gettime(clock, &time) != 0) {
        fail("--pid %d: %s", (int)pid, strerror(error != 0 ? error : errno));
    }
    return (uint64_t)time.tv_sec * second_ns + (uint64_t)time.tv_nsec;
}

uint64_t process_memory(pid_t pid)
{
    unsigned long long all, resident = 0;
    char path[64];
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    file = fopen(path, "re");
    if (file == NULL ||
        fscanf(file, "%llu %llu", &all, &resident) != 2) { // NOLINT(cert-err34-c)
        fail("--pid %d: cannot read %s", (int)pid, path);
    }
    fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t process_descriptors(pid_t pid)
{
    uint64_t count = 0;
    char path[64];
    DIR *directory;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    directory = opendir(path);
    if (directory == NULL) {
        fail("--pid %d: cannot read %s: %s", (int)pid, path, strerror(errno));
    }
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    closedir(directory);
    return count;
}

void process_pin(unsigned processor)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0) {
        fail("--cpu %u: %s", processor, strerror(errno));
    }
}

void process_need_descriptors(uint64_t count)
{
    struct rlimit limit;

    count += 64; /* the standard ones, epoll, /proc */
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= count) {
        return;
    }
    limit.rlim_cur = count;
    if (limit.rlim_max < count) { /* only the superuser may */
        limit.rlim_max = count;
    }
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        getrlimit(RLIMIT_NOFILE, &limit);
        fail("%llu open descriptors are needed, %llu are allowed: see ulimit -Hn",
             (unsigned long long)count, (unsigned long long)limit.rlim_max);
    }
}
