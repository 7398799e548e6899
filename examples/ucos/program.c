// program.c - a program written for the memory partitions of uC/OS-III: messages from a driver to a task, in
// two partitions; and what happens when they are given back wrongly.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "os_mem.h"

enum { MSG_QTY = 12, MSG_WORDS = 8, NODE_QTY = 40 };

struct node {
    struct node *next;
    void *msg;
};

static OS_MEM MsgMem;
static OS_MEM NodeMem;
static void *MsgStorage[MSG_QTY][MSG_WORDS]; // aligned as a pointer, as uC/OS-III wants it
static struct node NodeStorage[NODE_QTY];
static struct node *Queue;
static unsigned Failed;

static void Expect(const char *what, OS_ERR found, OS_ERR expected)
{
    if (found != expected) {
        printf("%s: %d, not %d\n", what, (int)found, (int)expected);
        Failed += 1;
    }
}

/// What a driver does: a message, and a node to queue it. Returns the first error.
static OS_ERR Post(unsigned number)
{
    OS_ERR err;
    char *msg = OSMemGet(&MsgMem, &err);
    if (err != OS_ERR_NONE) {
        return err;
    }
    struct node *node = OSMemGet(&NodeMem, &err);
    if (err != OS_ERR_NONE) {
        OS_ERR put_err;
        OSMemPut(&MsgMem, msg, &put_err);
        return err;
    }
    (void)snprintf(msg, sizeof(MsgStorage[0]), "message %u", number);
    *node = (struct node){.next = Queue, .msg = msg};
    Queue = node;
    return OS_ERR_NONE;
}

/// What a task does. Returns how many messages there were.
static unsigned PendAll(void)
{
    unsigned count = 0;
    for (OS_ERR err; Queue != NULL; count++) {
        struct node *node = Queue;
        Queue = node->next;
        if (strncmp(node->msg, "message ", 8) != 0) {
            Failed += 1;
        }
        OSMemPut(&MsgMem, node->msg, &err);
        Expect("a message goes back", err, OS_ERR_NONE);
        OSMemPut(&NodeMem, node, &err);
        Expect("a node goes back", err, OS_ERR_NONE);
    }
    return count;
}

static void Refusals(void)
{
    static OS_MEM never;
    static OS_MEM mem;
    OS_ERR err;
    OSMemCreate(&mem, NULL, MsgStorage, 1, 64, &err);
    Expect("one block", err, OS_ERR_MEM_INVALID_BLKS);
    OSMemCreate(&mem, NULL, NULL, 4, 64, &err);
    Expect("no address", err, OS_ERR_MEM_INVALID_P_ADDR);
    OSMemCreate(&mem, NULL, (char *)MsgStorage + 1, 4, 64, &err);
    Expect("an odd address", err, OS_ERR_MEM_INVALID_P_ADDR);
    OSMemCreate(&mem, NULL, MsgStorage, 4, 2, &err);
    Expect("too small for a pointer", err, OS_ERR_MEM_INVALID_SIZE);
    OSMemCreate(&mem, NULL, MsgStorage, 4, sizeof(void *) + 1, &err);
    Expect("no multiple of a pointer", err, OS_ERR_MEM_INVALID_SIZE);
    OSMemCreate(NULL, NULL, MsgStorage, 4, 64, &err);
    Expect("no partition", err, OS_ERR_MEM_INVALID_P_MEM);
    Expect(
        "nothing from it", OSMemGet(NULL, &err) == NULL ? err : OS_ERR_NONE,
        OS_ERR_MEM_INVALID_P_MEM);
    Expect(
        "nothing from what was not made", OSMemGet(&never, &err) == NULL ? err : OS_ERR_NONE,
        OS_ERR_OBJ_TYPE);
}

static void Misuse(void)
{
    OS_ERR err;
    char *msg = OSMemGet(&MsgMem, &err);
    char *other = OSMemGet(&MsgMem, &err);
    OSMemPut(&MsgMem, NULL, &err);
    Expect("NULL", err, OS_ERR_MEM_INVALID_P_BLK);
    OSMemPut(&MsgMem, msg + sizeof(void *), &err);
    Expect("the middle of a block", err, OS_ERR_MEM_INVALID_P_BLK);
    OSMemPut(&NodeMem, msg, &err);
    Expect("a block of another partition, all of whose blocks are free", err, OS_ERR_MEM_FULL);
    OSMemPut(&MsgMem, msg, &err);
    Expect("a block", err, OS_ERR_NONE);
    OSMemPut(&MsgMem, msg, &err);
    Expect("the same again", err, OS_ERR_MEM_INVALID_P_BLK);
    OSMemPut(&MsgMem, other, &err);
    Expect("the last block", err, OS_ERR_NONE);
    OSMemPut(&MsgMem, other, &err);
    Expect("one more than there are", err, OS_ERR_MEM_FULL);
}

int main(void)
{
    OS_ERR err;
    OSMemCreate(&MsgMem, "messages", MsgStorage, MSG_QTY, sizeof(MsgStorage[0]), &err);
    Expect("messages", err, OS_ERR_NONE);
    OSMemCreate(&NodeMem, "nodes", NodeStorage, NODE_QTY, sizeof(struct node), &err);
    Expect("nodes", err, OS_ERR_NONE);
    unsigned handled = 0;
    unsigned refused = 0;
    for (unsigned number = 0; number < 1000; number++) {
        err = Post(number);
        if (err != OS_ERR_NONE) {
            Expect("no message is left", err, OS_ERR_MEM_NO_FREE_BLKS);
            refused += 1;
            handled += PendAll();
        }
    }
    handled += PendAll();
    // Every 13th finds none of the twelve free: all the memory is blocks.
    printf("%u handled, %u refused\n", handled, refused);
    Failed += handled + refused != 1000 || refused != 1000 / (MSG_QTY + 1);
    Refusals();
    Misuse();
    printf("%u wrong\n", Failed);
    return Failed == 0 ? 0 : 1;
}
