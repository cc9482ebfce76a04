/* Where the stub's routes are: beside the path it was executed by, or beside a target of that link. */
#ifndef K8PSH_FIND_H
#define K8PSH_FIND_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"

struct found {
    const char *link;   /* the path beside which the routes lie; where there are none, the first one tried */
    bool exists;        /* there is a file of that name, if perhaps no readable one */
    const char *bytes;  /* the routes file's content, NULL where it couldn't be read */
    size_t count;
};

/* Finds and reads the routes from `executed` (AT_EXECFN, may be NULL) on, else from `called` (argv[0]). */
struct found find_routes(struct arena *arena, const char *executed, const char *called);

/* Returns the path behind all links of `path`: the executable itself. */
const char *find_executable(struct arena *arena, const char *path);

/* Returns the last component of `path`. */
const char *base_name(const char *path);

#endif
