// files.c - opening files and pipes without landing on descriptors 0, 1 and 2.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // NOLINT(bugprone-reserved-identifier): libc asks for this name
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define FIRST_FREE_FD 3

// Moves `fd` to `lowest` or above, or at least above 2. Returns the new number, or -1 with `fd`
// closed.
static int files_lift(int fd, int lowest)
{
    if (fd < 0 || fd >= lowest) {
        return fd;
    }
    int lifted = fcntl(fd, F_DUPFD_CLOEXEC, lowest);
    if (lifted < 0) {
        // The limit of open files is below `lowest`.
        lifted = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
    }
    int saved = errno;
    close(fd);
    errno = saved;
    return lifted;
}

int files_open(const char *path, int flags)
{
    return files_lift(open(path, flags | O_CLOEXEC, 0666), FIRST_FREE_FD);
}

int files_pipe(int ends[2], int lowest)
{
    int raw[2];
    if (pipe2(raw, O_CLOEXEC) != 0) {
        return -1;
    }
    ends[0] = files_lift(raw[0], lowest);
    ends[1] = files_lift(raw[1], lowest);
    if (ends[0] >= 0 && ends[1] >= 0) {
        return 0;
    }
    int saved = errno;
    close(ends[0]);
    close(ends[1]);
    errno = saved;
    return -1;
}

ssize_t files_read(int fd, char *buffer, size_t bytes)
{
    size_t used = 0;
    while (used < bytes) {
        ssize_t got = read(fd, buffer + used, bytes - used);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 && errno != EAGAIN) {
            return -1;
        }
        if (got <= 0) {
            break;
        }
        used += (size_t)got;
    }
    return (ssize_t)used;
}
