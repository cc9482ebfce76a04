/* Signals that come to us are the command's: what the server is told of them. */
#ifndef K8PSH_FORWARD_H
#define K8PSH_FORWARD_H

#include <stdbool.h>
#include <stdint.h>

#include "terminal.h"

enum {
    /* How long an answer may take before we act without it. A server that runs needs a thousandth of it. */
    FORWARD_PATIENCE_MS = 100,
};

/* A set of signals has the bit n for the signal n. */
struct forward {
    struct terminal terminal;  /* restored before a signal stops or ends us */
    int signals;           /* descriptor, from signals_watch */
    int version;           /* the server's; 0 until it is known */
    uint32_t unsent;       /* to be sent when the version is known */
    uint32_t undelivered;  /* of those that end a program */
    int again;             /* one of these, which has come once more */
    int asked_by;          /* version 1: the signal that TERMINATE_COMMAND was sent for, 0 for none */
    bool terminate;        /* TERMINATE_COMMAND is to be sent */
    bool stop;             /* we are to stop, as the command does */
    int64_t due_ms;        /* when patience ends, 0 where nothing is waited for */
};

/* Takes a signal off the descriptor, which is readable, and remembers it.
 *
 * The second one of those that end a program ends us where the server, after a patient wait, has not
 * delivered the first one; at once where the server is one of version 1, which can't say so.
 */
void forward_heed(struct forward *forward);

/* Learns the server's version; does nothing where it is known. */
void forward_learn_version(struct forward *forward, int version);

/* Learns that the server has delivered a signal. */
void forward_delivered(struct forward *forward, uint32_t number);

/* Does what is due; returns the milliseconds until the next such moment, -1 for none.
 *
 * A server that hasn't shown its version in time has version 1: there may be something to send then, and
 * 0 is returned.
 */
int forward_timeout(struct forward *forward);

/* Writes the next frame to `to`, FRAME_HEADER_BYTES of it; returns whether there was one. */
bool forward_fill(struct forward *forward, unsigned char *to);

/* Stops the process, until it is continued, where a signal that has been sent on says so. */
void forward_stop(struct forward *forward);

#endif
