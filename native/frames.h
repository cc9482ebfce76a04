/* The frame: a type byte, four bytes little endian, and for most types that many bytes of payload.
 *
 * docs/protocol.md describes each type; k8psh/wire/frames.py holds the same numbers, which a test compares.
 */
#ifndef K8PSH_FRAMES_H
#define K8PSH_FRAMES_H

#include <stddef.h>
#include <stdint.h>

enum frame_type {
    FRAME_WORKING_DIRECTORY = 0,
    FRAME_ENVIRONMENT_VARIABLE = 1,
    FRAME_COMMAND_ARGUMENT = 2,
    FRAME_START_COMMAND = 3,
    FRAME_STDIN_DATA = 4,
    FRAME_STDOUT_DATA = 5,
    FRAME_STDERR_DATA = 6,
    FRAME_TERMINATE_COMMAND = 7,
    FRAME_EXIT_CODE = 8,
    FRAME_HELLO = 16,
    FRAME_DESCRIPTORS = 17,
    FRAME_UMASK = 18,
    FRAME_REJECTED = 19,
    FRAME_TERM_SIGNAL = 20,
    FRAME_SIGNAL = 21,
    FRAME_DELIVERED = 22,
    FRAME_OUTPUT_CLOSED = 23,
    FRAME_TERMINAL = 24,
    FRAME_WINDOW_SIZE = 25,
};

enum { FRAME_HEADER_BYTES = 5 };

/* Writes the five bytes of a header to `to`. */
void frame_put_header(unsigned char *to, enum frame_type type, uint32_t value);

/* Returns the number of four bytes little endian. */
uint32_t frame_number(const unsigned char *bytes);

/* What has been received and not yet used: `left` bytes from `at`. */
struct window {
    const unsigned char *at;
    size_t left;
};

/* What the reader takes next. On the relay lane the first frame tells the server's version. */
enum frame_reader_state {
    READER_RELAY,    /* nothing has come yet */
    READER_RELAY_1,
    READER_RELAY_2,
    READER_DIRECT,
};

/* Where the reader stands between two receives: all zero, but for the state, at a connection's start. */
struct frame_reader {
    enum frame_reader_state state;
    unsigned char header[FRAME_HEADER_BYTES];
    unsigned header_bytes;  /* of the next frame's header, already taken */
    uint32_t payload_left;  /* of the current data frame, or rejection */
};

enum frame_event_kind {
    EVENT_NONE,          /* the window holds nothing more */
    EVENT_DATA,          /* `bytes` bytes at the window's start are for `stream`: use some, frame_take them */
    EVENT_STREAM_END,    /* the command has closed `stream`; for 0: it wants no more standard input */
    EVENT_HELLO,         /* the server speaks version 2 */
    EVENT_DELIVERED,     /* the signal `value` has been delivered to the command */
    EVENT_TERMINAL,      /* the command has a terminal in place of the descriptors in the mask `value` */
    EVENT_EXIT,          /* the last event of a call: `value` is the exit code, its low eight bits count */
    EVENT_TERM_SIGNAL,   /* the last event of a call: `value` is the signal that ended the command, 1 to 127 */
    EVENT_REJECTED,      /* as EVENT_DATA, for the payload of REJECTED; the last event is the one that takes
                            its last byte */
    EVENT_INVALID,       /* `value` is the type of a frame that may not come now: nothing can follow */
};

struct frame_event {
    enum frame_event_kind kind;
    int stream;      /* 0 to 2, as the descriptors of the command */
    size_t bytes;    /* of EVENT_DATA, at least 1 */
    uint32_t value;
};

/* Takes headers off the window until there is something to do; never takes payload. */
struct frame_event frame_next(struct frame_reader *reader, struct window *window);

/* Takes `bytes` of the payload that the last event announced, at most as many as it said. */
void frame_take(struct frame_reader *reader, struct window *window, size_t bytes);

#endif
