#include "signals.h"

#include <errno.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel_signals.h"

#define BIT(number) (1UL << ((number) - 1))

int signals_watch(void)
{
    struct kernel_set set = {{BIT(SIGHUP) | BIT(SIGINT) | BIT(SIGQUIT) | BIT(SIGTERM) | BIT(SIGUSR1) |
                              BIT(SIGUSR2) | BIT(SIGWINCH) | BIT(SIGTSTP) | BIT(SIGCONT)}};
    /* What the caller had blocked for us already stays unheard, as it would for the command. */
    set.words[0] &= ~kernel_mask(SIG_BLOCK, set).words[0];
    return (int)syscall(SYS_signalfd4, -1, &set, KERNEL_SET_BYTES, SFD_CLOEXEC | SFD_NONBLOCK);
}

int signals_take(int descriptor)
{
    struct signalfd_siginfo info;
    if (read(descriptor, &info, sizeof info) != (ssize_t)sizeof info)
        return 0;
    /* Asked only now, since it rarely matters: a signal ignored at start (nohup) stays ignored, but while it
     * is blocked the kernel queues it all the same. */
    int number = (int)info.ssi_signo;
    return kernel_is_ignored(number) ? 0 : number;
}

_Noreturn void signals_die(int number)
{
    /* The command may have left a core, we needn't. RLIMIT_CORE doesn't keep one from core_pattern's program. */
    syscall(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
    kernel_set_action(number, SIG_DFL);
    kernel_raise(number);
    struct kernel_set set = {{0}};
    kernel_add(&set, number);
    kernel_mask(SIG_UNBLOCK, set);
    _exit(128 + number);
}
