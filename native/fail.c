#include "fail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "environment.h"
#include "kernel_signals.h"

enum { LINE_BYTES = 1024 };  /* longer lines are cut: PIPE_BUF and a reader's patience are both larger */

struct line {
    size_t used;
    char text[LINE_BYTES];
};

static void add(struct line *line, const char *text)
{
    for (; *text != '\0' && line->used < LINE_BYTES - 1; text++) {
        unsigned char byte = (unsigned char)*text;
        line->text[line->used++] = byte < ' ' || byte == 0x7f ? '?' : *text;
    }
}

const char *number(struct number_text *number, int64_t value)
{
    char *at = number->text + sizeof number->text - 1;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    *at = '\0';
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (value < 0)
        *--at = '-';
    return at;
}

static void write_line(const char *prefix, const char *command, const char *const *parts)
{
    struct line line = {.used = 0};
    add(&line, prefix);
    add(&line, command);
    add(&line, ": ");
    for (; *parts != NULL; parts++)
        add(&line, *parts);
    line.text[line.used++] = '\n';
    /* Nobody is left to be told when this fails. */
    ssize_t ignored = write(STDERR_FILENO, line.text, line.used);
    (void)ignored;
}

void say(const char *command, const char *const *parts)
{
    write_line("k8psh: ", command, parts);
}

/* Whether the comma separated list holds the word. */
static bool list_holds(const char *list, const char *word)
{
    size_t length = strlen(word);
    while (*list != '\0') {
        if (strncmp(list, word, length) == 0 && (list[length] == ',' || list[length] == '\0'))
            return true;
        while (*list != '\0' && *list++ != ',')
            ;
    }
    return false;
}

void debug(const char *command, const char *const *parts)
{
    const char *list = variable_value(environ, "K8PSH_DEBUG");
    if (list != NULL && (list_holds(list, "stub") || list_holds(list, "All")))
        write_line("k8psh: stub: ", command, parts);
}

_Noreturn void fail(const char *command, int exit_code, const char *const *parts)
{
    /* The exit code is what counts: a reader of standard error who has gone must not change it. */
    kernel_set_action(SIGPIPE, SIG_IGN);
    say(command, parts);
    _exit(exit_code);
}
