#include "relay.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "fail.h"
#include "signals.h"

/* How long standard error stays open after the command closed its own: a lost connection that follows can
 * still be told of. */
enum { STDERR_LINGER_MS = 100 };

/* A full buffer means much traffic; the part of it that is used then grows up to all of it. */
static size_t grown(size_t used, size_t all)
{
    return used * 4 < all ? used * 4 : all;
}

static _Noreturn void lost(const struct relay *relay, const char *why)
{
    /* A command ended by TERMINATE_COMMAND has no exit code in protocol 1: the signal is the truth then. */
    if (relay->asked_by != 0)
        signals_die(relay->asked_by);
    fail(relay->called, EXIT_OWN_FAILURE,
         PARTS("the server ended the call without an exit status (", why, "); its log may say more"));
}

/* Towards the server */

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

static void send_unsent(struct relay *relay)
{
    for (;;) {
        if (relay->unsent.left == 0 && relay->sending)
            fill_outbound(relay);
        if (relay->unsent.left == 0)
            return;
        ssize_t count = send(relay->connection, relay->unsent.at, relay->unsent.left, MSG_DONTWAIT | MSG_NOSIGNAL);
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

static void read_stdin(struct relay *relay)
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
        relay->outbound_used = grown(relay->outbound_used, RELAY_OUTBOUND_BYTES);
    put_frame(relay, FRAME_STDIN_DATA, (uint32_t)count);
}

/* From the server */

static void write_failed(struct relay *relay, struct stream *stream)
{
    /* As the command itself would: complain and give up, since nobody can be told that protocol 1's standard
     * output has failed; without standard error most programs go on. */
    if (stream->number == STDOUT_FILENO)
        fail(relay->called, EXIT_WRITE_ERROR, PARTS("standard output: ", strerror(errno)));
    stream_close(stream);
}

/* Writes some of the payload that was received; returns false where the stream must be waited for. */
static bool deliver(struct relay *relay, const struct frame_event *event)
{
    struct stream *stream = &relay->streams[event->stream];
    ssize_t count = stream_write(stream, relay->received.at, event->bytes);
    if (count > 0) {
        frame_take(&relay->reader, &relay->received, (size_t)count);
    } else if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        relay->blocked = stream;
        return false;
    } else if (count < 0 && errno != EINTR) {
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

static _Noreturn void fail_frame(const struct relay *relay, uint32_t type)
{
    struct number_text text;
    fail(relay->called, EXIT_OWN_FAILURE,
         PARTS("the server sent a frame of type ", number(&text, type),
               " that this protocol doesn't have; is it another version of k8pshd?"));
}

/* Does what was received says, up to the exit code (true) or until there is no more or it must wait. */
static bool use_received(struct relay *relay, int *exit_code)
{
    for (;;) {
        struct frame_event event = frame_next(&relay->reader, &relay->received);
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
        case EVENT_EXIT:
            *exit_code = (int)(event.value & 0xff);
            return true;
        case EVENT_INVALID:
            fail_frame(relay, event.value);
        }
    }
}

static void receive(struct relay *relay)
{
    ssize_t count = recv(relay->connection, relay->inbound, relay->inbound_used, MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (count < 0)
        lost(relay, strerror(errno));
    if (count == 0)
        lost(relay, "end of the connection");
    relay->received = (struct window){relay->inbound, (size_t)count};
    if ((size_t)count == relay->inbound_used)
        relay->inbound_used = grown(relay->inbound_used, RELAY_INBOUND_BYTES);
}

/* Closes the streams that the command has closed; returns poll's timeout until the next is due, -1 for none.
 *
 * Done only before a wait: at a call's end their ends and the exit code arrive together.
 */
static int close_ended(struct relay *relay)
{
    if (relay->ended[STDOUT_FILENO])
        stream_close(&relay->streams[STDOUT_FILENO]);
    relay->ended[STDOUT_FILENO] = false;
    if (!relay->ended[STDERR_FILENO])
        return -1;
    int64_t now_ms = clock_now_ms();
    if (relay->close_stderr_at_ms == 0)
        relay->close_stderr_at_ms = now_ms + STDERR_LINGER_MS;
    if (now_ms < relay->close_stderr_at_ms)
        return (int)(relay->close_stderr_at_ms - now_ms);
    stream_close(&relay->streams[STDERR_FILENO]);
    relay->ended[STDERR_FILENO] = false;
    return -1;
}

static void heed_signal(struct relay *relay)
{
    int number = signals_take(relay->signals);
    if (number == 0)
        return;
    if (relay->asked_by != 0)
        signals_die(number);
    relay->asked_by = number;
    relay->terminate = true;
}

/* What the relay waits for, by place in the array given to poll(2). */
enum wait { WAIT_CONNECTION, WAIT_SIGNALS, WAIT_STDIN, WAIT_BLOCKED, WAITS };

/* A descriptor that nothing is expected of is left out: poll would report its end again and again. */
static struct pollfd expect(int descriptor, short events)
{
    return (struct pollfd){.fd = events == 0 ? -1 : descriptor, .events = events};
}

static void wait_for_something(struct relay *relay, struct pollfd waits[WAITS])
{
    bool has_room = relay->unsent.left == 0;
    short connection = (short)((relay->blocked == NULL ? POLLIN : 0) | (has_room ? 0 : POLLOUT));
    waits[WAIT_CONNECTION] = expect(relay->connection, connection);
    waits[WAIT_SIGNALS] = expect(relay->signals, POLLIN);
    waits[WAIT_STDIN] = expect(relay->streams[0].descriptor, relay->reading_stdin && has_room ? POLLIN : 0);
    waits[WAIT_BLOCKED] = expect(relay->blocked == NULL ? -1 : relay->blocked->descriptor, POLLOUT);
    if (poll(waits, WAITS, close_ended(relay)) >= 0)
        return;
    for (int i = 0; i < WAITS; i++)
        waits[i].revents = 0;
}

int relay_run(struct relay *relay)
{
    int exit_code = 0;
    struct pollfd waits[WAITS];
    relay->inbound_used = relay->outbound_used = RELAY_FIRST_BYTES;
    relay->sending = relay->reading_stdin = true;
    for (;;) {
        send_unsent(relay);
        wait_for_something(relay, waits);
        if (waits[WAIT_SIGNALS].revents != 0)
            heed_signal(relay);
        if (waits[WAIT_STDIN].revents != 0) {
            relay->streams[0].polled = true;
            read_stdin(relay);
        }
        if (waits[WAIT_BLOCKED].revents != 0) {
            relay->blocked->polled = true;
            relay->blocked = NULL;
        } else if (relay->blocked == NULL && (waits[WAIT_CONNECTION].revents & ~POLLOUT) != 0) {
            receive(relay);
        }
        if (relay->blocked == NULL && use_received(relay, &exit_code))
            return exit_code;
    }
}
