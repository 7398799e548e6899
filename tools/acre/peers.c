// peers.c - the allocators that can be compared: the system's, acre, and those found installed.
//
// An installed allocator is a versioned file in one of the directories where the loader looks:
// programs run on `libjemalloc.so.2`; the name without a number belongs to the compiler and may be
// a text file. The highest version in the first directory that has one is taken.
//
// The loader reports a library that it cannot preload and goes on without. A comparison would then
// show the system's malloc under a wrong name, so each library is tried first.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // NOLINT(bugprone-reserved-identifier): libc asks for this name
#include "peers.h"

#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elf_file.h"
#include "files.h"
#include "launch.h"
#include "library.h"
#include "preload.h"
#include "say.h"
#include "text.h"

#define COMPLAINT_BYTES 4096

static const struct {
    const char *name;
    const char *file;
} peers_known[] = {
    {"mimalloc", "libmimalloc.so"},
    {"jemalloc", "libjemalloc.so"},
    {"tcmalloc", "libtcmalloc_minimal.so"},
    {"tbbmalloc", "libtbbmalloc_proxy.so"},
};

#define KNOWN_COUNT (sizeof peers_known / sizeof peers_known[0])

static const char *const peers_directories[] = {
    "/usr/local/lib/*-linux-*",
    "/usr/local/lib64",
    "/usr/local/lib",
    "/usr/lib/*-linux-*",
    "/lib/*-linux-*",
    "/usr/lib64",
    "/usr/lib",
    "/lib",
    NULL,
};

static bool peers_is_native_library(const char *path)
{
    int fd = files_open(path, O_RDONLY);
    if (fd < 0) {
        return false;
    }
    struct elf_facts facts;
    elf_read(fd, &facts);
    close(fd);
    return facts.is_elf && elf_is_native(&facts) && facts.is_shared;
}

// Returns the best of the files that match, to be freed, or NULL.
static char *peers_match(const char *pattern)
{
    glob_t found;
    if (glob(pattern, 0, NULL, &found) != 0) {
        return NULL;
    }
    const char *best = NULL;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *path = found.gl_pathv[i];
        const char *version = strstr(path, ".so.") + strlen(".so.");
        bool is_library =
            version[strspn(version, "0123456789.")] == '\0' && peers_is_native_library(path);
        if (is_library && (best == NULL || strverscmp(path, best) > 0)) {
            best = path;
        }
    }
    char *result = best == NULL ? NULL : realpath(best, NULL);
    globfree(&found);
    return result;
}

static char *peers_installed(const char *file)
{
    char *path = NULL;
    for (const char *const *directory = peers_directories; *directory != NULL && path == NULL;
         directory++) {
        char *pattern = text_format("%s/%s.*", *directory, file);
        path = peers_match(pattern);
        free(pattern);
    }
    return path;
}

// Adds an allocator, or replaces the library of the one that has this name. Takes both strings.
static void peers_put(struct peers *peers, char *name, char *library)
{
    for (size_t i = 0; i < peers->count; i++) {
        if (strcmp(peers->list[i].name, name) == 0) {
            free(peers->list[i].library);
            free(name);
            peers->list[i].library = library;
            return;
        }
    }
    struct peer *peer = &peers->list[peers->count++];
    peer->name = name;
    peer->library = library;
    peer->is_acre = false;
    peer->is_loadable = true;
}

// Whether `names`, separated by commas, has this name of `name_bytes` bytes. NULL has every name.
static bool peers_is_named(const char *names, const char *name, size_t name_bytes)
{
    while (names != NULL) {
        size_t len = strcspn(names, ",");
        if (len == name_bytes && strncmp(names, name, len) == 0) {
            return true;
        }
        if (names[len] == '\0') {
            return false;
        }
        names += len + 1;
    }
    return true;
}

