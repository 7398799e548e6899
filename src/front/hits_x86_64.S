// hits_x86_64.S - the hit paths of malloc and free for x86-64, by hand.
//
// Line by line the same as heap/hit.h, which is where to read why. `slot` below is the slot of the
// thread: in the rseq binding the kernel's concurrency id, read inside a restartable sequence that
// ends with the store of the new head (ports/linux/rseq_commits.h has the rules); in the thread
// binding a thread-local variable. Only leaf code, no stack: a jump out is a tail call.
//
// malloc is here itself, for both bindings, one behind the other: each has a variable that says which
// sizes are tiny in it. For the binding that is not in use, and until the first heap is there, none are.
//
// In: rdi = size, or block. Out: rax = block.
// SPDX-License-Identifier: MIT
#include "acre/config.h"
#include "front/hits.h"

#define HEAP %r11
#define AREA %r9

        .hidden front_heap
        .hidden acre_port_rseq_area
        .hidden acre_port_abort_count
        .hidden acre_port_thread
        .hidden hit_tiny_end
        .hidden hit_tiny_end_thread
        .hidden hit_miss_malloc
        .hidden block_report_corrupted
        .hidden miss_free
        .hidden miss_refused
        .hidden miss_due

.macro FUNCTION name
        .text
        .p2align 6
        .globl  \name
        .hidden \name
        .type   \name, @function
\name:
        .cfi_startproc
.endm

.macro END_FUNCTION name
        .cfi_endproc
        .size   \name, . - \name
.endm

// Announces the sequence from \start to \end, which continues at \abort if it is interrupted.
.macro ANNOUNCE name, start, end, abort
        .pushsection __rseq_cs, "aw"
        .p2align 5
\name:
        .long   0, 0
        .quad   \start, \end - \start, \abort
        .popsection
        leaq    \name(%rip), %r10
        movq    %r10, %fs:HIT_RSEQ_CS(AREA)
.endm

// Where an interrupted sequence continues: behind the signature that the kernel asks for.
.macro ABORT label
        .pushsection __rseq_failure, "ax"
        .byte   0x0f, 0xb9, 0x3d
        .long   0x53053053
\label:
.endm


// From edx = slot, ecx = class: rax = the first block of the slot's bin, rsi = the next; the bin is
// updated.
.macro POP
        movq    HIT_HEAP_BINS(HEAP, %rdx, 8), %rdx
        movq    (%rdx, %rcx, 8), %rax
        testq   %rax, %rax
        jz      .Lmiss_malloc
        movq    (%rax), %rsi
        movq    %rsi, (%rdx, %rcx, 8)           // commits
.endm

// \slot, the lower half of \area = the slot of the thread in the thread binding.
.macro THREAD_SLOT area, slot
        movq    acre_port_thread@gottpoff(%rip), \area
        movl    %fs:HIT_THREAD_SLOT(\area), \slot
.endm

// The block's second word becomes 0 if it is what it was when the block was freed.
.macro REVIVE
#if ACRE_CHECKED
        xorq    HIT_HEAP_KEY(HEAP), %rsi
        xorq    %rax, %rsi
        xorq    %rsi, 8(%rax)
        jne     .Lcorrupted
#endif
        ret
.endm

#ifndef HIT_NO_MALLOC
        .globl  malloc
        .type   malloc, @function
malloc  =       hit_malloc
        .size   malloc, .Lmalloc_end - hit_malloc
#endif

FUNCTION hit_malloc
        cmpq    hit_tiny_end(%rip), %rdi
        jae     .Lnot_tiny
        movq    front_heap(%rip), HEAP
        movzbl  HIT_HEAP_TINY(HEAP, %rdi), %ecx // size class
.Lpop:
        movq    acre_port_rseq_area(%rip), AREA
.Lpop_again:
        ANNOUNCE .Lpop_cs, .Lpop_start, .Lpop_end, .Lpop_abort
.Lpop_start:
        movl    %fs:HIT_RSEQ_MM_CID(AREA), %edx
        POP
.Lpop_end:
        prefetcht0 (%rsi)                       // the next call's: another processor may have it
        REVIVE
ABORT .Lpop_abort
        jmp     .Lpop_again
        .popsection
.Lnot_tiny:
        cmpq    hit_tiny_end_thread(%rip), %rdi
        jae     .Lnot_tiny_thread
        movq    front_heap(%rip), HEAP
        movzbl  HIT_HEAP_TINY(HEAP, %rdi), %ecx
.Lpop_thread:
        THREAD_SLOT %rdx, %edx
        POP
        REVIVE
.Lnot_tiny_thread:
        movq    front_heap(%rip), HEAP
        testq   HEAP, HEAP
        jz      .Lmiss_malloc                   // the first call of all
        cmpq    $HIT_SMALL_MAX, %rdi
        ja      .Lmiss_malloc
        leaq    15(%rdi), %rax
        shrq    $4, %rax
        movzbl  HIT_HEAP_CLASS_OF(HEAP, %rax), %ecx
        cmpq    $0, acre_port_rseq_area(%rip)
        je      .Lpop_thread
        jmp     .Lpop
