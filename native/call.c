#include "call.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "connect.h"
#include "direct.h"
#include "directory.h"
#include "environment.h"
#include "fail.h"
#include "jobserver.h"
#include "relay.h"
#include "signals.h"

static _Noreturn void fail_outside(struct arena *arena, const struct routes *routes, const char *called,
                                   const char *directory)
{
    const char *root, *shared = "", *comma = "";
    for (const char *field = routes->first_root; (root = field_value(field, "root=")) != NULL;) {
        const char *longer = arena_join(arena, PARTS(shared, comma, root));
        shared = longer == NULL ? shared : longer;
        comma = ", ";
        field = field_next(field_next(field));
    }
    fail(called, EXIT_OWN_FAILURE,
         PARTS("working directory ", directory, " isn't shared: change to a directory below ", shared,
               ", or add a mapping for it to ", routes->configuration));
}

static const char *find_directory(struct arena *arena, const struct routes *routes, const char *called)
{
    char *directory = arena_take(arena, PATH_MAX, 1);
    if (directory == NULL || directory_current(directory) == NULL)
        fail(called, EXIT_OWN_FAILURE, PARTS("the working directory can't be told: ", strerror(errno)));
    const char *wire = directory_on_wire(arena, routes, directory);
    if (wire == NULL)
        wire = routes->outside;
    if (wire == NULL)
        fail_outside(arena, routes, called, directory);
    return wire;
}

/* Returns the lane to take: the caller's wish, else the configuration's. */
static enum lane choose_lane(const struct routes *routes, const char *called)
{
    enum lane lane = routes->lane;
    const char *wish = variable_value(environ, "K8PSH_LANE");
    if (wish != NULL && wish[0] != '\0' && !lane_from_name(wish, &lane))
        fail(called, EXIT_OWN_FAILURE, PARTS("K8PSH_LANE is '", wish, "': expected direct, relay or auto"));
    return lane;
}

/* Returns the caller's K8PSH_CALLS=..., NULL where it is part of no call or says nothing. */
static const char *find_calls(char *const *environment)
{
    static const char name[] = "K8PSH_CALLS";
    const char *calls = variable_value(environment, name);
    return calls == NULL || calls[0] == '\0' ? NULL : calls - sizeof name;
}

static unsigned read_umask(void)
{
    mode_t mask = umask(0);  /* there is no other cheap way: /proc costs more */
    umask(mask);
    return mask;
}

static unsigned open_descriptors(const struct stream streams[3])
{
    unsigned descriptors = 0;
    for (unsigned i = 0; i < 3; i++)
        if (streams[i].kind != STREAM_CLOSED)
            descriptors |= 1U << i;
    return descriptors;
}

/* Returns the descriptors of make's jobserver, where the command is to have MAKEFLAGS. */
static unsigned find_jobserver(struct arena *arena, const struct routes *routes, char *const *environment)
{
    static const char name[] = "MAKEFLAGS";
    const char *passed, *field = routes->first_pass;
    for (; (passed = field_value(field, "pass=")) != NULL; field = field_next(field)) {
        if (strcmp(passed, name) != 0)
            continue;
        const char *makeflags = variable_value(environment, name);
        return makeflags == NULL ? 0 : jobserver_descriptors(arena, makeflags);
    }
    return 0;
}

/* Returns K8PSH_TERMINAL=MASK ROWS COLUMNS, NULL where there is nobody to talk to. */
static const char *describe_terminal(struct arena *arena, const struct terminal *terminal)
{
    struct number_text mask, rows, columns;
    if (terminal->mask == 0)
        return NULL;
    return arena_join(arena, PARTS("K8PSH_TERMINAL=", number(&mask, terminal->mask), " ",
                                   number(&rows, terminal->size.ws_row), " ",
                                   number(&columns, terminal->size.ws_col)));
}

int make_call(struct arena *arena, const struct routes *routes, const char *called, char *const *arguments,
              char *const *environment)
{
    static unsigned char inbound[RELAY_INBOUND_BYTES], outbound[OUTBOUND_BYTES];
    struct relay relay = {.called = called, .server = routes->server, .inbound = inbound};
    struct request *request = &relay.outbound.request.request;
    *request = (struct request){
        .directory = find_directory(arena, routes, called),
        .arguments = arguments,
        .first_pass = routes->first_pass,
        .environment = environment,
        .command = routes->command,
        .calls = find_calls(environment),
        .umask = read_umask(),
    };
    for (int i = 0; i < 3; i++)
        relay.streams[i].number = relay.streams[i].descriptor = i;
    struct connection connection =
        connect_to_server(routes, choose_lane(routes, called), called, relay.streams);
    relay.outbound.buffer = outbound;
    relay.outbound.connection = connection.descriptor;
    relay.outbound.forward.signals = signals_watch();
    if (relay.outbound.forward.signals < 0)
        fail(called, EXIT_OWN_FAILURE, PARTS("can't wait for signals: ", strerror(errno)));
    struct terminal *terminal = &relay.outbound.forward.terminal;
    terminal_find(terminal);
    if (!connection.direct) {
        request->terminal = describe_terminal(arena, terminal);
        return relay_run(&relay);
    }
    request->direct = true;
    request->descriptors = relay.outbound.descriptors =
        open_descriptors(relay.streams) | find_jobserver(arena, routes, environment);
    return direct_run(&relay.outbound, relay.streams, called, routes->server);
}