static int peers_check_names(const char *names)
{
    const char *all[KNOWN_COUNT + 2] = {NULL};
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        all[i] = peers_known[i].name;
    }
    all[KNOWN_COUNT] = "none";
    char *copy = text_format("%s", names);
    char *rest = NULL;
    int status = 0;
    for (char *name = strtok_r(copy, ",", &rest); name != NULL && status == 0;
         name = strtok_r(NULL, ",", &rest)) {
        bool is_known = false;
        for (size_t i = 0; all[i] != NULL; i++) {
            is_known = is_known || strcmp(all[i], name) == 0;
        }
        if (!is_known) {
            status = say(
                STATUS_USAGE,
                "unknown allocator '%s' for --peers; use mimalloc, jemalloc, tcmalloc, tbbmalloc "
                "or none, or --with NAME=FILE.so",
                name);
        }
    }
    free(copy);
    return status;
}

static int peers_add_given(struct peers *out, const char *given)
{
    size_t name_bytes = strcspn(given, "=");
    const char *file = given + name_bytes + 1;
    if (peers_is_named("system,acre", given, name_bytes)) {
        return say(
            STATUS_USAGE, "the name '%.*s' is taken; use another for --with", (int)name_bytes,
            given);
    }
    char *path = peers_is_native_library(file) ? realpath(file, NULL) : NULL;
    if (path == NULL || strpbrk(path, " \t:") != NULL) {
        free(path);
        return say(
            STATUS_USAGE,
            "'%s' is no shared library that can be preloaded; use --with NAME=FILE.so", file);
    }
    peers_put(out, text_format("%.*s", (int)name_bytes, given), path);
    return 0;
}

// Runs this command with the library preloaded and looks for a complaint of the loader.
static bool peers_is_loadable(const char *library, const char *acre_library)
{
    char *own = library_own_path();
    int complaint[2];
    if (own == NULL || files_pipe(complaint, 3) != 0) {
        free(own);
        return true;
    }
    int null_fd = files_open("/dev/null", O_RDWR);
    char *argv[] = {own, (char *)"--version", NULL}; // exec promises not to change it
    char *list = preload_list(library, acre_library);
    struct launch job = {
        .path = own, .argv = argv, .preload = list, .fds = {null_fd, null_fd, complaint[1]}};
    struct launch_result result;
    char text[COMPLAINT_BYTES + 1] = {0};
    bool has_run = launch_run(&job, &result) == 0 && result.wait_status == 0;
    fcntl(complaint[0], F_SETFL, O_NONBLOCK);
    files_read(complaint[0], text, COMPLAINT_BYTES);
    close(complaint[0]);
    close(complaint[1]);
    close(null_fd);
    free(list);
    free(own);
    return has_run && strstr(text, library) == NULL;
}

int peers_find(const struct options *options, const char *acre_library, struct peers *out)
{
    out->count = 0;
    if (options->compares) {
        peers_put(out, text_format("system"), NULL);
    }
    peers_put(out, text_format("acre"), text_format("%s", acre_library));
    out->list[out->count - 1].is_acre = true;
    int status = options->peers == NULL ? 0 : peers_check_names(options->peers);
    for (size_t i = 0; i < KNOWN_COUNT && options->compares && status == 0; i++) {
        const char *name = peers_known[i].name;
        bool is_wanted = peers_is_named(options->peers, name, strlen(name));
        char *library = is_wanted ? peers_installed(peers_known[i].file) : NULL;
        if (library != NULL) {
            peers_put(out, text_format("%s", name), library);
        }
    }
    for (unsigned i = 0; i < options->with_count && status == 0; i++) {
        status = peers_add_given(out, options->with[i]);
    }
    for (size_t i = 0; i < out->count && status == 0; i++) {
        struct peer *peer = &out->list[i];
        peer->is_loadable = peer->library == NULL || peers_is_loadable(peer->library, acre_library);
        if (peer->is_acre && !peer->is_loadable) {
            status = say(STATUS_FAILED, "'%s' cannot be preloaded", acre_library);
        }
    }
    if (status != 0) {
        peers_free(out);
    }
    return status;
}

void peers_free(struct peers *peers)
{
    for (size_t i = 0; i < peers->count; i++) {
        free(peers->list[i].name);
        free(peers->list[i].library);
    }
    peers->count = 0;
}
