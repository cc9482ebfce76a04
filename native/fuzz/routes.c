/* The routes reader: any bytes are read or refused, and everything that good routes lead to lies in them. */
#include "../routes.h"

#include <stdlib.h>
#include <string.h>

#include "../directory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(const char *text, const char *bytes, size_t size)
{
    if (text < bytes || text >= bytes + size || text + strlen(text) >= bytes + size)
        abort();
}

static void use_runtime(const struct routes *routes, const char *bytes, size_t size)
{
    const char *field = routes->first_runtime;
    for (size_t i = 0; field != NULL && i < routes->runtime_count; i++) {
        if (field_value(field, "runtime=") == NULL)
            abort();
        check_inside(field, bytes, size);
        field = field_next(field);
    }
}

static void use_directory(const struct routes *routes)
{
    static char memory[8192];
    struct arena arena = {memory, memory + sizeof memory};
    const char *wire = directory_on_wire(&arena, routes, "/a/b/c");
    if (wire != NULL && strlen(wire) > 8000)
        abort();
}

static void use_command(struct routes *routes, const char *name, const char *bytes, size_t size)
{
    if (!routes_select(routes, name))
        return;
    check_inside(routes->server, bytes, size);
    check_inside(routes->socket, bytes, size);
    if (routes->port == 0 || strcmp(routes->command, name) != 0 || strlen(routes->socket) > 107)
        abort();
    if (routes->outside != NULL)
        check_inside(routes->outside, bytes, size);
    const char *field = routes->first_pass;
    for (; field_value(field, "pass=") != NULL; field = field_next(field))
        check_inside(field, bytes, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct routes routes;
    /* A copy of exactly this size: the sanitizer sees every byte that is read beyond it. */
    char *bytes = malloc(size == 0 ? 1 : size);
    if (bytes == NULL || size > 8000) {
        free(bytes);
        return 0;
    }
    memcpy(bytes, data, size);
    /* The size field is right nearly always, or the fuzzer would hardly get behind it. */
    static const char head[] = "k8psh-routes=1\0bytes=";
    size_t digits = sizeof head - 1;
    if (size > digits + 10 && memcmp(bytes, head, digits) == 0 && bytes[digits] == '0') {
        size_t rest = size;
        for (size_t i = 10; i-- > 1; rest /= 10)
            bytes[digits + i] = (char)('0' + rest % 10);
    }
    bool good = routes_parse(&routes, bytes, size);
    use_runtime(&routes, bytes, size);
    if (good) {
        use_directory(&routes);
        use_command(&routes, "true", bytes, size);
        use_command(&routes, "", bytes, size);
    }
    free(bytes);
    return 0;
}
