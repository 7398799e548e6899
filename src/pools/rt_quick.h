// rt_quick.h - the index of QUICK: lists of free blocks by size class, with a bit for each that has any.
//
// Lengths below 8 granules have a class each; above, each doubling has 8. A request looks at the newest
// block of its own class, so that what was just freed is found again, and else takes the newest of the
// next larger class that has any: good fit, in constant time. What is known of a free block lies in it:
//
//     | next | prev | count | ...      ... | count |       half words in narrow pools, words in wide
//
// so a free block needs 8 bytes, 16 in a wide pool, which is the least granule there. Next and prev are
// positions, 0 at the ends.
//
// The classes follow M. Masmano, I. Ripoll, A. Crespo, J. Real, "TLSF: a new dynamic memory allocator
// for real-time systems", ECRTS 2004. Live blocks have no header here: their lengths are in the bitmaps.
// SPDX-License-Identifier: MIT
#ifndef ACRE_POOLS_RT_QUICK_H
#define ACRE_POOLS_RT_QUICK_H

#include "pools/rt_layout.h"

enum {
    RT_STEPS_LOG2 = 3,
    RT_STEPS = 1 << RT_STEPS_LOG2,
    RT_OCTAVES_NARROW = 14, // of lengths up to 65535
    RT_OCTAVES_WIDE = 26,   // of lengths up to RT_WIDE_MAX
};

struct rt_lists {
    uint32_t octaves; // bit o: `classes[o]` is not 0
    uint16_t heads[RT_OCTAVES_NARROW * RT_STEPS];
    uint8_t
        classes[RT_OCTAVES_NARROW]; // bit s of [o]: the list of class o * RT_STEPS + s is not empty
};

struct rt_lists_wide {
    uint32_t octaves;
    uint32_t heads[RT_OCTAVES_WIDE * RT_STEPS];
    uint8_t classes[RT_OCTAVES_WIDE];
};

_Static_assert(RT_NARROW_MAX >> RT_STEPS_LOG2 < 1 << RT_OCTAVES_NARROW, "every length has a class");
_Static_assert(RT_WIDE_MAX >> RT_STEPS_LOG2 < 1 << RT_OCTAVES_WIDE, "every length has a class");

struct rt_links {
    uint16_t next;
    uint16_t prev;
    uint16_t count;
};

struct rt_links_wide {
    uint32_t next;
    uint32_t prev;
    uint32_t count;
};

/// The class of a length: 8 for each doubling.
static RT_SHARED uint32_t class_of(uint32_t count)
{
    if (count < RT_STEPS) {
        return count;
    }
    uint32_t shift = highest_bit32(count) - RT_STEPS_LOG2;
    return (count >> shift) + (shift << RT_STEPS_LOG2);
}

static ALWAYS_INLINE uint8_t *list_classes(const acre_rt *rt, bool wide)
{
    return wide ? ((struct rt_lists_wide *)rt->index)->classes
                : ((struct rt_lists *)rt->index)->classes;
}

static ALWAYS_INLINE uint32_t list_head(const acre_rt *rt, uint32_t class, bool wide)
{
    return wide ? ((const struct rt_lists_wide *)rt->index)->heads[class]
                : ((const struct rt_lists *)rt->index)->heads[class];
}

static ALWAYS_INLINE void list_set_head(acre_rt *rt, uint32_t class, uint32_t at, bool wide)
{
    if (wide) {
        ((struct rt_lists_wide *)rt->index)->heads[class] = at;
    } else {
        ((struct rt_lists *)rt->index)->heads[class] = (uint16_t)at;
    }
}

static ALWAYS_INLINE struct rt_links_wide links_get(const acre_rt *rt, uint32_t at, bool wide)
{
    if (wide) {
        return *(const struct rt_links_wide *)position_address(rt, at);
    }
    const struct rt_links *links = position_address(rt, at);
    return (struct rt_links_wide){links->next, links->prev, links->count};
}

static ALWAYS_INLINE void links_set_next(acre_rt *rt, uint32_t at, uint32_t next, bool wide)
{
    if (wide) {
        ((struct rt_links_wide *)position_address(rt, at))->next = next;
    } else {
        ((struct rt_links *)position_address(rt, at))->next = (uint16_t)next;
    }
}

static ALWAYS_INLINE void links_set_prev(acre_rt *rt, uint32_t at, uint32_t prev, bool wide)
{
    if (wide) {
        ((struct rt_links_wide *)position_address(rt, at))->prev = prev;
    } else {
        ((struct rt_links *)position_address(rt, at))->prev = (uint16_t)prev;
    }
}

