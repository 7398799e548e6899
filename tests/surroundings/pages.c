// pages.c - the machine's pages are not of 4 KiB: blocks of every kind, contents, resizes, what is given back and
// comes again as zero. Run by pages.py, which also looks at the system calls between two that do nothing.
// usage: pages [PAGE_BYTES]
// SPDX-License-Identifier: MIT
#include "../conform/process.h"
#include "../hosted/traffic.h"

#define THREADS 3
#define MIB     ((size_t)1 << 20)

static size_t page_bytes;

static void blocks_of_all_sizes_keep_their_contents(void)
{
    size_t count;
    const size_t *sizes = conform_sizes(&count);
    for (size_t i = 0; i < count; i++) {
        size_t size = sizes[i];
        unsigned char *block = opaque(calloc(1, size));
        if (!CHECK_AT(block != NULL && conform_all(block, size, 0), size)) {
            continue;
        }
        conform_fill(block, size, i);
        unsigned char *other = opaque(malloc(size));
        memset(other, 0xee, size);
        block = opaque(realloc(opaque(block), size + size / 2));
        (void)CHECK_AT(block != NULL && conform_filled(block, size, i), size);
        block = opaque(realloc(opaque(block), size / 3 + 1));
        (void)CHECK_AT(block != NULL && conform_filled(block, size / 3 + 1, i), size);
        free(block);
        (void)CHECK_AT(conform_all(other, size, 0xee), size);
        free(other);
    }
}

static void huge_blocks_are_whole_pages(void)
{
    for (size_t size = 2 * MIB + 1; size < 40 * MIB; size += size / 3) {
        void *block = opaque(malloc(size));
        (void)CHECK_AT(conform_aligned(block, page_bytes), size);
        (void)CHECK_AT(malloc_usable_size(block) % page_bytes == 0, size);
        free(block);
    }
}

static void page_functions_mean_the_machines_page(void)
{
    for (size_t size = 1; size < 200000; size += size / 2 + 1) {
        void *block = opaque(valloc(size));
        (void)CHECK_AT(conform_aligned(block, page_bytes), size);
        free(block);
        block = opaque(pvalloc(size));
        size_t whole = (size + page_bytes - 1) / page_bytes * page_bytes;
        (void)CHECK_AT(conform_aligned(block, page_bytes), size);
        (void)CHECK_AT(malloc_usable_size(block) >= whole, size);
        memset(block, 1, whole);
        free(block);
    }
}

static void what_was_given_back_reads_as_zero(void)
{
    enum { BLOCKS = 24000 };
    static unsigned char *blocks[BLOCKS];
    for (unsigned round = 0; round < 2; round++) {
        for (size_t i = 0; i < BLOCKS; i++) {
            size_t size = i % 500 == 0 ? 300000 : 1000;
            blocks[i] = opaque(calloc(1, size));
            if (!CHECK_AT(blocks[i] != NULL && conform_all(blocks[i], size, 0), i)) {
                return;
            }
            memset(blocks[i], (int)(i | 1), size);
        }
        // Long stretches are free, and single blocks live among them.
        for (size_t i = 0; i < BLOCKS; i++) {
            if (i % 700 != 1) {
                free(blocks[i]);
            }
        }
        (void)CHECK(malloc_trim(0) == 1 || !conform_on_acre());
        for (size_t i = 1; i < BLOCKS; i += 700) {
            (void)CHECK_AT(conform_all(blocks[i], 1000, (unsigned char)(i | 1)), i);
            free(blocks[i]);
        }
        unsigned char *runs = opaque(calloc(1, 900000));
        (void)CHECK(conform_all(runs, 900000, 0));
        free(runs);
    }
}

static void threads_share_blocks(void)
{
    static struct traffic traffic;
    pthread_t threads[THREADS];
    traffic.size_log2_max = 22;
    traffic.seed = 20261120;
    traffic.steps = 3000;
    traffic_start(&traffic, threads, THREADS);
    traffic_end(&traffic, threads, THREADS);
    traffic_clear(&traffic);
}

int main(int argument_count, char **arguments)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(blocks_of_all_sizes_keep_their_contents),
        CONFORM_CASE(huge_blocks_are_whole_pages),
        CONFORM_CASE(page_functions_mean_the_machines_page),
        CONFORM_CASE(what_was_given_back_reads_as_zero),
        CONFORM_CASE(threads_share_blocks),
    };
    page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    if (argument_count == 2) {
        (void)CHECK(page_bytes == strtoull(arguments[1], NULL, 10));
    }
    conform_say("# pages of %zu bytes", page_bytes);
    (void)getppid(); // the mark
    int status = conform_main(cases, sizeof(cases) / sizeof(cases[0]));
    (void)getppid();
    return status;
}
