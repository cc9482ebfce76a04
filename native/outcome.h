/* How a call ends, but for an exit code. */
#ifndef K8PSH_OUTCOME_H
#define K8PSH_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REJECTION_BYTES = 1024 };  /* a line is cut there anyway */

/* The payload of REJECTED, as far as it has come. */
struct rejection {
    size_t used;
    unsigned char bytes[REJECTION_BYTES];
};

/* Adds the next bytes; drops what is too much for a line. */
void rejection_add(struct rejection *rejection, const unsigned char *bytes, size_t count);

/* Says why the server has started nothing, and ends as it says. */
_Noreturn void end_rejected(const char *called, const struct rejection *rejection);

/* Ends a call whose connection has ended without its last frame. */
_Noreturn void end_lost(const char *called, const char *server);

/* Ends a call in which the server sent a frame of a type that may not come. */
_Noreturn void end_confused(const char *called, uint32_t type);

#endif
