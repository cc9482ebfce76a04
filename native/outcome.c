#include "outcome.h"

#include <string.h>

#include "fail.h"
#include "frames.h"

void rejection_add(struct rejection *rejection, const unsigned char *bytes, size_t count)
{
    size_t room = sizeof rejection->bytes - 1 - rejection->used;
    size_t kept = count < room ? count : room;
    memcpy(rejection->bytes + rejection->used, bytes, kept);
    rejection->used += kept;
    rejection->bytes[rejection->used] = '\0';
}

_Noreturn void end_rejected(const char *called, const struct rejection *rejection)
{
    enum { NUMBERS_BYTES = 8 };  /* the exit code and an errno, which the text has in words */
    uint32_t exit_code = frame_number(rejection->bytes);
    const char *text = (const char *)rejection->bytes + NUMBERS_BYTES;
    fail(called, exit_code == 0 || exit_code > 255 ? EXIT_OWN_FAILURE : (int)exit_code, PARTS(text));
}

_Noreturn void end_lost(const char *called, const char *server)
{
    fail(called, EXIT_OWN_FAILURE,
         PARTS("the server '", server, "' ended the connection without an exit status"));
}

_Noreturn void end_confused(const char *called, uint32_t type)
{
    struct number_text text;
    fail(called, EXIT_OWN_FAILURE,
         PARTS("the server sent a frame of type ", number(&text, type),
               " that can't come now; is it another version of k8pshd?"));
}
