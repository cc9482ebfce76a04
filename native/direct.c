#include "direct.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "outcome.h"
#include "signals.h"

enum { INBOUND_BYTES = 512 };  /* one frame of five bytes, mostly */

struct direct {
    const char *called, *server;
    struct outbound *outbound;
    struct frame_reader reader;
    struct rejection rejection;
};

/* Does what was received says; returns whether the exit code has come. */
static bool use_received(struct direct *direct, struct window received, int *exit_code)
{
    for (;;) {
        struct frame_event event = frame_next(&direct->reader, &received);
        switch (event.kind) {
        case EVENT_NONE:
            return false;
        case EVENT_EXIT:
            *exit_code = (int)(event.value & 0xff);
            return true;
        case EVENT_TERM_SIGNAL:
            signals_die((int)event.value);
        case EVENT_DELIVERED:
            forward_delivered(&direct->outbound->forward, event.value);
            break;
        case EVENT_REJECTED:
            rejection_add(&direct->rejection, received.at, event.bytes);
            frame_take(&direct->reader, &received, event.bytes);
            if (direct->reader.payload_left == 0)
                end_rejected(direct->called, &direct->rejection);
            break;
        default:
            end_confused(direct->called, event.value);
        }
    }
}

static bool receive(struct direct *direct, int *exit_code)
{
    unsigned char bytes[INBOUND_BYTES];
    ssize_t count = recv(direct->outbound->connection, bytes, sizeof bytes, MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return false;
    if (count <= 0)
        end_lost(direct->called, direct->server);
    return use_received(direct, (struct window){bytes, (size_t)count}, exit_code);
}

int direct_run(struct outbound *outbound, const char *called, const char *server)
{
    struct direct direct = {
        .called = called, .server = server, .outbound = outbound, .reader.state = READER_DIRECT};
    int exit_code;
    forward_learn_version(&outbound->forward, 2);
    for (;;) {
        outbound_send(outbound);
        forward_stop(&outbound->forward);
        short events = outbound->unsent.left > 0 ? POLLIN | POLLOUT : POLLIN;
        struct pollfd waits[2] = {{outbound->connection, events, 0}, {outbound->forward.signals, POLLIN, 0}};
        if (poll(waits, 2, forward_timeout(&outbound->forward)) < 0)
            continue;
        if (waits[1].revents != 0)
            forward_heed(&outbound->forward);
        if ((waits[0].revents & ~POLLOUT) != 0 && receive(&direct, &exit_code))
            return exit_code;
    }
}
