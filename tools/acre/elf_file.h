// elf_file.h - what kind of program a file is, from its ELF header.
// SPDX-License-Identifier: MIT
#ifndef ACRE_TOOL_ELF_FILE_H
#define ACRE_TOOL_ELF_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/// What elf_read found. Nothing but is_elf is set unless is_elf; nothing from is_dynamic on unless
/// elf_is_native.
struct elf_facts {
    bool is_elf;
    unsigned char class;   // ELFCLASS32 or ELFCLASS64
    unsigned char order;   // ELFDATA2LSB or ELFDATA2MSB
    uint16_t machine;      // EM_*
    bool is_dynamic;       // names a dynamic loader
    bool is_shared;        // is a shared object: a library or a position-independent program
    char loader[PATH_MAX]; // the dynamic loader's path, or ""
};

/// Reads the facts of the file open at `fd`. What cannot be read counts as not there.
void elf_read(int fd, struct elf_facts *out);

/// Whether the file is for the same machine, word size and byte order as this executable.
bool elf_is_native(const struct elf_facts *facts);

/// Returns the facts of this executable. Read once.
const struct elf_facts *elf_own(void);

/// Returns a name for the machine, such as "aarch64", for messages.
const char *elf_machine_name(const struct elf_facts *facts);

#endif
