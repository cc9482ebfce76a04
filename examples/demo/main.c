#include <stdio.h>

#include "primes.h"

int main(void) {
    printf("Compiled by gcc %s. The primes below 50:", __VERSION__);
    for (unsigned n = 0; n < 50; n++)
        if (is_prime(n))
            printf(" %u", n);
    printf("\n");
    return 0;
}
