// heap_model_test.c - random operations on two heaps against a naive oracle: a table of what should be
// live. The audit runs every few steps, each block's contents are looked at whenever it is touched.
//
// Each case is a site: a page size, a limit, a map too small for the heap, a source that fails, a
// thread that is moved between slots in the middle of anything. The seed is written out; give it as
// the program's argument or in T_SEED to see the same again.
// SPDX-License-Identifier: MIT
#include "unit/fixture.h"

enum {
    HEAPS = 2,
    LIVE_MAX = 400,
    SLOTS = 4,
    AUDIT_EVERY = 16,
    EDGE_BYTES = 128,
    MARK_EVERY = 4096
};

/// One live block, as the oracle sees it.
struct shadow {
    unsigned char *block;
    size_t size;
    size_t align; // as asked for; 16 if not
    size_t usable_bytes;
    uint64_t seed;
    unsigned heap;
};

struct model_site {
    struct site site;
    unsigned steps;
    bool restless; // the thread is moved at any step
    bool failing;  // calls to the source fail now and then
    bool large;    // half of the blocks are of more than a mebibyte
};

static const struct model_site *at;
static acre_heap *heaps[HEAPS];
static struct shadow live[LIVE_MAX];
static size_t live_count;
static uint64_t state; // of the generator
static uint64_t step_state;
static const char *wrong; // what the oracle found; NULL as long as all is well

static void say_wrong(const char *what)
{
    wrong = wrong == NULL ? what : wrong;
}

static void restless_step(void)
{
    if (random_below(&step_state, 40) == 0) {
        sim_move((unsigned)random_below(&step_state, SLOTS));
    }
}

// ---- the oracle ----------------------------------------------------------------------------------

/// The first and the last bytes of a block, which a neighbour would spoil. Of a large one also a word of
/// each page, for it may be composed of several mappings.
static void mark(struct shadow *shadow)
{
    size_t edge = shadow->size < EDGE_BYTES ? shadow->size : EDGE_BYTES;
    shadow->seed = random_next(&state);
    for (size_t i = MARK_EVERY; at->large && i + MARK_EVERY < shadow->size; i += MARK_EVERY) {
        block_fill(shadow->block + i, sizeof(uint64_t), shadow->seed + i);
    }
    block_fill(shadow->block, edge, shadow->seed);
    block_fill(shadow->block + shadow->size - edge, edge, shadow->seed + 1);
}

static bool is_marked(const struct shadow *shadow)
{
    size_t edge = shadow->size < EDGE_BYTES ? shadow->size : EDGE_BYTES;
    bool head_is_whole = shadow->size >= 2 * (size_t)EDGE_BYTES; // else the tail wrote over it
    for (size_t i = MARK_EVERY; at->large && i + MARK_EVERY < shadow->size; i += MARK_EVERY) {
        if (!block_holds(shadow->block + i, sizeof(uint64_t), shadow->seed + i)) {
            return false;
        }
    }
    return block_holds(shadow->block + shadow->size - edge, edge, shadow->seed + 1) &&
           (!head_is_whole || block_holds(shadow->block, edge, shadow->seed));
}

static bool overlaps(const struct shadow *a, const struct shadow *b)
{
    return a->block < b->block + b->usable_bytes && b->block < a->block + a->usable_bytes;
}

/// Looks at a block that was just handed out and enters it.
static void admit(const struct shadow *fresh)
{
    struct shadow shadow = *fresh;
    shadow.usable_bytes = acre_heap_usable_size(heaps[shadow.heap], shadow.block);
    if ((uintptr_t)shadow.block % shadow.align != 0) {
        say_wrong("a block is not aligned");
    }
    if (shadow.usable_bytes < shadow.size) {
        say_wrong("a block is smaller than asked for");
    }
    for (size_t i = 0; i < live_count; i++) {
        if (overlaps(&shadow, &live[i])) {
            say_wrong("two live blocks overlap");
            return;
        }
    }
    mark(&shadow);
    live[live_count++] = shadow;
}

