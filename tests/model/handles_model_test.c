// handles_model_test.c - random operations on a heap of handles beside a model that knows which are valid, what
// blocks hold, and where pinned ones are. That make_room moves as little as possible is compared with
// a search of all stretches.
// SPDX-License-Identifier: MIT
#include "acre/handles.h"
#include "pools/handles.h"
#include "unit/fixture.h"

enum { COUNT = 60, STEPS = 20000, ROOM = 12000 };

static _Alignas(16) unsigned char memory[ROOM + COUNT * 64 + 512];

static struct model {
    acre_handles *heap;
    uint64_t seed;
    struct {
        acre_handle handle; // 0: none
        size_t size;
        uint64_t fill;
        void *pinned; // where, or NULL
        unsigned refs;
        bool purgeable;
    } blocks[COUNT];
    acre_handle stale;
    bool automatic;
} model;

static size_t random_size(void)
{
    return random_below(&model.seed, random_below(&model.seed, 6) == 0 ? 1500 : 250);
}

static void fill(size_t i)
{
    unsigned char *data =
        handles_data(model.heap, handles_slot(model.heap, model.blocks[i].handle));
    model.blocks[i].fill = random_next(&model.seed);
    if (model.blocks[i].size != 0) {
        block_fill(data, model.blocks[i].size, model.blocks[i].fill);
    }
}

static const char *check(size_t i)
{
    acre_handle handle = model.blocks[i].handle;
    if (handle == 0) {
        return NULL;
    }
    if (!acre_handles_is_valid(model.heap, handle)) {
        return "a live handle is stale";
    }
    if (model.blocks[i].purgeable && acre_handles_is_purged(model.heap, handle)) {
        model.blocks[i].size = 0;
    }
    if (acre_handles_size(model.heap, handle) != model.blocks[i].size) {
        return "a block has another size";
    }
    const void *data = acre_handles_peek(model.heap, handle, 0, model.blocks[i].size);
    if (model.blocks[i].size != 0 &&
        !block_holds(data, model.blocks[i].size, model.blocks[i].fill)) {
        return "a block holds something else";
    }
    return model.blocks[i].pinned != NULL && model.blocks[i].pinned != data
               ? "a pinned block has moved"
               : NULL;
}

static const char *step_new(size_t i)
{
    if (model.blocks[i].handle != 0) {
        return NULL;
    }
    size_t size = random_size();
    acre_handles_stats before;
    acre_handles_get_stats(model.heap, &before);
    acre_handle handle = acre_handles_new(
        model.heap, size, random_below(&model.seed, 5) == 0 ? ACRE_HANDLE_HIGH : 0);
    size_t possible = model.automatic ? before.largest_compacted_bytes : before.largest_bytes;
    if (handle == 0) {
        return size <= possible ? "no room though there is" : NULL;
    }
    model.blocks[i].handle = handle;
    model.blocks[i].size = size;
    model.blocks[i].pinned = NULL;
    model.blocks[i].refs = 1;
    model.blocks[i].purgeable = false;
    fill(i);
    return NULL;
}

static const char *step_drop(size_t i)
{
    acre_handle handle = model.blocks[i].handle;
    if (handle == 0) {
        return NULL;
    }
    bool last = model.blocks[i].refs == 1;
    bool gone = acre_handles_unref(model.heap, handle) == ACRE_OK;
    if (gone != !(last && model.blocks[i].pinned != NULL)) {
        return "dropping a reference went wrong";
    }
    model.blocks[i].refs -= gone ? 1 : 0;
    if (gone && last) {
        model.stale = handle;
        model.blocks[i].handle = 0;
    }
    return acre_handles_is_valid(model.heap, handle) == (gone && last) ? "freed or not freed"
                                                                       : NULL;
}

static const char *step_resize(size_t i)
{
    if (model.blocks[i].handle == 0) {
        return NULL;
    }
    size_t size = random_size();
    size_t kept = size < model.blocks[i].size ? size : model.blocks[i].size;
    if (acre_handles_resize(model.heap, model.blocks[i].handle, size) != ACRE_OK) {
        return check(i);
    }
    if (acre_handles_size(model.heap, model.blocks[i].handle) != size) {
        return "resizing set another size";
    }
    const void *data = acre_handles_peek(model.heap, model.blocks[i].handle, 0, kept);
    bool purged = false;
    if (kept >= 8 && !block_holds(data, kept / 8 * 8, model.blocks[i].fill)) {
        purged = model.blocks[i].purgeable; // it may have been purged before
        if (!purged) {
            return "resizing lost contents";
        }
    }
    model.blocks[i].size = size;
    fill(i);
    return model.blocks[i].pinned != NULL && model.blocks[i].pinned != data ? "moved by a resize"
                                                                            : NULL;
}

