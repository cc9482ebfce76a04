#ifndef K8PSH_CLOCK_H
#define K8PSH_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Returns the milliseconds since some fixed moment; no change of the date disturbs it. */
static inline int64_t clock_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif
