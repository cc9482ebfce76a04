#include <poll.h>
#include <unistd.h>

#include "clock.h"
#include "relay_parts.h"

/* How long standard error stays open after the command closed its own: a lost connection that follows can
 * still be told of. */
enum { STDERR_LINGER_MS = 100 };

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

/* What the relay waits for, by place in the array given to poll(2). */
enum wait { WAIT_CONNECTION, WAIT_SIGNALS, WAIT_STDIN, WAIT_BLOCKED, WAITS };

/* A descriptor that nothing is expected of is left out: poll would report its end again and again. */
static struct pollfd expect(int descriptor, short events)
{
    return (struct pollfd){.fd = events == 0 ? -1 : descriptor, .events = events};
}

/* Returns the sooner of two timeouts as poll(2) takes them. */
static int sooner(int one_ms, int other_ms)
{
    return one_ms < 0 || (other_ms >= 0 && other_ms < one_ms) ? other_ms : one_ms;
}

static void wait_for_something(struct relay *relay, struct pollfd waits[WAITS])
{
    const struct outbound *outbound = &relay->outbound;
    int timeout_ms = sooner(close_ended(relay), forward_timeout(&relay->outbound.forward));
    bool has_room = outbound->unsent.left == 0;
    short connection = (short)((relay->blocked == NULL ? POLLIN : 0) | (has_room ? 0 : POLLOUT));
    bool wants_stdin = relay->reading_stdin && has_room && !outbound->closed;
    waits[WAIT_CONNECTION] = expect(outbound->connection, connection);
    waits[WAIT_SIGNALS] = expect(outbound->forward.signals, POLLIN);
    waits[WAIT_STDIN] = expect(relay->streams[0].descriptor, wants_stdin ? POLLIN : 0);
    waits[WAIT_BLOCKED] = expect(relay->blocked == NULL ? -1 : relay->blocked->descriptor, POLLOUT);
    if (poll(waits, WAITS, timeout_ms) >= 0)
        return;
    for (int i = 0; i < WAITS; i++)
        waits[i].revents = 0;
}

int relay_run(struct relay *relay)
{
    int exit_code = 0;
    struct pollfd waits[WAITS];
    relay->inbound_used = relay->outbound_used = RELAY_FIRST_BYTES;
    relay->reading_stdin = true;
    for (;;) {
        outbound_send(&relay->outbound);
        forward_stop(&relay->outbound.forward);
        wait_for_something(relay, waits);
        if (waits[WAIT_SIGNALS].revents != 0)
            forward_heed(&relay->outbound.forward);
        if (waits[WAIT_STDIN].revents != 0) {
            relay->streams[0].polled = true;
            terminal_make_raw(&relay->outbound.forward.terminal);
            relay_read_stdin(relay);
        }
        if (waits[WAIT_BLOCKED].revents != 0) {
            relay->blocked->polled = true;
            relay->blocked = NULL;
        } else if (relay->blocked == NULL && (waits[WAIT_CONNECTION].revents & ~POLLOUT) != 0) {
            relay_receive(relay);
        }
        if (relay->blocked == NULL && relay_use_received(relay, &exit_code))
            return exit_code;
    }
}
