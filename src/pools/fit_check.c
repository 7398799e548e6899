// fit_check.c - looking at a fit heap: at one pointer, at every block, and as a picture.
// SPDX-License-Identifier: MIT
#include "base/text.h"
#include "pools/fit_block.h"

static bool guard_is_sound(const acre_fit *fit, const struct fit_block *block)
{
    const unsigned char *payload = block_payload(fit, block);
    size_t room = payload_bytes(fit, block_bytes(block));
    for (size_t at = block_debug(block)->asked_bytes; at < room; at++) {
        if (payload[at] != FIT_GUARD_BYTE) {
            return false;
        }
    }
    return true;
}

const char *fit_misuse(const acre_fit *fit, const void *payload)
{
    const struct fit_block *block = block_of_payload(fit, payload);
    uintptr_t offset = (uintptr_t)block - (uintptr_t)fit->first;
    size_t range = (uintptr_t)fit->end - (uintptr_t)fit->first;
    if (offset >= range || (offset & FIT_STATE_MASK) != 0) {
        return "invalid free";
    }
    if (block->tag == 0 || block_state(block) == ACRE_FIT_FREE) {
        return "double free"; // joined with the block in front, or free by itself
    }
    if (block_state(block) != ACRE_FIT_LIVE || block_bytes(block) < FIT_BLOCK_MIN ||
        block_bytes(block) > range - offset) {
        return "invalid free";
    }
    if (fit->debug_bytes != 0 && block_debug(block)->magic != block_magic(block)) {
        return "invalid free";
    }
    if (*block_footer(block) != block->tag ||
        (fit->debug_bytes != 0 && !guard_is_sound(fit, block))) {
        return "block written past its end";
    }
    return NULL;
}

size_t acre_fit_size(const acre_fit *fit, const void *payload)
{
    const struct fit_block *block = block_of_payload(fit, payload);
    return fit->debug_bytes != 0 ? block_debug(block)->asked_bytes
                                 : payload_bytes(fit, block_bytes(block));
}

bool acre_fit_walk(const acre_fit *fit, acre_fit_visitor *visit, void *context)
{
    for (const struct fit_block *block = fit->first; block != fit->end; block = block_next(block)) {
        acre_fit_block seen = {
            .payload = block_payload(fit, block),
            .bytes = payload_bytes(fit, block_bytes(block)),
            .state = block_state(block),
        };
        if (fit->debug_bytes != 0 && seen.state == ACRE_FIT_LIVE) {
            seen.caller = block_debug(block)->caller;
            seen.serial = block_debug(block)->serial;
            seen.bytes = block_debug(block)->asked_bytes;
        }
        if (!visit(context, &seen)) {
            return false;
        }
    }
    return true;
}

static bool add_block(void *context, const acre_fit_block *block)
{
    acre_fit_stats *stats = context;
    switch (block->state) {
    case ACRE_FIT_LIVE:
        stats->live_blocks += 1;
        stats->live_bytes += block->bytes;
        break;
    case ACRE_FIT_FREE:
        stats->free_blocks += 1;
        stats->free_bytes += block->bytes;
        if (block->bytes > stats->largest_bytes) {
            stats->largest_bytes = block->bytes;
        }
        break;
    case ACRE_FIT_SYSTEM:
        stats->system_bytes += block->bytes;
        break;
    }
    return true;
}

void acre_fit_get_stats(const acre_fit *fit, acre_fit_stats *out)
{
    *out = (acre_fit_stats){
        .range_bytes = (uintptr_t)fit->end - (uintptr_t)fit->first,
        .peak_bytes = fit->peak_bytes,
        .searches = fit->searches,
        .looked_at = fit->looked_at,
    };
    (void)acre_fit_walk(fit, add_block, out);
}

// ---- check -----------------------------------------------------------------------------------------

static bool is_listed(const acre_fit *fit, const struct fit_block *block)
{
    for (const struct link *at = fit->free.next; at != &fit->free; at = at->next) {
        if (at == &block->link) {
            return true;
        }
    }
    return false;
}

