#include "streams.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { CAREFUL_BYTES = 4096 };  /* PIPE_BUF: what a pipe takes without waiting when poll calls it writable */

void streams_fill_holes(struct stream streams[3])
{
    int number;
    /* O_PATH: can neither be read nor written, needs no /dev/null. The lowest free number is taken. */
    while ((number = open("/", O_PATH | O_CLOEXEC)) >= 0 && number <= 2)
        streams[number].kind = STREAM_CLOSED;
    if (number > 2)
        close(number);
}

/* Whether opening the device anew leads to the same terminal. */
static bool is_terminal(int descriptor, dev_t device)
{
    enum { MEMORY_DEVICES = 1, TTY_DEVICES = 5, PTMX = 2 };
    struct winsize size;
    /* /dev/null and its like need no asking; /dev/ptmx would make another terminal. */
    if (major(device) == MEMORY_DEVICES || (major(device) == TTY_DEVICES && minor(device) == PTMX))
        return false;
    return ioctl(descriptor, TIOCGWINSZ, &size) == 0;
}

static void open_anew(struct stream *stream)
{
    char path[] = "/proc/self/fd/N";
    path[sizeof path - 2] = (char)('0' + stream->number);
    int mode = stream->number == 0 ? O_RDONLY : O_WRONLY;
    int descriptor = open(path, mode | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    /* Without /proc, or where a pipe was made by another user, there is no second description. */
    stream->kind = descriptor < 0 ? STREAM_CAREFUL : STREAM_OWN;
    if (descriptor >= 0)
        stream->descriptor = descriptor;
}

static void look_at(struct stream *stream)
{
    struct stat status;
    stream->kind = STREAM_PLAIN;
    if (fstat(stream->descriptor, &status) != 0)
        return;
    if (S_ISSOCK(status.st_mode))
        stream->kind = STREAM_SOCKET;
    else if (S_ISFIFO(status.st_mode) ||
             (S_ISCHR(status.st_mode) && is_terminal(stream->descriptor, status.st_rdev)))
        open_anew(stream);
}

/* Says how much may be read or written now: 0, with errno EAGAIN, where a poll must come first. */
static size_t allowance(struct stream *stream, size_t count)
{
    if (stream->kind == STREAM_UNKNOWN)
        look_at(stream);
    bool polled = stream->polled;
    stream->polled = false;
    if (stream->kind != STREAM_CAREFUL)
        return count;
    errno = EAGAIN;
    if (!polled)
        return 0;
    return count < CAREFUL_BYTES ? count : CAREFUL_BYTES;
}

ssize_t stream_read(struct stream *stream, void *to, size_t room)
{
    size_t allowed = allowance(stream, room);
    if (stream->kind == STREAM_CLOSED)
        return 0;
    if (allowed == 0)
        return -1;
    if (stream->kind == STREAM_SOCKET)
        return recv(stream->descriptor, to, allowed, MSG_DONTWAIT);
    return read(stream->descriptor, to, allowed);
}

ssize_t stream_write(struct stream *stream, const void *from, size_t count)
{
    size_t allowed = allowance(stream, count);
    if (stream->kind == STREAM_CLOSED)
        return (ssize_t)count;
    if (allowed == 0)
        return -1;
    /* No MSG_NOSIGNAL: writing to nobody ends us as it would have ended the command. */
    if (stream->kind == STREAM_SOCKET)
        return send(stream->descriptor, from, allowed, MSG_DONTWAIT);
    return write(stream->descriptor, from, allowed);
}

void stream_close(struct stream *stream)
{
    if (stream->kind == STREAM_CLOSED)
        return;
    if (stream->descriptor != stream->number)
        close(stream->descriptor);
    close(stream->number);
    stream->kind = STREAM_CLOSED;
}
