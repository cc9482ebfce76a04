#include "outbound.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void outbound_put(struct outbound *outbound, enum frame_type type, uint32_t length)
{
    frame_put_header(outbound->buffer, type, length);
    outbound->unsent = (struct window){outbound->buffer, FRAME_HEADER_BYTES + length};
}

/* Tells of one of our outputs that nobody reads it; returns whether there is one. */
static bool fill_output_closed(struct outbound *outbound)
{
    for (uint32_t stream = 1; stream < 3; stream++) {
        if (!outbound->output_closed[stream])
            continue;
        outbound->output_closed[stream] = false;
        frame_put_header(outbound->buffer, FRAME_OUTPUT_CLOSED, stream);
        return true;
    }
    return false;
}

static void fill(struct outbound *outbound)
{
    size_t count = request_fill(&outbound->request, outbound->buffer, OUTBOUND_BYTES);
    if (count == 0 && (fill_output_closed(outbound) || forward_fill(&outbound->forward, outbound->buffer)))
        count = FRAME_HEADER_BYTES;
    outbound->unsent = (struct window){outbound->buffer, count};
}

enum { MOST_PASSED = 5 };  /* the standard streams, and two of a make's jobserver */

/* Like send(2), with the descriptors, and without waiting. */
static ssize_t send_with(int connection, const struct window *unsent, unsigned descriptors)
{
    if (descriptors == 0)
        return send(connection, unsent->at, unsent->left, MSG_DONTWAIT | MSG_NOSIGNAL);
    union {
        char bytes[CMSG_SPACE(MOST_PASSED * sizeof(int))];
        struct cmsghdr header;
    } control = {.bytes = {0}};
    union { const unsigned char *sent; void *wanted; } data = {unsent->at};
    struct iovec part = {data.wanted, unsent->left};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes};
    int passed[MOST_PASSED];
    unsigned count = 0;
    for (int number = 0; number < 32 && count < MOST_PASSED; number++)
        if ((descriptors & 1U << number) != 0)
            passed[count++] = number;
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = (socklen_t)CMSG_LEN(count * sizeof(int));
    message.msg_controllen = (socklen_t)CMSG_SPACE(count * sizeof(int));
    memcpy(CMSG_DATA(&control.header), passed, count * sizeof(int));
    return sendmsg(connection, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Closes what the command has now: the other ends must see when it closes them, not when we end. Standard
 * error stays, to report a lost connection, and so does a terminal, which may be ours to relay; nothing is opened from here on that could take the numbers. */
static void let_go(unsigned descriptors)
{
    for (int number = 0; number < 2; number++)
        if ((descriptors & 1U << number) != 0)
            close(number);
}

void outbound_send(struct outbound *outbound)
{
    while (!outbound->closed) {
        if (outbound->unsent.left == 0)
            fill(outbound);
        if (outbound->unsent.left == 0)
            return;
        ssize_t count = send_with(outbound->connection, &outbound->unsent, outbound->descriptors);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (count < 0) {
            /* The server's last words may have arrived before it hung up: only receiving tells. */
            outbound->closed = true;
            outbound->unsent.left = 0;
            return;
        }
        let_go(outbound->descriptors & ~outbound->forward.terminal.mask);
        outbound->descriptors = 0;
        outbound->unsent.at += count;
        outbound->unsent.left -= (size_t)count;
    }
}
