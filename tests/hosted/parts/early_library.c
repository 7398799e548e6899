// early_library.c - a library that allocates as early and as late as a library can, and registers
// fork handlers that allocate. start_order.sh preloads it on either side of acre and links it to a
// program.
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCKS 40

static char *blocks[BLOCKS];

static size_t block_size(size_t i)
{
    return i == 10 ? 40000 : i == 20 ? 300000 : i == 30 ? 3000000 : i * 90 + 1;
}

static void fail(const char *message)
{
    (void)!write(STDERR_FILENO, message, strlen(message));
    _exit(3);
}

static void make_all(void)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(block_size(i));
        if (blocks[i] == NULL) {
            fail("early_library: no memory\n");
        }
        blocks[i][0] = (char)i;
        blocks[i][block_size(i) - 1] = (char)i;
    }
}

static void free_all(void)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        if (blocks[i][0] != (char)i || blocks[i][block_size(i) - 1] != (char)i) {
            fail("early_library: a block is damaged\n");
        }
        free(blocks[i]);
    }
}

static void exchange_all(void)
{
    free_all();
    make_all();
}

__attribute__((constructor(101))) static void construct(void)
{
    make_all();
    if (pthread_atfork(exchange_all, exchange_all, exchange_all) != 0) {
        fail("early_library: pthread_atfork fails\n");
    }
}

__attribute__((destructor(101))) static void destruct(void)
{
    exchange_all();
    free_all();
    // Not standard output: some programs close it before the last destructor.
    const char *fd = getenv("EARLY_LIBRARY_FD");
    if (fd != NULL) {
        static const char message[] = "early_library: done\n";
        (void)!write(atoi(fd), message, sizeof(message) - 1);
    }
}
