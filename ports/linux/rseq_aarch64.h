// rseq_aarch64.h - the commits of acre/port.h as restartable sequences for 64-bit Arm.
//
// Each function's comment is the sequence as plain C; its last line is the committing store. The
// thread is on `slot` from the first instruction to that store, or none of it counts.
// `again` is where a sequence that was aborted starts over.
//
// Hot words need no barriers, weakly ordered as this machine is: the kernel's switch from one
// occupant of a slot to the next is one.
// SPDX-License-Identifier: MIT
#ifndef ACRE_LINUX_RSEQ_AARCH64_H
#define ACRE_LINUX_RSEQ_AARCH64_H

#include "acre/port.h"

#define RSEQ_AVAILABLE 1

// Announces the sequence between labels 71 and 72, which continues at 74 if it is aborted.
#define RSEQ_BEGIN                                                                                 \
    ".pushsection __rseq_cs, \"aw\"\n"                                                             \
    ".balign 32\n"                                                                                 \
    "77: .long 0, 0\n"                                                                             \
    ".quad 71f, 72f - 71f, 74f\n"                                                                  \
    ".popsection\n"                                                                                \
    "adrp %[cs], 77b\n"                                                                            \
    "add %[cs], %[cs], :lo12:77b\n"                                                                \
    "str %[cs], [%[area], 8]\n"                                                                    \
    "71:\n"

// Ends it; `on_abort` names the C label at which it continues.
#define RSEQ_END(on_abort)                                                                         \
    "72:\n"                                                                                        \
    ".pushsection __rseq_failure, \"ax\"\n"                                                        \
    ".inst 0xd428bc00\n" /* the signature: a breakpoint that nobody reaches */                     \
    "74: b %l[" on_abort "]\n"                                                                     \
    ".popsection\n"

#define RSEQ_SLOT "[%[area], 24]"

/// The caller's rseq area, which the kernel knows.
static inline char *rseq_own_area(ptrdiff_t area)
{
    return (char *)__builtin_thread_pointer() + area;
}

static inline unsigned rseq_slot(ptrdiff_t area)
{
    unsigned slot;
    __asm__ volatile("ldr %w[slot], " RSEQ_SLOT
                     : [slot] "=r"(slot)
                     : [area] "r"(rseq_own_area(area)));
    return slot;
}

// own = bins[slot]->bin + at; block = *own; if (!block) goto empty; *next = block->next;
// *own = *next;
static inline __attribute__((always_inline)) acre_block *rseq_pop(
    acre_bins *const *bins, size_t at, acre_block **next)
{
    char *area = rseq_own_area(acre_port_rseq_area);
    acre_block *block;
    acre_block *rest;
    uintptr_t own;
    uintptr_t cs;
again:
    __asm__ goto volatile(
        RSEQ_BEGIN "ldr %w[own], " RSEQ_SLOT "\n"
                   "ldr %[own], [%[bins], %[own], lsl 3]\n"
                   "ldr %[block], [%[own], %[at], lsl 3]\n"
                   "cbz %[block], %l[empty]\n"
                   "ldr %[rest], [%[block]]\n"
                   "str %[rest], [%[own], %[at], lsl 3]\n" RSEQ_END("again")
        : [cs] "=&r"(cs), [own] "=&r"(own), [block] "=&r"(block), [rest] "=&r"(rest)
        : [area] "r"(area), [bins] "r"(bins), [at] "r"(at)
        : "memory"
        : again, empty);
    RSEQ_KEEP_OUTPUTS();
    *next = rest;
    return block;
empty:
    return NULL;
}

