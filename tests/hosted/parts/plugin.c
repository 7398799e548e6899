// plugin.c - a library that is opened and closed again and again: it allocates when it is opened,
// frees when it is closed, and hands blocks to the program. See dlopen_program.c.
// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

char *plugin_text(size_t bytes);
size_t plugin_work(void);

static char *table[30];
static __thread char *of_thread;

__attribute__((constructor)) static void open_plugin(void)
{
    for (size_t i = 0; i < 30; i++) {
        table[i] = malloc(i * 1000 + 1);
        table[i][0] = (char)i;
    }
}

__attribute__((destructor)) static void close_plugin(void)
{
    for (size_t i = 0; i < 30; i++) {
        if (table[i][0] != (char)i) {
            abort();
        }
        free(table[i]);
    }
    free(of_thread);
}

/// Returns a block that the caller frees, perhaps after this library has gone.
char *plugin_text(size_t bytes)
{
    char *text = malloc(bytes);
    memset(text, 'p', bytes);
    return text;
}

/// Allocates and frees within the library only.
size_t plugin_work(void)
{
    size_t sum = 0;
    free(of_thread);
    of_thread = malloc(500);
    for (size_t i = 1; i < 400000; i = i * 3 + 1) {
        char *block = calloc(1, i);
        sum += (size_t)block[i - 1] + i;
        block = realloc(block, i * 2);
        free(block);
    }
    return sum;
}