static struct shadow remove_any(void)
{
    size_t i = random_below(&state, live_count);
    struct shadow shadow = live[i];
    live[i] = live[--live_count];
    if (!is_marked(&shadow)) {
        say_wrong("a block's contents have changed");
    }
    return shadow;
}

static void check_refusal(void)
{
    if (at->site.options.limit_bytes == 0 && !at->failing) {
        say_wrong("a request was refused though there is memory");
    }
}

static void check_sums(void)
{
    for (unsigned i = 0; i < HEAPS; i++) {
        acre_heap_stats stats;
        size_t blocks = 0;
        size_t bytes = 0;
        acre_heap_get_stats(heaps[i], &stats);
        for (size_t k = 0; k < live_count; k++) {
            blocks += live[k].heap == i ? 1 : 0;
            bytes += live[k].heap == i ? live[k].usable_bytes : 0;
        }
        if (stats.live_blocks != blocks || stats.live_bytes != bytes) {
            say_wrong("statistics disagree with what is live");
        }
        if (stats.limit_bytes != 0 && stats.committed_bytes > stats.limit_bytes) {
            say_wrong("a heap holds more than its limit");
        }
    }
}

static void audit(void)
{
    void (*step)(void) = acre_sim_step;
    acre_sim_step = NULL; // audits and walks are for quiet heaps
    for (unsigned i = 0; i < HEAPS; i++) {
        const char *broken = acre_heap_audit(heaps[i]);
        if (broken != NULL) {
            say_wrong(broken);
        }
    }
    check_sums();
    acre_sim_step = step;
}

// ---- operations ----------------------------------------------------------------------------------

/// Mostly small, but every kind of block is met often.
static size_t random_size(void)
{
    if (at->large && random_below(&state, 2) == 0) {
        return ((size_t)1 << 20) + random_below(&state, (size_t)10 << 20);
    }
    switch (random_below(&state, 16)) {
    case 0:
        return random_below(&state, (size_t)3 << 20);
    case 1:
    case 2:
        return random_below(&state, (size_t)1 << 18);
    case 3:
    case 4:
    case 5:
        return random_below(&state, (size_t)1 << 14);
    default:
        return random_below(&state, 700);
    }
}

static struct shadow random_request(void)
{
    return (struct shadow){
        .size = random_size(), .align = 16, .heap = (unsigned)random_below(&state, HEAPS)};
}

static void do_alloc(void)
{
    struct shadow shadow = random_request();
    shadow.block = acre_heap_alloc(heaps[shadow.heap], shadow.size);
    shadow.block != NULL ? admit(&shadow) : check_refusal();
}

static void do_calloc(void)
{
    struct shadow shadow = random_request();
    size_t count = 1 + random_below(&state, 4);
    shadow.size = shadow.size / count * count;
    shadow.block = acre_heap_calloc(heaps[shadow.heap], count, shadow.size / count);
    if (shadow.block == NULL) {
        check_refusal();
        return;
    }
    if (!block_is_zero(shadow.block, shadow.size)) {
        say_wrong("calloc returned memory that is not zero");
    }
    admit(&shadow);
}

static void do_aligned(void)
{
    struct shadow shadow = random_request();
    shadow.align = (size_t)16 << random_below(&state, 18); // up to 2 MiB
    shadow.block = acre_heap_aligned(heaps[shadow.heap], shadow.align, shadow.size);
    shadow.block != NULL ? admit(&shadow) : check_refusal();
}

static void do_free(void)
{
    struct shadow shadow = remove_any();
    acre_heap *heap = heaps[shadow.heap];
    switch (random_below(&state, 3)) {
    case 0:
        acre_heap_free_aligned_sized(heap, shadow.block, shadow.align, shadow.size);
        break;
    default:
        acre_heap_free(heap, shadow.block);
        break;
    }
}

