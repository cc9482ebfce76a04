#include "jobserver.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_DESCRIPTOR = 3, DESCRIPTORS = 32 };  /* what a bit mask of descriptors has room for */

/* Where a make keeps its tokens. */
struct jobserver {
    unsigned read, write;  /* both 0 for none */
    const char *fifo;      /* its path is `fifo_bytes` long; NULL for none */
    size_t fifo_bytes;
};

/* Moves `*at` behind `word` where it begins with that. */
static bool skip(const char **at, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(*at, word, length) != 0)
        return false;
    *at += length;
    return true;
}

/* Takes digits off; a number that is too large stays too large. */
static bool take_descriptor(const char **at, unsigned *descriptor)
{
    const char *first = *at;
    for (*descriptor = 0; **at >= '0' && **at <= '9'; (*at)++)
        if (*descriptor < DESCRIPTORS)
            *descriptor = *descriptor * 10 + (unsigned)(**at - '0');
    return *at != first;
}

/* Reads an option; the last one counts, as for make. */
static void read_option(struct jobserver *jobserver, const char *at)
{
    struct jobserver found = {0};
    if (!skip(&at, "--jobserver-auth=") && !skip(&at, "--jobserver-fds="))
        return;
    if (skip(&at, "fifo:")) {
        found.fifo = at;
        while (*at != '\0' && *at != ' ' && (*at < '\t' || *at > '\r'))
            at++;
        found.fifo_bytes = (size_t)(at - found.fifo);
        if (found.fifo_bytes > 0)
            *jobserver = found;
    } else if (take_descriptor(&at, &found.read) && skip(&at, ",") && take_descriptor(&at, &found.write)) {
        *jobserver = found;
    }
}

static bool is_passable(unsigned descriptor)
{
    struct stat status;
    return descriptor >= FIRST_DESCRIPTOR && descriptor < DESCRIPTORS && fstat((int)descriptor, &status) == 0 &&
           S_ISFIFO(status.st_mode);
}

static unsigned open_fifo(struct arena *arena, const struct jobserver *jobserver)
{
    char *path = arena_take(arena, jobserver->fifo_bytes + 1, 1);
    if (path == NULL)
        return 0;
    memcpy(path, jobserver->fifo, jobserver->fifo_bytes);
    path[jobserver->fifo_bytes] = '\0';
    int opened = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (opened < 0)
        return 0;
    if (is_passable((unsigned)opened))
        return 1U << opened;
    close(opened);
    return 0;
}

unsigned jobserver_descriptors(struct arena *arena, const char *makeflags)
{
    struct jobserver jobserver = {0};
    /* Behind " -- " are the variables that make's command line sets. */
    for (const char *at = makeflags; *at != '\0' && strncmp(at, " -- ", 4) != 0; at++)
        read_option(&jobserver, at);
    if (jobserver.fifo != NULL)
        return open_fifo(arena, &jobserver);
    if (!is_passable(jobserver.read) || !is_passable(jobserver.write))
        return 0;
    return 1U << jobserver.read | 1U << jobserver.write;
}
