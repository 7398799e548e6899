// table.c - typed arrays with ids: see acre/table.h.
//
//     base                      (page)           (page)                   reserved_bytes
//      | elements ...            | words ...       | held bits |
//      | pages that `held` says  | words_bytes     | committed |
//
// Elements may span pages; a page has memory if its bit in `held` is set, and add commits what an element
// lacks. A word whose generation is 0 is that of a retired element: it is on no list.
// SPDX-License-Identifier: MIT
#include "acre/table.h"

#include "base/bitmap.h"
#include "pools/stride.h"

#define NONE UINT32_MAX

static const uint32_t count_max = INT32_MAX;

static inline uint32_t index_in(uint64_t id)
{
    return (uint32_t)id;
}

static inline uint32_t generation_in(uint64_t id)
{
    return (uint32_t)(id >> 32);
}

static inline uint64_t word_of(uint32_t generation, uint32_t index)
{
    return (uint64_t)generation << 32 | index;
}

static inline bool is_live(const acre_table *table, uint32_t index)
{
    return index_in(table->words[index]) == index;
}

// ---- making and ending ---------------------------------------------------------------------------

static acre_status table_prepare(acre_table *table, const acre_table_options *options)
{
    size_t align = options->align == 0 ? sizeof(void *) : options->align;
    size_t stride;
    if (options->element_bytes == 0 || !is_power_of_two(align) || options->count > count_max ||
        !align_up(options->element_bytes, align, &stride) || stride > PTRDIFF_MAX) {
        return ACRE_BAD_ARGUMENT;
    }
    unsigned twos;
    *table = (acre_table){
        .stride_bytes = stride,
        .inverse = stride_inverse(stride, &twos),
        .head = NONE,
        .count = (uint32_t)options->count,
        .generation_max = options->generations == 0 ? UINT32_MAX : options->generations,
    };
    table->twos = twos;
    return ACRE_OK;
}

acre_status acre_table_init(
    acre_table *table, void *memory, size_t bytes, const acre_table_options *options)
{
    acre_table made;
    if (memory == NULL || bytes > PTRDIFF_MAX || table_prepare(&made, options) != ACRE_OK) {
        return ACRE_BAD_ARGUMENT;
    }
    size_t align = options->align > 8 ? options->align : 8;
    size_t skip = (size_t)(0 - (word)memory) & (align - 1);
    if (skip + 7 > bytes) {
        return ACRE_NO_MEMORY;
    }
    // Up to 7 bytes stand between elements and words.
    size_t fits = stride_quotient(bytes - skip, made.stride_bytes + 8);
    if (fits != 0 && round_up(fits * made.stride_bytes, 8) + fits * 8 > bytes - skip) {
        fits -= 1;
    }
    fits = fits > count_max ? count_max : fits;
    if (fits == 0 || fits < options->count) {
        return ACRE_NO_MEMORY;
    }
    made.count = options->count == 0 ? (uint32_t)fits : (uint32_t)options->count;
    made.base = (unsigned char *)memory + skip;
    made.words = (uint64_t *)(void *)(made.base + round_up(made.count * made.stride_bytes, 8));
    *table = made;
    return ACRE_OK;
}

/// Bytes of elements, words and held bits, in whole pages. False: they overflow.
static bool table_layout(const acre_table *table, size_t page, size_t part[3])
{
    if (!mul_size(table->count, table->stride_bytes, &part[0]) ||
        !align_up(part[0], page, &part[0]) || !mul_size(table->count, 8, &part[1]) ||
        !align_up(part[1], page, &part[1])) {
        return false;
    }
    size_t held_words = (part[0] >> table->page_log2) / WORD_BITS + 1;
    size_t all;
    part[2] = round_up(held_words * sizeof(word), page);
    return add_size(part[0], part[1], &all) && add_size(all, part[2], &all) && all <= PTRDIFF_MAX &&
           part[0] >> table->page_log2 <= count_max;
}

