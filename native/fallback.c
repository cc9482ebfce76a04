#include "fallback.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "find.h"

/* Set for the runtime to the process that executed it: where that process, or a child of it, comes here
 * again, the runtime is a stub itself. */
static const char mark[] = "K8PSH_FALLBACK=";

static size_t count_strings(char *const *strings)
{
    size_t count = 0;
    while (strings[count] != NULL)
        count++;
    return count;
}

static bool is_marked(const char *variable)
{
    return strncmp(variable, mark, sizeof mark - 1) == 0;
}

static void check_recursion(const struct fallback *fallback)
{
    struct number_text own, parent;
    const char *own_id = number(&own, getpid());
    const char *parent_id = number(&parent, getppid());
    for (char *const *variable = fallback->environment; *variable != NULL; variable++) {
        const char *id = *variable + sizeof mark - 1;
        if (is_marked(*variable) && (strcmp(id, own_id) == 0 || strcmp(id, parent_id) == 0))
            fail(fallback->called, EXIT_OWN_FAILURE,
                 PARTS("the Python client that should answer this call leads back to the stub ",
                       fallback->called_as, "; install k8psh again"));
    }
}

static const char **copy_environment(struct arena *arena, char *const *environment, const char *marked)
{
    size_t room = (count_strings(environment) + 2) * sizeof(char *);
    const char **copy = arena_take(arena, room, sizeof(char *));
    if (copy == NULL)
        return NULL;
    size_t used = 0;
    for (; *environment != NULL; environment++)
        if (!is_marked(*environment))
            copy[used++] = *environment;
    copy[used++] = marked;
    copy[used] = NULL;
    return copy;
}

/* Returns RUNTIME... --called-as=PATH ARGUMENTS...; where the routes name no runtime, `installed` is it. */
static const char **make_command_line(struct arena *arena, const struct fallback *fallback,
                                      const struct routes *routes, const char *installed)
{
    size_t runtime_count = routes == NULL ? 1 : routes->runtime_count;
    size_t room = (runtime_count + count_strings(fallback->arguments) + 2) * sizeof(char *);
    const char **line = arena_take(arena, room, sizeof(char *));
    const char *called_as = arena_join(arena, PARTS("--called-as=", fallback->called_as));
    if (line == NULL || called_as == NULL)
        return NULL;
    size_t used = 0;
    if (routes == NULL)
        line[used++] = installed;
    const char *field = routes == NULL ? NULL : routes->first_runtime;
    for (; used < runtime_count; field = field_next(field))
        line[used++] = field_value(field, "runtime=");
    line[used++] = called_as;
    for (char *const *argument = fallback->arguments; *argument != NULL; argument++)
        line[used++] = *argument;
    line[used] = NULL;
    return line;
}

static const char *installed_runtime(struct arena *arena, const char *path)
{
    const char *executable = find_executable(arena, path);
    size_t length = (size_t)(base_name(executable) - executable);
    char *directory = arena_take(arena, length + 1, 1);
    if (directory == NULL)
        return NULL;
    memcpy(directory, executable, length);
    directory[length] = '\0';
    return arena_join(arena, PARTS(directory, "../runtime/start"));
}

_Noreturn void fallback_to_python(struct arena *arena, const struct fallback *fallback,
                                  const struct routes *routes)
{
    check_recursion(fallback);
    if (routes != NULL && routes->first_runtime == NULL)
        routes = NULL;
    struct number_text own;
    const char *installed = routes == NULL ? installed_runtime(arena, fallback->executable) : NULL;
    const char **line = make_command_line(arena, fallback, routes, installed);
    const char *marked = arena_join(arena, PARTS(mark, number(&own, getpid())));
    const char **environment = marked == NULL ? NULL : copy_environment(arena, fallback->environment, marked);
    if (line == NULL || environment == NULL || line[0] == NULL)
        fail(fallback->called, EXIT_OWN_FAILURE, PARTS("out of memory"));
    debug(fallback->called, PARTS("executing the Python client ", line[0]));
    /* execve takes pointers to non-const strings for history's sake only. */
    union { const char **made; char **wanted; } arguments = {line}, variables = {environment};
    execve(line[0], arguments.wanted, variables.wanted);
    fail(fallback->called, EXIT_OWN_FAILURE,
         PARTS("can't start the Python client ", line[0], ": ", strerror(errno),
               "; start the server of this directory again, or install k8psh with --install"));
}
