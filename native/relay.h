/* The relay: bytes between our standard streams and the connection until the exit code comes. */
#ifndef K8PSH_RELAY_H
#define K8PSH_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "frames.h"
#include "request.h"
#include "streams.h"

enum {
    RELAY_FIRST_BYTES = 4096,         /* a buffer's used part at first: one page */
    RELAY_OUTBOUND_BYTES = 256 * 1024,
    RELAY_INBOUND_BYTES = 1024 * 1024,
};

struct relay {
    const char *called;            /* the command's name, for what is said */
    int connection;
    int signals;                   /* from signals_watch */
    struct stream streams[3];
    struct request_writer request;

    bool reading_stdin;            /* neither its end nor the command's loss of interest has been seen */
    bool sending;                  /* the server still takes what we send */
    bool terminate;                /* TERMINATE_COMMAND is to be sent next */
    int asked_by;                  /* the first signal that came, 0 for none */
    struct stream *blocked;        /* the stream that what was received must wait for, NULL for none */
    bool ended[3];                 /* the command has closed its standard output or error, we not yet ours */
    int64_t close_stderr_at_ms;    /* when we will; 0 where that isn't known yet */

    struct frame_reader reader;
    struct window received, unsent;  /* parts of the buffers */
    size_t inbound_used, outbound_used;  /* how much of a buffer may be filled: grows with the traffic */
    unsigned char *inbound, *outbound;
};

/* Relays until the end of the call; returns the exit code, 0 to 255.
 *
 * Set in `relay`: called, connection, signals, streams, request, inbound and outbound (of the sizes above);
 * everything else is zero. A call without exit code ends in the one line and EXIT_OWN_FAILURE; a signal that
 * comes twice, or standard output without reader, ends the process as it would end the command.
 */
int relay_run(struct relay *relay);

#endif
