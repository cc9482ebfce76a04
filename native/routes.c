#include "routes.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

const char *field_value(const char *field, const char *key)
{
    size_t length = strlen(key);
    return strncmp(field, key, length) == 0 ? field + length : NULL;
}

const char *field_next(const char *field)
{
    return field + strlen(field) + 1;
}

/* A place in the file: `left` bytes from `at`, the last of which is a NUL, so that every field has an end. */
struct cursor {
    const char *at;
    size_t left;
};

/* Returns the value and steps behind the field where it has this key; else NULL, and stays. */
static const char *take(struct cursor *cursor, const char *key)
{
    if (cursor->left == 0)
        return NULL;
    const char *value = field_value(cursor->at, key);
    if (value == NULL)
        return NULL;
    const char *next = field_next(cursor->at);
    cursor->left -= (size_t)(next - cursor->at);
    cursor->at = next;
    return value;
}

/* Reads decimal digits, with a minus sign where `lowest` is negative; stops at the first other byte. */
static bool take_number(const char **text, int64_t lowest, int64_t highest, int64_t *number)
{
    const char *at = *text;
    bool negative = *at == '-' && lowest < 0;
    if (negative)
        at++;
    const char *first = at;
    int64_t value = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        int digit = *at - '0';
        if (value > (INT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (negative)
        value = -value;
    *number = value;
    *text = at;
    return at != first && value >= lowest && value <= highest;
}

static bool parse_number(const char *text, int64_t lowest, int64_t highest, int64_t *number)
{
    return text != NULL && take_number(&text, lowest, highest, number) && *text == '\0';
}

static bool parse_stamp(struct routes *routes, const char *text)
{
    return text != NULL && take_number(&text, INT64_MIN, INT64_MAX, &routes->stamp_ns) && *text++ == ' ' &&
           parse_number(text, 0, INT64_MAX, &routes->stamp_bytes);
}

static bool is_absolute(const char *path)
{
    return path != NULL && path[0] == '/';
}

/* The version, and the whole size in exactly ten digits. */
static bool parse_head(struct cursor *cursor, size_t *announced)
{
    const char *version = take(cursor, "k8psh-routes=");
    if (version == NULL || strcmp(version, "1") != 0)
        return false;
    const char *text = take(cursor, "bytes=");
    int64_t bytes = 0;
    if (text == NULL || strlen(text) != 10 || !parse_number(text, 0, INT64_MAX, &bytes))
        return false;
    *announced = (size_t)bytes;
    return true;
}

static bool parse_configuration(struct routes *routes, struct cursor *cursor)
{
    routes->configuration = take(cursor, "configuration=");
    return is_absolute(routes->configuration) && parse_stamp(routes, take(cursor, "stamp="));
}

/* The runtime counts only where another field follows it: a torn file could lack its last arguments. */
static bool parse_runtime(struct routes *routes, struct cursor *cursor)
{
    const char *first = cursor->at;
    size_t count = 0;
    const char *program = take(cursor, "runtime=");
    if (!is_absolute(program))
        return false;
    do
        count++;
    while (take(cursor, "runtime=") != NULL);
    if (!parse_number(take(cursor, "connectTimeoutMs="), INT64_MIN, INT64_MAX, &routes->connect_timeout_ms))
        return false;
    routes->first_runtime = first;
    routes->runtime_count = count;
    return true;
}

static bool parse_roots(struct routes *routes, struct cursor *cursor)
{
    routes->first_root = cursor->at;
    const char *root = take(cursor, "root=");
    if (root == NULL)
        return false;
    for (; root != NULL; root = take(cursor, "root=")) {
        const char *wire = take(cursor, "wire=");
        if (!is_absolute(root) || wire == NULL || (wire[0] != '\0' && !is_absolute(wire)))
            return false;
    }
    return true;
}

static bool parse_variables(struct cursor *cursor)
{
    for (const char *variable; (variable = take(cursor, "pass=")) != NULL;)
        do {
            if (*variable == '\0' || *variable == '=')
                return false;
        } while (*++variable != '\0');
    return true;
}

bool lane_from_name(const char *name, enum lane *lane)
{
    static const char *const names[] = {[LANE_AUTO] = "auto", [LANE_DIRECT] = "direct", [LANE_RELAY] = "relay"};
    for (unsigned i = 0; name != NULL && i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) != 0)
            continue;
        *lane = (enum lane)i;
        return true;
    }
    return false;
}

