/* The working directory as the server is told it. */
#ifndef K8PSH_DIRECTORY_H
#define K8PSH_DIRECTORY_H

#include "arena.h"
#include "routes.h"

/* Returns the working directory's physical path, written to `path`, which has PATH_MAX bytes; NULL with errno. */
const char *directory_current(char *path);

/* Returns what WORKING_DIRECTORY says for `directory`, an absolute physical path.
 *
 * Relative for the base directory, else absolute; NULL where no root of the routes holds it.
 */
const char *directory_on_wire(struct arena *arena, const struct routes *routes, const char *directory);

#endif
