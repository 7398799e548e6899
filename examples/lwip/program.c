// program.c - a program written for lwIP's memory pools: packets that come and go, buffers of any size, a pool
// of its own; and what becomes of a block that is freed to the wrong pool.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memp.h"

struct pbuf {
    struct pbuf *next;
    void *payload;
};

struct timer {
    struct timer *next;
    unsigned at_ms;
};

LWIP_MEMPOOL_DECLARE(timers, 6, sizeof(struct timer), "timers")

static struct pbuf *queue;
static unsigned failed;

static void expect(const char *what, bool holds)
{
    if (!holds) {
        printf("not so: %s\n", what);
        failed += 1;
    }
}

static bool receive(unsigned number)
{
    struct pbuf *pbuf = memp_malloc(MEMP_PBUF);
    void *payload = memp_malloc(MEMP_PBUF_POOL);
    if (pbuf == NULL || payload == NULL) {
        memp_free(MEMP_PBUF, pbuf);
        memp_free(MEMP_PBUF_POOL, payload);
        return false;
    }
    memset(payload, (int)number, 592);
    *pbuf = (struct pbuf){queue, payload};
    queue = pbuf;
    return true;
}

static unsigned handle_all(void)
{
    unsigned count = 0;
    for (struct pbuf *pbuf; (pbuf = queue) != NULL; count++) {
        queue = pbuf->next;
        memp_free(MEMP_PBUF_POOL, pbuf->payload);
        memp_free(MEMP_PBUF, pbuf);
    }
    return count;
}

static void any_size(void)
{
    static const mem_size_t sizes[] = {1, 64, 65, 200, 256, 257, 1512};
    void *blocks[40];
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        blocks[i] = mem_malloc(sizes[i]);
        expect("there is a block of each size", blocks[i] != NULL);
        memset(blocks[i], 0xff, sizes[i]);
    }
    expect("there is none of more", mem_malloc(2000) == NULL);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        mem_free(blocks[i]);
    }
    unsigned count = 0;
    while (count < 40 && (blocks[count] = mem_malloc(10)) != NULL) {
        count += 1;
    }
    expect("small ones come from all pools", count == 35);
    while (count > 0) {
        mem_free(blocks[--count]);
    }
    mem_free(NULL);
}

/// Ends the process, as it should.
static bool ends(void (*misuse)(void))
{
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        misuse();
        _exit(0);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status);
}

static void free_to_another_pool(void)
{
    memp_free(MEMP_PBUF, memp_malloc(MEMP_UDP_PCB));
}

static void free_twice(void)
{
    void *mem = mem_malloc(100);
    mem_free(mem);
    mem_free(mem);
}

int main(void)
{
    memp_init();
    unsigned received = 0;
    unsigned dropped = 0;
    unsigned handled = 0;
    for (unsigned number = 0; number < 300; number++) {
        bool kept = receive(number);
        received += kept;
        dropped += !kept;
        handled += number % 15 == 14 ? handle_all() : 0;
    }
    printf("%s: %u received, %u dropped\n", memp_words(MEMP_PBUF_POOL), received, dropped);
    expect("ten of each fifteen were kept", received == 200 && dropped == 100);
    expect("and all were handled", handled == received);
    any_size();
    LWIP_MEMPOOL_INIT(timers);
    struct timer *timer = NULL;
    for (unsigned i = 0; i < 6; i++) {
        timer = LWIP_MEMPOOL_ALLOC(timers);
        expect("there are six timers", timer != NULL);
    }
    expect("and no more", LWIP_MEMPOOL_ALLOC(timers) == NULL);
    LWIP_MEMPOOL_FREE(timers, timer);
    expect("and one again", LWIP_MEMPOOL_ALLOC(timers) == timer);
    puts("two lines about misuse are meant to follow");
    expect("a block of another pool is refused", ends(free_to_another_pool));
    expect("so is one that is free", ends(free_twice));
    printf("%u wrong\n", failed);
    return failed == 0 ? 0 : 1;
}
