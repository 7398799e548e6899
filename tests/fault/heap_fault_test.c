// heap_fault_test.c - each call to the page source fails in turn, and a heap takes no harm.
//
// A scenario runs with the 1st, 2nd, 3rd ... call failing, of each kind and of all kinds together, by
// itself and with every later call of its kind, until a run meets no failure. Whatever failed, NULL
// was returned where memory was wanted, no block has changed, the audit finds nothing, and with the
// source healed everything is served, freed and given back.
// SPDX-License-Identifier: MIT
#include "unit/fixture.h"

enum { HELD_MAX = 400, ANY_CALL = SIM_CALLS, EDGE_BYTES = 256 };

struct held {
    unsigned char *block;
    size_t bytes;
};

static struct held held[HELD_MAX];
static size_t held_count;
static const char *wrong;
static size_t failed_calls[SIM_CALLS + 1]; // runs that met a failure, by kind of call

/// Writes a block's first and last bytes.
static void mark(size_t i)
{
    size_t edge = held[i].bytes < EDGE_BYTES ? held[i].bytes : EDGE_BYTES;
    block_fill(held[i].block + held[i].bytes - edge, edge, i + HELD_MAX);
    block_fill(held[i].block, edge, i);
}

static bool is_marked(size_t i)
{
    size_t edge = held[i].bytes < EDGE_BYTES ? held[i].bytes : EDGE_BYTES;
    bool apart = held[i].bytes >= 2 * (size_t)EDGE_BYTES; // else the head wrote over the tail
    return block_holds(held[i].block, edge, i) &&
           (!apart || block_holds(held[i].block + held[i].bytes - edge, edge, i + HELD_MAX));
}

static void hold(void *block, size_t bytes)
{
    if (block != NULL && held_count < HELD_MAX) {
        held[held_count] = (struct held){.block = block, .bytes = bytes};
        mark(held_count++);
    }
}

static void get(size_t bytes)
{
    hold(acre_heap_alloc(subject, bytes), bytes);
}

static void get_zero(size_t bytes)
{
    unsigned char *block = acre_heap_calloc(subject, 1, bytes);
    size_t stride = bytes / 16 > 4096 ? bytes / 16 : 4096; // a sample: touching all takes time
    for (size_t at = 0; block != NULL && at < bytes; at += stride) {
        if (!block_is_zero(block + at, bytes - at < 64 ? bytes - at : 64)) {
            wrong = "calloc returned memory that is not zero";
        }
    }
    hold(block, bytes);
}

/// Resizes block `i`, if it is there; it must keep its contents either way.
static void resize(size_t i, size_t bytes)
{
    if (i >= held_count) {
        return;
    }
    size_t kept = bytes < held[i].bytes ? bytes : held[i].bytes;
    kept = kept < EDGE_BYTES ? kept : EDGE_BYTES;
    void *moved = acre_heap_realloc(subject, held[i].block, bytes);
    if (moved != NULL) {
        if (!block_holds(moved, kept / 8 * 8, i)) {
            wrong = "realloc did not keep the contents";
        }
        held[i] = (struct held){.block = moved, .bytes = bytes};
        mark(i);
    }
}

static void drop_all(void)
{
    for (size_t i = 0; i < held_count; i++) {
        if (!is_marked(i)) {
            wrong = "a block's contents have changed";
        }
        acre_heap_free(subject, held[i].block);
    }
    held_count = 0;
}

// ---- scenarios -----------------------------------------------------------------------------------

static const size_t mib = (size_t)1 << 20;

static void small_blocks(void)
{
    for (size_t bytes = 1; bytes <= 16384; bytes = bytes * 3 / 2 + 1) {
        get(bytes);
        get_zero(bytes);
    }
}

static void runs(void)
{
    for (size_t bytes = 20000; bytes <= mib; bytes += bytes / 2) {
        get(bytes);
        get_zero(bytes);
    }
    drop_all();
    for (unsigned i = 0; i < 12; i++) {
        get(mib / 2 - i * 4096);
    }
}