static void do_realloc(void)
{
    struct shadow shadow = remove_any();
    size_t size =
        random_below(&state, 3) == 0 ? random_size() : shadow.size + random_below(&state, 9000);
    size_t kept = size < shadow.size ? size : shadow.size;
    kept = kept < EDGE_BYTES ? kept : EDGE_BYTES;
    bool whole_head = shadow.size >= 2 * EDGE_BYTES;
    unsigned char *moved = acre_heap_realloc(heaps[shadow.heap], shadow.block, size);
    if (moved == NULL) {
        check_refusal();
        live[live_count++] = shadow; // it must be live still, and unchanged
        return;
    }
    if (whole_head && !block_holds(moved, kept / 8 * 8, shadow.seed)) {
        say_wrong("realloc did not keep the contents");
    }
    shadow.block = moved;
    shadow.size = size;
    shadow.align = 16;
    admit(&shadow);
}

static void do_look(void)
{
    const struct shadow *shadow = &live[random_below(&state, live_count)];
    if (acre_heap_usable_size(heaps[shadow->heap], shadow->block) != shadow->usable_bytes) {
        say_wrong("a usable size has changed");
    }
    if (!is_marked(shadow)) {
        say_wrong("a block's contents have changed");
    }
}

/// What happens around the heap rather than to it.
static void do_weather(void)
{
    unsigned heap = (unsigned)random_below(&state, HEAPS);
    switch (random_below(&state, 8)) {
    case 0:
        (void)acre_heap_trim(heaps[heap], random_below(&state, 2) * ((size_t)1 << 20));
        break;
    case 1:
        acre_sim.claims[random_below(&state, SLOTS)] = (acre_claim)random_below(&state, 3);
        break;
    case 2:
        acre_sim.barrier_fails = random_below(&state, 4) == 0;
        break;
    case 3:
        acre_sim.cas_fail_at = acre_sim.cas_count + 1 + (uint32_t)random_below(&state, 8);
        break;
    case 4:
        if (at->failing) {
            pages_sim_heal(&sim);
            // Not releases: of a range whose release is refused, the addresses may be lost.
            sim.fail_at[random_below(&state, 3)] = 1 + random_below(&state, 6);
            sim.fail_at[SIM_REMAP] = 1 + random_below(&state, 3);
            sim.fail_at[SIM_MOVE] =
                20 * random_below(&state, 2); // a heap that meets it moves no more
            sim.move_leaves_hole = random_below(&state, 2) == 0;
            sim.fail_on = random_below(&state, 8) == 0;
        }
        break;
    default:
        sim_move((unsigned)random_below(&state, SLOTS));
        break;
    }
}

/// Phases in which the heap grows, shrinks or stays.
static void do_step(unsigned step)
{
    size_t wanted = (size_t)(LIVE_MAX / (at->large ? 24 : 4)) * (step / 500 % 4);
    size_t dice = random_below(&state, 16);
    bool grow = live_count < LIVE_MAX && (live_count == 0 || dice < (live_count < wanted ? 9 : 5));
    if (random_below(&state, 12) == 0) {
        do_weather();
    } else if (grow) {
        void (*const ways[])(void) = {do_alloc, do_alloc, do_alloc, do_calloc, do_aligned};
        ways[random_below(&state, sizeof(ways) / sizeof(ways[0]))]();
    } else if (live_count != 0) {
        void (*const ways[])(void) = {do_free, do_free, do_free, do_realloc, do_look};
        ways[random_below(&state, sizeof(ways) / sizeof(ways[0]))]();
    }
}

// ---- cases ---------------------------------------------------------------------------------------

static const char *end_model(void)
{
    acre_sim_step = NULL;
    pages_sim_heal(&sim);
    while (live_count != 0) {
        do_free();
    }
    for (unsigned i = 0; i < HEAPS && wrong == NULL; i++) {
        (void)acre_heap_trim(heaps[i], 0);
        audit();
    }
    for (unsigned i = 0; i < HEAPS; i++) {
        acre_heap_destroy(heaps[i]);
    }
    return wrong != NULL ? wrong : source_left_over();
}