acre_status acre_table_open(acre_table *table, acre_pages *pages, const acre_table_options *options)
{
    acre_table made;
    size_t part[3];
    if (pages == NULL || options->count == 0 || table_prepare(&made, options) != ACRE_OK) {
        return ACRE_BAD_ARGUMENT;
    }
    made.page_log2 = highest_bit(pages->page_bytes);
    if (!table_layout(&made, pages->page_bytes, part)) {
        return ACRE_BAD_ARGUMENT;
    }
    size_t all = part[0] + part[1] + part[2];
    size_t align = options->align > pages->page_bytes ? options->align : pages->page_bytes;
    unsigned char *base = pages->reserve(pages, all, align);
    if (base == NULL) {
        return ACRE_NO_MEMORY;
    }
    if (pages->commit(pages, base + part[0] + part[1], part[2]) != ACRE_OK) {
        (void)pages->release(pages, base, all);
        return ACRE_NO_MEMORY;
    }
    made.base = base;
    made.words = (uint64_t *)(void *)(base + part[0]);
    made.held = (word *)(void *)(base + part[0] + part[1]);
    made.pages = pages;
    made.reserved_bytes = all;
    *table = made;
    return ACRE_OK;
}

acre_status acre_table_close(acre_table *table)
{
    if (table->pages != NULL &&
        table->pages->release(table->pages, table->base, table->reserved_bytes) != ACRE_OK) {
        return ACRE_BAD_ARGUMENT;
    }
    *table = (acre_table){.head = NONE};
    return ACRE_OK;
}

// ---- memory --------------------------------------------------------------------------------------

static unsigned first_page(const acre_table *table, uint32_t index)
{
    return (unsigned)(index * table->stride_bytes >> table->page_log2);
}

static unsigned last_page(const acre_table *table, uint32_t index)
{
    size_t last = ((size_t)index + 1) * table->stride_bytes - 1;
    return (unsigned)(last >> table->page_log2);
}

/// Sees to it that an element has memory. False: the source has none.
static bool hold_element(acre_table *table, uint32_t index)
{
    if (table->pages == NULL) {
        return true;
    }
    unsigned first = first_page(table, index);
    unsigned end = last_page(table, index) + 1;
    if (bitmap_next(table->held, false, first, end) == end) {
        return true;
    }
    acre_pages *pages = table->pages;
    size_t from = (size_t)first << table->page_log2;
    size_t bytes = (size_t)(end - first) << table->page_log2;
    if (pages->commit(pages, table->base + from, bytes) != ACRE_OK) {
        return false;
    }
    table->held_pages += end - first - bitmap_count(table->held, first, end - first);
    bitmap_fill(table->held, first, end - first, true);
    return true;
}

/// Sees to it that the next word has memory. False: the source has none.
static bool hold_word(acre_table *table)
{
    size_t need = ((size_t)table->made + 1) * sizeof(uint64_t);
    if (table->pages == NULL || need <= table->words_bytes) {
        return true;
    }
    acre_pages *pages = table->pages;
    unsigned char *from = (unsigned char *)table->words + table->words_bytes;
    if (pages->commit(pages, from, pages->page_bytes) != ACRE_OK) {
        return false;
    }
    table->words_bytes += pages->page_bytes;
    return true;
}

// ---- elements ------------------------------------------------------------------------------------

void *acre_table_add(acre_table *table, acre_id *id)
{
    uint32_t index = table->head;
    bool is_new = index == NONE;
    if (is_new) {
        if (table->made == table->count || !hold_word(table)) {
            return NULL;
        }
        index = table->made;
    }
    if (!hold_element(table, index)) {
        return NULL;
    }
    uint32_t generation = 1;
    if (is_new) {
        table->made += 1;
    } else {
        generation = generation_in(table->words[index]);
        table->head = index_in(table->words[index]);
    }
    *id = word_of(generation, index);
    table->words[index] = *id;
    table->live_count += 1;
    void *element = table->base + index * table->stride_bytes;
    __builtin_memset(element, 0, table->stride_bytes);
    return element;
}

acre_status acre_table_remove(acre_table *table, acre_id id)
{
    if (acre_table_at(table, id) == NULL) {
        return ACRE_BAD_ARGUMENT;
    }
    uint32_t index = index_in(id);
    uint32_t generation = generation_in(id);
    table->live_count -= 1;
    if (generation == table->generation_max) {
        table->words[index] = word_of(0, NONE);
        table->retired_count += 1;
    } else {
        table->words[index] = word_of(generation + 1, table->head);
        table->head = index;
    }
    return ACRE_OK;
}

