#include "connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "fail.h"

enum {
    FIRST_PAUSE_MS = 32,  /* between two tries; doubles */
    LAST_PAUSE_MS = 1000,
};

struct deadline {
    bool never;
    int64_t at_ms;
};

static struct deadline start_deadline(int64_t timeout_ms)
{
    /* More than a century is for ever too, and would overflow when it is added to the time. */
    if (timeout_ms < 0 || timeout_ms >= INT64_C(1) << 42)
        return (struct deadline){.never = true};
    return (struct deadline){.at_ms = clock_now_ms() + timeout_ms};
}

static int longer_pause(int pause_ms)
{
    return pause_ms * 2 < LAST_PAUSE_MS ? pause_ms * 2 : LAST_PAUSE_MS;
}

/* Returns the milliseconds until the deadline, at most `most`. */
static int left_ms(const struct deadline *deadline, int most)
{
    if (deadline->never)
        return most;
    int64_t left = deadline->at_ms - clock_now_ms();
    return left < 0 ? 0 : left < most ? (int)left : most;
}

static int open_socket(struct stream streams[3])
{
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0 || descriptor > 2)
        return descriptor;
    /* A standard stream was closed when we were started. */
    close(descriptor);
    streams_fill_holes(streams);
    return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Connects; returns 0 or what went wrong. On loopback the second connect(2) already finds it done. */
static int finish_connect(int descriptor, uint16_t port, const struct deadline *deadline)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (bool first = true;; first = false) {
        if (connect(descriptor, (const struct sockaddr *)&address, sizeof address) == 0)
            return 0;
        if (first && errno == EINPROGRESS)
            continue;
        if (errno != EINTR && errno != EALREADY && errno != EINPROGRESS)
            return errno;
        struct pollfd wait = {.fd = descriptor, .events = POLLOUT};
        if (poll(&wait, 1, left_ms(deadline, LAST_PAUSE_MS)) == 0 && left_ms(deadline, 1) == 0)
            return ETIMEDOUT;
    }
}

static _Noreturn void fail_unreachable(const struct routes *routes, const char *called, int error)
{
    struct number_text port, timeout;
    fail(called, EXIT_OWN_FAILURE,
         PARTS("can't reach the server ", routes->server, " at 127.0.0.1:", number(&port, routes->port), " (",
               strerror(error), ") within ", number(&timeout, routes->connect_timeout_ms),
               " ms; is its k8pshd running?"));
}

int connect_to_server(const struct routes *routes, const char *called, struct stream streams[3])
{
    struct deadline deadline = start_deadline(routes->connect_timeout_ms);
    for (int pause_ms = FIRST_PAUSE_MS;; pause_ms = longer_pause(pause_ms)) {
        int descriptor = open_socket(streams);
        if (descriptor < 0)
            fail(called, EXIT_OWN_FAILURE, PARTS("can't make a socket: ", strerror(errno)));
        int error = finish_connect(descriptor, routes->port, &deadline);
        if (error == 0) {
            const int on = 1;
            setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            return descriptor;
        }
        close(descriptor);
        if (left_ms(&deadline, 1) == 0)
            fail_unreachable(routes, called, error);
        debug(called, PARTS("trying the server again: ", strerror(error)));
        poll(NULL, 0, left_ms(&deadline, pause_ms));
    }
}
