/* The Python runtime, which takes over where the stub can't or mustn't answer itself. */
#ifndef K8PSH_FALLBACK_H
#define K8PSH_FALLBACK_H

#include "arena.h"
#include "routes.h"

struct fallback {
    const char *called;        /* argv[0]'s last component, for what is said */
    const char *called_as;     /* the path that --called-as= tells the runtime */
    const char *executable;    /* the path that the stub was executed by */
    char *const *arguments;    /* behind argv[0], ended by NULL */
    char *const *environment;  /* ended by NULL */
};

/* Executes the runtime that `routes` name; where they are NULL or name none, the one that was installed:
 * `../runtime/start` beside the executable.
 *
 * Where that fails, or where the runtime has led back here, it says so and ends with EXIT_OWN_FAILURE.
 */
_Noreturn void fallback_to_python(struct arena *arena, const struct fallback *fallback,
                                  const struct routes *routes);

#endif
