#include "request.h"

#include <string.h>

#include "environment.h"
#include "routes.h"

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

/* A frame that is to be sent: a string where `text` is set, else a number. */
struct frame {
    enum frame_type type;
    const char *text;
    uint32_t number;
};

static const char *umask_variable(struct request_writer *writer)
{
    static const char name[] = "K8PSH_UMASK=";
    unsigned digits = 1, mask = writer->request.umask & 0777;
    while (mask >> (3 * digits) != 0)
        digits++;
    char *at = writer->umask_text + sizeof name - 1;
    memcpy(writer->umask_text, name, sizeof name);
    while (digits-- > 0)
        *at++ = (char)('0' + (mask >> (3 * digits) & 7));
    *at = '\0';
    return writer->umask_text;
}

/* What only version 2 says: by frames of its own, or where the server may know none, by variables. */
static struct frame own_frame(struct request_writer *writer)
{
    const struct request *request = &writer->request;
    if (writer->stage++ == REQUEST_LANE) {
        if (request->direct)
            return (struct frame){.type = FRAME_DESCRIPTORS, .number = request->descriptors};
        return (struct frame){.type = FRAME_ENVIRONMENT_VARIABLE, .text = "K8PSH_PROTOCOL=2"};
    }
    if (request->direct)
        return (struct frame){.type = FRAME_UMASK, .number = request->umask};
    return (struct frame){.type = FRAME_ENVIRONMENT_VARIABLE, .text = umask_variable(writer)};
}

/* Gives the next frame; false behind the last one. */
static bool next_frame(struct request_writer *writer, struct frame *frame)
{
    struct request *request = &writer->request;
    switch (writer->stage) {
    case REQUEST_LANE:
    case REQUEST_UMASK:
        *frame = own_frame(writer);
        return true;
    case REQUEST_TERMINAL:
        writer->stage = REQUEST_DIRECTORY;
        *frame = (struct frame){.type = FRAME_ENVIRONMENT_VARIABLE, .text = request->terminal};
        if (frame->text != NULL)
            return true;
        __attribute__((fallthrough));
    case REQUEST_DIRECTORY:
        writer->stage = REQUEST_ARGUMENTS;
        *frame = (struct frame){.type = FRAME_WORKING_DIRECTORY, .text = request->directory};
        return true;
    case REQUEST_ARGUMENTS:
        *frame = (struct frame){.type = FRAME_COMMAND_ARGUMENT, .text = *request->arguments};
        if (frame->text != NULL) {
            request->arguments++;
            return true;
        }
        __attribute__((fallthrough));
    case REQUEST_CALLS:
        writer->stage = REQUEST_VARIABLES;
        *frame = (struct frame){.type = FRAME_ENVIRONMENT_VARIABLE, .text = request->calls};
        if (frame->text != NULL)
            return true;
        __attribute__((fallthrough));
    case REQUEST_VARIABLES:
        *frame = (struct frame){.type = FRAME_ENVIRONMENT_VARIABLE};
        if (next_variable(request, &frame->text))
            return true;
        writer->stage = REQUEST_COMPLETE;
        *frame = (struct frame){.type = FRAME_START_COMMAND, .text = request->command};
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
            struct frame frame;
            if (!next_frame(writer, &frame))
                break;
            writer->payload = frame.text;
            writer->payload_left = frame.text == NULL ? 0 : strlen(frame.text);
            uint32_t number = frame.text == NULL ? frame.number : (uint32_t)writer->payload_left;
            frame_put_header(writer->header, frame.type, number);
            writer->header_left = FRAME_HEADER_BYTES;
        }
        const unsigned char *header = writer->header + FRAME_HEADER_BYTES - writer->header_left;
        used += copy(to + used, room - used, header, &writer->header_left);
        if (writer->payload_left == 0)
            continue;
        size_t count = copy(to + used, room - used, writer->payload, &writer->payload_left);
        writer->payload += count;
        used += count;
    }
    return used;
}
