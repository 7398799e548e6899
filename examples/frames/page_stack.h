// page_stack.h - the simplest allocator of frames that is fast: a stack of free ones.
//
//     top -> frame 7 -> frame 3 -> frame 12 -> none        the link lies in the free frame itself
//
// What it is good for: a first kernel, one CPU, single frames. It costs no memory and two accesses.
// What it cannot: two frames in a row; a limit; more than one CPU without a lock; notice a frame that is
// freed twice, after which it hands the frame out twice. All free frames must be mapped, and at boot each of them is
// written once.
// SPDX-License-Identifier: MIT
#ifndef ACRE_EXAMPLE_PAGE_STACK_H
#define ACRE_EXAMPLE_PAGE_STACK_H

#include <stdint.h>

enum { STACK_PAGE_BYTES = 4096 };

struct page_stack {
    char *memory; // where frame 0 is mapped
    uint64_t top; // number of the frame on top, plus 1; 0 = empty
};

static inline void page_stack_free(struct page_stack *stack, uint64_t frame)
{
    *(uint64_t *)(void *)(stack->memory + frame * STACK_PAGE_BYTES) = stack->top;
    stack->top = frame + 1;
}

/// A frame; UINT64_MAX when there is none.
static inline uint64_t page_stack_alloc(struct page_stack *stack)
{
    uint64_t frame = stack->top - 1;
    if (stack->top != 0) {
        stack->top = *(uint64_t *)(void *)(stack->memory + frame * STACK_PAGE_BYTES);
    }
    return frame;
}

static inline void page_stack_start(struct page_stack *stack, char *memory, uint64_t frames)
{
    stack->memory = memory;
    stack->top = 0;
    while (frames > 0) {
        frames -= 1;
        page_stack_free(stack, frames);
    }
}

#endif
