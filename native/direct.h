/* The direct lane: the command has our own descriptors, and we wait for its end. */
#ifndef K8PSH_DIRECT_H
#define K8PSH_DIRECT_H

#include "outbound.h"
#include "streams.h"

/* Sends the request, with the descriptors, and waits for the end of the call; returns the exit code, 0 to 255.
 *
 * Set in `outbound`: connection, descriptors, request, forward.signals, forward.terminal, buffer; everything
 * else is zero. Where the command gets a terminal of its own, ours is relayed and restored at the end. A call that ends otherwise ends the process: by the command's signal, or in one line.
 */
int direct_run(struct outbound *outbound, struct stream streams[3], const char *called, const char *server);

#endif
