// rt_init.c - making an rt heap, and the sums about one: what it needs, and how long it may take.
//
//     meta: | struct acre_rt | posts | index: tree or lists | starts | edges |
//
// Nothing here divides: small machines have no instruction for it.
// SPDX-License-Identifier: MIT
#include "pools/rt_bounds.h"
#include "pools/rt_engine.h"
#include "pools/rt_special.h"

_Static_assert(sizeof(struct acre_rt) <= ACRE_RT_HEADER_BYTES, "what ACRE_RT_META_BYTES counts");
_Static_assert(sizeof(struct rt_lists) <= 244, "what ACRE_RT_META_BYTES counts");
_Static_assert(sizeof(struct rt_lists_wide) <= 864, "what ACRE_RT_META_BYTES counts");
_Static_assert(RT_NARROW_MAX == 65502, "what the documents say");

_Static_assert(
    (ACRE_RT_PARTS & (RT_WITH_EXACT | RT_WITH_QUICK | RT_WITH_TIGHT)) != 0, "one engine at least");

/// How a heap is laid out: offsets from its struct, in bytes.
struct plan {
    uint32_t granules;
    uint32_t tree_leaf;
    unsigned granule_log2;
    acre_rt_engine engine;
    uint32_t post_count;
    bool wide;
    size_t posts;
    size_t index;
    size_t starts;
    size_t edges;
    size_t meta_bytes;
};

static const acre_rt_options default_options;
static const size_t granules_max =
    (ACRE_RT_PARTS & RT_WITH_WIDE) != 0 ? RT_WIDE_MAX : RT_NARROW_MAX;

/// Reads options into a plan. False if one is out of range.
static bool plan_options(const acre_rt_options *options, struct plan *plan)
{
    size_t granule = options->granule_bytes;
    if (granule == 0) {
        granule = sizeof(void *) > 4 ? 16 : 8;
    }
    static const uint8_t with[] = {RT_WITH_EXACT, RT_WITH_QUICK, RT_WITH_TIGHT};
    const bool special =
        options->hooks != NULL || options->check_level != 0 || options->post_count != 0;
    if ((unsigned)options->engine > ACRE_RT_TIGHT || (ACRE_RT_PARTS & with[options->engine]) == 0 ||
        (special && (ACRE_RT_PARTS & RT_WITH_SPECIAL) == 0) || !is_power_of_two(granule) ||
        granule < 8 || granule > 65536 || options->check_level > ACRE_RT_CHECK_ALL ||
        (options->post_count & (options->post_count - 1)) != 0 || options->post_count > 1u << 16) {
        return false;
    }
    *plan = (struct plan){
        .granule_log2 = lowest_bit((word)granule),
        .engine = options->engine,
        .post_count = options->post_count,
    };
    return true;
}

static size_t index_bytes(struct plan *plan)
{
    if (plan->engine == ACRE_RT_QUICK) {
        return plan->wide ? sizeof(struct rt_lists_wide) : sizeof(struct rt_lists);
    }
    const size_t words = (plan->granules + 31) >> 5;
    uint32_t leaf = RT_TREE_LEVEL_1;
    for (size_t leaves = 4; leaves < words; leaves <<= 2) {
        leaf = (leaf - 2) << 2;
    }
    plan->tree_leaf = leaf - 1; // the first leaf is that of word 1
    return (leaf + ((words + 3) & ~(size_t)3)) << (plan->wide ? 2 : 1);
}

/// Lays out a heap for so many granules. False if there can be none.
static bool plan_granules(struct plan *plan, size_t granules)
{
    if (granules == 0 || granules > granules_max) {
        return false;
    }
    plan->granules = (uint32_t)granules;
    plan->wide = granules > RT_NARROW_MAX;
    if (plan->wide && plan->engine == ACRE_RT_QUICK && plan->granule_log2 < 4) {
        return false;
    }
    const size_t words = ((granules + RT_POSITION_FIRST) >> 5) + 2;
    plan->posts = round_up(sizeof(struct acre_rt), sizeof(uintptr_t));
    plan->index = plan->posts;
    if (plan->post_count != 0) {
        plan->index += sizeof(struct rt_posts) + plan->post_count * sizeof(uintptr_t);
    }
    plan->starts = round_up(plan->index + index_bytes(plan), sizeof(uint32_t));
    plan->edges = plan->starts + words * sizeof(uint32_t);
    plan->meta_bytes = plan->edges + words * sizeof(uint32_t);
    return true;
}

