/* The relay: bytes between our standard streams and the connection until the exit code comes. */
#ifndef K8PSH_RELAY_H
#define K8PSH_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "frames.h"
#include "outbound.h"
#include "outcome.h"
#include "streams.h"

enum {
    RELAY_FIRST_BYTES = 4096,         /* a buffer's used part at first: one page */
    RELAY_INBOUND_BYTES = 1024 * 1024,
    RELAY_LEAST_SPLICED_BYTES = 64 * 1024,  /* less isn't worth a receive for its header alone */
};

struct relay {
    const char *called;            /* the command's name, for what is said */
    const char *server;
    struct stream streams[3];
    struct outbound outbound;

    bool reading_stdin;            /* neither its end nor the command's loss of interest has been seen */
    struct stream *blocked;        /* the stream that what was received must wait for, NULL for none */
    bool ended[3];                 /* the command has closed its standard output or error, we not yet ours */
    int64_t close_stderr_at_ms;    /* when we will; 0 where that isn't known yet */

    struct frame_reader reader;
    struct rejection rejection;
    bool splicing;                 /* the current frame's payload goes from the connection to a pipe uncopied */
    bool header_first;             /* the last frame's did: of the next one only the header is received */
    bool cannot_splice;
    struct window received;        /* part of `inbound` */
    size_t inbound_used, outbound_used;  /* how much of a buffer may be filled: grows with the traffic */
    unsigned char *inbound;
};

/* Relays until the end of the call; returns the exit code, 0 to 255.
 *
 * Set in `relay`: called, server, streams, inbound (of the size above), in outbound what direct_run wants of
 * it but for descriptors; everything else is zero. A call that ends otherwise ends the process: by the
 * command's signal, or in one line. Towards a server of version 1, standard output without reader ends the
 * process as it would end the command.
 */
int relay_run(struct relay *relay);

#endif
