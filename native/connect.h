/* The connection to the server that runs the command. */
#ifndef K8PSH_CONNECT_H
#define K8PSH_CONNECT_H

#include <stdbool.h>

#include "routes.h"
#include "streams.h"

struct connection {
    int descriptor;  /* above 2, closed on exec, non-blocking */
    bool direct;     /* the lane */
};

/* Returns a connection on a lane that `lane` allows; tries until the routes' connect timeout has passed.
 *
 * `called` is the command's name for the one line that is said, with exit code 125, where there is no
 * server to be reached. Descriptors of `streams` that turn out to be closed are marked.
 */
struct connection connect_to_server(const struct routes *routes, enum lane lane, const char *called,
                                    struct stream streams[3]);

#endif
