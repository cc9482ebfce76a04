#include "find.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LINKS = 40,                       /* the kernel's own limit, MAXSYMLINKS */
    ROUTES_BYTES = 16 * 1024 * 1024,  /* some hundred thousand commands; more isn't a routes file */
};

const char *base_name(const char *path)
{
    const char *name = path;
    for (; *path != '\0'; path++)
        if (*path == '/')
            name = path + 1;
    return name;
}

/* Returns `name` as seen from the directory of `path`. */
static char *beside(struct arena *arena, const char *path, const char *name)
{
    size_t length = (size_t)(base_name(path) - path);
    size_t name_bytes = strlen(name) + 1;
    char *joined = arena_take(arena, length + name_bytes, 1);
    if (joined == NULL)
        return NULL;
    memcpy(joined, path, length);
    memcpy(joined + length, name, name_bytes);
    return joined;
}

/* Returns the path that the link `path` leads to; NULL where it is no link. */
static const char *follow(struct arena *arena, const char *path)
{
    char *target = arena_take(arena, PATH_MAX, 1);
    ssize_t length = target == NULL ? -1 : readlink(path, target, PATH_MAX - 1);
    if (length <= 0)
        return NULL;
    target[length] = '\0';
    return target[0] == '/' ? target : beside(arena, path, target);
}

const char *find_executable(struct arena *arena, const char *path)
{
    for (int links = 0; links < LINKS; links++) {
        const char *next = follow(arena, path);
        if (next == NULL)
            break;
        path = next;
    }
    return path;
}

/* Reads the whole of a regular file that isn't too large; a shorter one is found out by its size field. */
static void read_routes(struct arena *arena, struct found *found, int descriptor)
{
    struct stat status;
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size > ROUTES_BYTES)
        return;
    size_t size = (size_t)status.st_size;
    char *bytes = arena_take(arena, size + 1, 1);
    if (bytes == NULL)
        return;
    size_t count = 0;
    while (count < size) {
        ssize_t got = read(descriptor, bytes + count, size - count);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        count += (size_t)got;
    }
    found->bytes = bytes;
    found->count = count;
}

static bool find_from(struct arena *arena, struct found *found, const char *path)
{
    for (int links = 0; path != NULL && links < LINKS; links++) {
        const char *name = beside(arena, path, ".k8psh-routes");
        /* O_NONBLOCK: nothing of that name, a fifo say, may hold the call up. O_CLOEXEC would cost a system
         * call more with musl, for a descriptor that is closed again at once. */
        int descriptor = name == NULL ? -1 : open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
        if (descriptor >= 0) {
            read_routes(arena, found, descriptor);
            close(descriptor);
        }
        if (descriptor >= 0 || (errno != ENOENT && errno != ENOTDIR)) {
            found->link = path;
            found->exists = true;
            return true;
        }
        path = follow(arena, path);
    }
    return false;
}

struct found find_routes(struct arena *arena, const char *executed, const char *called)
{
    struct found found = {.link = executed != NULL ? executed : called};
    if (executed != NULL && find_from(arena, &found, executed))
        return found;
    /* As a script's interpreter (#!) the stub was executed by the script's path and called by its own. */
    if (base_name(called) != called && find_from(arena, &found, called))
        return found;
    return found;
}
