/* Runs a program once and writes what it took: `PAGE_FAULTS RESIDENT_KB MICROSECONDS STATUS` to descriptor 3.
 *
 * The kernel counts a parent's pages as its child's until the child executes something: Python is too large
 * to measure a small program from.
 *
 * spawn PROGRAM [ARGUMENTS...]
 */
#include <spawn.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

int main(int count, char **arguments, char **environment)
{
    struct timespec before, after;
    struct rusage usage;
    pid_t child;
    int status;
    if (count < 2)
        return 2;
    clock_gettime(CLOCK_MONOTONIC, &before);
    if (posix_spawn(&child, arguments[1], NULL, NULL, arguments + 1, environment) != 0)
        return 2;
    if (wait4(child, &status, 0, &usage) != child)
        return 2;
    clock_gettime(CLOCK_MONOTONIC, &after);
    long microseconds = (after.tv_sec - before.tv_sec) * 1000000 + (after.tv_nsec - before.tv_nsec) / 1000;
    return dprintf(3, "%ld %ld %ld %d\n", usage.ru_minflt, usage.ru_maxrss, microseconds, status) < 0;
}
