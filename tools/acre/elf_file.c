// elf_file.c - what kind of program a file is, from its ELF header.
//
//     ident[16] | type | machine | ... | program headers: one of type PT_INTERP names the loader
//
// A program without a loader is static: nobody reads LD_PRELOAD for it. Headers of this machine's
// class are read as the structs of <link.h>; of others only the class, the byte order and the
// machine, which are at the same place in all.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // NOLINT(bugprone-reserved-identifier): libc asks for this name
#include "elf_file.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

#define MACHINE_OFFSET 18 // of e_machine, in both classes

static const struct {
    uint16_t machine;
    const char *name;
} elf_machines[] = {
    {EM_386, "i386"},    {EM_X86_64, "x86-64"}, {EM_ARM, "arm"},     {EM_AARCH64, "aarch64"},
    {EM_RISCV, "riscv"}, {EM_PPC, "powerpc"},   {EM_PPC64, "ppc64"}, {EM_S390, "s390"},
    {EM_MIPS, "mips"},   {EM_SPARCV9, "sparc"}, {EM_68K, "m68k"},    {EM_PARISC, "hppa"},
};

const char *elf_machine_name(const struct elf_facts *facts)
{
    for (size_t i = 0; i < sizeof elf_machines / sizeof elf_machines[0]; i++) {
        if (elf_machines[i].machine == facts->machine) {
            return elf_machines[i].name;
        }
    }
    return "another machine";
}

static void elf_read_loader(int fd, const ElfW(Phdr) * header, struct elf_facts *out)
{
    size_t bytes = header->p_filesz;
    out->is_dynamic = true;
    if (bytes == 0 || bytes > sizeof out->loader) {
        return;
    }
    if (pread(fd, out->loader, bytes, (off_t)header->p_offset) != (ssize_t)bytes) {
        bytes = 1;
    }
    out->loader[bytes - 1] = '\0';
}

static void elf_read_program_headers(int fd, struct elf_facts *out)
{
    ElfW(Ehdr) elf;
    if (pread(fd, &elf, sizeof elf, 0) != (ssize_t)sizeof elf) {
        return;
    }
    out->is_shared = elf.e_type == ET_DYN;
    for (unsigned i = 0; i < elf.e_phnum; i++) {
        ElfW(Phdr) header;
        off_t offset = (off_t)(elf.e_phoff + (size_t)i * elf.e_phentsize);
        if (pread(fd, &header, sizeof header, offset) != (ssize_t)sizeof header) {
            return;
        }
        if (header.p_type == PT_INTERP) {
            elf_read_loader(fd, &header, out);
        }
    }
}

static void elf_read_identity(int fd, struct elf_facts *out)
{
    unsigned char head[MACHINE_OFFSET + 2];
    memset(out, 0, sizeof *out);
    if (pread(fd, head, sizeof head, 0) != (ssize_t)sizeof head ||
        memcmp(head, ELFMAG, SELFMAG) != 0) {
        return;
    }
    out->is_elf = true;
    out->class = head[EI_CLASS];
    out->order = head[EI_DATA];
    unsigned first = head[MACHINE_OFFSET];
    unsigned second = head[MACHINE_OFFSET + 1];
    bool is_little = out->order == ELFDATA2LSB;
    out->machine = (uint16_t)(is_little ? first | second << 8 : first << 8 | second);
}

const struct elf_facts *elf_own(void)
{
    static struct elf_facts own;
    if (!own.is_elf) {
        int fd = files_open("/proc/self/exe", O_RDONLY);
        if (fd >= 0) {
            elf_read_identity(fd, &own);
            elf_read_program_headers(fd, &own);
            close(fd);
        }
    }
    return &own;
}

bool elf_is_native(const struct elf_facts *facts)
{
    const struct elf_facts *own = elf_own();
    // Without /proc there is nothing to compare with, and the loader will say it.
    return !own->is_elf || (facts->class == own->class && facts->order == own->order &&
                            facts->machine == own->machine);
}

void elf_read(int fd, struct elf_facts *out)
{
    elf_read_identity(fd, out);
    if (out->is_elf && elf_is_native(out)) {
        elf_read_program_headers(fd, out);
    }
}