.Lmiss_malloc:
        jmp     hit_miss_malloc
.Lcorrupted:
        movq    HEAP, %rdi
        movq    %rax, %rsi
        jmp     block_report_corrupted
.Lmalloc_end:
END_FUNCTION hit_malloc

// HEAP + rax = the slab of rdi, if the slot in ecx owns it, and rdi is the start of one of its carved
// blocks.
.macro FIND_SLAB
        movq    %rdi, %rax
        shrq    $16, %rax
        andq    HIT_HEAP_MAP_MASK(HEAP), %rax
        movq    HIT_HEAP_MAP(HEAP, %rax, 8), %rax
        cmpw    %cx, HIT_SLAB_OWNER(HEAP, %rax) // before all else of it: see heap/owner.h
        jne     .Lmiss_free
#if ACRE_CHECKED
        movq    %rdi, %rdx
        subq    HIT_SLAB_BASE(HEAP, %rax), %rdx
        imulq   HIT_SLAB_INVERSE(HEAP, %rax), %rdx
        cmpq    HIT_SLAB_LIMIT(HEAP, %rax), %rdx
        jae     .Lmiss_free
#else
        cmpq    $0, HIT_SLAB_LIMIT(HEAP, %rax)
        je      .Lmiss_free
#endif
.endm

// Leaves if the block is free already.
.macro CHECK_LIVE suspect, live
#if ACRE_CHECKED
        cmpb    $HIT_KEY_TOP_BYTE, 15(%rdi)
        je      \suspect
#endif
\live:
.endm

// The block becomes the head of the slab's list.
.macro PUSH
        movq    HIT_SLAB_HEAD(HEAP, %rax), %rcx
        movq    %rcx, (%rdi)
#if ACRE_CHECKED
        xorq    HIT_HEAP_KEY(HEAP), %rcx
        xorq    %rdi, %rcx
        movq    %rcx, 8(%rdi)
#endif
        decw    HIT_SLAB_DUE(HEAP, %rax)              // its flags outlive the store
        movq    %rdi, HIT_SLAB_HEAD(HEAP, %rax)       // commits
.endm

// The second, exact part of the test for a block that is free: its top byte fits.
.macro SUSPECT label, live
\label:
        movq    (%rdi), %rcx
        xorq    HIT_HEAP_KEY(HEAP), %rcx
        xorq    %rdi, %rcx
        cmpq    %rcx, 8(%rdi)
        jne     \live
        jmp     .Lmiss_free
.endm

// The sequence is the whole of it: what was found out about the slab holds until the block is on its
// list, or the free begins anew in miss_free. It must not be left and entered again, so the rare part of
// the test stands before the function, where it is part of the sequence, too. An abort before the
// sequence is announced, by what was announced last, does no harm: nothing has happened yet.
        .text
        .p2align 6
        .type   hit_free_rseq_suspect, @function
hit_free_rseq_suspect:
        .cfi_startproc
.Lpush_start:
SUSPECT .Lsuspect_rseq, .Llive_rseq
        .cfi_endproc
        .size   hit_free_rseq_suspect, . - hit_free_rseq_suspect

FUNCTION hit_free_rseq
        movq    front_heap(%rip), HEAP
        movq    acre_port_rseq_area(%rip), AREA
        ANNOUNCE .Lpush, .Lpush_start, .Lpush_end, .Lpush_abort
        movl    %fs:HIT_RSEQ_MM_CID(AREA), %ecx
        FIND_SLAB
        CHECK_LIVE .Lsuspect_rseq, .Llive_rseq
        PUSH
.Lpush_end:
        jle     .Ldue                           // not jz: an aborted push may have met 0 unseen
        ret
ABORT .Lpush_abort
        lock incl acre_port_abort_count(%rip)   // `due` may have been counted down
        movq    %rdi, %rsi
        movq    front_heap(%rip), %rdi
        jmp     miss_refused
        .popsection
.Lmiss_free:
        movq    %rdi, %rsi
        movq    HEAP, %rdi
        jmp     miss_free
.Ldue:
        leaq    (HEAP, %rax), %rsi
        movq    HEAP, %rdi
        jmp     miss_due
END_FUNCTION hit_free_rseq

// The thread's own slabs change through the thread alone: no sequence is needed.
FUNCTION hit_free_thread
        movq    front_heap(%rip), HEAP
        THREAD_SLOT %rcx, %ecx
        FIND_SLAB
        CHECK_LIVE .Lsuspect_thread, .Llive_thread
        PUSH
        jle     .Ldue
        ret
SUSPECT .Lsuspect_thread, .Llive_thread
END_FUNCTION hit_free_thread

        .section .note.GNU-stack, "", @progbits