/* An abstract name takes one byte more than `@`'s rest, a path its NUL: the same. */
static bool is_socket(const char *address)
{
    return address != NULL && (address[0] == '/' || (address[0] == '@' && address[1] != '\0')) &&
           strlen(address) < sizeof ((struct sockaddr_un *)NULL)->sun_path;
}

static bool parse_yes(const char *text, bool *yes)
{
    *yes = text != NULL && strcmp(text, "yes") == 0;
    return *yes || (text != NULL && strcmp(text, "no") == 0);
}

static bool parse_server(struct routes *routes, struct cursor *cursor)
{
    int64_t port;
    if (!parse_number(take(cursor, "port="), 1, 65535, &port))
        return false;
    routes->port = (uint16_t)port;
    routes->socket = take(cursor, "socket=");
    return is_socket(routes->socket) && parse_yes(take(cursor, "tcp="), &routes->tcp);
}

static bool parse_command(struct routes *routes, struct cursor *cursor)
{
    if (!lane_from_name(take(cursor, "lane="), &routes->lane))
        return false;
    routes->outside = take(cursor, "outside=");
    if (routes->outside != NULL && !is_absolute(routes->outside))
        return false;
    routes->first_pass = cursor->at;
    return parse_variables(cursor);
}

static bool parse_servers(struct routes *routes, struct cursor *cursor)
{
    routes->first_server = cursor->at;
    routes->servers_bytes = cursor->left;
    while (take(cursor, "server=") != NULL) {
        if (!parse_server(routes, cursor))
            return false;
        while (take(cursor, "command=") != NULL)
            if (!parse_command(routes, cursor))
                return false;
    }
    return true;
}

bool routes_parse(struct routes *routes, const char *bytes, size_t count)
{
    struct cursor cursor = {bytes, count};
    size_t announced = 0;
    *routes = (struct routes){0};
    if (count == 0 || bytes[count - 1] != '\0' || !parse_head(&cursor, &announced))
        return false;
    if (!parse_configuration(routes, &cursor) || !parse_runtime(routes, &cursor))
        return false;
    if (announced != count || !parse_roots(routes, &cursor) || !parse_servers(routes, &cursor))
        return false;
    const char *end = take(&cursor, "end=");
    return end != NULL && end[0] == '\0' && cursor.left == 0;
}

bool routes_select(struct routes *routes, const char *name)
{
    struct cursor cursor = {routes->first_server, routes->servers_bytes};
    while ((routes->server = take(&cursor, "server=")) != NULL) {
        parse_server(routes, &cursor);
        while ((routes->command = take(&cursor, "command=")) != NULL) {
            parse_command(routes, &cursor);
            if (strcmp(routes->command, name) == 0)
                return true;
        }
    }
    return false;
}

static bool same_file(const struct stat *configuration, const char *chosen)
{
    struct stat other;
    return stat(chosen, &other) == 0 && other.st_dev == configuration->st_dev &&
           other.st_ino == configuration->st_ino;
}

bool routes_fresh(const struct routes *routes, const char *chosen)
{
    struct stat now;
    if (stat(routes->configuration, &now) != 0)
        return false;
    int64_t nanoseconds;
    if (__builtin_mul_overflow((int64_t)now.st_mtim.tv_sec, INT64_C(1000000000), &nanoseconds) ||
        __builtin_add_overflow(nanoseconds, (int64_t)now.st_mtim.tv_nsec, &nanoseconds))
        return false;
    if (nanoseconds != routes->stamp_ns || (int64_t)now.st_size != routes->stamp_bytes)
        return false;
    return chosen == NULL || chosen[0] == '\0' || strcmp(chosen, routes->configuration) == 0 ||
           same_file(&now, chosen);
}