size_t acre_rt_meta_bytes(size_t bytes, const acre_rt_options *options)
{
    struct plan plan;
    if (!plan_options(options != NULL ? options : &default_options, &plan) ||
        !plan_granules(&plan, bytes >> plan.granule_log2)) {
        return 0;
    }
    return plan.meta_bytes;
}

static const struct rt_engine *engine_of(const struct plan *plan)
{
    // What is left out is not named, so that no linker finds it.
    const struct rt_engine *exact = (ACRE_RT_PARTS & RT_WITH_EXACT) != 0 ? &rt_exact_engine : NULL;
    const struct rt_engine *tight = (ACRE_RT_PARTS & RT_WITH_TIGHT) != 0 ? &rt_tight_engine : NULL;
    const struct rt_engine *quick = (ACRE_RT_PARTS & RT_WITH_QUICK) != 0 ? &rt_quick_engine : NULL;
    if ((ACRE_RT_PARTS & RT_WITH_WIDE) != 0 && plan->wide) {
        exact = exact != NULL ? &rt_exact_wide_engine : NULL;
        tight = tight != NULL ? &rt_tight_wide_engine : NULL;
        quick = quick != NULL ? &rt_quick_wide_engine : NULL;
    }
    return plan->engine == ACRE_RT_QUICK ? quick : plan->engine == ACRE_RT_TIGHT ? tight : exact;
}

static acre_rt *build(
    const struct plan *plan, const acre_rt_options *options, unsigned char *meta, uintptr_t range)
{
    acre_rt *rt = (void *)meta;
    __builtin_memset(meta, 0, plan->meta_bytes);
    rt->engine = engine_of(plan);
    rt->base = range - ((uintptr_t)RT_POSITION_FIRST << plan->granule_log2);
    rt->starts = (void *)(meta + plan->starts);
    rt->edges = (void *)(meta + plan->edges);
    rt->index = meta + plan->index;
    rt->tree_leaf = plan->tree_leaf;
    rt->granules = plan->granules;
    rt->granule_log2 = (uint8_t)plan->granule_log2;
    rt->engine_id = (uint8_t)plan->engine;
    rt->check_level = (uint8_t)options->check_level;
    rt->hooks = options->hooks;
    if (plan->post_count != 0) {
        rt->posts = (void *)(meta + plan->posts);
        rt->posts->mask = plan->post_count - 1;
    }
    rt->special = rt->hooks != NULL || rt->posts != NULL || rt->check_level != 0;
    rt->engine->start(rt);
    return rt;
}

acre_status acre_rt_init_split(
    void *meta, size_t meta_bytes, void *memory, size_t bytes, const acre_rt_options *options,
    acre_rt **out)
{
    struct plan plan;
    options = options != NULL ? options : &default_options;
    if (!plan_options(options, &plan) || ((uintptr_t)meta & (sizeof(void *) - 1)) != 0 ||
        ((uintptr_t)memory & (((uintptr_t)1 << plan.granule_log2) - 1)) != 0) {
        return ACRE_BAD_ARGUMENT;
    }
    if (!plan_granules(&plan, bytes >> plan.granule_log2) || plan.meta_bytes > meta_bytes) {
        return ACRE_NO_MEMORY;
    }
    *out = build(&plan, options, meta, (uintptr_t)memory);
    return ACRE_OK;
}

/// Whether so many granules and their bookkeeping fit between two addresses; the range comes last.
static bool plan_fits(struct plan *plan, uintptr_t from, uintptr_t end, size_t granules)
{
    if (!plan_granules(plan, granules) || plan->meta_bytes > end - from) {
        return false;
    }
    uintptr_t range = round_up(from + plan->meta_bytes, (size_t)1 << plan->granule_log2);
    return range >= from && range <= end && (end - range) >> plan->granule_log2 >= granules;
}

