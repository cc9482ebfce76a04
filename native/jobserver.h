/* make's jobserver, whose descriptors go with a call to a command that is to be part of the same build. */
#ifndef K8PSH_JOBSERVER_H
#define K8PSH_JOBSERVER_H

#include "arena.h"

/* Returns the descriptors, bit n for n, of the jobserver that `makeflags`, the variable's value, names; 0 where
 * there is none, or none that can be used. make closes them for what isn't a make by its rules; another file may
 * have got their numbers. A named fifo is opened, for both directions. */
unsigned jobserver_descriptors(struct arena *arena, const char *makeflags);

#endif
