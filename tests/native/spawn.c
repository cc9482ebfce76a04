/* Runs a program once and writes what it took to RESULT: `PAGE_FAULTS MICROSECONDS STATUS`.
 *
 * The kernel counts a parent's pages as its child's until the child executes something: Python is too large
 * to measure a small program from.
 *
 * spawn RESULT PROGRAM [ARGUMENTS...]
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
    if (count < 3)
        return 2;
    clock_gettime(CLOCK_MONOTONIC, &before);
    if (posix_spawn(&child, arguments[2], NULL, NULL, arguments + 2, environment) != 0)
        return 2;
    if (wait4(child, &status, 0, &usage) != child)
        return 2;
    clock_gettime(CLOCK_MONOTONIC, &after);
    long microseconds = (after.tv_sec - before.tv_sec) * 1000000 + (after.tv_nsec - before.tv_nsec) / 1000;
    FILE *result = fopen(arguments[1], "w");
    if (result == NULL)
        return 2;
    fprintf(result, "%ld %ld %d\n", usage.ru_minflt, microseconds, status);
    return fclose(result) != 0;
}