static void huge_blocks(void)
{
    get(2 * mib);
    get_zero(3 * mib);
    drop_all();
    get_zero(2 * mib);
    get(5 * mib);
    get_zero(34 * mib);
}

/// Blocks of parts: cut off kept mappings, and composed of them, which must have been used.
static void parts(void)
{
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 5; i++) {
            get(2 * mib + i * 65536);
        }
        for (size_t i = 0; i < held_count; i++) {
            for (size_t at = 4096; at + 4096 < held[i].bytes; at += 4096) {
                held[i].block[at] = 1;
            }
        }
        drop_all();
        get(7 * mib);
        get_zero(6 * mib);
        drop_all();
        get(3 * mib);
        get(9 * mib);
        resize(1, 5 * mib);
        resize(1, 8 * mib);
    }
}

static void resizes(void)
{
    static const size_t sizes[] = {100,   3000,    30000,   60000,   20000,   2 * 1048576,
                                   90000, 8 << 20, 5 << 20, 6 << 20, 1 << 20, 16};
    get(16);
    get(50000);
    get(2 * mib);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        resize(0, sizes[i]);
        resize(1, sizes[(i + 4) % 12]);
        resize(2, sizes[(i + 8) % 12]);
    }
}

static void alignments(void)
{
    for (size_t align = 16; align <= 8 * mib; align *= 4) {
        hold(acre_heap_aligned(subject, align, 5000), 5000);
        hold(acre_heap_aligned(subject, align, 70000), 70000);
    }
}

static void trims(void)
{
    runs();
    huge_blocks();
    drop_all();
    (void)acre_heap_trim(subject, 4 * mib);
    small_blocks();
    drop_all();
    (void)acre_heap_trim(subject, 0);
    get(30000);
}

static void slots(void)
{
    for (unsigned slot = 0; slot < 8; slot++) { // 4 were announced, the rest are beyond
        sim_move(slot);
        get(100);
        get(20000);
        get(2 * mib);
    }
    sim_move(0);
}

/// Enough refusals of slabs that the blocks of an idle slot are taken over.
static void takeovers(void)
{
    void *blocks[64];
    sim_move(1);
    size_t count = alloc_many(blocks, 64, 16384);
    free_many(blocks, count);
    sim_move(0);
    for (unsigned i = 0; i < 300; i++) {
        get(16384);
    }
}

static void many_segments(void)
{
    for (unsigned i = 0; i < 24; i++) {
        get(mib);
    }
    drop_all();
    (void)acre_heap_trim(subject, 0);
    for (unsigned i = 0; i < 12; i++) {
        get_zero(mib);
    }
}

// ---- the runner ----------------------------------------------------------------------------------

static void everything_works(void)
{
    size_t before = held_count;
    get(10);
    get_zero(30000);
    get(3 * mib);
    if (held_count != before + 3 && before <= HELD_MAX - 3) {
        wrong = "a healed source does not serve";
    }
}

/// One run. NULL, or what is wrong. *met: whether a failure was met.
static const char *run_once(void (*scenario)(void), const struct site *site, bool *met)
{
    wrong = NULL;
    held_count = 0;
    subject = NULL;
    acre_status status = acre_heap_create(&sim.pages, &site->options, &subject);
    if (status != ACRE_OK) {
        *met = sim.failed != 0;
        bool refused = sim.failing[SIM_RELEASE]; // then nothing can be given back
        return subject != NULL ? "out was set though create failed"
               : refused       ? NULL
                               : source_left_over();
    }
    scenario();
    *met = sim.failed != 0;
    const char *broken = acre_heap_audit(subject);
    pages_sim_heal(&sim);
    everything_works();
    drop_all();
    broken = broken != NULL ? broken : wrong;
    if (broken != NULL) {
        return broken;
    }
    return heap_close();
}

