// library.c - where libacre.so is.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // NOLINT(bugprone-reserved-identifier): libc asks for this name
#include "library.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "text.h"

// Relative to the directory of the executable. A wildcard stands for the multiarch name, which only
// the distribution knows. The name with the number is all that a package without headers has.
static const char *const library_places[] = {
    "libacre.so",
    "libacre.so.0",
    "../lib/libacre.so",
    "../lib/libacre.so.0",
    "../lib/*-linux-*/libacre.so",
    "../lib/*-linux-*/libacre.so.0",
    "../lib64/libacre.so",
    "../lib64/libacre.so.0",
    NULL,
};

char *library_own_path(void)
{
    char *path = realpath("/proc/self/exe", NULL);
    if (path == NULL) {
        // Without /proc, the name by which the kernel was asked to start us.
        const char *name = (const char *)getauxval(AT_EXECFN); // NOLINT(performance-no-int-to-ptr)
        path = name == NULL ? NULL : realpath(name, NULL);
    }
    return path;
}

// Returns the first readable file that matches, as an absolute path to be freed, or NULL.
static char *library_match(const char *pattern)
{
    glob_t found;
    if (glob(pattern, 0, NULL, &found) != 0) {
        return NULL;
    }
    char *path = NULL;
    for (size_t i = 0; i < found.gl_pathc && path == NULL; i++) {
        if (access(found.gl_pathv[i], R_OK) == 0) {
            path = realpath(found.gl_pathv[i], NULL);
        }
    }
    globfree(&found);
    return path;
}

static char *library_beside(const char *directory)
{
    for (const char *const *place = library_places; *place != NULL; place++) {
        char *pattern = text_format("%s/%s", directory, *place);
        char *path = library_match(pattern);
        free(pattern);
        if (path != NULL) {
            return path;
        }
    }
    return NULL;
}

static char *library_search(char **why)
{
    const char *chosen = getenv("ACRE_LIBRARY");
    if (chosen != NULL && chosen[0] != '\0') {
        char *path = access(chosen, R_OK) == 0 ? realpath(chosen, NULL) : NULL;
        if (path == NULL) {
            *why = text_format("cannot read '%s', which ACRE_LIBRARY names", chosen);
        }
        return path;
    }
    char *own = library_own_path();
    if (own == NULL) {
        *why = text_format("cannot find out where the acre command is; set ACRE_LIBRARY");
        return NULL;
    }
    char *slash = strrchr(own, '/');
    *slash = '\0';
    char *path = library_beside(own);
    if (path == NULL) {
        *why = text_format(
            "libacre.so is not in '%s' nor in '%s/../lib'; set ACRE_LIBRARY to its path", own, own);
    }
    free(own);
    return path;
}

char *library_find(char **why)
{
    char *path = library_search(why);
    // The list in LD_PRELOAD is separated by these and knows no quoting.
    if (path != NULL && strpbrk(path, " \t:") != NULL) {
        *why = text_format("cannot preload '%s': its path has a space or a colon in it", path);
        free(path);
        return NULL;
    }
    return path;
}
