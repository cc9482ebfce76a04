/* The three standard streams, which we share with others and must leave as we found them.
 *
 * Their O_NONBLOCK belongs to everyone who holds the same open file, so it is never set. A fifo or terminal
 * is opened anew through /proc for a non-blocking description of our own; a socket has MSG_DONTWAIT.
 */
#ifndef K8PSH_STREAMS_H
#define K8PSH_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum stream_kind {
    STREAM_UNKNOWN,  /* not looked at yet: most calls never write to standard error */
    STREAM_CLOSED,
    STREAM_PLAIN,    /* a file or device: never blocks for long, or is non-blocking already */
    STREAM_OWN,      /* `descriptor` is a non-blocking description of our own */
    STREAM_SOCKET,
    STREAM_CAREFUL,  /* can't be opened anew: a little at a time, each behind a poll */
};

struct stream {
    int number;       /* 0 to 2 */
    int descriptor;   /* what to poll, read and write */
    enum stream_kind kind;
    bool polled;      /* a poll has said that it is ready; used up by each read and write */
};

/* Opens something harmless at each closed descriptor from 0 to 2, so that nothing of ours gets there.
 *
 * The streams of these become STREAM_CLOSED.
 */
void streams_fill_holes(struct stream streams[3]);

/* Like read(2) and write(2), but never wait: EAGAIN. A closed stream reads as ended, and drops what is
 * written. */
ssize_t stream_read(struct stream *stream, void *to, size_t room);
ssize_t stream_write(struct stream *stream, const void *from, size_t count);

/* Closes our descriptors of the stream, so that its other end notices. */
void stream_close(struct stream *stream);

#endif
