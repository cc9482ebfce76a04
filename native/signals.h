/* The signals that are the command's once the call has started; before that they are ours. */
#ifndef K8PSH_SIGNALS_H
#define K8PSH_SIGNALS_H

/* Blocks HUP, INT, QUIT, TERM, USR1, USR2, WINCH, TSTP and CONT; returns a descriptor that is readable when one comes, -1 with errno. */
int signals_watch(void);

/* Takes one signal off the descriptor; returns its number, or 0 where there is none that isn't ignored. */
int signals_take(int descriptor);

/* Dies by the signal, without a core; ends with 128 + the signal where that can't be (PID 1). */
_Noreturn void signals_die(int signal);

#endif
