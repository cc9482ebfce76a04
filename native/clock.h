#ifndef K8PSH_CLOCK_H
#define K8PSH_CLOCK_H

#include <stdint.h>

/* Returns the milliseconds since some fixed moment; no change of the date disturbs it. */
int64_t clock_now_ms(void);

#endif
