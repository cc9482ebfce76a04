/* Executes START, the bundle's Python, as the program that this one was executed as: stubs that are links to it
 * are answered by Python, whatever routes there are. */

#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

int main(int count, char **arguments)
{
    char **line = calloc((size_t)count + 2, sizeof *line);
    if (line == NULL || asprintf(&line[1], "--called-as=%s", (char *)getauxval(AT_EXECFN)) < 0)
        return 1;
    line[0] = START;
    for (int i = 1; i < count; i++)
        line[i + 1] = arguments[i];
    execv(START, line);
    return 1;
}
