// preload.c - whether a library can be preloaded into a program.
//
// The loader reads LD_PRELOAD unless
//   * there is no loader: the program is static;
//   * the library does not fit: another machine, word size or C library;
//   * the kernel says that the program runs with more rights than its caller (AT_SECURE, see
//     privilege.c).
// In none of these cases does anybody report an error that a user would understand, and in most
// none at all: the program would run on the system's malloc in silence. So acre refuses.
//
// A script runs its interpreter, `env` runs the program that it names; both are followed.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // NOLINT(bugprone-reserved-identifier): libc asks for this name
#include "preload.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf_file.h"
#include "files.h"
#include "privilege.h"
#include "program.h"
#include "say.h"
#include "text.h"

#define SCRIPT_LINE_BYTES 256 // what the kernel reads of the first line
#define SCRIPT_LEVELS     5   // interpreters that are scripts themselves, as the kernel allows

static int preload_check_level(const char *name, const char *path, unsigned level);

static const char *preload_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static bool preload_is_loader(int fd)
{
    struct stat file;
    struct stat loader;
    return fstat(fd, &file) == 0 && stat(elf_own()->loader, &loader) == 0 &&
           file.st_dev == loader.st_dev && file.st_ino == loader.st_ino;
}

// Returns why the program does not take the library, to be freed, or NULL.
static char *preload_elf_obstacle(int fd, const struct elf_facts *facts)
{
    const struct elf_facts *own = elf_own();
    if (!elf_is_native(facts)) {
        if (facts->machine == own->machine || facts->class != own->class) {
            return text_format(
                "it is a %s-bit program for %s, and acre is %s-bit for %s",
                facts->class == ELFCLASS32 ? "32" : "64", elf_machine_name(facts),
                own->class == ELFCLASS32 ? "32" : "64", elf_machine_name(own));
        }
        return text_format(
            "it is built for %s, and acre for %s", elf_machine_name(facts), elf_machine_name(own));
    }
    // The loader itself may be run as a program, and has no loader.
    if (!facts->is_dynamic && !preload_is_loader(fd)) {
        return text_format("it is statically linked, so that nothing can be preloaded");
    }
    if (facts->is_dynamic && own->is_dynamic &&
        strcmp(preload_base(facts->loader), preload_base(own->loader)) != 0) {
        return text_format(
            "it uses the C library of '%s', and acre that of '%s'", facts->loader, own->loader);
    }
    return NULL;
}

static int preload_check_elf(const char *name, int fd, const struct elf_facts *facts)
{
    char *obstacle = preload_elf_obstacle(fd, facts);
    if (obstacle != NULL) {
        int status = say(STATUS_CANNOT_RUN, "cannot run '%s' on acre: %s", name, obstacle);
        free(obstacle);
        return status;
    }
    const char *privilege = privilege_gained(fd);
    if (privilege != NULL) {
        return say(
            STATUS_CANNOT_RUN, "cannot run '%s' on acre: it %s, so that LD_PRELOAD is ignored",
            name, privilege);
    }
    return 0;
}

// Returns the program that `env` would run given these words, or NULL.
static const char *preload_env_program(char *words)
{
    char *rest = NULL;
    char *word = words == NULL ? NULL : strtok_r(words, " \t", &rest);
    // Options of env with a value of their own are too rare in scripts to know them here.
    while (word != NULL && (word[0] == '-' || strchr(word, '=') != NULL)) {
        word = strtok_r(NULL, " \t", &rest);
    }
    return word;
}

static int preload_check_script(char *line, unsigned level)
{
    line[strcspn(line, "\n")] = '\0';
    char *rest = NULL;
    char *interpreter = strtok_r(line, " \t", &rest);
    if (interpreter == NULL) {
        return 0;
    }
    int status = preload_check_level(interpreter, interpreter, level + 1);
    if (status != 0 || strcmp(preload_base(interpreter), "env") != 0) {
        return status;
    }
    const char *program = preload_env_program(rest);
    char *path = NULL;
    // A program that is not there is for env to report.
    if (program != NULL && program_find(program, &path) == 0) {
        status = preload_check_level(program, path, level + 1);
        free(path);
    }
    return status;
}

static int preload_check_level(const char *name, const char *path, unsigned level)
{
    int fd = files_open(path, O_RDONLY);
    if (fd < 0) {
        return 0;
    }
    struct elf_facts facts;
    elf_read(fd, &facts);
    char line[SCRIPT_LINE_BYTES + 1] = {0};
    ssize_t bytes = pread(fd, line, SCRIPT_LINE_BYTES, 0);
    int status = 0;
    if (facts.is_elf) {
        status = preload_check_elf(name, fd, &facts);
    } else if (bytes >= 2 && line[0] == '#' && line[1] == '!') {
        status = level < SCRIPT_LEVELS ? preload_check_script(line + 2, level) : 0;
    } else if (
        bytes > 0 && memchr(line, '\0', strcspn(line, "\n") + 1) != NULL &&
        strlen(line) < (size_t)bytes) {
        // Not text, so not for the shell either.
        status = say(STATUS_CANNOT_RUN, "cannot run '%s': it is not a program", name);
    } else {
        status = preload_check_level("/bin/sh", "/bin/sh", SCRIPT_LEVELS);
    }
    close(fd);
    return status;
}

int preload_check(const char *name, const char *path)
{
    return preload_check_level(name, path, 0);
}

char *preload_list(const char *library, const char *acre_library)
{
    const char *old = getenv("LD_PRELOAD");
    char *list = library == NULL ? NULL : text_format("%s", library);
    char *copy = text_format("%s", old == NULL ? "" : old);
    char *rest = NULL;
    for (char *item = strtok_r(copy, " \t:", &rest); item != NULL;
         item = strtok_r(NULL, " \t:", &rest)) {
        if (strcmp(item, acre_library) == 0 || (library != NULL && strcmp(item, library) == 0)) {
            continue;
        }
        char *longer = list == NULL ? text_format("%s", item) : text_format("%s:%s", list, item);
        free(list);
        list = longer;
    }
    free(copy);
    return list;
}
