#include "connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
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

/* An address of either kind. */
struct address {
    union {
        struct sockaddr any;
        struct sockaddr_un local;
        struct sockaddr_in loopback;
    };
    socklen_t bytes;
};

static void set_local(struct address *address, const char *name)
{
    size_t length = strlen(name);
    address->local.sun_family = AF_UNIX;
    memcpy(address->local.sun_path, name, length + 1);
    /* An abstract name begins with a NUL, and is as long as the address says. */
    if (name[0] == '@')
        address->local.sun_path[0] = '\0';
    address->bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (name[0] != '@'));
}

static void set_loopback(struct address *address, uint16_t port)
{
    address->loopback = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    address->loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address->bytes = sizeof address->loopback;
}

/* Without musl's ways around kernels that lack these flags, or have sockets behind one system call for all: half a
 * kilobyte. Linux has had both on every machine since 4.3. */
static int new_socket(int family)
{
    return (int)syscall(SYS_socket, family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int open_socket(int family, const char *called, struct stream streams[3])
{
    int descriptor = new_socket(family);
    if (descriptor >= 0 && descriptor <= 2) {
        /* A standard stream was closed when we were started. */
        close(descriptor);
        streams_fill_holes(streams);
        descriptor = new_socket(family);
    }
    if (descriptor < 0)
        fail(called, EXIT_OWN_FAILURE, PARTS("can't make a socket: ", strerror(errno)));
    return descriptor;
}

/* Connects; returns 0 or what went wrong. On loopback the second connect(2) already finds it done. */
static int finish_connect(int descriptor, const struct address *address, const struct deadline *deadline)
{
    for (bool first = true;; first = false) {
        if (connect(descriptor, &address->any, address->bytes) == 0)
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

/* Tries one address; returns whether the connection stands, else what went wrong in `*error`. */
static bool try_address(struct connection *connection, const struct address *address, const char *called,
                        struct stream streams[3], const struct deadline *deadline, int *error)
{
    connection->descriptor = open_socket(address->any.sa_family, called, streams);
    connection->direct = address->any.sa_family == AF_UNIX;
    *error = finish_connect(connection->descriptor, address, deadline);
    if (*error != 0)
        close(connection->descriptor);
    return *error == 0;
}

static _Noreturn void fail_unreachable(const struct routes *routes, const char *called, int error)
{
    struct number_text port, timeout;
    fail(called, EXIT_OWN_FAILURE,
         PARTS("no connection to the server '", routes->server, "' on port ", number(&port, routes->port),
               " in ", number(&timeout, routes->connect_timeout_ms), " ms (", strerror(error),
               "); is its container running k8pshd?"));
}

/* Tries once what the lane allows, the Unix socket first; as try_address. */
static bool try_lanes(struct connection *connection, const struct routes *routes, enum lane lane,
                      const char *called, struct stream streams[3], const struct deadline *deadline, int *error)
{
    struct address address;
    if (lane != LANE_RELAY) {
        set_local(&address, routes->socket);
        if (try_address(connection, &address, called, streams, deadline, error))
            return true;
        /* The server is there, but many wait for it: the direct lane is worth waiting for. */
        if (*error == EAGAIN)
            return false;
    }
    if (lane == LANE_DIRECT || !routes->tcp)
        return false;
    set_loopback(&address, routes->port);
    if (!try_address(connection, &address, called, streams, deadline, error))
        return false;
    const int on = 1;
    syscall(SYS_setsockopt, connection->descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return true;
}

struct connection connect_to_server(const struct routes *routes, enum lane lane, const char *called,
                                    struct stream streams[3])
{
    if (lane == LANE_RELAY && !routes->tcp)
        fail(called, EXIT_OWN_FAILURE,
             PARTS("the server '", routes->server, "' has no TCP, which the relay lane needs"));
    struct deadline deadline = start_deadline(routes->connect_timeout_ms);
    struct connection connection;
    for (int pause_ms = FIRST_PAUSE_MS;; pause_ms = longer_pause(pause_ms)) {
        int error = 0;
        if (try_lanes(&connection, routes, lane, called, streams, &deadline, &error))
            return connection;
        if (left_ms(&deadline, 1) == 0)
            fail_unreachable(routes, called, error);
        debug(called, PARTS("trying the server again: ", strerror(error)));
        poll(NULL, 0, left_ms(&deadline, pause_ms));
    }
}
