/* The caller's terminal, while the command has one of its own in its place. */
#ifndef K8PSH_TERMINAL_H
#define K8PSH_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <termios.h>

enum { TERMINAL_LOOK_MS = 100 };  /* how often a stub in the background looks whether it still is */

struct terminal {
    unsigned mask;         /* bit n: descriptor n is a terminal; 0 where there is nobody to talk to */
    struct winsize size;   /* as it was known last */
    bool entered;          /* the command has a terminal of its own */
    bool resized;          /* that is to be given our size */
    bool raw;              /* our keys mean nothing here, only there */
    bool kept;             /* `modes` holds what is to be restored */
    int descriptor;
    struct termios modes;
};

/* Sets the mask and the size. Only keys and a screen together are somebody to talk to. */
void terminal_find(struct terminal *terminal);

/* Begins to pass keys on: the command has a terminal of its own in place of the descriptors in `mask`.
 *
 * Returns false, and does nothing, where that can't be: they aren't all terminals, or it's the second time. */
bool terminal_enter(struct terminal *terminal, unsigned mask);

/* Returns our terminal's size now: rows * 65536 + columns. */
uint32_t terminal_size(struct terminal *terminal);

/* Makes ours raw if it isn't, without losing what was typed; not in the background, where it is a shell's. */
void terminal_make_raw(struct terminal *terminal);

/* Makes ours raw when it's time; returns the milliseconds until the next look, -1 for none. Nobody tells a
 * running process of the background that the shell has given it the terminal, and as long as that isn't raw
 * single keys don't show. */
int terminal_timeout(struct terminal *terminal);

/* Does what is to be done when we have been continued: others may have had the terminal. */
void terminal_continue(struct terminal *terminal);

/* Gives the terminal back as it was. */
void terminal_restore(struct terminal *terminal);

#endif
