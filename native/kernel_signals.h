/* Signals by the system calls alone: what the C library has for them brings 3 kB along. */
#ifndef K8PSH_KERNEL_SIGNALS_H
#define K8PSH_KERNEL_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

enum { KERNEL_SET_BYTES = 8 };  /* the kernel's sigset_t */

/* The words of a set are long ones: in the first one, bit n - 1 is the signal n. */
struct kernel_set {
    unsigned long words[KERNEL_SET_BYTES / sizeof(long)];
};

/* Adds a signal, 1 to 64; drops any other. */
void kernel_add(struct kernel_set *set, int number);

/* Changes which signals are blocked; `how` as for sigprocmask(2). Returns those that were before. */
struct kernel_set kernel_mask(int how, struct kernel_set set);

/* Has the signal do what `handler`, SIG_DFL or SIG_IGN, says. */
void kernel_set_action(int number, void (*handler)(int));

bool kernel_is_ignored(int number);

/* Sends us the signal. */
void kernel_raise(int number);

#endif
