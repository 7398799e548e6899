// overlap.c - no misuse ever makes two live blocks overlap: every misuse at every kind of block, as
// a table.
//
// Each cell is a child process: it takes 64 blocks, commits the misuse, then allocates on and
// compares all memory that it holds. Runs on any malloc, to compare them.
//
//   STOP  the allocator ended the program        segv  a memory fault ended it
//   DUP   two live blocks overlap                -     nothing seen        hang  did not end
//
// On acre, DUP and hang fail the test, and so do fewer cases stopped (or faulted) than glibc 2.36
// stops of the 24 small and 11 large ones that such comparisons usually judge; those have a mark.
// On another malloc the table is printed and nothing fails.
// SPDX-License-Identifier: MIT
#include "../conform/process.h"
#include "misuse.h"

#define CELL_DUP         10
#define SMALL_STOPS_MIN  18
#define LARGE_STOPS_MIN  7
#define SECONDS_PER_CELL 20

enum { SMALL = 1, LARGE = 2, HUGE = 4, ALL = 7 };

static const size_t column_sizes[] = {16, 48, 1000, 16000, 300000, 8 << 20};
#define COLUMNS (sizeof(column_sizes) / sizeof(column_sizes[0]))

struct row {
    const char *name;
    void (*commit)(struct scene *);
    unsigned kinds;  // which columns it makes sense for
    size_t size_min; // and of these, from which size on
    unsigned judged; // SMALL: counted at 48 bytes; LARGE: counted at 300000
};