// if ((uint16_t)seen != (uint16_t)slot || *owner != seen) goto foreign; head = hot->head;
// block->next = head; block->tag = head ^ mark; hot->due--; hot->head = block; and after it:
// if ((int16_t)due <= 0) goto due;
static inline __attribute__((always_inline)) acre_push rseq_push(
    acre_hot *hot, const uintptr_t *owner, uintptr_t seen, acre_block *block, uintptr_t mark)
{
    char *area = rseq_own_area(acre_port_rseq_area);
    uintptr_t head;
    uintptr_t tag;
    uintptr_t cs;
again:
    __asm__ goto volatile(RSEQ_BEGIN "ldr %w[tag], " RSEQ_SLOT "\n"
                                     "ldr %[head], %[owner]\n"
                                     "cmp %w[tag], %w[seen], uxth\n"
                                     "ccmp %[head], %[seen], 0, eq\n"
                                     "b.ne %l[foreign]\n"
                                     "ldr %[head], [%[hot]]\n"
                                     "eor %[tag], %[head], %[mark]\n"
                                     "stp %[head], %[tag], [%[block]]\n"
                                     "ldrsh %w[tag], [%[hot], 8]\n"
                                     "subs %w[tag], %w[tag], 1\n" // its flags outlive the stores
                                     "strh %w[tag], [%[hot], 8]\n"
                                     "str %[block], [%[hot]]\n" RSEQ_END("aborted") "b.le %l[due]\n"
                          : [cs] "=&r"(cs), [head] "=&r"(head), [tag] "=&r"(tag)
                          : [area] "r"(area), [hot] "r"(hot), [owner] "Q"(*owner), [seen] "r"(seen),
                            [block] "r"(block), [mark] "r"(mark)
                          : "memory", "cc"
                          : again, aborted, foreign, due);
    return ACRE_PUSHED;
due:
    return ACRE_PUSHED_DUE;
foreign:
    return ACRE_FOREIGN;
aborted:
    (void)__sync_fetch_and_add(&acre_port_abort_count, 1); // `due` may have been counted down
    goto again;
}

// if (slot != current) goto moved; block = *bin; if (!block) goto empty; *bin = block->next;
static inline acre_pop rseq_pop_on(unsigned slot, acre_block **bin, acre_block **out)
{
    char *area = rseq_own_area(acre_port_rseq_area);
    acre_block *block;
    acre_block *rest;
    uintptr_t cs;
again:
    __asm__ goto volatile(RSEQ_BEGIN "ldr %w[block], " RSEQ_SLOT "\n"
                                     "cmp %w[block], %w[slot]\n"
                                     "b.ne %l[moved]\n"
                                     "ldr %[block], [%[bin]]\n"
                                     "cbz %[block], %l[empty]\n"
                                     "ldr %[rest], [%[block]]\n"
                                     "str %[rest], [%[bin]]\n" RSEQ_END("again")
                          : [cs] "=&r"(cs), [block] "=&r"(block), [rest] "=&r"(rest)
                          : [area] "r"(area), [slot] "r"(slot), [bin] "r"(bin)
                          : "memory", "cc"
                          : again, moved, empty);
    RSEQ_KEEP_OUTPUTS();
    *out = block;
    return ACRE_POPPED;
empty:
    *out = NULL;
    return ACRE_BIN_EMPTY;
moved:
    *out = NULL;
    return ACRE_MOVED;
}

// if ((uint16_t)seen != (uint16_t)slot || *owner != seen) goto moved; block = hot->head;
// if (!block) goto empty; hot->head = block->next;
static inline acre_pop rseq_pop_owned(
    acre_hot *hot, const uintptr_t *owner, uintptr_t seen, acre_block **out)
{
    char *area = rseq_own_area(acre_port_rseq_area);
    acre_block *block;
    acre_block *rest;
    uintptr_t cs;
again:
    __asm__ goto volatile(RSEQ_BEGIN "ldr %w[block], " RSEQ_SLOT "\n"
                                     "ldr %[rest], %[owner]\n"
                                     "cmp %w[block], %w[seen], uxth\n"
                                     "ccmp %[rest], %[seen], 0, eq\n"
                                     "b.ne %l[moved]\n"
                                     "ldr %[block], [%[hot]]\n"
                                     "cbz %[block], %l[empty]\n"
                                     "ldr %[rest], [%[block]]\n"
                                     "str %[rest], [%[hot]]\n" RSEQ_END("again")
                          : [cs] "=&r"(cs), [block] "=&r"(block), [rest] "=&r"(rest)
                          : [area] "r"(area), [hot] "r"(hot), [owner] "Q"(*owner), [seen] "r"(seen)
                          : "memory", "cc"
                          : again, moved, empty);
    RSEQ_KEEP_OUTPUTS();
    *out = block;
    return ACRE_POPPED;
empty:
    *out = NULL;
    return ACRE_BIN_EMPTY;
moved:
    *out = NULL;
    return ACRE_MOVED;
}

