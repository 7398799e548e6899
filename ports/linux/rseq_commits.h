// rseq_commits.h - chooses the file that holds the commits as restartable sequences.
//
// Facts that every such file relies on (Linux, include/uapi/linux/rseq.h, and glibc's manual):
//   * The thread's area is at thread pointer + acre_port_rseq_area. We write rseq_cs (offset 8) and
//     read mm_cid (offset 24): below min(threads, processors), and unique among running threads.
//   * A sequence is described by version 0, flags 0, start, length, abort address; 32-byte aligned.
//     If the thread is preempted, moved or signalled inside, it continues at the abort address,
//     before which stand the four bytes of the signature.
//   * Leaving a sequence by a jump needs no clean-up: the kernel drops a stale descriptor.
//   * Before glibc registers the area, mm_cid reads 0 and there is one thread: slot 0 is its own.
// SPDX-License-Identifier: MIT
#ifndef ACRE_LINUX_RSEQ_COMMITS_H
#define ACRE_LINUX_RSEQ_COMMITS_H

// gcc before 11.5, 12.4, 13.3 and 14.1 may copy an output of an `asm goto` from a wrong place where
// registers are short (gcc bug 113921: search_bin lost a block by it). An empty asm behind it keeps the
// copy where it belongs, and nothing of it is in the code.
#define RSEQ_KEEP_OUTPUTS() __asm__ volatile("")

#if defined(__x86_64__)
#include "rseq_x86_64.h"
#elif defined(__aarch64__)
#include "rseq_aarch64.h"
#else
#include "rseq_none.h"
#endif

#endif
