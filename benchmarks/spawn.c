/* Starts programs and writes what each took; Python's own starting of processes costs more than what is measured.
 *
 * spawn RESULTS calls COUNT CALLERS PROGRAM [ARGUMENTS...]   COUNT calls, CALLERS of them running at any time
 * spawn RESULTS stream BYTES PROGRAM [ARGUMENTS...]          one call; BYTES go to its stdin, its stdout is counted
 *
 * To the descriptor RESULTS goes a line per call, `NANOSECONDS CPU_MICROSECONDS PAGE_FAULTS WAIT_STATUS`, and a last
 * line, `NANOSECONDS BYTES`: how long all of it took, and what came out.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_CALLERS = 1024, BUFFER_BYTES = 1024 * 1024 };

struct call {
    pid_t process;
    int64_t begin_ns;
};

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(2);
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct call start(char **arguments, char **environment, const posix_spawn_file_actions_t *streams)
{
    struct call call = {.begin_ns = now_ns()};
    errno = posix_spawnp(&call.process, arguments[0], streams, NULL, arguments, environment);
    if (errno != 0)
        fail(arguments[0]);
    return call;
}

/* Waits for one of the calls to end, writes its line and returns its place. */
static int finish(struct call *calls, int count, FILE *results)
{
    struct rusage usage;
    int status;
    pid_t process = wait4(-1, &status, 0, &usage);
    int64_t end_ns = now_ns();
    for (int place = 0; place < count; place++) {
        if (calls[place].process != process)
            continue;
        long cpu_us = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
                      usage.ru_stime.tv_usec;
        fprintf(results, "%lld %ld %ld %d\n", (long long)(end_ns - calls[place].begin_ns), cpu_us,
                usage.ru_minflt, status);
        calls[place].process = 0;
        return place;
    }
    fail("wait4");
}

static void run_calls(int count, int callers, char **arguments, char **environment, FILE *results)
{
    static struct call calls[MOST_CALLERS];
    int64_t begin_ns = now_ns();
    int started = 0;
    if (callers < 1 || callers > MOST_CALLERS)
        fail("callers");
    while (started < count && started < callers)
        calls[started++] = start(arguments, environment, NULL);
    for (int ended = 0; ended < count; ended++) {
        int place = finish(calls, callers, results);
        if (started < count) {
            calls[place] = start(arguments, environment, NULL);
            started++;
        }
    }
    fprintf(results, "%lld 0\n", (long long)(now_ns() - begin_ns));
}

static void open_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) != 0)
        fail("pipe2");
}

/* Writes the bytes that a call takes in, in a process of its own. */
static pid_t start_source(int64_t bytes, char *buffer, int descriptor)
{
    pid_t process = fork();
    if (process < 0)
        fail("fork");
    if (process > 0)
        return process;
    while (bytes > 0) {
        ssize_t count = write(descriptor, buffer, bytes < BUFFER_BYTES ? (size_t)bytes : BUFFER_BYTES);
        if (count < 0)
            fail("the call's input");
        bytes -= count;
    }
    _exit(0);
}

static void run_stream(int64_t bytes, char **arguments, char **environment, FILE *results)
{
    static char buffer[BUFFER_BYTES];
    posix_spawn_file_actions_t streams;
    struct call call;
    int input[2], output[2];
    int64_t received = 0;
    ssize_t count;
    pid_t source = 0;
    memset(buffer, 'k', sizeof buffer);
    posix_spawn_file_actions_init(&streams);
    open_pipe(output);
    posix_spawn_file_actions_adddup2(&streams, output[1], STDOUT_FILENO);
    if (bytes > 0) {
        open_pipe(input);
        posix_spawn_file_actions_adddup2(&streams, input[0], STDIN_FILENO);
    }
    call = start(arguments, environment, &streams);
    close(output[1]);
    if (bytes > 0) {
        close(input[0]);
        source = start_source(bytes, buffer, input[1]);
        close(input[1]);
    }
    while ((count = read(output[0], buffer, sizeof buffer)) > 0)
        received += count;
    int64_t end_ns = now_ns();
    if (source > 0 && waitpid(source, NULL, 0) != source)
        fail("waitpid");
    finish(&call, 1, results);
    fprintf(results, "%lld %lld\n", (long long)(end_ns - call.begin_ns), (long long)received);
}

int main(int count, char **arguments, char **environment)
{
    int descriptor = count > 1 ? atoi(arguments[1]) : -1;
    FILE *results = fdopen(descriptor, "w");
    if (results == NULL || fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0)
        fail("the descriptor for results");
    if (count > 5 && strcmp(arguments[2], "calls") == 0)
        run_calls(atoi(arguments[3]), atoi(arguments[4]), arguments + 5, environment, results);
    else if (count > 4 && strcmp(arguments[2], "stream") == 0)
        run_stream(atoll(arguments[3]), arguments + 4, environment, results);
    else
        fail("usage: spawn RESULTS calls COUNT CALLERS PROGRAM... | spawn RESULTS stream BYTES PROGRAM...");
    return fclose(results) != 0 ? 2 : 0;
}
