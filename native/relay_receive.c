/* From the server: output, the ends of streams, the exit code. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fail.h"
#include "relay_parts.h"
#include "signals.h"

static _Noreturn void lost(const struct relay *relay, const char *why)
{
    /* A command ended by TERMINATE_COMMAND has no exit code in protocol 1: the signal is the truth then. */
    if (relay->asked_by != 0)
        signals_die(relay->asked_by);
    fail(relay->called, EXIT_OWN_FAILURE,
         PARTS("the server ended the call without an exit status (", why, "); its log may say more"));
}

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

static _Noreturn void fail_frame(const struct relay *relay, uint32_t type)
{
    struct number_text text;
    fail(relay->called, EXIT_OWN_FAILURE,
         PARTS("the server sent a frame of type ", number(&text, type),
               " that this protocol doesn't have; is it another version of k8pshd?"));
}

/* Does what was received says, up to the exit code (true) or until there is no more or it must wait. */
bool relay_use_received(struct relay *relay, int *exit_code)
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

void relay_receive(struct relay *relay)
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
        relay->inbound_used = relay_grown(relay->inbound_used, RELAY_INBOUND_BYTES);
}