acre_id acre_table_id(const acre_table *table, const void *element)
{
    word index = stride_index((word)element - (word)table->base, table->inverse, table->twos);
    if (index >= table->made || !is_live(table, (uint32_t)index)) {
        return 0;
    }
    return table->words[index];
}

acre_id acre_table_next(const acre_table *table, acre_id id)
{
    // Wider than an index, so that what is behind the last number is not the first.
    for (uint64_t at = id == 0 ? 0 : (uint64_t)index_in(id) + 1; at < table->made; at++) {
        if (is_live(table, (uint32_t)at)) {
            return table->words[at];
        }
    }
    return 0;
}

/// Gives memory back of those pages from `first` on and before `end` that have any. Returns how many.
static size_t drop_pages(acre_table *table, unsigned first, unsigned end)
{
    acre_pages *pages = table->pages;
    size_t dropped = 0;
    while ((first = bitmap_next(table->held, true, first, end)) < end) {
        unsigned stop = bitmap_next(table->held, false, first, end);
        unsigned char *from = table->base + ((size_t)first << table->page_log2);
        size_t bytes = (size_t)(stop - first) << table->page_log2;
        if (pages->decommit(pages, from, bytes) == ACRE_OK) {
            bitmap_fill(table->held, first, stop - first, false);
            dropped += stop - first;
        }
        first = stop;
    }
    table->held_pages -= dropped;
    return dropped;
}

size_t acre_table_trim(acre_table *table)
{
    // From the top down, so that the list of free elements starts with the lowest.
    table->head = NONE;
    for (uint32_t index = table->made; index-- > 0;) {
        uint32_t generation = generation_in(table->words[index]);
        if (!is_live(table, index) && generation != 0) {
            table->words[index] = word_of(generation, table->head);
            table->head = index;
        }
    }
    if (table->pages == NULL) {
        return 0;
    }
    size_t dropped = 0;
    unsigned next = 0; // the first page that no live element seen so far lies on
    for (uint32_t index = 0; index < table->made; index++) {
        if (is_live(table, index)) {
            if (first_page(table, index) > next) {
                dropped += drop_pages(table, next, first_page(table, index));
            }
            next = last_page(table, index) + 1;
        }
    }
    unsigned end = last_page(table, table->count - 1) + 1;
    dropped += drop_pages(table, next, end);
    return dropped << table->page_log2;
}

// ---- looking at it -------------------------------------------------------------------------------

void acre_table_get_stats(const acre_table *table, acre_table_stats *out)
{
    *out = (acre_table_stats){
        .element_bytes = table->stride_bytes,
        .count = table->count,
        .live_count = table->live_count,
        .retired_count = table->retired_count,
    };
    if (table->pages != NULL) {
        size_t before = (size_t)((unsigned char *)table->held - table->base);
        out->committed_bytes = (table->held_pages << table->page_log2) + table->words_bytes +
                               (table->reserved_bytes - before);
    }
}

const char *acre_table_audit(const acre_table *table)
{
    if (table->made > table->count) {
        return "more elements were used than there are";
    }
    uint32_t live = 0;
    uint32_t retired = 0;
    for (uint32_t index = 0; index < table->made; index++) {
        if (is_live(table, index)) {
            live += 1;
            unsigned end = table->pages != NULL ? last_page(table, index) + 1 : 0;
            unsigned first = table->pages != NULL ? first_page(table, index) : 0;
            if (end != 0 && bitmap_next(table->held, false, first, end) != end) {
                return "a live element has no memory";
            }
        } else if (generation_in(table->words[index]) == 0) {
            retired += 1;
        }
    }
    if (live != table->live_count || retired != table->retired_count) {
        return "the counts are not those of the words";
    }
    uint32_t listed = 0;
    for (uint32_t index = table->head; index != NONE; index = index_in(table->words[index])) {
        if (index >= table->made || is_live(table, index) ||
            generation_in(table->words[index]) == 0) {
            return "the list of free elements has one that is not free";
        }
        listed += 1;
        if (listed > table->made) {
            return "the list of free elements has a loop";
        }
    }
    return listed + live + retired == table->made ? NULL : "a free element is on no list";
}