acre_status acre_rt_init(void *block, size_t bytes, const acre_rt_options *options, acre_rt **out)
{
    struct plan plan;
    options = options != NULL ? options : &default_options;
    if (!plan_options(options, &plan)) {
        return ACRE_BAD_ARGUMENT;
    }
    uintptr_t from = round_up((uintptr_t)block, sizeof(void *));
    uintptr_t end = (uintptr_t)block + bytes;
    if (from < (uintptr_t)block || end < from) {
        return ACRE_NO_MEMORY;
    }
    // The most granules that fit, by halving. What no pool may have does not fit either, so a range that
    // is larger than the largest pool is used as far as that goes.
    size_t most = 0;
    for (size_t step = RT_WIDE_MAX; step != 0; step >>= 1) {
        if (plan_fits(&plan, from, end, most + step)) {
            most += step;
        }
    }
    if (!plan_fits(&plan, from, end, most)) {
        return ACRE_NO_MEMORY;
    }
    uintptr_t range = round_up(from + plan.meta_bytes, (size_t)1 << plan.granule_log2);
    *out = build(&plan, options, (void *)from, range);
    return ACRE_OK;
}

// ---- sums ------------------------------------------------------------------------------------------

/// a / b rounded down, without a division; b is not 0.
static size_t quotient(size_t a, size_t b)
{
    size_t result = 0;
    for (unsigned shift = WORD_BITS; shift-- > 0;) {
        if (a >> shift >= b) {
            a -= b << shift;
            result |= (size_t)1 << shift;
        }
    }
    return result;
}

/// Bytes of `granules` and half of that once for each of `halves`; 0 if no machine has so many.
static size_t scaled(size_t granules, size_t halves, unsigned granule_log2)
{
    size_t all;
    if (!mul_size(granules, halves, &all)) {
        return 0;
    }
    all = (all >> 1) + (all & 1);
    return all > SIZE_MAX >> granule_log2 ? 0 : all << granule_log2;
}

size_t acre_rt_need(
    size_t live_bytes, size_t max_bytes, size_t min_bytes, const acre_rt_options *options)
{
    struct plan plan;
    if (!plan_options(options != NULL ? options : &default_options, &plan) || min_bytes == 0 ||
        min_bytes > max_bytes || max_bytes > live_bytes) {
        return 0;
    }
    const unsigned shift = plan.granule_log2;
    // A block wastes less than a granule, and there are at most live / min of them.
    size_t blocks = quotient(live_bytes, min_bytes);
    size_t waste;
    size_t live;
    if (!mul_size(blocks, ((size_t)1 << shift) - 1, &waste) ||
        !add_size(live_bytes, waste, &live)) {
        return 0;
    }
    live >>= shift;
    size_t most = ((max_bytes - 1) >> shift) + 1;
    if (live < most) {
        live = most;
    }
    if (plan.engine == ACRE_RT_EXACT) {
        unsigned log2 = most == 1 ? 0 : highest_bit((word)most - 1) + 1;
        return scaled(live, most == 1 ? 2 : 3 + 2 * (size_t)log2, shift);
    }
    // Every hole is shorter than what would serve, and between two holes there is a block.
    size_t hole = plan.engine == ACRE_RT_TIGHT ? most - 1 : most + (most >> 3) + 1;
    size_t holes;
    if (!mul_size(live + 1, hole, &holes) || !add_size(holes, live, &holes)) {
        return 0;
    }
    return scaled(holes, 2, shift);
}

acre_rt_bound acre_rt_wcet(const acre_rt *rt)
{
    acre_rt_bound bound = {.target = RT_BOUND_TARGET};
    const bool wide = rt->granules > RT_NARROW_MAX;
    const struct rt_bound *row = &rt_bounds[rt->engine_id * 2u + (wide ? 1u : 0u)];
    uint32_t levels = 0;
    if (rt->engine_id != ACRE_RT_QUICK) {
        for (uint32_t node = rt->tree_leaf + 1; node > RT_TREE_ROOT; node = (node >> 2) + 2) {
            levels += 1;
        }
        levels -= 1; // the bound without levels has one
    }
    if (bound.target != NULL) {
        bound.alloc_instructions = row->alloc + levels * row->alloc_level;
        bound.free_instructions = row->free + levels * row->free_level;
    }
    return bound;
}
