#include "frames.h"

#include <stdbool.h>

void frame_put_header(unsigned char *to, enum frame_type type, uint32_t value)
{
    to[0] = (unsigned char)type;
    for (unsigned i = 0; i < 4; i++)
        to[1 + i] = (unsigned char)(value >> (8 * i));
}

uint32_t frame_number(const unsigned char *bytes)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < 4; i++)
        value |= (uint32_t)bytes[i] << (8 * i);
    return value;
}

enum { REJECTED_NUMBERS_BYTES = 8, LAST_SIGNAL = 127 };  /* 128 + n must stay an exit code */

#define BIT(type) (UINT32_C(1) << (type))

/* Whether a frame of this type may come now; the first one of the relay lane tells the server's version. */
static bool expect(struct frame_reader *reader, unsigned type)
{
    static const uint32_t relay = BIT(FRAME_STDIN_DATA) | BIT(FRAME_STDOUT_DATA) | BIT(FRAME_STDERR_DATA) |
                                  BIT(FRAME_EXIT_CODE);
    static const uint32_t direct = BIT(FRAME_EXIT_CODE) | BIT(FRAME_REJECTED) | BIT(FRAME_TERM_SIGNAL) |
                                   BIT(FRAME_DELIVERED) | BIT(FRAME_TERMINAL);
    static const uint32_t expected[] = {
        [READER_RELAY] = relay | BIT(FRAME_HELLO),
        [READER_RELAY_1] = relay,
        [READER_RELAY_2] = relay | direct,
        [READER_DIRECT] = direct,
    };
    if (type >= 32 || (expected[reader->state] & BIT(type)) == 0)
        return false;
    if (reader->state == READER_RELAY)
        reader->state = type == FRAME_HELLO ? READER_RELAY_2 : READER_RELAY_1;
    return true;
}

static struct frame_event invalid(const struct frame_reader *reader)
{
    return (struct frame_event){.kind = EVENT_INVALID, .value = reader->header[0]};
}

static struct frame_event end_or_data(struct frame_reader *reader, int stream, uint32_t length)
{
    /* Only the end of standard input travels towards a client, never its bytes. */
    if (stream == 0 && length != 0)
        return invalid(reader);
    if (length == 0)
        return (struct frame_event){.kind = EVENT_STREAM_END, .stream = stream};
    reader->payload_left = length;
    return (struct frame_event){.kind = EVENT_NONE};
}

static struct frame_event start_frame(struct frame_reader *reader)
{
    uint32_t value = frame_number(reader->header + 1);
    unsigned type = reader->header[0];
    if (!expect(reader, type))
        return invalid(reader);
    switch (type) {
    case FRAME_EXIT_CODE:
        return (struct frame_event){.kind = EVENT_EXIT, .value = value};
    case FRAME_HELLO:
        return (struct frame_event){.kind = EVENT_HELLO, .value = value};
    case FRAME_DELIVERED:
        return (struct frame_event){.kind = EVENT_DELIVERED, .value = value};
    case FRAME_TERMINAL:
        return (struct frame_event){.kind = EVENT_TERMINAL, .value = value};
    case FRAME_TERM_SIGNAL:
        if (value == 0 || value > LAST_SIGNAL)
            return invalid(reader);
        return (struct frame_event){.kind = EVENT_TERM_SIGNAL, .value = value};
    case FRAME_REJECTED:
        if (value < REJECTED_NUMBERS_BYTES)
            return invalid(reader);
        reader->payload_left = value;
        return (struct frame_event){.kind = EVENT_NONE};
    default:
        return end_or_data(reader, (int)type - FRAME_STDIN_DATA, value);
    }
}

static struct frame_event payload_event(const struct frame_reader *reader, size_t left)
{
    size_t bytes = reader->payload_left < left ? reader->payload_left : left;
    if (reader->header[0] == FRAME_REJECTED)
        return (struct frame_event){.kind = EVENT_REJECTED, .bytes = bytes};
    return (struct frame_event){
        .kind = EVENT_DATA, .stream = reader->header[0] - FRAME_STDIN_DATA, .bytes = bytes};
}

struct frame_event frame_next(struct frame_reader *reader, struct window *window)
{
    while (window->left > 0) {
        if (reader->payload_left > 0)
            return payload_event(reader, window->left);
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
