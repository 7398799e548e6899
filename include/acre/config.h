// acre/config.h - every compile-time knob: its unit, its range, its default.
//
// At most a dozen knobs. Each is a number that is always defined, so that code tests it with `if`
// and every configuration is compiled in every build. What a caller may want to vary per heap is a
// field of an options struct instead; what a user may want to vary per process is a key of
// ACRE_CONF (acre_options(5)).
// SPDX-License-Identifier: MIT
#ifndef ACRE_CONFIG_H
#define ACRE_CONFIG_H

/// Debug checks (acre_debug) run: 0 or 1. They cost a few percent. Default 0.
#ifndef ACRE_DEBUG
#define ACRE_DEBUG 0
#endif

/// Checks against a caller's misuse on the hit paths: 0 or 1. Default 1.
/// 0 exists to measure what the checks cost; it gives up the promise that no misuse makes two live
/// blocks overlap, so nothing is ever shipped with it.
#ifndef ACRE_CHECKED
#define ACRE_CHECKED 1
#endif

/// Slice: the unit in which a segment is given to slabs, as log2 of bytes: 12 to 16, and at
/// least 13 where addresses have 64 bits.
/// Default 64 KiB where addresses have 64 bits, 4 KiB elsewhere.
#ifndef ACRE_SLICE_LOG2
#if __SIZEOF_POINTER__ > 4
#define ACRE_SLICE_LOG2 16
#else
#define ACRE_SLICE_LOG2 12
#endif
#endif

/// Page: the unit of runs and of giving memory back, as log2 of bytes: 8 to ACRE_SLICE_LOG2.
/// It need not be the machine's page; see acre_pages.page_bytes. Default 4 KiB, or 256 bytes.
#ifndef ACRE_PAGE_LOG2
#if __SIZEOF_POINTER__ > 4
#define ACRE_PAGE_LOG2 12
#else
#define ACRE_PAGE_LOG2 8
#endif
#endif

/// What rt heaps are compiled for: the sum of 1 (ACRE_RT_EXACT), 2 (ACRE_RT_QUICK), 4 (more than 65 502
/// granules), 8 (hooks, posts and check levels) and 16 (ACRE_RT_TIGHT): 1 to 31, default 31. Firmware that knows what it has
/// leaves the rest out (docs/code-size.md).
#ifndef ACRE_RT_PARTS
#define ACRE_RT_PARTS 31
#endif

// A segment is always 64 slices: one bit of a 64-bit word, or one page bitmap word, for each.
#define ACRE_SEGMENT_LOG2 (ACRE_SLICE_LOG2 + 6)

#endif
