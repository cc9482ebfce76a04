#include "bridge.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

void bridge_open(struct bridge *bridge, int master, struct stream *keyboard, struct stream *screen)
{
    int on = 1;
    ioctl(master, (int)FIONBIO, &on);  /* powerpc's number doesn't fit musl's int by itself */
    bridge->open = true;
    bridge->master = master;
    bridge->keyboard = keyboard;
    bridge->screen = screen;
}

void bridge_resize(const struct bridge *bridge)
{
    struct winsize size;
    if (ioctl(0, TIOCGWINSZ, &size) == 0)
        ioctl(bridge->master, (int)TIOCSWINSZ, &size);
}

/* A descriptor that nothing is expected of is left out: poll would report its end again and again. */
static struct pollfd expect(int descriptor, int events)
{
    return (struct pollfd){.fd = events == 0 ? -1 : descriptor, .events = (short)events};
}

void bridge_expect(const struct bridge *bridge, struct pollfd *waits)
{
    bool wants_keys = bridge->keyboard != NULL && bridge->typed.left == 0 && !bridge->silent;
    int keyboard = wants_keys ? bridge->keyboard->descriptor : -1;
    int master = (bridge->shown.left == 0 && !bridge->silent ? POLLIN : 0) |
                 (bridge->typed.left > 0 ? POLLOUT : 0);
    waits[BRIDGE_KEYBOARD] = expect(keyboard, POLLIN);
    waits[BRIDGE_MASTER] = expect(bridge->master, master);
    waits[BRIDGE_SCREEN] = expect(bridge->screen->descriptor, bridge->shown.left > 0 ? POLLOUT : 0);
}

static bool must_wait(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* Uses up what has been written; what can't be written is dropped: the other end has gone. */
static void take_written(struct window *window, ssize_t count)
{
    if (count < 0 && must_wait())
        return;
    size_t taken = count < 0 ? window->left : (size_t)count;
    window->at += taken;
    window->left -= taken;
}

static void copy_keys(struct bridge *bridge)
{
    if (bridge->typed.left == 0) {
        ssize_t count = stream_read(bridge->keyboard, bridge->keys, sizeof bridge->keys);
        if (count < 0 && must_wait())
            return;
        if (count <= 0) {
            bridge->keyboard = NULL;
            return;
        }
        bridge->typed = (struct window){bridge->keys, (size_t)count};
    }
    take_written(&bridge->typed, write(bridge->master, bridge->typed.at, bridge->typed.left));
}

/* Reads into the empty buffer; returns how much, 0 where there is nothing now. */
static size_t read_master(struct bridge *bridge)
{
    ssize_t count = read(bridge->master, bridge->shows, sizeof bridge->shows);
    if (count <= 0) {
        bridge->silent = count == 0 || !must_wait();
        if (bridge->silent)
            bridge->typed.left = 0;
        return 0;
    }
    bridge->shown = (struct window){bridge->shows, (size_t)count};
    return (size_t)count;
}

static void show(struct bridge *bridge)
{
    take_written(&bridge->shown, stream_write(bridge->screen, bridge->shown.at, bridge->shown.left));
}

void bridge_copy(struct bridge *bridge, const struct pollfd *waits)
{
    if (waits[BRIDGE_KEYBOARD].revents != 0) {
        bridge->keyboard->polled = true;
        copy_keys(bridge);
    } else if ((waits[BRIDGE_MASTER].revents & POLLOUT) != 0) {
        copy_keys(bridge);
    }
    if (waits[BRIDGE_SCREEN].revents != 0) {
        bridge->screen->polled = true;
        show(bridge);
    } else if ((waits[BRIDGE_MASTER].revents & ~POLLOUT) != 0 && bridge->shown.left == 0) {
        if (read_master(bridge) > 0)
            show(bridge);
    }
}

bool bridge_drain(struct bridge *bridge)
{
    bridge->keyboard = NULL;
    bridge->typed.left = 0;
    while (bridge->shown.left > 0 || bridge->drained < BRIDGE_REST_BYTES) {
        if (bridge->shown.left == 0) {
            size_t count = read_master(bridge);
            if (count == 0)
                return true;
            bridge->drained += count;
        }
        size_t before = bridge->shown.left;
        show(bridge);
        if (bridge->shown.left == before)
            return false;
    }
    return true;
}
