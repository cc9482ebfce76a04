/* Between our terminal and the master of the command's: keys there, the screen here. */
#ifndef K8PSH_BRIDGE_H
#define K8PSH_BRIDGE_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "frames.h"
#include "streams.h"

enum {
    BRIDGE_KEYS_BYTES = 4096,     /* what a terminal holds at the most */
    BRIDGE_SHOWN_BYTES = 16384,   /* what a master gives by one read, and more */
    BRIDGE_REST_BYTES = 65536,    /* several times of what a master can hold */
};

/* What the bridge waits for, by place in an array given to poll(2). */
enum bridge_wait { BRIDGE_KEYBOARD, BRIDGE_MASTER, BRIDGE_SCREEN, BRIDGE_WAITS };

struct bridge {
    bool open;
    int master;
    struct stream *keyboard;      /* NULL where no more keys can come */
    struct stream *screen;
    bool silent;                  /* nobody has the command's terminal open */
    size_t drained;
    struct window typed, shown;   /* parts of the buffers, on their way */
    unsigned char keys[BRIDGE_KEYS_BYTES], shows[BRIDGE_SHOWN_BYTES];
};

/* Takes over the master; everything else in `bridge` is zero. */
void bridge_open(struct bridge *bridge, int master, struct stream *keyboard, struct stream *screen);

/* Gives the command's terminal the size of ours; its foreground processes get SIGWINCH. */
void bridge_resize(const struct bridge *bridge);

/* Says what is waited for; BRIDGE_WAITS of it. */
void bridge_expect(const struct bridge *bridge, struct pollfd *waits);

/* Copies in both directions as far as can be without waiting. */
void bridge_copy(struct bridge *bridge, const struct pollfd *waits);

/* Copies what the command, which has ended, has shown; returns false where the screen must be waited for. */
bool bridge_drain(struct bridge *bridge);

#endif
