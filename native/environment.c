#include "environment.h"

#include <stddef.h>
#include <string.h>

const char *find_variable(char *const *environment, const char *name)
{
    size_t length = strlen(name);
    for (; *environment != NULL; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return *environment;
    return NULL;
}

const char *variable_value(char *const *environment, const char *name)
{
    const char *variable = find_variable(environment, name);
    return variable == NULL ? NULL : variable + strlen(name) + 1;
}
