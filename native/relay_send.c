/* Towards the server: the request, standard input, the wish to end. */
#include <errno.h>
#include <sys/socket.h>

#include "relay_parts.h"

static void put_frame(struct relay *relay, enum frame_type type, uint32_t payload)
{
    frame_put_header(relay->outbound, type, payload);
    relay->unsent = (struct window){relay->outbound, FRAME_HEADER_BYTES + payload};
}

/* Puts what is to be sent next, standard input apart, into the empty buffer. */
static void fill_outbound(struct relay *relay)
{
    size_t count = request_fill(&relay->request, relay->outbound, RELAY_OUTBOUND_BYTES);
    if (count > 0) {
        relay->unsent = (struct window){relay->outbound, count};
    } else if (relay->terminate) {
        relay->terminate = false;
        put_frame(relay, FRAME_TERMINATE_COMMAND, 0);
    }
}

void relay_send(struct relay *relay)
{
    for (;;) {
        if (relay->unsent.left == 0 && relay->sending)
            fill_outbound(relay);
        if (relay->unsent.left == 0)
            return;
        const struct window *unsent = &relay->unsent;
        ssize_t count = send(relay->connection, unsent->at, unsent->left, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (count < 0) {
            /* The server's last words may have arrived before it hung up: only receiving tells. */
            relay->sending = false;
            relay->reading_stdin = false;
            relay->unsent.left = 0;
            return;
        }
        relay->unsent.at += count;
        relay->unsent.left -= (size_t)count;
    }
}

void relay_read_stdin(struct relay *relay)
{
    size_t room = relay->outbound_used - FRAME_HEADER_BYTES;
    ssize_t count = stream_read(&relay->streams[0], relay->outbound + FRAME_HEADER_BYTES, room);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    /* What can't be read (a directory, a terminal that has gone) has no more to say either. */
    if (count <= 0) {
        count = 0;
        relay->reading_stdin = false;
    }
    if ((size_t)count == room)
        relay->outbound_used = relay_grown(relay->outbound_used, RELAY_OUTBOUND_BYTES);
    put_frame(relay, FRAME_STDIN_DATA, (uint32_t)count);
}
