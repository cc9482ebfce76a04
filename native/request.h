/* The request: all that is known of a call before it starts, as frames. */
#ifndef K8PSH_REQUEST_H
#define K8PSH_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "frames.h"

struct request {
    bool direct;               /* the lane */
    unsigned descriptors;      /* direct lane: bit n says that descriptor n goes with it */
    unsigned umask;            /* the caller's */
    const char *terminal;      /* relay lane: K8PSH_TERMINAL=..., or NULL */
    const char *calls;         /* the caller's K8PSH_CALLS=..., or NULL */
    const char *directory;     /* as directory_on_wire returns it */
    char *const *arguments;    /* the command's, ended by NULL */
    const char *first_pass;    /* the routes' fields that name the variables to send */
    char *const *environment;  /* the caller's, ended by NULL */
    const char *command;
};

enum request_stage {
    REQUEST_LANE,
    REQUEST_UMASK,
    REQUEST_TERMINAL,
    REQUEST_DIRECTORY,
    REQUEST_ARGUMENTS,
    REQUEST_CALLS,
    REQUEST_VARIABLES,
    REQUEST_COMPLETE,
};

/* Where the writer stands between two fills: all zero, but for `request`, at the start. */
struct request_writer {
    struct request request;
    enum request_stage stage;
    unsigned char header[FRAME_HEADER_BYTES];
    size_t header_left;
    const char *payload;
    size_t payload_left;
    char umask_text[sizeof "K8PSH_UMASK=" + 4];  /* four octal digits at the most */
};

/* Writes as much of the request as fits in `room` bytes to `to`; returns how much, 0 when it is complete. */
size_t request_fill(struct request_writer *writer, unsigned char *to, size_t room);

#endif
