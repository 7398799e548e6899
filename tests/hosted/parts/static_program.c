// static_program.c - a program linked with acre, statically or not, really runs on it: its blocks
// are acre's, in threads and children too. See static.sh.
// SPDX-License-Identifier: MIT
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "acre/malloc.h"

static void check(int holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "static_program: expected: %s\n", what);
        exit(1);
    }
}

static void use_all_kinds(void)
{
    static const size_t sizes[] = {1, 48, 5000, 40000, 300000, 5000000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        unsigned char *block = malloc(sizes[i]);
        check(block != NULL, "a block");
        check(
            acre_heap_usable_size(acre_default_heap(), block) == malloc_usable_size(block),
            "the block is one of acre");
        memset(block, 1, sizes[i]);
        block = realloc(block, sizes[i] * 2);
        check(block != NULL && block[sizes[i] - 1] == 1, "contents after realloc");
        free(block);
        block = calloc(1, sizes[i]);
        check(block != NULL && block[0] == 0 && block[sizes[i] - 1] == 0, "zeros of calloc");
        free(block);
        block = aligned_alloc(4096, sizes[i]);
        check(block != NULL && (size_t)block % 4096 == 0, "alignment");
        free(block);
    }
}

static void *run_thread(void *argument)
{
    use_all_kinds();
    return argument;
}

static void use_names_of_the_c_library(void)
{
    // Each of these names drags the C library's malloc into a static link if acre lacks it.
    void *out = NULL;
    check(posix_memalign(&out, 64, 100) == 0, "posix_memalign");
    free(out);
    free(memalign(64, 100));
    free(valloc(100));
    free(pvalloc(100));
    free(reallocarray(NULL, 10, 10));
    check(mallinfo2().arena > 0, "mallinfo2");
    check(mallopt(M_TRIM_THRESHOLD, 1 << 20) == 1, "mallopt");
    (void)malloc_trim(0);
    FILE *stream = tmpfile();
    check(stream != NULL && malloc_info(0, stream) == 0, "malloc_info");
    (void)fclose(stream);
}

static void late(void)
{
    use_all_kinds();
}

int main(void)
{
    pthread_t threads[4];
    int status = 0;
    check(acre_version()[0] != '\0', "a version");
    check(atexit(late) == 0, "atexit");
    use_all_kinds();
    use_names_of_the_c_library();
    for (size_t i = 0; i < 4; i++) {
        check(pthread_create(&threads[i], NULL, run_thread, NULL) == 0, "a thread");
    }
    pid_t child = fork();
    if (child == 0) {
        use_all_kinds();
        exit(0);
    }
    check(waitpid(child, &status, 0) == child && status == 0, "a child that ends well");
    for (size_t i = 0; i < 4; i++) {
        check(pthread_join(threads[i], NULL) == 0, "a thread that ends");
    }
    (void)printf("acre %s, binding %s\n", acre_version(), acre_slots_binding());
    return 0;
}
