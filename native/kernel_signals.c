#include "kernel_signals.h"

#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* On every target the kernel's structure (linux/signal.h) begins with the handler, and all zero behind it is
 * right for SIG_DFL and SIG_IGN. */
struct kernel_action {
    void (*handler)(int);
    char rest[64];  /* more than any target's flags, restorer and mask */
};

void kernel_add(struct kernel_set *set, int number)
{
    unsigned bits = 8 * sizeof(long), bit = (unsigned)number - 1;
    if (bit < 8 * KERNEL_SET_BYTES)
        set->words[bit / bits] |= 1UL << bit % bits;
}

struct kernel_set kernel_mask(int how, struct kernel_set set)
{
    struct kernel_set before = {{0}};
    syscall(SYS_rt_sigprocmask, how, &set, &before, KERNEL_SET_BYTES);
    return before;
}

void kernel_set_action(int number, void (*handler)(int))
{
    struct kernel_action action = {.handler = handler};
    syscall(SYS_rt_sigaction, number, &action, NULL, KERNEL_SET_BYTES);
}

bool kernel_is_ignored(int number)
{
    struct kernel_action action = {.handler = SIG_DFL};
    return syscall(SYS_rt_sigaction, number, NULL, &action, KERNEL_SET_BYTES) == 0 && action.handler == SIG_IGN;
}

void kernel_raise(int number)
{
    syscall(SYS_kill, getpid(), number);
}