static const char *run_all(void (*scenario)(void), const struct site *site, size_t *most)
{
    *most = 0;
    for (unsigned kind = 0; kind <= ANY_CALL; kind++) {
        for (unsigned on = 0; on < 2; on++) {
            bool met = true;
            for (size_t k = 1; met; k++) {
                sim_reset();
                pages_sim_init(&sim, site->page_bytes, !site->no_remap);
                *(kind == ANY_CALL ? &sim.fail_all_at : &sim.fail_at[kind]) = k;
                sim.fail_on = on != 0;
                sim.move_leaves_hole = k % 2 == 0;
                const char *broken = run_once(scenario, site, &met);
                if (broken != NULL) {
                    t_say_number("kind of call", kind);
                    t_say_number("call", k);
                    t_say_number("and all later ones", on);
                    return broken;
                }
                *most = k > *most ? k : *most;
                failed_calls[kind] += met ? 1 : 0;
            }
        }
    }
    return NULL;
}

/// The scenario on pages of 4 KiB and of 64 KiB with everything, and of 16 KiB with nothing. It must have met at
/// least `calls` calls, or it would not show much.
static void survives(void (*scenario)(void), size_t calls)
{
    size_t most;
    T_EXPECT_SOUND(run_all(scenario, &(struct site){.page_bytes = 4096}, &most));
    T_EXPECT(most > calls);
    const struct site poor = {
        .page_bytes = 16384,
        .no_remap = true,
        .options = {.span_bytes = 1, .limit_bytes = 64 * mib}};
    T_EXPECT_SOUND(run_all(scenario, &poor, &most));
    T_EXPECT_SOUND(run_all(scenario, &(struct site){.page_bytes = 65536}, &most));
}

static void nothing(void)
{
}

static void create_survives_every_failure(void)
{
    survives(nothing, 1);
}

static void small_survives_every_failure(void)
{
    survives(small_blocks, 5);
}

static void runs_survive_every_failure(void)
{
    survives(runs, 15);
}

static void huge_survives_every_failure(void)
{
    survives(huge_blocks, 8);
}

static void parts_survive_every_failure(void)
{
    survives(parts, 15);
}

static void realloc_survives_every_failure(void)
{
    survives(resizes, 15);
}

static void aligned_survives_every_failure(void)
{
    survives(alignments, 10);
}

static void trim_survives_every_failure(void)
{
    survives(trims, 20);
}

static void new_slots_survive_every_failure(void)
{
    survives(slots, 20);
}

static void takeover_survives_every_failure(void)
{
    survives(takeovers, 10);
}

static void segments_survive_every_failure(void)
{
    survives(many_segments, 20);
}

/// What the cases before have failed, of each kind: a scenario that gives nothing back would show nothing.
static void every_kind_of_call_was_failed_often(void)
{
    for (unsigned kind = 0; kind < SIM_CALLS; kind++) {
        T_EXPECT(failed_calls[kind] >= 30);
    }
}

/// Destroy cannot fail; a refused release must not keep it from giving back all the rest.
static void destroy_gives_back_what_the_source_takes(void)
{
    for (size_t k = 1; k <= 3; k++) {
        heap_open();
        get(100);
        get(2 * mib);
        held_count = 0;
        pages_sim_heal(&sim);
        sim.fail_at[SIM_RELEASE] = k;
        acre_heap_destroy(subject);
        T_EXPECT(sim.failed == 1 && sim.ranges_live == 1);
    }
}

T_MAIN(
    T_CASE(create_survives_every_failure), T_CASE(small_survives_every_failure),
    T_CASE(runs_survive_every_failure), T_CASE(huge_survives_every_failure),
    T_CASE(parts_survive_every_failure), T_CASE(realloc_survives_every_failure),
    T_CASE(aligned_survives_every_failure), T_CASE(trim_survives_every_failure),
    T_CASE(new_slots_survive_every_failure), T_CASE(takeover_survives_every_failure),
    T_CASE(segments_survive_every_failure), T_CASE(every_kind_of_call_was_failed_often),
    T_CASE(destroy_gives_back_what_the_source_takes))
