// shares.c - how many share a frame: 16 bits each, four in a word.
//
// A count that reaches its end stays there: nobody knows any more how many there are, so the frame is
// never freed. The upper two bits are kept free for the layer of address spaces.
// SPDX-License-Identifier: MIT
#include "frames/layout.h"

uint64_t acre_shares_bytes(uint64_t frames)
{
    return (frames + 3) / 4 * sizeof(uint64_t);
}

void acre_shares_init(acre_shares *shares, void *memory, acre_frame first, uint64_t frames)
{
    shares->words = memory;
    shares->first = first.number;
    shares->frames = frames;
    __builtin_memset(memory, 0, (size_t)acre_shares_bytes(frames));
}

/// The word and the place in it of a frame's count. NULL: not in the range.
static uint64_t *find(const acre_shares *shares, acre_frame frame, unsigned *shift)
{
    uint64_t at = frame.number - shares->first;
    *shift = (unsigned)(at % 4) * 16;
    return at < shares->frames ? &shares->words[at / 4] : NULL;
}

unsigned acre_shares_get(const acre_shares *shares, acre_frame frame)
{
    unsigned shift;
    const uint64_t *entry = find(shares, frame, &shift);
    return entry == NULL ? (unsigned)ACRE_SHARES_MAX
                         : (unsigned)(load_relaxed(entry) >> shift) & ACRE_SHARES_MAX;
}

bool acre_shares_add(acre_shares *shares, acre_frame frame)
{
    unsigned shift;
    uint64_t *entry = find(shares, frame, &shift);
    if (entry == NULL) {
        return false;
    }
    uint64_t old = load_relaxed(entry);
    do {
        if ((old >> shift & ACRE_SHARES_MAX) == ACRE_SHARES_MAX) {
            return false;
        }
    } while (!cas64_both(entry, &old, old + ((uint64_t)1 << shift)));
    return true;
}

acre_share acre_shares_drop(acre_shares *shares, acre_frame frame)
{
    unsigned shift;
    uint64_t *entry = find(shares, frame, &shift);
    if (entry == NULL) {
        return ACRE_SHARE_STICKY;
    }
    uint64_t old = load_relaxed(entry);
    while (true) {
        uint64_t count = old >> shift & ACRE_SHARES_MAX;
        if (count == ACRE_SHARES_MAX) {
            return ACRE_SHARE_STICKY;
        }
        // The last owner writes the word as it is, to come after all that others did before they left.
        uint64_t next = count == 0 ? old : old - ((uint64_t)1 << shift);
        if (cas64_both(entry, &old, next)) {
            return count == 0 ? ACRE_SHARE_LAST : ACRE_SHARE_OTHERS;
        }
    }
}
