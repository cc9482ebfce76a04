#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *directory_current(char *path)
{
    /* The C library's getcwd would bring its malloc along. */
    if (syscall(SYS_getcwd, path, PATH_MAX) < 0)
        return NULL;
    /* What lies outside of our root directory (chroot) has no path; the kernel says `(unreachable)`. */
    errno = ENOENT;
    return path[0] == '/' ? path : NULL;
}

/* Returns the physical path of a directory, written to `path`, which has PATH_MAX bytes; else NULL. */
static const char *physical_path(const char *directory, char *path)
{
    const char *physical = NULL;
    int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (here < 0)
        return NULL;
    if (chdir(directory) == 0)
        physical = directory_current(path);
    /* By itself: fchdir(2) takes what was opened by O_PATH, the C library's falls back to /proc for it. */
    if (syscall(SYS_fchdir, here) != 0)
        physical = NULL;
    close(here);
    return physical;
}

/* Returns the part of `directory` behind `root`, without leading slashes; NULL where it lies elsewhere. */
static const char *rest_behind(const char *root, const char *directory)
{
    size_t length = strlen(root);
    while (length > 0 && root[length - 1] == '/')
        length--;
    if (strncmp(directory, root, length) != 0 || (directory[length] != '/' && directory[length] != '\0'))
        return NULL;
    const char *rest = directory + length;
    while (*rest == '/')
        rest++;
    return rest;
}

static const char *join_wire(struct arena *arena, const char *wire, const char *rest)
{
    if (wire[0] == '\0')
        return rest;
    if (rest[0] == '\0')
        return wire;
    const char *slash = wire[strlen(wire) - 1] == '/' ? "" : "/";
    return arena_join(arena, (const char *const[]){wire, slash, rest, NULL});
}

/* Finds the root that holds the directory: by its own path, or its physical one where there is room for it. */
static const char *match(struct arena *arena, const struct routes *routes, const char *directory,
                         char *physical)
{
    const char *root;
    for (const char *field = routes->first_root; (root = field_value(field, "root=")) != NULL;) {
        const char *wire_field = field_next(field);
        if (physical != NULL)
            root = physical_path(root, physical);
        const char *rest = root == NULL ? NULL : rest_behind(root, directory);
        if (rest != NULL)
            return join_wire(arena, field_value(wire_field, "wire="), rest);
        field = field_next(wire_field);
    }
    return NULL;
}

const char *directory_on_wire(struct arena *arena, const struct routes *routes, const char *directory)
{
    const char *wire = match(arena, routes, directory, NULL);
    if (wire != NULL)
        return wire;
    /* A root may be a symbolic link, while the working directory is known by its physical path only. */
    char *physical = arena_take(arena, PATH_MAX, 1);
    return physical == NULL ? NULL : match(arena, routes, directory, physical);
}