static void step_pin(size_t i)
{
    acre_handle handle = model.blocks[i].handle;
    if (handle == 0) {
        return;
    }
    if (model.blocks[i].pinned != NULL) {
        (void)acre_handles_unpin(model.heap, handle);
        model.blocks[i].pinned = NULL;
    } else if (random_below(&model.seed, 3) == 0) {
        model.blocks[i].pinned = acre_handles_pin(model.heap, handle);
    }
}

/// The fewest bytes that lie between holes of `units` together, by trying all stretches.
static size_t cheapest(uint32_t units)
{
    const acre_handles *heap = model.heap;
    size_t best = SIZE_MAX;
    uint32_t rear = HANDLES_NONE;
    do {
        size_t sum = 0;
        size_t cost = 0;
        for (uint32_t at = rear;; at = handles_after(heap, at)) {
            if (at != rear) {
                if (heap->slots[at].pins != 0) {
                    break;
                }
                cost += heap->slots[at].size;
            }
            sum += handles_start(heap, handles_after(heap, at)) - handles_end(heap, at);
            best = sum >= units && cost < best ? cost : best;
            if (handles_after(heap, at) == HANDLES_NONE) {
                break;
            }
        }
        rear = handles_after(heap, rear);
    } while (rear != HANDLES_NONE);
    return best;
}

static const char *step_room(void)
{
    size_t size = random_below(&model.seed, 3000) + 1;
    size_t most =
        random_below(&model.seed, 2) == 0 ? SIZE_MAX - 1 : random_below(&model.seed, 3000);
    size_t best = cheapest((uint32_t)((size + 7) / 8));
    acre_handles_stats before;
    acre_handles_stats after;
    acre_handles_get_stats(model.heap, &before);
    bool made = acre_handles_make_room(model.heap, size, most) == ACRE_OK;
    acre_handles_get_stats(model.heap, &after);
    size_t moved = after.moved_bytes - before.moved_bytes;
    if (made != (best <= most)) {
        return "room was refused that could be had, or made for more than was allowed";
    }
    if (made && (moved != best || after.largest_bytes < size)) {
        return "more was moved than necessary, or the room is not there";
    }
    return !made && moved != 0 ? "blocks were moved in vain" : NULL;
}

static const char *step_compact(void)
{
    size_t most = random_below(&model.seed, 2000);
    size_t moved = acre_handles_compact(model.heap, most);
    if (moved > most && moved > 1500) {
        return "more was moved than allowed";
    }
    if (random_below(&model.seed, 10) == 0) {
        while (acre_handles_compact(model.heap, 300) != 0) {
        }
    }
    return NULL;
}

static const char *step(void)
{
    size_t i = random_below(&model.seed, COUNT);
    size_t choice = random_below(&model.seed, 1000);
    if (choice < 320) {
        return step_new(i);
    }
    if (choice < 560) {
        return step_drop(i);
    }
    if (choice < 760) {
        return step_resize(i);
    }
    if (choice < 860) {
        step_pin(i);
        return NULL;
    }
    if (choice < 920) {
        return step_room();
    }
    if (choice < 960) {
        return step_compact();
    }
    if (model.blocks[i].handle != 0 && choice < 980) {
        model.blocks[i].refs += acre_handles_ref(model.heap, model.blocks[i].handle) == ACRE_OK;
        model.blocks[i].purgeable = true;
        (void)acre_handles_set_purgeable(model.heap, model.blocks[i].handle, (uint32_t)i);
    }
    return acre_handles_is_valid(model.heap, model.stale) ? "a stale handle is valid" : NULL;
}

static void handles_do_what_the_model_does(void)
{
    static const unsigned flags[] = {0, ACRE_HANDLES_AUTO, ACRE_HANDLES_AUTO | ACRE_HANDLES_STRESS};
    uint64_t seed = t_seed(20261120);
    t_say_number("seed", seed);
    for (size_t kind = 0; kind < 3; kind++) {
        model = (struct model){.seed = seed + kind, .automatic = kind != 0};
        acre_handles_options options = {.count = COUNT, .flags = flags[kind]};
        size_t bytes =
            sizeof(acre_handles) + COUNT * sizeof(struct handle_slot) + (kind == 0 ? 8000 : 6000);
        T_EXPECT(bytes <= sizeof(memory));
        T_EXPECT(acre_handles_init(memory, bytes, &options, &model.heap) == ACRE_OK);
        for (unsigned done = 0; done < STEPS; done++) {
            T_EXPECT_SOUND(step());
            T_EXPECT_SOUND(acre_handles_audit(model.heap));
            for (size_t i = 0; i < COUNT; i++) {
                T_EXPECT_SOUND(check(i));
            }
        }
        t_say_number("bytes moved", model.heap->moved_bytes);
        T_EXPECT(model.heap->moved_bytes > 100000);
    }
}

T_MAIN(T_CASE(handles_do_what_the_model_does))
