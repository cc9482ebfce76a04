/* `runtime/start` of the bundle: executes its Python through the loader and the libraries beside it, whatever
 * this container has of its own, and keeps the caller's variables from both. */

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "arena.h"
#include "fail.h"

enum { ARENA_BYTES = 64 * 1024 };  /* paths and the lists of some thousand variables and arguments */

/* What the loader, libc and PyInstaller's program read. A caller's value of these goes under another name, from
 * which k8psh/runtime.py restores it: LD_PRELOAD is for the caller's libc, not for this one. */
static const char *const theirs[] = {"LD_", "GLIBC_TUNABLES=", "LOCPATH=", "_PYI_", "PYINSTALLER_",
                                     "VIRTUAL_ENV="};
static const char kept[] = "K8PSH_KEPT_";

enum { OWN_VARIABLES = 3 };

static bool is_theirs(const char *variable)
{
    for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++)
        if (strncmp(variable, theirs[i], strlen(theirs[i])) == 0)
            return true;
    return false;
}

static size_t count_strings(char *const *strings)
{
    size_t count = 0;
    while (strings[count] != NULL)
        count++;
    return count;
}

/* Returns what `called_as`, an argument `--called-as=PATH`, says that the process is: its name for ps. */
static const char *process_name(const char *called_as)
{
    const char *slash = called_as == NULL ? NULL : strrchr(called_as, '/');
    const char *equals = called_as == NULL ? NULL : strchr(called_as, '=');
    return slash != NULL ? slash + 1 : equals != NULL ? equals + 1 : "k8psh";
}

/* Returns the variables for Python. PyInstaller's program usually sets LD_LIBRARY_PATH and executes itself
 * again; level -1 says that this has been done, since the loader has been told the libraries' place. */
static const char **make_environment(struct arena *arena, char *const *environment, const char *program,
                                     const char *name)
{
    size_t room = (count_strings(environment) + OWN_VARIABLES + 1) * sizeof(char *);
    const char **made = arena_take(arena, room, sizeof(char *));
    if (made == NULL)
        return NULL;
    size_t used = 0;
    for (; *environment != NULL; environment++) {
        made[used] = is_theirs(*environment) ? arena_join(arena, PARTS(kept, *environment)) : *environment;
        if (made[used++] == NULL)
            return NULL;
    }
    made[used++] = "_PYI_PARENT_PROCESS_LEVEL=-1";
    if ((made[used++] = arena_join(arena, PARTS("_PYI_ARCHIVE_FILE=", program))) == NULL
        || (made[used++] = arena_join(arena, PARTS("_PYI_LINUX_PROCESS_NAME=", name))) == NULL)
        return NULL;
    made[used] = NULL;
    return made;
}

static const char **make_command_line(struct arena *arena, const char *loader, const char *libraries,
                                      const char *program, char *const *arguments)
{
    const char *const first[] = {loader, "--library-path", libraries, program};
    size_t count = sizeof first / sizeof *first;
    const char **line = arena_take(arena, (count + count_strings(arguments) + 1) * sizeof(char *), sizeof(char *));
    if (line == NULL)
        return NULL;
    memcpy(line, first, sizeof first);
    for (; *arguments != NULL; arguments++)
        line[count++] = *arguments;
    line[count] = NULL;
    return line;
}

/* Returns the directory of this program, with the slash behind it: physical, as PyInstaller's program compares
 * it. */
static const char *own_directory(struct arena *arena)
{
    const char *executed = (const char *)getauxval(AT_EXECFN);
    char *path = arena_take(arena, PATH_MAX, 1);
    if (path == NULL || executed == NULL || realpath(executed, path) == NULL)
        fail("start", EXIT_OWN_FAILURE, PARTS("can't tell the runtime's directory: ", strerror(errno)));
    strrchr(path, '/')[1] = '\0';
    return path;
}

int main(int count, char **arguments, char **environment)
{
    static char memory[ARENA_BYTES];
    struct arena arena = {memory, memory + sizeof memory};
    const char *directory = own_directory(&arena);
    const char *loader = arena_join(&arena, PARTS(directory, "ld-k8psh.so.1"));
    const char *libraries = arena_join(&arena, PARTS(directory, "lib"));
    const char *program = arena_join(&arena, PARTS(directory, "k8psh-runtime"));
    char *const *rest = arguments + (count > 0);
    const char **variables = make_environment(&arena, environment, program, process_name(*rest));
    const char **line = make_command_line(&arena, loader, libraries, program, rest);
    if (loader == NULL || libraries == NULL || program == NULL || variables == NULL || line == NULL)
        fail("start", EXIT_OWN_FAILURE, PARTS("out of memory"));
    /* execve takes pointers to non-const strings for history's sake only. */
    union { const char **made; char **wanted; } words = {line}, strings = {variables};
    execve(loader, words.wanted, strings.wanted);
    fail("start", EXIT_OWN_FAILURE, PARTS("can't execute ", loader, ": ", strerror(errno), "; install k8psh again"));
}