// if (slot != current) goto moved; *list = hot->head; hot->due = due; hot->head = NULL;
static inline bool rseq_take(unsigned slot, acre_hot *hot, uint16_t due, acre_block **list)
{
    char *area = rseq_own_area(acre_port_rseq_area);
    acre_block *head;
    uintptr_t cs;
again:
    __asm__ goto volatile(RSEQ_BEGIN "ldr %w[head], " RSEQ_SLOT "\n"
                                     "cmp %w[head], %w[slot]\n"
                                     "b.ne %l[moved]\n"
                                     "ldr %[head], [%[hot]]\n"
                                     "strh %w[due], [%[hot], 8]\n"
                                     "str xzr, [%[hot]]\n" RSEQ_END("again")
                          : [cs] "=&r"(cs), [head] "=&r"(head)
                          : [area] "r"(area), [slot] "r"(slot), [hot] "r"(hot), [due] "r"(due)
                          : "memory", "cc"
                          : again, moved);
    RSEQ_KEEP_OUTPUTS();
    *list = head;
    return true;
moved:
    return false;
}

// if (slot != current || *head) goto refused; *head = list;
static inline bool rseq_install(unsigned slot, acre_block **head, acre_block *list)
{
    char *area = rseq_own_area(acre_port_rseq_area);
    uintptr_t found;
    uintptr_t cs;
again:
    __asm__ goto volatile(RSEQ_BEGIN "ldr %w[found], " RSEQ_SLOT "\n"
                                     "cmp %w[found], %w[slot]\n"
                                     "b.ne %l[refused]\n"
                                     "ldr %[found], [%[head]]\n"
                                     "cbnz %[found], %l[refused]\n"
                                     "str %[list], [%[head]]\n" RSEQ_END("again")
                          : [cs] "=&r"(cs), [found] "=&r"(found)
                          : [area] "r"(area), [slot] "r"(slot), [head] "r"(head), [list] "r"(list)
                          : "memory", "cc"
                          : again, refused);
    return true;
refused:
    return false;
}

// if (slot != current) goto moved; hot->due = due;
static inline bool rseq_due_set(unsigned slot, acre_hot *hot, uint16_t due)
{
    char *area = rseq_own_area(acre_port_rseq_area);
    uintptr_t found;
    uintptr_t cs;
again:
    __asm__ goto volatile(RSEQ_BEGIN "ldr %w[found], " RSEQ_SLOT "\n"
                                     "cmp %w[found], %w[slot]\n"
                                     "b.ne %l[moved]\n"
                                     "strh %w[due], [%[hot], 8]\n" RSEQ_END("again")
                          : [cs] "=&r"(cs), [found] "=&r"(found)
                          : [area] "r"(area), [slot] "r"(slot), [hot] "r"(hot), [due] "r"(due)
                          : "memory", "cc"
                          : again, moved);
    return true;
moved:
    return false;
}

// if (slot != current) goto moved; hot->due += delta;
static inline bool rseq_due_add(unsigned slot, acre_hot *hot, uint16_t delta)
{
    char *area = rseq_own_area(acre_port_rseq_area);
    uintptr_t sum;
    uintptr_t cs;
again:
    __asm__ goto volatile(RSEQ_BEGIN "ldr %w[sum], " RSEQ_SLOT "\n"
                                     "cmp %w[sum], %w[slot]\n"
                                     "b.ne %l[moved]\n"
                                     "ldrh %w[sum], [%[hot], 8]\n"
                                     "add %w[sum], %w[sum], %w[delta]\n"
                                     "strh %w[sum], [%[hot], 8]\n" RSEQ_END("again")
                          : [cs] "=&r"(cs), [sum] "=&r"(sum)
                          : [area] "r"(area), [slot] "r"(slot), [hot] "r"(hot), [delta] "r"(delta)
                          : "memory", "cc"
                          : again, moved);
    return true;
moved:
    return false;
}

#endif
