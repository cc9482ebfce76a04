/* What the stub says: one line on standard error, built without stdio, whose pages a call needn't touch. */
#ifndef K8PSH_FAIL_H
#define K8PSH_FAIL_H

#include <stdint.h>

enum {
    EXIT_OWN_FAILURE = 125,   /* as the Python client: k8psh itself failed, the command didn't */
    EXIT_WRITE_ERROR = 1,     /* what a local program ends with when it can't write its output */
};

/* A number's decimal text, for a line's parts. */
struct number_text {
    char text[24];  /* 20 digits and a sign at the most */
};
const char *number(struct number_text *number, int64_t value);

/* The parts of a line: strings, ended by NULL. */
#define PARTS(...) ((const char *const[]){__VA_ARGS__, (const char *)0})

/* Writes `k8psh: COMMAND: PARTS` to standard error in one write; control characters become `?`. */
void say(const char *command, const char *const *parts);

/* The same, prefixed by the part's name, where K8PSH_DEBUG holds `stub` or `All`. */
void debug(const char *command, const char *const *parts);

/* Says it and ends with `exit_code`. */
_Noreturn void fail(const char *command, int exit_code, const char *const *parts);

#endif
