// dlopen_program.c - opens and closes a library that allocates, in every way that dlopen has.
// usage: dlopen_program PLUGIN
// SPDX-License-Identifier: MIT
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 100

static const char *plugin_path;

struct plugin {
    void *handle;
    char *(*text)(size_t);
    size_t (*work)(void);
};

static struct plugin open_plugin(int flags)
{
    struct plugin plugin = {dlopen(plugin_path, flags), NULL, NULL};
    if (plugin.handle == NULL) {
        (void)fprintf(stderr, "dlopen: %s\n", dlerror());
        exit(1);
    }
    void *text = dlsym(plugin.handle, "plugin_text");
    void *work = dlsym(plugin.handle, "plugin_work");
    memcpy(&plugin.text, &text, sizeof(text));
    memcpy(&plugin.work, &work, sizeof(work));
    return plugin;
}

static void check(int holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "expected: %s\n", what);
        exit(1);
    }
}

/// The block of a closed library is freed after it has gone.
static void open_and_close(int flags)
{
    for (size_t i = 0; i < ROUNDS; i++) {
        size_t bytes = i % 10 == 0 ? 300000 : i * 37 + 1;
        struct plugin plugin = open_plugin(flags);
        char *text = plugin.text(bytes);
        check(plugin.work() > 0, "work is done");
        check(dlclose(plugin.handle) == 0, "the library closes");
        check(text[0] == 'p' && text[bytes - 1] == 'p', "the text outlives its library");
        free(text);
    }
}

static void *open_in_a_thread(void *argument)
{
    open_and_close(RTLD_NOW | RTLD_LOCAL);
    return argument;
}

static void open_in_threads(void)
{
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        check(pthread_create(&threads[i], NULL, open_in_a_thread, NULL) == 0, "a thread starts");
    }
    for (size_t i = 0; i < 4; i++) {
        check(pthread_join(threads[i], NULL) == 0, "a thread ends");
    }
}

/// A library that binds to its own libraries first uses the C library's malloc: both heaps live
/// side by side, as long as no block crosses.
static void open_bound_deeply(void)
{
    for (size_t i = 0; i < ROUNDS / 10; i++) {
        struct plugin plugin = open_plugin(RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
        check(plugin.work() > 0, "a deeply bound library works");
        check(dlclose(plugin.handle) == 0, "a deeply bound library closes");
    }
}

/// A name space of its own has a C library of its own.
static void open_in_a_name_space(void)
{
    for (size_t i = 0; i < 3; i++) {
        size_t (*work)(void) = NULL;
        void *handle = dlmopen(LM_ID_NEWLM, plugin_path, RTLD_NOW | RTLD_LOCAL);
        if (handle == NULL) {
            (void)fprintf(stderr, "dlmopen: %s\n", dlerror());
            exit(1);
        }
        void *found = dlsym(handle, "plugin_work");
        memcpy(&work, &found, sizeof(found));
        check(work() > 0, "a library in a name space of its own works");
        check(dlclose(handle) == 0, "a library in a name space of its own closes");
    }
}

int main(int count, char **values)
{
    check(count == 2, "one argument, the library's path");
    plugin_path = values[1];
    open_and_close(RTLD_NOW | RTLD_LOCAL);
    open_and_close(RTLD_LAZY | RTLD_GLOBAL);
    open_in_threads();
    open_bound_deeply();
    open_in_a_name_space();
    struct plugin left_open = open_plugin(RTLD_NOW | RTLD_LOCAL);
    check(left_open.work() > 0, "a library that stays open works");
    return 0;
}
