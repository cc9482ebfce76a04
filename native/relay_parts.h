/* The two directions of the relay, for relay.c alone. */
#ifndef K8PSH_RELAY_PARTS_H
#define K8PSH_RELAY_PARTS_H

#include "relay.h"

/* Reads standard input, which is readable, into the empty outbound buffer, or finds its end. */
void relay_read_stdin(struct relay *relay);

/* Receives into the empty inbound buffer; a connection that has ended ends the process. */
void relay_receive(struct relay *relay);

/* Does what was received says, until there is no more of it or `relay->blocked` is set.
 *
 * Returns whether the exit code has come; it is in `*exit_code` then.
 */
bool relay_use_received(struct relay *relay, int *exit_code);

/* A full buffer means much traffic: returns how much of the buffer's `all` bytes is used from now on. */
static inline size_t relay_grown(size_t used, size_t all)
{
    return used * 4 < all ? used * 4 : all;
}

#endif
