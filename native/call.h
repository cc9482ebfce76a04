/* One call: from what the routes say to the command's exit code. */
#ifndef K8PSH_CALL_H
#define K8PSH_CALL_H

#include "arena.h"
#include "routes.h"

/* Has the server run the selected command; returns its exit code, 0 to 255.
 *
 * `called` is the command's name for what is said; `arguments` (the command's) and `environment` (ours) are
 * ended by NULL. A call that ends otherwise ends the process.
 */
int make_call(struct arena *arena, const struct routes *routes, const char *called, char *const *arguments,
              char *const *environment);

#endif
