// pool_of_messages.c - a queue of messages between an interrupt and a main loop: fixed memory, no
// heap, constant time, and a clear answer when there are too many.
//
//     cc pool_of_messages.c -lacre_pools -lacre && ./a.out
//
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "acre/acre.h"

enum { MESSAGES = 8 };

struct message {
    struct message *next;
    unsigned number;
    char text[20];
};

// message_init, message_get, message_put, over static memory for eight of them.
ACRE_POOL_DEFINE(message, struct message, MESSAGES)

static struct message *newest;
static unsigned dropped;

/// What an interrupt handler would do. (One that may interrupt the main loop inside get or put asks for
/// ACRE_POOL_SHARED.)
static void receive(unsigned number)
{
    struct message *message = message_get();
    if (message == NULL) {
        dropped += 1; // all eight are under way: the sender will repeat it
        return;
    }
    message->number = number;
    (void)snprintf(message->text, sizeof(message->text), "reading %u", number);
    message->next = newest;
    newest = message;
}

static unsigned handle_all(void)
{
    unsigned handled = 0;
    while (newest != NULL) {
        struct message *message = newest;
        newest = message->next;
        handled += 1;
        message_put(message);
    }
    return handled;
}

int main(void)
{
    if (message_init() != ACRE_OK) {
        return 1;
    }
    unsigned handled = 0;
    for (unsigned number = 1; number <= 30; number++) {
        receive(number);
        if (number % 10 == 0) {
            handled += handle_all();
        }
    }
    acre_pool_stats stats;
    acre_pool_get_stats(&message_pool, &stats);
    printf(
        "%u handled, %u dropped; at most %zu of %zu blocks of %zu bytes\n", handled, dropped,
        stats.live_peak, stats.count, stats.block_bytes);
    return handled + dropped == 30 && stats.live_count == 0 ? 0 : 1;
}
