// privilege.c - whether running a file gives more rights than the caller has.
//
// The rules of the kernel at execve (execve(2), capabilities(7)). AT_SECURE is set when
//   * the effective user or group of the new program is not the caller's real one. So a program
//     that is setuid root is nothing special for root;
//   * or a caller who is not root gains capabilities from the file.
// A file system mounted nosuid and a process with no_new_privs gain nothing.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // NOLINT(bugprone-reserved-identifier): libc asks for this name
#include "privilege.h"

#include <endian.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

// Whether the file's capabilities would make the program a privileged one.
static bool privilege_from_capabilities(int fd, bool may_gain)
{
    struct vfs_ns_cap_data caps;
    memset(&caps, 0, sizeof caps);
    ssize_t bytes = fgetxattr(fd, "security.capability", &caps, sizeof caps);
    if (bytes < (ssize_t)XATTR_CAPS_SZ_1) {
        return false;
    }
    uint32_t permitted = caps.data[0].permitted | caps.data[1].permitted;
    bool is_effective = (le32toh(caps.magic_etc) & VFS_CAP_FLAGS_EFFECTIVE) != 0;
    // The effective flag counts even where nothing can be gained.
    return is_effective || (permitted != 0 && may_gain);
}

const char *privilege_gained(int fd)
{
    struct stat file;
    struct statvfs mount;
    if (fstat(fd, &file) != 0 || fstatvfs(fd, &mount) != 0) {
        return NULL;
    }
    bool is_nosuid = (mount.f_flag & ST_NOSUID) != 0;
    bool may_gain = !is_nosuid && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
    bool is_setuid = may_gain && (file.st_mode & S_ISUID) != 0;
    // Without the right to execute, the bit means mandatory locking.
    bool is_setgid = may_gain && (file.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);
    if ((is_setuid ? file.st_uid : geteuid()) != getuid()) {
        return is_setuid ? "is setuid" : "would run with the rights of another user";
    }
    if ((is_setgid ? file.st_gid : getegid()) != getgid()) {
        return is_setgid ? "is setgid" : "would run with the rights of another group";
    }
    if (getuid() != 0 && !is_nosuid && privilege_from_capabilities(fd, may_gain)) {
        return "has file capabilities";
    }
    return NULL;
}
