/* The request writer: filled into buffers of any size, the frames are those of the strings, in order. */
#include "../request.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_STRINGS = 64, MOST_BYTES = 4096 };

/* The input's strings: the directory, the arguments up to an empty one, `pass=` fields, then variables. */
struct input {
    char text[MOST_BYTES + 16];
    char *arguments[MOST_STRINGS + 1];
    char *environment[MOST_STRINGS + 1];
    const char *first_pass;
    char *directory;
};

static char *next_string(char **at)
{
    char *string = *at;
    *at += strlen(string) + 1;
    return string;
}

static void split(struct input *input, const uint8_t *data, size_t size)
{
    memset(input, 0, sizeof *input);
    memcpy(input->text, data, size);
    char *at = input->text, *end = input->text + size;
    input->directory = next_string(&at);
    for (int i = 0; i < MOST_STRINGS && at < end && *at != '\0'; i++)
        input->arguments[i] = next_string(&at);
    if (at < end)
        at++;
    input->first_pass = at;
    while (at < end && strncmp(at, "pass=", 5) == 0)
        next_string(&at);
    for (int i = 0; i < MOST_STRINGS && at < end; i++)
        input->environment[i] = next_string(&at);
}

static size_t put(unsigned char *to, enum frame_type type, const char *text)
{
    size_t length = strlen(text);
    frame_put_header(to, type, (uint32_t)length);
    memcpy(to + FRAME_HEADER_BYTES, text, length);
    return FRAME_HEADER_BYTES + length;
}

static const char calls[] = "K8PSH_CALLS=a/b";

/* The same the plain way; variables are left to the comparison of the tests, but for their number's limit. */
static size_t expect(const struct input *input, bool direct, unsigned char *to)
{
    static const char own[] = "\1\x10\0\0\0K8PSH_PROTOCOL=2\1\x0e\0\0\0K8PSH_UMASK=22";
    static const char own_direct[] = "\x11\x07\0\0\0\x12\x12\0\0\0";
    size_t used = direct ? sizeof own_direct - 1 : sizeof own - 1;
    memcpy(to, direct ? own_direct : own, used);
    used += put(to + used, FRAME_WORKING_DIRECTORY, input->directory);
    for (int i = 0; input->arguments[i] != NULL; i++)
        used += put(to + used, FRAME_COMMAND_ARGUMENT, input->arguments[i]);
    if (direct)
        used += put(to + used, FRAME_ENVIRONMENT_VARIABLE, calls);
    const char *field = input->first_pass;
    for (; strncmp(field, "pass=", 5) == 0; field += strlen(field) + 1) {
        for (int i = 0; input->environment[i] != NULL; i++) {
            const char *variable = input->environment[i];
            size_t name = strlen(field + 5);
            if (strncmp(variable, field + 5, name) != 0 || variable[name] != '=')
                continue;
            used += put(to + used, FRAME_ENVIRONMENT_VARIABLE, variable);
            break;
        }
    }
    return used + put(to + used, FRAME_START_COMMAND, "command");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct input input;
    static unsigned char expected[1 << 22], written[1 << 22];
    if (size < 2 || size > MOST_BYTES)
        return 0;
    size_t room = 1 + data[0];
    split(&input, data + 1, size - 1);
    bool direct = data[0] % 2 == 1;
    struct request_writer writer = {.request = {
                                        .direct = direct,
                                        .descriptors = 7,
                                        .umask = 022,
                                        .calls = direct ? calls : NULL,
                                        .directory = input.directory,
                                        .arguments = input.arguments,
                                        .first_pass = input.first_pass,
                                        .environment = input.environment,
                                        .command = "command",
                                    }};
    size_t used = 0, count;
    while ((count = request_fill(&writer, written + used, room)) > 0) {
        if (count > room)
            abort();
        used += count;
    }
    if (used != expect(&input, direct, expected) || memcmp(written, expected, used) != 0)
        abort();
    return 0;
}