/// What is wrong with one block, whose size can be trusted as far as `range` bytes.
static const char *check_block(const acre_fit *fit, const struct fit_block *block, size_t range)
{
    size_t bytes = block_bytes(block);
    acre_fit_state state = block_state(block);
    if (bytes < FIT_BLOCK_MIN || bytes > range) {
        return "a tag has a size that no block has";
    }
    if (*block_footer(block) != block->tag) {
        return "the two tags of a block differ";
    }
    if (state != ACRE_FIT_FREE && state != ACRE_FIT_LIVE && state != ACRE_FIT_SYSTEM) {
        return "a tag has a state that no block has";
    }
    if (state == ACRE_FIT_FREE && block_prev_state(block) == ACRE_FIT_FREE) {
        return "two free blocks lie side by side";
    }
    if (state == ACRE_FIT_FREE && !is_listed(fit, block)) {
        return "a free block is not on the list";
    }
    if (state == ACRE_FIT_LIVE && fit->debug_bytes != 0) {
        if (block_debug(block)->magic != block_magic(block)) {
            return "a live block has lost its magic word";
        }
        if (!guard_is_sound(fit, block)) {
            return "a block was written past its end";
        }
    }
    return NULL;
}

/// Links are followed only as far as they lead to free blocks inside of the range.
static const char *check_list(const acre_fit *fit, size_t *count)
{
    const struct link *prev = &fit->free;
    bool rover_found = fit->rover == &fit->free;
    for (const struct link *at = prev->next; at != &fit->free; at = at->next) {
        uintptr_t offset =
            (uintptr_t)container_of(at, struct fit_block, link) - (uintptr_t)fit->first;
        if (offset >= (uintptr_t)fit->end - (uintptr_t)fit->first || at->prev != prev) {
            return "the list of free blocks is not linked both ways";
        }
        if (fit->policy == ACRE_FIT_ADDRESS && prev != &fit->free && prev > at) {
            return "the list of free blocks is not in order";
        }
        rover_found = rover_found || at == fit->rover;
        *count += 1;
        prev = at;
    }
    return rover_found ? NULL : "the search would go on where there is no free block";
}

const char *acre_fit_check(const acre_fit *fit)
{
    size_t listed = 0;
    const char *broken = check_list(fit, &listed);
    if (broken != NULL) {
        return broken;
    }
    size_t live = 0;
    size_t free_blocks = 0;
    for (const struct fit_block *block = fit->first; block != fit->end; block = block_next(block)) {
        broken = check_block(fit, block, (uintptr_t)fit->end - (uintptr_t)block);
        if (broken != NULL) {
            return broken;
        }
        live += block_state(block) == ACRE_FIT_LIVE ? block_bytes(block) : 0;
        free_blocks += block_state(block) == ACRE_FIT_FREE ? 1 : 0;
    }
    if (free_blocks != listed) {
        return "the list has what is not a free block";
    }
    return live == fit->live_bytes ? NULL : "live blocks do not add up to what is counted";
}

// ---- picture ---------------------------------------------------------------------------------------

static char letter_of(acre_fit_state state)
{
    switch (state) {
    case ACRE_FIT_FREE:
        return '.';
    case ACRE_FIT_LIVE:
        return '#';
    case ACRE_FIT_SYSTEM:
        break;
    }
    return 'S';
}

/// The letter for the bytes from `from` to `to`, which start in *block or behind it; moves *block on.
static char letter_between(
    const acre_fit *fit, const struct fit_block **block, uintptr_t from, uintptr_t to)
{
    char letter = '\0';
    while (*block != fit->end && (uintptr_t)*block < to) {
        uintptr_t end = (uintptr_t)block_next(*block);
        if (end > from) {
            char own = letter_of(block_state(*block));
            if (letter != '\0' && letter != own) {
                own = '+';
            }
            letter = own;
        }
        if (end > to) {
            break; // the next letter starts in this block
        }
        *block = block_next(*block);
    }
    return letter;
}

size_t acre_fit_draw(
    const acre_fit *fit, unsigned columns, unsigned rows, char *buffer, size_t buffer_bytes)
{
    const uintptr_t end = (uintptr_t)fit->end;
    struct text text;
    size_t cells;
    unsigned step_log2 = lowest_bit(FIT_ALIGN);
    text_start(&text, buffer, buffer_bytes);
    if (!mul_size(columns, rows, &cells) || cells == 0) {
        return 0;
    }
    while ((end - (uintptr_t)fit->first - 1) >> step_log2 >= cells) {
        step_log2 += 1;
    }
    const size_t step = (size_t)1 << step_log2;
    text_add(&text, "one character: ");
    text_add_decimal(&text, step);
    text_add(&text, " bytes; # live, . free, S reserved, + several");
    text_end_line(&text);
    const struct fit_block *block = fit->first;
    for (uintptr_t at = (uintptr_t)fit->first; at < end;) {
        text_add_hex(&text, at);
        text_add(&text, "  ");
        for (unsigned column = 0; column < columns && at < end; column++, at += step) {
            char letter[2] = {letter_between(fit, &block, at, at + step), '\0'};
            text_add(&text, letter);
        }
        text_end_line(&text);
    }
    return text_length(&text);
}
