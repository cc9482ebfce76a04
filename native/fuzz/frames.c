/* The frame reader: cut anywhere, the same bytes give the same events, and no event reaches outside them. */
#include "../frames.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_EVENTS = 4096 };

struct record {
    size_t events;
    struct frame_event event[MOST_EVENTS];
    size_t bytes[3];  /* delivered, by stream; 0 for a rejection's */
};

static void keep(struct record *record, struct frame_event event)
{
    if (record->events < MOST_EVENTS)
        record->event[record->events++] = event;
}

/* Reads `size` bytes, `step` at a time; stops behind what ends a call. */
static void read_all(struct record *record, const uint8_t *data, size_t size, size_t step,
                     enum frame_reader_state state)
{
    struct frame_reader reader = {.state = state};
    for (size_t at = 0; at < size; at += step) {
        struct window window = {data + at, size - at < step ? size - at : step};
        for (;;) {
            struct frame_event event = frame_next(&reader, &window);
            if (event.kind == EVENT_NONE)
                break;
            bool has_payload = event.kind == EVENT_DATA || event.kind == EVENT_REJECTED;
            if (!has_payload)
                keep(record, event);
            if (event.kind == EVENT_EXIT || event.kind == EVENT_TERM_SIGNAL || event.kind == EVENT_INVALID)
                return;
            if (!has_payload)
                continue;
            if (event.bytes == 0 || event.bytes > window.left || event.stream > 2 ||
                (event.stream > 0) != (event.kind == EVENT_DATA))
                abort();
            /* Take less than there is, as a pipe may. */
            size_t taken = event.bytes > 3 ? event.bytes / 2 : event.bytes;
            record->bytes[event.stream] += taken;
            frame_take(&reader, &window, taken);
        }
        if (window.left != 0)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct record whole, cut;
    if (size == 0)
        return 0;
    memset(&whole, 0, sizeof whole);
    memset(&cut, 0, sizeof cut);
    enum frame_reader_state state = data[0] % 32 < 16 ? READER_RELAY : READER_DIRECT;
    read_all(&whole, data + 1, size - 1, size, state);
    read_all(&cut, data + 1, size - 1, 1 + (size_t)data[0] % 16, state);
    if (whole.events != cut.events || memcmp(whole.bytes, cut.bytes, sizeof cut.bytes) != 0)
        abort();
    for (size_t i = 0; i < whole.events; i++)
        if (whole.event[i].kind != cut.event[i].kind || whole.event[i].stream != cut.event[i].stream ||
            whole.event[i].value != cut.event[i].value)
            abort();
    return 0;
}
