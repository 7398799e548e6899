// vectors - arrays grow by realloc as elements are appended: one to 256 MiB, sixteen to 4 MiB.
//
// Stresses realloc of growing blocks: whether it stays in place, moves pages instead of bytes, and
// what is left behind of the old places. Capacities grow by half, as most libraries have it. The
// sixteen take turns, so that each grows into its neighbour. Real programs: every vector, string
// builder and dynamic buffer; JSON and XML readers, linkers, loaders of columns.
// SPDX-License-Identifier: MIT
#include "pattern.h"

enum { ROUNDS = 3, SMALL_VECTORS = 16, FIRST_CAPACITY = 16, CHUNK = 512 };
#define LARGE_BYTES ((size_t)256 << 20)
#define SMALL_BYTES ((size_t)4 << 20)

typedef struct vector {
    uint64_t *elements;
    size_t count;
    size_t capacity;
} vector;

static uint64_t growth_count;

static void vector_grow(vector *grown, size_t most)
{
    size_t before = grown->capacity;
    size_t capacity = before == 0 ? FIRST_CAPACITY : before + before / 2;
    grown->capacity = capacity < most ? capacity : most;
    void *elements = realloc(grown->elements, grown->capacity * sizeof *grown->elements);
    if (elements == NULL) {
        pattern_fail("realloc returned NULL");
    }
    pattern_keep(elements);
    grown->elements = elements;
    pattern_live_subtract(before * sizeof *grown->elements);
    pattern_live_add(grown->capacity * sizeof *grown->elements);
    growth_count++;
}

/// Appends up to `count` elements and returns whether the vector has room for more.
static int vector_append(vector *target, size_t count, size_t most)
{
    for (size_t i = 0; i < count && target->count < most; i++) {
        if (target->count == target->capacity) {
            vector_grow(target, most);
        }
        target->elements[target->count] = target->count * 7;
        target->count++;
    }
    return target->count < most;
}

static void vector_end(vector *ended)
{
    for (size_t i = 0; i < ended->count; i += 500) {
        if (ended->elements[i] != i * 7) {
            pattern_fail("an element changed while its vector grew");
        }
    }
    pattern_checksum_add(ended->elements[ended->count - 1]);
    pattern_live_subtract(ended->capacity * sizeof *ended->elements);
    free(ended->elements);
    *ended = (vector){0};
}

static void round_run(void)
{
    static vector large;
    static vector small[SMALL_VECTORS];
    (void)vector_append(&large, SIZE_MAX, LARGE_BYTES / sizeof *large.elements);
    vector_end(&large);
    int has_room = 1;
    while (has_room) {
        for (size_t i = 0; i < SMALL_VECTORS; i++) {
            has_room = vector_append(&small[i], CHUNK, SMALL_BYTES / sizeof *small[i].elements);
        }
    }
    for (size_t i = 0; i < SMALL_VECTORS; i++) {
        vector_end(&small[i]);
    }
}

int main(void)
{
    size_t rounds = pattern_work(ROUNDS);
    uint64_t start_ns = pattern_now_ns();
    for (size_t round = 0; round < rounds; round++) {
        round_run();
    }
    return pattern_report("vectors", growth_count, pattern_now_ns() - start_ns);
}
