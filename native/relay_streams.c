/* Between our standard streams and the buffers: input for the server, output and the last frame from it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fail.h"
#include "kernel_signals.h"
#include "relay_parts.h"
#include "signals.h"

void relay_read_stdin(struct relay *relay)
{
    struct outbound *outbound = &relay->outbound;
    size_t room = relay->outbound_used - FRAME_HEADER_BYTES;
    ssize_t count = stream_read(&relay->streams[0], outbound->buffer + FRAME_HEADER_BYTES, room);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    /* What can't be read (a directory, a terminal that has gone) has no more to say either. */
    if (count <= 0) {
        count = 0;
        relay->reading_stdin = false;
    }
    if ((size_t)count == room)
        relay->outbound_used = relay_grown(relay->outbound_used, OUTBOUND_BYTES);
    outbound_put(outbound, FRAME_STDIN_DATA, (uint32_t)count);
}

static _Noreturn void lost(struct relay *relay)
{
    terminal_restore(&relay->outbound.forward.terminal);
    /* A command ended by TERMINATE_COMMAND may have no exit code in version 1: the signal is the truth then. */
    if (relay->outbound.forward.asked_by != 0)
        signals_die(relay->outbound.forward.asked_by);
    end_lost(relay->called, relay->server);
}

/* As the command itself would: complain and give up; without standard error most programs go on. The end of
 * a reader the command can learn of by itself, where the server can be told; that of its terminal, by HUP. */
static void write_failed(struct relay *relay, struct stream *stream)
{
    const struct terminal *terminal = &relay->outbound.forward.terminal;
    bool can_tell = relay->outbound.forward.version > 1 && errno == EPIPE;
    bool is_theirs = terminal->entered && (terminal->mask & 1U << STDOUT_FILENO) != 0;
    if (stream->number == STDOUT_FILENO && !can_tell && !is_theirs) {
        const char *why = strerror(errno);
        terminal_restore(&relay->outbound.forward.terminal);
        fail(relay->called, EXIT_WRITE_ERROR, PARTS("standard output can't be written to: ", why));
    }
    relay->outbound.output_closed[stream->number] = can_tell;
    stream_close(stream);
}

/* Writes some of the payload that was received; returns false where the stream must be waited for. */
static bool deliver(struct relay *relay, const struct frame_event *event)
{
    struct stream *stream = &relay->streams[event->stream];
    ssize_t count = stream_write(stream, relay->received.at, event->bytes);
    if (count > 0) {
        frame_take(&relay->reader, &relay->received, (size_t)count);
    } else if (count == 0 || errno == EAGAIN || errno == EWOULDBLOCK) {
        relay->blocked = stream;
        return false;
    } else if (errno != EINTR) {
        write_failed(relay, stream);
    }
    return true;
}

static void end_stream(struct relay *relay, int number)
{
    if (number != STDIN_FILENO) {
        relay->ended[number] = true;
        return;
    }
    relay->reading_stdin = false;
    stream_close(&relay->streams[STDIN_FILENO]);
}

static void greet(struct relay *relay)
{
    forward_learn_version(&relay->outbound.forward, 2);
    /* The server will be told instead, and the command learns by its own SIGPIPE. */
    kernel_set_action(SIGPIPE, SIG_IGN);
}

static void reject(struct relay *relay, size_t count)
{
    rejection_add(&relay->rejection, relay->received.at, count);
    frame_take(&relay->reader, &relay->received, count);
    if (relay->reader.payload_left == 0)
        end_rejected(relay->called, &relay->rejection);
}

bool relay_use_received(struct relay *relay, int *exit_code)
{
    for (;;) {
        struct frame_event event = frame_next(&relay->reader, &relay->received);
        if (event.kind != EVENT_NONE && event.kind != EVENT_HELLO)
            forward_learn_version(&relay->outbound.forward, 1);
        if (event.kind >= EVENT_EXIT)
            terminal_restore(&relay->outbound.forward.terminal);
        switch (event.kind) {
        case EVENT_NONE:
            return false;
        case EVENT_DATA:
            if (!deliver(relay, &event))
                return false;
            break;
        case EVENT_STREAM_END:
            end_stream(relay, event.stream);
            break;
        case EVENT_HELLO:
            greet(relay);
            break;
        case EVENT_TERMINAL:
            if (terminal_enter(&relay->outbound.forward.terminal, event.value))
                break;
            terminal_restore(&relay->outbound.forward.terminal);
            end_confused(relay->called, FRAME_TERMINAL);
        case EVENT_DELIVERED:
            forward_delivered(&relay->outbound.forward, event.value);
            break;
        case EVENT_EXIT:
            *exit_code = (int)(event.value & 0xff);
            return true;
        case EVENT_TERM_SIGNAL:
            signals_die((int)event.value);
        case EVENT_REJECTED:
            reject(relay, event.bytes);
            break;
        case EVENT_INVALID:
            end_confused(relay->called, event.value);
        }
    }
}

/* Moves payload from the connection to a pipe, without a copy of ours; returns false where it can't.
 *
 * EAGAIN is the pipe's, since the connection was readable. Any other error, a reader who has gone among them, is
 * left to recv or write to name.
 */
static bool splice_payload(struct relay *relay)
{
    struct stream *stream = &relay->streams[relay->reader.header[0] - FRAME_STDIN_DATA];
    ssize_t count = splice(relay->outbound.connection, NULL, stream->descriptor, NULL,
                           relay->reader.payload_left, SPLICE_F_NONBLOCK);
    stream->polled = false;  /* what a poll had said is used up */
    if (count > 0)
        relay->reader.payload_left -= (uint32_t)count;
    else if (count < 0 && errno == EAGAIN)
        relay->blocked = stream;
    else
        relay->cannot_splice = true;
    return !relay->cannot_splice;
}

/* Whether the connection's next bytes are to go to a pipe as they are. */
static bool may_splice(const struct relay *relay)
{
    uint32_t left = relay->reader.payload_left;
    unsigned type = relay->reader.header[0];
    if (relay->cannot_splice || left < (relay->splicing ? 1 : RELAY_LEAST_SPLICED_BYTES) ||
        (type != FRAME_STDOUT_DATA && type != FRAME_STDERR_DATA))
        return false;
    enum stream_kind kind = relay->streams[type - FRAME_STDIN_DATA].kind;
    return kind == STREAM_OWN || kind == STREAM_CAREFUL;
}

void relay_receive(struct relay *relay)
{
    bool large = relay->splicing || relay->header_first;
    relay->splicing = may_splice(relay);
    if (relay->splicing && splice_payload(relay))
        return;
    size_t room = relay->inbound_used;
    relay->header_first = large && relay->reader.payload_left == 0;
    if (relay->header_first)
        room = FRAME_HEADER_BYTES - relay->reader.header_bytes;
    ssize_t count = recv(relay->outbound.connection, relay->inbound, room, MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (count <= 0)
        lost(relay);
    relay->received = (struct window){relay->inbound, (size_t)count};
    if ((size_t)count == relay->inbound_used)
        relay->inbound_used = relay_grown(relay->inbound_used, RELAY_INBOUND_BYTES);
}