static void run_model(const struct model_site *site)
{
    at = site;
    state = t_seed(0x5eed + site->site.page_bytes) | 1;
    step_state = state ^ 0xfeed;
    wrong = NULL;
    live_count = 0;
    t_say_number("seed", state);
    heap_open_at(&site->site);
    T_EXPECT(subject != NULL);
    heaps[0] = subject;
    T_EXPECT(acre_heap_create(&sim.pages, &site->site.options, &heaps[1]) == ACRE_OK);
    acre_sim_step = site->restless ? restless_step : NULL;
    for (unsigned step = 0; step < site->steps && wrong == NULL; step++) {
        do_step(step);
        if (step % AUDIT_EVERY == 0) {
            audit();
        }
        if (wrong != NULL) {
            t_say_number("step", step);
        }
    }
    T_EXPECT_SOUND(wrong);
    T_EXPECT(!site->large || site->failing || sim.calls[SIM_MOVE] >= 20); // blocks were composed
    T_EXPECT_SOUND(end_model());
}

static const size_t mib = (size_t)1 << 20;

static void model_on_pages_of_4_kib(void)
{
    run_model(&(struct model_site){.site = {.page_bytes = 4096}, .steps = 6000});
}

static void model_on_pages_of_16_kib(void)
{
    run_model(&(struct model_site){.site = {.page_bytes = 16384}, .steps = 6000});
}

static void model_on_pages_of_64_kib(void)
{
    run_model(&(struct model_site){.site = {.page_bytes = 65536}, .steps = 6000});
}

static void model_on_pages_of_256_bytes(void)
{
    run_model(&(struct model_site){.site = {.page_bytes = 256}, .steps = 3000});
}

static void model_without_remap(void)
{
    run_model(&(struct model_site){.site = {.page_bytes = 4096, .no_remap = true}, .steps = 6000});
}

static void model_within_a_limit(void)
{
    run_model(&(struct model_site){
        .site = {.page_bytes = 4096, .options = {.limit_bytes = 12 * mib}}, .steps = 6000});
}

static void model_with_strays(void)
{
    run_model(&(struct model_site){
        .site = {.page_bytes = 4096, .options = {.span_bytes = 1}}, .steps = 6000});
}

static void model_that_keeps_memory(void)
{
    run_model(&(struct model_site){
        .site = {.page_bytes = 4096, .options = {.flags = ACRE_HEAP_KEEP}}, .steps = 6000});
}

static void model_moved_at_any_step(void)
{
    run_model(&(struct model_site){.site = {.page_bytes = 4096}, .steps = 12000, .restless = true});
}

static void model_on_a_failing_source(void)
{
    run_model(&(struct model_site){.site = {.page_bytes = 4096}, .steps = 9000, .failing = true});
}

static void model_of_large_blocks(void)
{
    run_model(&(struct model_site){.site = {.page_bytes = 4096}, .steps = 3000, .large = true});
}

static void model_of_large_blocks_within_a_limit(void)
{
    run_model(&(struct model_site){
        .site = {.page_bytes = 65536, .options = {.limit_bytes = 60 * mib}},
        .steps = 3000,
        .large = true});
}

static void model_of_large_blocks_on_a_failing_source(void)
{
    run_model(&(struct model_site){
        .site = {.page_bytes = 16384},
        .steps = 3000,
        .restless = true,
        .failing = true,
        .large = true});
}

static void model_with_everything_at_once(void)
{
    run_model(&(struct model_site){
        .site = {.page_bytes = 16384, .options = {.limit_bytes = 20 * mib, .span_bytes = 8 * mib}},
        .steps = 9000,
        .restless = true,
        .failing = true});
}

T_MAIN(
    T_CASE(model_on_pages_of_4_kib), T_CASE(model_on_pages_of_16_kib),
    T_CASE(model_on_pages_of_64_kib), T_CASE(model_on_pages_of_256_bytes),
    T_CASE(model_without_remap), T_CASE(model_within_a_limit), T_CASE(model_with_strays),
    T_CASE(model_that_keeps_memory), T_CASE(model_moved_at_any_step), T_CASE(model_of_large_blocks),
    T_CASE(model_of_large_blocks_within_a_limit), T_CASE(model_of_large_blocks_on_a_failing_source),
    T_CASE(model_on_a_failing_source), T_CASE(model_with_everything_at_once))
