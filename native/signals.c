#include "signals.h"

#include <errno.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "disposition.h"

int signals_watch(void)
{
    static const int watched[] = {SIGHUP,  SIGINT,   SIGQUIT, SIGTERM, SIGUSR1,
                                  SIGUSR2, SIGWINCH, SIGTSTP, SIGCONT};
    sigset_t set, before;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof watched / sizeof *watched; i++)
        sigaddset(&set, watched[i]);
    sigprocmask(SIG_BLOCK, &set, &before);
    /* What the caller had blocked for us already stays unheard, as it would for the command. */
    for (size_t i = 0; i < sizeof watched / sizeof *watched; i++)
        if (sigismember(&before, watched[i]) == 1)
            sigdelset(&set, watched[i]);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int signals_take(int descriptor)
{
    struct signalfd_siginfo info;
    if (read(descriptor, &info, sizeof info) != (ssize_t)sizeof info)
        return 0;
    /* Asked only now, since it rarely matters: a signal ignored at start (nohup) stays ignored, but while it
     * is blocked the kernel queues it all the same. */
    int number = (int)info.ssi_signo;
    return disposition_is_ignored(number) ? 0 : number;
}

_Noreturn void signals_die(int number)
{
    sigset_t set;
    /* The command may have left a core, we needn't. RLIMIT_CORE doesn't keep one from core_pattern's program. */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    sigemptyset(&set);
    sigaddset(&set, number);
    disposition_set(number, SIG_DFL);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    _exit(128 + number);
}
