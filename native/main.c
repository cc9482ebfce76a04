/* k8psh's executable. Called as k8psh or k8pshd it is the Python runtime; by any other name it is a stub: it
 * has a server run the command of that name, as though the command were installed here. */

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "arena.h"
#include "call.h"
#include "environment.h"
#include "fail.h"
#include "fallback.h"
#include "find.h"
#include "routes.h"

enum { ARENA_BYTES = 64 * 1024 };  /* paths and the routes of a few hundred commands */

static bool is_runtime_name(const char *name)
{
    return strcmp(name, "k8psh") == 0 || strcmp(name, "k8pshd") == 0;
}

/* Reads the routes of this call; returns false where they can't be used, with the reason. */
static bool use_routes(struct routes *routes, const struct found *found, const char *called, const char **why)
{
    *why = !found->exists ? "there are no routes" : "the routes can't be read";
    if (found->bytes == NULL)
        return false;
    *why = "the routes are torn or of another version";
    if (!routes_parse(routes, found->bytes, found->count))
        return false;
    *why = "the routes are older than the configuration, or K8PSH_CONFIG names another";
    if (!routes_fresh(routes, variable_value(environ, "K8PSH_CONFIG")))
        return false;
    *why = "the routes don't have the command";
    return routes_select(routes, called) || routes_select(routes, base_name(found->link));
}

int main(int count, char **arguments, char **environment)
{
    static char memory[ARENA_BYTES];
    struct arena arena = {memory, memory + sizeof memory};
    const char *path = count > 0 ? arguments[0] : "";
    const char *called = base_name(path);
    const char *executed = (const char *)getauxval(AT_EXECFN);
    char *const *rest = arguments + (count > 0);
    const char *executable = executed == NULL ? path : executed;
    struct fallback fallback = {called, executable, executable, rest, environment};
    if (is_runtime_name(called)) {
        if (strcmp(base_name(fallback.called_as), called) != 0)
            fallback.called_as = path;
        fallback_to_python(&arena, &fallback, NULL);
    }
    struct found found = find_routes(&arena, executed, path);
    struct routes routes = {0};
    const char *why;
    fallback.called_as = found.link;
    if (!use_routes(&routes, &found, called, &why)) {
        debug(called, PARTS(why));
        fallback_to_python(&arena, &fallback, &routes);
    }
    return make_call(&arena, &routes, called, rest, environment);
}
