#include "forward.h"

#include "clock.h"
#include "frames.h"
#include "kernel_signals.h"
#include "signals.h"

#define BIT(number) (UINT32_C(1) << (number))

/* These end a program that doesn't mind; to version 1 there is only one way of saying so. */
static const uint32_t ending = BIT(SIGHUP) | BIT(SIGINT) | BIT(SIGQUIT) | BIT(SIGTERM);

static _Noreturn void die(struct forward *forward, int number)
{
    terminal_restore(&forward->terminal);
    signals_die(number);
}

/* Version 1 can be told of one end only; for the rest we do as a program without handlers does. */
static void heed_as_version_1(struct forward *forward, int number)
{
    switch (number) {
    case SIGCONT:
    case SIGWINCH:
        return;
    case SIGTSTP:
        forward->stop = true;
        return;
    case SIGUSR1:
    case SIGUSR2:
        die(forward, number);
    default:
        if (forward->asked_by != 0)
            die(forward, number);
        forward->asked_by = number;
        forward->terminate = true;
    }
}

static void start_waiting(struct forward *forward)
{
    if (forward->due_ms == 0)
        forward->due_ms = clock_now_ms() + FORWARD_PATIENCE_MS;
}

void forward_heed(struct forward *forward)
{
    int number = signals_take(forward->signals);
    if (number == 0)
        return;
    if (number == SIGCONT)
        terminal_continue(&forward->terminal);
    if (number == SIGWINCH && forward->terminal.entered) {
        forward->terminal.resized = true;
        return;
    }
    if (forward->version == 1) {
        heed_as_version_1(forward, number);
        return;
    }
    if ((forward->undelivered & BIT(number)) != 0) {
        forward->again = number;
        start_waiting(forward);
        return;
    }
    /* As in the kernel's own queue: of stop and go, the last one counts. */
    if (number == SIGCONT)
        forward->unsent &= ~BIT(SIGTSTP);
    if (number == SIGTSTP)
        forward->unsent &= ~BIT(SIGCONT);
    forward->unsent |= BIT(number);
    forward->undelivered |= BIT(number) & ending;
    if (forward->version == 0)
        start_waiting(forward);
}

void forward_learn_version(struct forward *forward, int version)
{
    if (forward->version != 0)
        return;
    forward->version = version;
    if (version != 1) {
        /* One that has come twice still waits for its DELIVERED. */
        if (forward->again == 0)
            forward->due_ms = 0;
        return;
    }
    forward->due_ms = 0;
    for (int number = 1; number < 32; number++)
        if ((forward->unsent & BIT(number)) != 0)
            heed_as_version_1(forward, number);
    if (forward->again != 0)
        heed_as_version_1(forward, forward->again);
    forward->unsent = 0;
}

void forward_delivered(struct forward *forward, uint32_t number)
{
    if (number >= 32)
        return;
    forward->undelivered &= ~BIT(number);
    if (forward->again == (int)number) {
        forward->again = 0;
        forward->due_ms = 0;
    }
}

int forward_timeout(struct forward *forward)
{
    if (forward->due_ms == 0)
        return terminal_timeout(&forward->terminal);
    int64_t left_ms = forward->due_ms - clock_now_ms();
    if (left_ms > 0)
        return (int)left_ms;
    if (forward->again != 0)
        die(forward, forward->again);
    forward_learn_version(forward, 1);
    forward->due_ms = 0;
    return 0;
}

bool forward_fill(struct forward *forward, unsigned char *to)
{
    if (forward->terminate) {
        forward->terminate = false;
        frame_put_header(to, FRAME_TERMINATE_COMMAND, 0);
        return true;
    }
    if (forward->terminal.resized) {
        forward->terminal.resized = false;
        frame_put_header(to, FRAME_WINDOW_SIZE, terminal_size(&forward->terminal));
        return true;
    }
    if (forward->version < 2 || forward->unsent == 0)
        return false;
    int number = __builtin_ctz(forward->unsent);
    forward->unsent &= forward->unsent - 1;
    if (number == SIGTSTP)
        forward->stop = true;
    frame_put_header(to, FRAME_SIGNAL, (uint32_t)number);
    return true;
}

void forward_stop(struct forward *forward)
{
    if (!forward->stop)
        return;
    forward->stop = false;
    terminal_restore(&forward->terminal);
    kernel_raise(SIGSTOP);
}
