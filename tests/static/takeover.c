// takeover.c - a program linked with libacre.a: every block that it or its C library allocates is one
// of acre's, which acre's own statistics show. Says which binding of slots it has.
//
// Plain C and POSIX, so that it links with any C library. With an argument it does not fork: not every
// emulator survives that beside other threads.
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "acre/malloc.h"

enum { THREADS = 4, BLOCKS = 200 };

static void check(bool holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "takeover: expected: %s\n", what);
        _exit(1);
    }
}

static acre_heap_stats stats_now(void)
{
    acre_heap_stats stats;
    acre_heap_get_stats(acre_default_heap(), &stats);
    return stats;
}

static char *early_block;

__attribute__((constructor(101))) static void allocate_early(void)
{
    early_block = malloc(300);
    check(early_block != NULL, "a block before main");
    memset(early_block, 'e', 300);
}

__attribute__((destructor(101))) static void free_late(void)
{
    free(early_block);
    free(calloc(1, 100000));
}

static void early_blocks_are_acres(void)
{
    check(acre_heap_usable_size(acre_default_heap(), early_block) >= 300, "an early block");
    check(early_block[0] == 'e' && early_block[299] == 'e', "its contents");
}

static void statistics_show_each_block(void)
{
    void *block[BLOCKS];
    size_t before = stats_now().live_blocks;
    for (size_t i = 0; i < BLOCKS; i++) {
        block[i] = i % 3 == 0   ? calloc(1, i * 300)
                   : i % 3 == 1 ? malloc(i * i)
                                : realloc(NULL, i + 1);
        check(block[i] != NULL, "a block");
    }
    check(stats_now().live_blocks == before + BLOCKS, "as many blocks more as were allocated");
    for (size_t i = 0; i < BLOCKS; i++) {
        free(block[i]);
    }
    check(stats_now().live_blocks == before, "all of them freed");
}

static void huge_blocks_are_acres(void)
{
    size_t before = stats_now().huge_bytes;
    void *block = malloc((size_t)20 << 20);
    check(stats_now().huge_bytes - before >= (size_t)20 << 20, "a huge block in the statistics");
    free(block);
}

/// What the C library allocates inside comes from acre, too, or free() would not take it.
static void blocks_of_the_library_are_acres(void)
{
    static const char text[] = "one line of text\n";
    char *line = NULL;
    size_t line_bytes = 0;
    size_t before = stats_now().live_blocks;
    char *copy = strdup(text);
    FILE *file = tmpfile();
    check(copy != NULL && file != NULL, "a copy and a file");
    check(stats_now().live_blocks >= before + 2, "both in the statistics");
    check(fputs(copy, file) >= 0 && fseek(file, 0, SEEK_SET) == 0, "a file with a line");
    check(getline(&line, &line_bytes, file) == (ssize_t)sizeof(text) - 1, "that line");
    check(acre_heap_usable_size(acre_default_heap(), line) >= line_bytes, "getline's block");
    free(line);
    free(copy);
    (void)fclose(file);
}

static void *run_thread(void *argument)
{
    for (size_t i = 0; i < 20000; i++) {
        size_t bytes = i * 7919 % 3000 + 1;
        unsigned char *block = malloc(bytes);
        check(block != NULL, "a block for a thread");
        memset(block, (int)i, bytes);
        check(block[bytes - 1] == (unsigned char)i, "its contents");
        free(block);
    }
    free(argument);
    return malloc(100);
}

static void run_threads(void)
{
    pthread_t threads[THREADS];
    void *block;
    for (size_t i = 0; i < THREADS; i++) {
        check(pthread_create(&threads[i], NULL, run_thread, malloc(50)) == 0, "a thread");
    }
    for (size_t i = 0; i < THREADS; i++) {
        check(pthread_join(threads[i], &block) == 0 && block != NULL, "its end");
        free(block);
    }
}

static void *fork_in_thread(void *unused)
{
    int status = 1;
    pid_t child = fork();
    if (child == 0) {
        free(malloc(1000));
        run_threads();
        _exit(0);
    }
    check(waitpid(child, &status, 0) == child && status == 0, "a child that ends well");
    return unused;
}

static void children_of_threads_allocate(void)
{
    pthread_t thread;
    check(pthread_create(&thread, NULL, fork_in_thread, NULL) == 0, "a thread that forks");
    run_threads();
    check(pthread_join(thread, NULL) == 0, "its end");
}

int main(int count, char **words)
{
    (void)words;
    early_blocks_are_acres();
    statistics_show_each_block();
    huge_blocks_are_acres();
    blocks_of_the_library_are_acres();
    run_threads();
    if (count == 1) {
        children_of_threads_allocate();
    }
    check(acre_heap_audit(acre_default_heap()) == NULL, "a heap that is sound");
    (void)printf("acre %s, binding %s\n", acre_version(), acre_slots_binding());
    return 0;
}
