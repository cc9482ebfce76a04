#include "request.h"

#include <stdbool.h>
#include <string.h>

#include "routes.h"

/* Returns the caller's NAME=VALUE where it has set NAME. */
static const char *find_variable(char *const *environment, const char *name)
{
    size_t length = strlen(name);
    for (; *environment != NULL; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return *environment;
    return NULL;
}

static bool next_variable(struct request *request, const char **text)
{
    const char *name;
    while ((name = field_value(request->first_pass, "pass=")) != NULL) {
        request->first_pass = field_next(request->first_pass);
        *text = find_variable(request->environment, name);
        if (*text != NULL)
            return true;
    }
    return false;
}

/* Gives the next frame's type and payload; false behind the last one. */
static bool next_frame(struct request_writer *writer, enum frame_type *type, const char **text)
{
    struct request *request = &writer->request;
    switch (writer->stage) {
    case REQUEST_DIRECTORY:
        writer->stage = REQUEST_ARGUMENTS;
        *type = FRAME_WORKING_DIRECTORY;
        *text = request->directory;
        return true;
    case REQUEST_ARGUMENTS:
        *type = FRAME_COMMAND_ARGUMENT;
        *text = *request->arguments;
        if (*text != NULL) {
            request->arguments++;
            return true;
        }
        writer->stage = REQUEST_VARIABLES;
        __attribute__((fallthrough));
    case REQUEST_VARIABLES:
        *type = FRAME_ENVIRONMENT_VARIABLE;
        if (next_variable(request, text))
            return true;
        writer->stage = REQUEST_COMPLETE;
        *type = FRAME_START_COMMAND;
        *text = request->command;
        return true;
    default:
        return false;
    }
}

static size_t copy(unsigned char *to, size_t room, const void *from, size_t *left)
{
    size_t count = *left < room ? *left : room;
    memcpy(to, from, count);
    *left -= count;
    return count;
}

size_t request_fill(struct request_writer *writer, unsigned char *to, size_t room)
{
    size_t used = 0;
    while (used < room) {
        if (writer->header_left == 0 && writer->payload_left == 0) {
            enum frame_type type;
            if (!next_frame(writer, &type, &writer->payload))
                break;
            writer->payload_left = strlen(writer->payload);
            frame_put_header(writer->header, type, (uint32_t)writer->payload_left);
            writer->header_left = FRAME_HEADER_BYTES;
        }
        const unsigned char *header = writer->header + FRAME_HEADER_BYTES - writer->header_left;
        used += copy(to + used, room - used, header, &writer->header_left);
        size_t count = copy(to + used, room - used, writer->payload, &writer->payload_left);
        writer->payload += count;
        used += count;
    }
    return used;
}
