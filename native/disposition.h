/* What a signal does, asked and set by the system call alone: the C library's sigaction brings 2 kB along.
 *
 * On every target the kernel's structure (linux/signal.h) begins with the handler, and all zero behind it is
 * right for SIG_DFL and SIG_IGN.
 */
#ifndef K8PSH_DISPOSITION_H
#define K8PSH_DISPOSITION_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DISPOSITION_SET_BYTES = 8 };  /* the kernel's sigset_t */

struct disposition {
    void (*handler)(int);
    char rest[64];  /* more than any target's flags, restorer and mask */
};

/* Sets it to `handler`, SIG_DFL or SIG_IGN. */
static inline void disposition_set(int number, void (*handler)(int))
{
    struct disposition new = {.handler = handler};
    syscall(SYS_rt_sigaction, number, &new, NULL, DISPOSITION_SET_BYTES);
}

static inline bool disposition_is_ignored(int number)
{
    struct disposition old = {.handler = SIG_DFL};
    return syscall(SYS_rt_sigaction, number, NULL, &old, DISPOSITION_SET_BYTES) == 0 && old.handler == SIG_IGN;
}

#endif
