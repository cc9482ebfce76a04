/* Memory for a call's strings: handed out from one end to the other and never given back.
 *
 * Small things lie beside each other, so that an ordinary call touches a page of it or two: a page fault
 * costs more than most system calls.
 */
#ifndef K8PSH_ARENA_H
#define K8PSH_ARENA_H

#include <stddef.h>

struct arena {
    char *at;
    char *end;
};

/* Returns `bytes` unused bytes, aligned to `alignment` (a power of two); NULL where memory is short. */
void *arena_take(struct arena *arena, size_t bytes, size_t alignment);

/* Returns the parts (ended by NULL) joined in one string; NULL where memory is short. */
char *arena_join(struct arena *arena, const char *const *parts);

#endif
