/* The routes file, as docs/routes.md describes it: checked whole before any of it is used. */
#ifndef K8PSH_ROUTES_H
#define K8PSH_ROUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum lane {
    LANE_AUTO,    /* direct where that leads to the server, else relay */
    LANE_DIRECT,
    LANE_RELAY,
};

/* All strings point into the file's bytes; a `first_` one is a field (key included) that others follow. */
struct routes {
    const char *configuration;
    int64_t stamp_ns;           /* the configuration's modification time since 1970 */
    int64_t stamp_bytes;        /* the configuration's size */
    const char *first_runtime;  /* NULL until the whole command line was read */
    size_t runtime_count;
    int64_t connect_timeout_ms; /* negative: for ever */
    const char *first_root;
    const char *first_server;   /* or the last field, where there is no server */
    size_t servers_bytes;       /* from there to the file's end */
    const char *server;         /* from here on: what routes_select found */
    uint16_t port;
    const char *socket;         /* the Unix socket's path, or `@` and its abstract name; it fits an address */
    bool tcp;                   /* the server listens on its port */
    const char *command;
    enum lane lane;
    const char *outside;        /* the working directory for callers outside all roots, or NULL */
    const char *first_pass;     /* the first `pass=` of the command, or another field */
};

/* Reads a routes file of `count` bytes.
 *
 * Returns whether all of it is as described; where not, `first_runtime` is set if it could be read so far,
 * and nothing else is of use.
 */
bool routes_parse(struct routes *routes, const char *bytes, size_t count);

/* Finds the command called `name` in routes that were parsed; returns whether there is one. */
bool routes_select(struct routes *routes, const char *name);

/* Returns whether the configuration is still the one that the routes were made from.
 *
 * `chosen` is K8PSH_CONFIG, or NULL: another file than the routes' makes them stale as well.
 */
bool routes_fresh(const struct routes *routes, const char *chosen);

/* Returns whether `name` is a lane's; it is in `*lane` then. */
bool lane_from_name(const char *name, enum lane *lane);

/* Returns the value where a field has this key (`key` ends with `=`), else NULL. */
const char *field_value(const char *field, const char *key);

/* Returns the field behind this one; there is one behind every field but `end=`. */
const char *field_next(const char *field);

#endif
