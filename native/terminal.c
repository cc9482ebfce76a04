#include "terminal.h"

#include <unistd.h>

void terminal_find(struct terminal *terminal)
{
    struct winsize size;
    if (ioctl(0, TIOCGWINSZ, &terminal->size) != 0)
        return;
    for (int number = 1; number < 3; number++)
        if (ioctl(number, TIOCGWINSZ, &size) == 0)
            terminal->mask |= 1U << number;
    if (terminal->mask != 0)
        terminal->mask |= 1;
}

/* Where the terminal isn't our controlling one there is no job control on it, hence no background. */
static bool is_in_background(int descriptor)
{
    pid_t foreground = 0;  /* by ioctl, as all that's asked here: the C library's wrappers would add their size */
    return ioctl(descriptor, TIOCGPGRP, &foreground) == 0 && foreground > 0 && foreground != getpgrp();
}

bool terminal_enter(struct terminal *terminal, unsigned mask)
{
    if (terminal->entered || (mask & 1) == 0 || (mask & ~terminal->mask) != 0)
        return false;
    terminal->descriptor = dup(0);  /* standard input may be closed before the end */
    terminal->entered = terminal->resized = true;
    terminal_make_raw(terminal);
    return true;
}

uint32_t terminal_size(struct terminal *terminal)
{
    ioctl(terminal->descriptor, TIOCGWINSZ, &terminal->size);
    return (uint32_t)terminal->size.ws_row << 16 | terminal->size.ws_col;
}

void terminal_make_raw(struct terminal *terminal)
{
    if (!terminal->entered || terminal->raw || is_in_background(terminal->descriptor))
        return;
    if (!terminal->kept && ioctl(terminal->descriptor, TCGETS, &terminal->modes) != 0)
        return;
    terminal->kept = true;
    struct termios raw = terminal->modes;
    cfmakeraw(&raw);
    terminal->raw = tcsetattr(terminal->descriptor, TCSADRAIN, &raw) == 0;
}

int terminal_timeout(struct terminal *terminal)
{
    terminal_make_raw(terminal);
    return terminal->entered && !terminal->raw ? TERMINAL_LOOK_MS : -1;
}

void terminal_continue(struct terminal *terminal)
{
    terminal->raw = false;
    terminal->resized = terminal->entered;
    terminal_make_raw(terminal);
}

void terminal_restore(struct terminal *terminal)
{
    /* Not after a wait for the screen (TCSADRAIN): one that takes nothing must not keep us from ending. */
    if (terminal->raw && !is_in_background(terminal->descriptor))
        tcsetattr(terminal->descriptor, TCSANOW, &terminal->modes);
    terminal->raw = false;
}
