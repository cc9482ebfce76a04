#include "frames.h"

void frame_put_header(unsigned char *to, enum frame_type type, uint32_t value)
{
    to[0] = (unsigned char)type;
    for (unsigned i = 0; i < 4; i++)
        to[1 + i] = (unsigned char)(value >> (8 * i));
}

static uint32_t header_value(const unsigned char *header)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < 4; i++)
        value |= (uint32_t)header[1 + i] << (8 * i);
    return value;
}

static struct frame_event end_or_data(struct frame_reader *reader, int stream, uint32_t length)
{
    /* Only the end of standard input travels towards a client, never its bytes. */
    if (stream == 0 && length != 0)
        return (struct frame_event){.kind = EVENT_INVALID, .value = reader->header[0]};
    if (length == 0)
        return (struct frame_event){.kind = EVENT_STREAM_END, .stream = stream};
    reader->payload_left = length;
    reader->stream = stream;
    return (struct frame_event){.kind = EVENT_NONE};
}

static struct frame_event start_frame(struct frame_reader *reader)
{
    uint32_t value = header_value(reader->header);
    switch (reader->header[0]) {
    case FRAME_STDIN_DATA:
    case FRAME_STDOUT_DATA:
    case FRAME_STDERR_DATA:
        return end_or_data(reader, reader->header[0] - FRAME_STDIN_DATA, value);
    case FRAME_EXIT_CODE:
        return (struct frame_event){.kind = EVENT_EXIT, .value = value};
    default:
        return (struct frame_event){.kind = EVENT_INVALID, .value = reader->header[0]};
    }
}

struct frame_event frame_next(struct frame_reader *reader, struct window *window)
{
    while (window->left > 0) {
        if (reader->payload_left > 0) {
            size_t bytes = reader->payload_left < window->left ? reader->payload_left : window->left;
            return (struct frame_event){.kind = EVENT_DATA, .stream = reader->stream, .bytes = bytes};
        }
        reader->header[reader->header_bytes++] = *window->at++;
        window->left--;
        if (reader->header_bytes < FRAME_HEADER_BYTES)
            continue;
        reader->header_bytes = 0;
        struct frame_event event = start_frame(reader);
        if (event.kind != EVENT_NONE)
            return event;
    }
    return (struct frame_event){.kind = EVENT_NONE};
}

void frame_take(struct frame_reader *reader, struct window *window, size_t bytes)
{
    reader->payload_left -= (uint32_t)bytes;
    window->at += bytes;
    window->left -= bytes;
}
