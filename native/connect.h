/* The connection to the server that runs the command. */
#ifndef K8PSH_CONNECT_H
#define K8PSH_CONNECT_H

#include "routes.h"
#include "streams.h"

/* Returns a connected socket above 2, closed on exec; tries until the routes' connect timeout has passed.
 *
 * `called` is the command's name for the one line that is said, with exit code 125, where there is no
 * server to be reached. Descriptors of `streams` that turn out to be closed are marked.
 */
int connect_to_server(const struct routes *routes, const char *called, struct stream streams[3]);

#endif
