#include "primes.h"

int is_prime(unsigned n) {
    if (n < 2)
        return 0;
    for (unsigned divisor = 2; divisor <= n / divisor; divisor++)
        if (n % divisor == 0)
            return 0;
    return 1;
}
