// program.c - finding a program as the shell does, and becoming it.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // NOLINT(bugprone-reserved-identifier): libc asks for this name
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "say.h"
#include "text.h"

// What execvp uses when PATH is not set.
#define DEFAULT_PATH "/bin:/usr/bin"

// Returns 0 when the file can be executed, else errno.
static int program_probe(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return errno;
    }
    if (S_ISDIR(status.st_mode)) {
        return EISDIR;
    }
    if (!S_ISREG(status.st_mode)) {
        return EACCES;
    }
    // With the effective user, as the kernel will check it.
    return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

static int program_search(const char *name, const char *directories, char **out)
{
    int error = ENOENT;
    const char *start = directories;
    for (;;) {
        size_t len = strcspn(start, ":");
        // An empty element is the current directory.
        char *path =
            len == 0 ? text_format("./%s", name) : text_format("%.*s/%s", (int)len, start, name);
        int found = program_probe(path);
        if (found == 0) {
            *out = path;
            return 0;
        }
        // A directory that may not be searched says nothing about the program.
        if (found == EACCES && access(path, F_OK) == 0) {
            error = EACCES;
        }
        free(path);
        if (start[len] == '\0') {
            return error;
        }
        start += len + 1;
    }
}

int program_find(const char *name, char **out)
{
    if (name[0] == '\0') {
        return ENOENT;
    }
    if (strchr(name, '/') == NULL) {
        const char *directories = getenv("PATH");
        return program_search(name, directories == NULL ? DEFAULT_PATH : directories, out);
    }
    int error = program_probe(name);
    if (error == 0) {
        *out = text_format("%s", name);
    }
    return error;
}

int program_say(const char *name, int error)
{
    if (error == ENOENT || error == ENOTDIR) {
        return say(STATUS_NOT_FOUND, "cannot run '%s': not found", name);
    }
    return say(STATUS_CANNOT_RUN, "cannot run '%s': %s", name, strerror(error));
}

int program_exec(const char *path, char *const *argv)
{
    execv(path, argv);
    if (errno != ENOEXEC) {
        return errno;
    }
    size_t count = 0;
    while (argv[count] != NULL) {
        count++;
    }
    char **shell_argv = text_memory(count + 2, sizeof *shell_argv);
    shell_argv[0] = argv[0];
    shell_argv[1] = (char *)path; // execv promises not to change it
    memcpy(shell_argv + 2, argv + 1, count * sizeof *shell_argv);
    execv("/bin/sh", shell_argv);
    int error = errno;
    free(shell_argv);
    return error;
}
