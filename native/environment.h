/* The caller's variables. */
#ifndef K8PSH_ENVIRONMENT_H
#define K8PSH_ENVIRONMENT_H

extern char **environ;

/* Returns the NAME=VALUE of `environment` (ended by NULL) where it has set NAME, else NULL. */
const char *find_variable(char *const *environment, const char *name);

/* Returns its value alone. */
const char *variable_value(char *const *environment, const char *name);

#endif
