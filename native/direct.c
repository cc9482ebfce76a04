#include "direct.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bridge.h"
#include "outcome.h"
#include "signals.h"

enum { INBOUND_BYTES = 512 };  /* one frame of five bytes, mostly */

struct direct {
    const char *called, *server;
    struct outbound *outbound;
    struct stream *streams;
    struct bridge *bridge;
    struct frame_reader reader;
    struct rejection rejection;
    int master;               /* the descriptor that has come, 0 for none */
    bool ended;
    struct frame_event last;  /* EVENT_NONE where the connection has ended before it */
};

/* Begins to relay between our terminal and the command's; what can't be so becomes the last event. */
static void enter_terminal(struct direct *direct, uint32_t mask)
{
    if (direct->master == 0 || !terminal_enter(&direct->outbound->forward.terminal, mask)) {
        direct->last = (struct frame_event){.kind = EVENT_INVALID, .value = FRAME_TERMINAL};
        direct->ended = true;
        return;
    }
    int screen = (mask & 1U << STDOUT_FILENO) != 0 ? STDOUT_FILENO : STDERR_FILENO;
    bridge_open(direct->bridge, direct->master, &direct->streams[0], &direct->streams[screen]);
}

/* Does what was received says, up to the last event. */
static void use_received(struct direct *direct, struct window received)
{
    while (!direct->ended) {
        struct frame_event event = frame_next(&direct->reader, &received);
        switch (event.kind) {
        case EVENT_NONE:
            return;
        case EVENT_DELIVERED:
            forward_delivered(&direct->outbound->forward, event.value);
            break;
        case EVENT_TERMINAL:
            enter_terminal(direct, event.value);
            break;
        case EVENT_REJECTED:
            rejection_add(&direct->rejection, received.at, event.bytes);
            frame_take(&direct->reader, &received, event.bytes);
            if (direct->reader.payload_left > 0)
                break;
            __attribute__((fallthrough));
        default:
            direct->last = event;
            direct->ended = true;
        }
    }
}

/* Keeps the descriptor that came with a message; there is one in a call at the most, and it isn't ours. */
static void take_descriptor(struct direct *direct, struct msghdr *message)
{
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
        return;
    int descriptor;
    memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
    if (direct->master == 0)
        direct->master = descriptor;
    else
        close(descriptor);
}

static void receive(struct direct *direct)
{
    unsigned char bytes[INBOUND_BYTES];
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr header;
    } control;
    struct iovec part = {bytes, sizeof bytes};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t count = recvmsg(direct->outbound->connection, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (count > 0)
        take_descriptor(direct, &message);
    direct->ended = count <= 0;
    if (count > 0)
        use_received(direct, (struct window){bytes, (size_t)count});
}

/* Ends the call as the last event says; returns the exit code. */
static int end(struct direct *direct)
{
    terminal_restore(&direct->outbound->forward.terminal);
    switch (direct->last.kind) {
    case EVENT_NONE:
        end_lost(direct->called, direct->server);
    case EVENT_EXIT:
        return (int)(direct->last.value & 0xff);
    case EVENT_TERM_SIGNAL:
        signals_die((int)direct->last.value);
    case EVENT_REJECTED:
        end_rejected(direct->called, &direct->rejection);
    default:
        end_confused(direct->called, direct->last.value);
    }
}

/* What the call waits for, by place in the array given to poll(2). */
enum wait { WAIT_CONNECTION, WAIT_SIGNALS, WAIT_BRIDGE };

/* Waits; what came by the connection or as a signal is taken, the terminals' bytes are copied. */
static void wait_for_something(struct direct *direct)
{
    struct outbound *outbound = direct->outbound;
    bool has_bridge = direct->bridge->open;
    short events = outbound->unsent.left > 0 ? POLLIN | POLLOUT : POLLIN;
    struct pollfd waits[WAIT_BRIDGE + (int)BRIDGE_WAITS];
    struct pollfd *bridge_waits = waits + WAIT_BRIDGE;
    waits[WAIT_CONNECTION] = (struct pollfd){direct->ended ? -1 : outbound->connection, events, 0};
    waits[WAIT_SIGNALS] = (struct pollfd){outbound->forward.signals, POLLIN, 0};
    if (has_bridge)
        bridge_expect(direct->bridge, bridge_waits);
    if (poll(waits, has_bridge ? sizeof waits / sizeof *waits : WAIT_BRIDGE, forward_timeout(&outbound->forward)) < 0)
        return;
    if (waits[WAIT_SIGNALS].revents != 0)
        forward_heed(&outbound->forward);
    if (has_bridge) {
        if (bridge_waits[BRIDGE_KEYBOARD].revents != 0)
            terminal_make_raw(&outbound->forward.terminal);
        bridge_copy(direct->bridge, bridge_waits);
    }
    if ((waits[WAIT_CONNECTION].revents & ~POLLOUT) != 0)
        receive(direct);
}

int direct_run(struct outbound *outbound, struct stream streams[3], const char *called, const char *server)
{
    static struct bridge bridge;
    struct direct direct = {.called = called, .server = server, .outbound = outbound, .streams = streams,
                            .bridge = &bridge, .reader.state = READER_DIRECT};
    struct terminal *terminal = &outbound->forward.terminal;
    forward_learn_version(&outbound->forward, 2);
    for (;;) {
        if (terminal->resized)
            bridge_resize(&bridge);
        terminal->resized = false;
        outbound_send(outbound);
        forward_stop(&outbound->forward);
        if (direct.ended && (!bridge.open || bridge_drain(&bridge)))
            return end(&direct);
        wait_for_something(&direct);
    }
}
