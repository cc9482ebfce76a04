/* k8psh's executable. Called as k8psh or k8pshd it is the Python runtime; by any other name it is a stub: it
 * has a server run the command of that name, as though the command were installed here. */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "arena.h"
#include "connect.h"
#include "directory.h"
#include "fail.h"
#include "fallback.h"
#include "find.h"
#include "relay.h"
#include "routes.h"
#include "signals.h"

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
    if (!routes_fresh(routes, getenv("K8PSH_CONFIG")))
        return false;
    *why = "the routes don't have the command";
    return routes_select(routes, called) || routes_select(routes, base_name(found->link));
}

static const char *find_directory(struct arena *arena, const struct routes *routes, const char *called)
{
    char *directory = arena_take(arena, PATH_MAX, 1);
    if (directory == NULL || getcwd(directory, PATH_MAX) == NULL)
        fail(called, EXIT_OWN_FAILURE,
             PARTS("can't tell the working directory: ", strerror(errno), "; change to one that exists"));
    const char *wire = directory_on_wire(arena, routes, directory);
    if (wire == NULL)
        fail(called, EXIT_OWN_FAILURE,
             PARTS("the working directory ", directory, " isn't shared with the server; change to one below ",
                   field_value(routes->first_root, "root=")));
    return wire;
}

static int call_server(struct arena *arena, const struct routes *routes, const char *called,
                       char *const *arguments, char *const *environment)
{
    static unsigned char inbound[RELAY_INBOUND_BYTES], outbound[RELAY_OUTBOUND_BYTES];
    struct relay relay = {.called = called, .inbound = inbound, .outbound = outbound};
    relay.request.request = (struct request){
        .directory = find_directory(arena, routes, called),
        .arguments = arguments,
        .first_pass = routes->first_pass,
        .environment = environment,
        .command = routes->command,
    };
    for (int i = 0; i < 3; i++)
        relay.streams[i].number = relay.streams[i].descriptor = i;
    relay.connection = connect_to_server(routes, called, relay.streams);
    relay.signals = signals_watch();
    if (relay.signals < 0)
        fail(called, EXIT_OWN_FAILURE, PARTS("can't wait for signals: ", strerror(errno)));
    return relay_run(&relay);
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
    return call_server(&arena, &routes, called, rest, environment);
}
