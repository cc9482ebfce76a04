/* What goes to the server: the request, then whatever else there is, through one buffer. */
#ifndef K8PSH_OUTBOUND_H
#define K8PSH_OUTBOUND_H

#include <stdbool.h>

#include "forward.h"
#include "frames.h"
#include "request.h"

enum {
    OUTBOUND_BYTES = 256 * 1024,
};

struct outbound {
    int connection;
    unsigned descriptors;          /* bit n: descriptor n goes with the first bytes */
    bool closed;                   /* the server takes no more */
    bool output_closed[3];         /* OUTPUT_CLOSED is to be sent for this stream */
    struct request_writer request;
    struct forward forward;
    struct window unsent;          /* part of the buffer */
    unsigned char *buffer;         /* OUTBOUND_BYTES */
};

/* Puts a frame into the empty buffer; its payload, `length` bytes, lies there already behind the header. */
void outbound_put(struct outbound *outbound, enum frame_type type, uint32_t length);

/* Sends until there is nothing more, or the server takes no more for now. */
void outbound_send(struct outbound *outbound);

#endif