static const struct row rows[] = {
    {"double free, at once", misuse_double_free, ALL, 0, SMALL | LARGE},
    {"double free, one between", misuse_double_free_between, ALL, 0, SMALL | LARGE},
    {"double free, 200 frees later", misuse_double_free_late, ALL, 0, SMALL},
    {"double free, 2nd in other thread", misuse_double_free_thread, ALL, 0, SMALL | LARGE},
    {"double free, two threads race", misuse_double_free_race, ALL, 0, SMALL},
    {"free(p+16)", misuse_free_inside_16, ALL, 17, SMALL | LARGE},
    {"free(p+1)", misuse_free_inside_1, ALL, 0, SMALL},
    {"free(stack)", misuse_free_stack, SMALL, 0, SMALL},
    {"free(global)", misuse_free_global, SMALL, 0, SMALL},
    {"free(unmapped address)", misuse_free_unmapped, SMALL, 0, SMALL},
    {"free(0x10)", misuse_free_tiny, SMALL, 0, SMALL},
    {"free(program's own mmap)", misuse_free_mapping, SMALL, 0, SMALL},
    {"overflow 1 byte past the request", misuse_overflow_request, SMALL, 0, SMALL},
    {"overflow 1 byte past usable size", misuse_overflow_1, ALL, 0, SMALL | LARGE},
    {"overflow 16 bytes past usable", misuse_overflow_16, ALL, 0, SMALL | LARGE},
    {"same, 64 neighbours then freed", misuse_overflow_then_free_all, ALL, 0, SMALL},
    {"underflow 1 byte", misuse_underflow_1, ALL, 0, SMALL | LARGE},
    {"underflow 16 bytes", misuse_underflow_16, ALL, 0, SMALL},
    {"write after free", misuse_write_after_free, ALL, 0, SMALL | LARGE},
    {"sized delete, wrong size", misuse_sized_delete, ALL, 0, SMALL | LARGE},
    {"realloc of a freed block", misuse_realloc_freed, ALL, 0, SMALL | LARGE},
    {"realloc(p+16)", misuse_realloc_inside, ALL, 17, SMALL},
    {"usable_size of a freed block", misuse_usable_size_freed, ALL, 0, SMALL},
    {"write into malloc(0)", misuse_write_into_nothing, SMALL, 0, SMALL},
    {"free(p+4096)", misuse_free_page_inside, LARGE | HUGE, 0, LARGE},
    {"free(p+8)", misuse_free_inside_8, ALL, 0, 0},
    {"free of a block not taken yet", misuse_free_ahead, SMALL | LARGE, 0, 0},
    {"free of the end of a slice", misuse_free_slice_end, ALL, 0, 0},
    {"double free, both in other thread", misuse_double_free_foreign, ALL, 0, 0},
    {"free and realloc race", misuse_free_realloc_race, ALL, 0, 0},
    {"realloc of freed to the same size", misuse_realloc_freed_in_place, ALL, 0, 0},
    {"free_sized, a tenth of the size", misuse_free_sized, ALL, 0, 0},
    {"zeros over a free neighbour", misuse_overflow_zero, ALL, 0, 0},
    {"clear after free", misuse_clear_after_free, ALL, 0, 0},
    {"write after a foreign free", misuse_write_after_foreign_free, ALL, 0, 0},
    {"forged link to a live block", misuse_forge_link, ALL, 0, 0},
    {"forged words to a live block", misuse_forge_both_words, ALL, 0, 0},
    {"forged link to the stack", misuse_forge_foreign, ALL, 0, 0},
    {"two free blocks exchanged", misuse_swap_free_blocks, ALL, 0, 0},
    {"a free block copied to another", misuse_copy_free_block, ALL, 0, 0},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static struct scene scene;

struct cell {
    const struct row *row;
    size_t size; // of the blocks
};

static unsigned kind_of(size_t size)
{
    return size <= 16384 ? SMALL : size <= 1 << 20 ? LARGE : HUGE;
}

/// The child's work. Returning means that nothing was seen.
static void commit_and_allocate(void *argument)
{
    static const size_t others[] = {16, 100, 1000, 5000};
    char on_stack[SCENE_FOREIGN] __attribute__((aligned(16)));
    const struct cell *cell = argument;
    int nowhere = open("/dev/null", O_WRONLY);
    (void)dup2(nowhere, STDERR_FILENO);
    memset(on_stack, 0, sizeof(on_stack));

    // What the C library keeps for its first thread shall not be what reuses a freed block.
    misuse_in_thread(misuse_free_in_thread, NULL);
    scene_begin(&scene, cell->size, opaque(on_stack));
    cell->row->commit(&scene);
    unsigned count = kind_of(cell->size) == SMALL ? 3000 : 300;
    for (unsigned i = 0; i < count; i++) {
        (void)scene_take(&scene, i % 3 == 2 ? others[i / 3 % 4] : cell->size);
    }
    if (scene_overlaps(&scene)) {
        _exit(CELL_DUP);
    }
}

static const char *verdict(int status)
{
    if (status == PROCESS_HUNG) {
        return "hang";
    }
    if (WIFSIGNALED(status)) {
        int number = WTERMSIG(status);
        return number == SIGSEGV || number == SIGBUS ? "segv" : "STOP";
    }
    return WEXITSTATUS(status) == 0 ? "-" : WEXITSTATUS(status) == CELL_DUP ? "DUP" : "STOP";
}

struct counts {
    unsigned small_stops; // judged cases that were stopped or faulted
    unsigned large_stops;
    unsigned harmful; // cells with DUP or hang
};

/// Runs one row, prints it, and adds what was seen to the counts.
static void run_row(const struct row *row, struct counts *counts)
{
    char line[160];
    int length = snprintf(line, sizeof(line), "%-36s", row->name);
    for (size_t i = 0; i < COLUMNS; i++) {
        struct cell cell = {row, column_sizes[i]};
        const char *seen = ".";
        if ((row->kinds & kind_of(cell.size)) != 0 && cell.size >= row->size_min) {
            seen = verdict(process_run(commit_and_allocate, &cell, SECONDS_PER_CELL));
            bool harmless = strcmp(seen, "DUP") != 0 && strcmp(seen, "hang") != 0;
            (void)CHECK_AT(harmless || !conform_on_acre(), cell.size);
            counts->harmful += !harmless;
        }
        bool stopped = strcmp(seen, "STOP") == 0 || strcmp(seen, "segv") == 0;
        bool judged = (cell.size == 48 && (row->judged & SMALL) != 0) ||
                      (cell.size == 300000 && (row->judged & LARGE) != 0);
        counts->small_stops += stopped && judged && cell.size == 48;
        counts->large_stops += stopped && judged && cell.size == 300000;
        char text[16];
        (void)snprintf(text, sizeof(text), "%s%s", seen, judged ? "*" : "");
        length += snprintf(line + length, sizeof(line) - (size_t)length, "%-8s", text);
    }
    conform_say("%s", line);
}

static void no_misuse_makes_live_blocks_overlap(void)
{
    struct counts counts = {0, 0, 0};
    conform_say("%-36s16      48      1000    16000   300000  8 MiB", "");
    for (size_t i = 0; i < ROWS; i++) {
        run_row(&rows[i], &counts);
    }
    conform_say(
        "# stopped or faulted: %u of 24 small, %u of 11 large; overlaps and hangs: %u",
        counts.small_stops, counts.large_stops, counts.harmful);
    if (conform_on_acre()) {
        CHECK(counts.small_stops >= SMALL_STOPS_MIN);
        CHECK(counts.large_stops >= LARGE_STOPS_MIN);
    }
}

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(no_misuse_makes_live_blocks_overlap),
    };
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
