/* Prime numbers by trial division. */
#ifndef PRIMES_H
#define PRIMES_H

/* Return whether n is a prime number. */
int is_prime(unsigned n);

#endif