static ALWAYS_INLINE uint32_t quick_free_length(const acre_rt *rt, uint32_t at, bool wide)
{
    return links_get(rt, at, wide).count;
}

/// Granules of the free block that ends at `last`: what its last word says.
static ALWAYS_INLINE uint32_t quick_free_length_before(const acre_rt *rt, uint32_t last, bool wide)
{
    const void *end = position_address(rt, last + 1);
    return wide ? ((const uint32_t *)end)[-1] : ((const uint16_t *)end)[-1];
}

/// The first class from which every block is long enough, and its newest block; if that is the request's
/// own class, the newest block in it is. Returns 0 for none.
static ALWAYS_INLINE uint32_t
quick_find(const acre_rt *rt, uint32_t count, uint32_t *class_out, bool wide)
{
    uint32_t class = class_of(count);
    uint32_t own = list_head(rt, class, wide);
    *class_out = class;
    if (own != 0 && quick_free_length(rt, own, wide) >= count) {
        return own;
    }
    const uint8_t *classes = list_classes(rt, wide);
    uint32_t octave = class >> RT_STEPS_LOG2;
    uint32_t any = (uint32_t)classes[octave] >> (class & (RT_STEPS - 1)) >> 1;
    if (any != 0) {
        class += 1 + lowest_bit32(any);
    } else {
        uint32_t octaves =
            *(const uint32_t *)rt->index >> octave >> 1; // both structs start with it
        if (octaves == 0) {
            return 0;
        }
        octave += 1 + lowest_bit32(octaves);
        class = (octave << RT_STEPS_LOG2) + lowest_bit32(classes[octave]);
    }
    *class_out = class;
    return list_head(rt, class, wide);
}

/// The list of a class starts with another block now, or with none.
static RT_SHARED void list_behead(acre_rt *rt, uint32_t class, uint32_t next, bool wide)
{
    list_set_head(rt, class, next, wide);
    if (next == 0) {
        uint8_t *octave = &list_classes(rt, wide)[class >> RT_STEPS_LOG2];
        *octave = (uint8_t)(*octave & ~(1u << (class & (RT_STEPS - 1))));
        if (*octave == 0) {
            *(uint32_t *)rt->index &= ~((uint32_t)1 << (class >> RT_STEPS_LOG2));
        }
    }
}

/// Detaches a block that quick_find returned: the first of its list.
static ALWAYS_INLINE void quick_pop(acre_rt *rt, uint32_t at, uint32_t class, bool wide)
{
    uint32_t next = links_get(rt, at, wide).next;
    if (next != 0) {
        links_set_prev(rt, next, 0, wide);
    }
    list_behead(rt, class, next, wide);
}

static RT_SHARED void quick_detach(acre_rt *rt, uint32_t at, uint32_t count, bool wide)
{
    struct rt_links_wide links = links_get(rt, at, wide);
    if (links.next != 0) {
        links_set_prev(rt, links.next, links.prev, wide);
    }
    if (links.prev != 0) {
        links_set_next(rt, links.prev, links.next, wide);
    } else {
        list_behead(rt, class_of(count), links.next, wide);
    }
}

static RT_SHARED void quick_attach(acre_rt *rt, uint32_t at, uint32_t count, bool wide)
{
    uint32_t class = class_of(count);
    uint32_t next = list_head(rt, class, wide);
    void *end = position_address(rt, at + count);
    if (wide) {
        *(struct rt_links_wide *)position_address(rt, at) = (struct rt_links_wide){next, 0, count};
        ((uint32_t *)end)[-1] = count;
    } else {
        *(struct rt_links *)position_address(rt, at) =
            (struct rt_links){(uint16_t)next, 0, (uint16_t)count};
        ((uint16_t *)end)[-1] = (uint16_t)count;
    }
    if (next != 0) {
        links_set_prev(rt, next, at, wide);
    }
    list_set_head(rt, class, at, wide);
    uint8_t *octave = &list_classes(rt, wide)[class >> RT_STEPS_LOG2];
    *octave = (uint8_t)(*octave | 1u << (class & (RT_STEPS - 1)));
    *(uint32_t *)rt->index |= (uint32_t)1 << (class >> RT_STEPS_LOG2);
    edge_set(rt, at);
    edge_set(rt, at + count - 1);
}

#endif
