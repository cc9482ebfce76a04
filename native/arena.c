#include "arena.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

void *arena_take(struct arena *arena, size_t bytes, size_t alignment)
{
    size_t padding = (size_t)(-(uintptr_t)arena->at & (alignment - 1));
    size_t left = (size_t)(arena->end - arena->at);
    if (padding <= left && bytes <= left - padding) {
        char *taken = arena->at + padding;
        arena->at = taken + bytes;
        return taken;
    }
    /* Large things (a routes file of thousands of commands) get pages of their own, mapped in one go. */
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
    void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

char *arena_join(struct arena *arena, const char *const *parts)
{
    size_t bytes = 1;
    for (const char *const *part = parts; *part != NULL; part++)
        bytes += strlen(*part);
    char *joined = arena_take(arena, bytes, 1);
    if (joined == NULL)
        return NULL;
    char *at = joined;
    for (; *parts != NULL; parts++) {
        size_t length = strlen(*parts);
        memcpy(at, *parts, length);
        at += length;
    }
    *at = '\0';
    return joined;
}
