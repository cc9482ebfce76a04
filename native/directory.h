/* The working directory as the server is told it. */
#ifndef K8PSH_DIRECTORY_H
#define K8PSH_DIRECTORY_H

#include "arena.h"
#include "routes.h"

/* Returns what WORKING_DIRECTORY says for `directory`, an absolute physical path.
 *
 * Relative for the base directory, else absolute; NULL where no root of the routes holds it.
 */
const char *directory_on_wire(struct arena *arena, const struct routes *routes, const char *directory);

#endif
