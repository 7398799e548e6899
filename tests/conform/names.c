// names.c - every name of the malloc family stands for the same heap: aliases of the C library, the
// BSD extras, and that no name of the family was left to another library.
// SPDX-License-Identifier: MIT
#include <malloc.h>

#include "conform.h"

static const char *const c_names[] = {
    "malloc",
    "free",
    "calloc",
    "realloc",
    "memalign",
    "aligned_alloc",
    "posix_memalign",
    "valloc",
    "pvalloc",
    "malloc_usable_size",
    "cfree",
    "reallocarray",
    "free_sized",
    "free_aligned_sized",
    "malloc_trim",
    "mallinfo",
    "mallinfo2",
    "mallopt",
    "malloc_stats",
    "malloc_info",
    "malloc_get_state",
    "malloc_set_state",
    "__libc_malloc",
    "__libc_free",
    "__libc_calloc",
    "__libc_realloc",
    "__libc_memalign",
    "__libc_valloc",
    "__libc_pvalloc",
    "__posix_memalign",
    "malloc_size",
    "malloc_good_size",
    "reallocf",
};

static const char *const cxx_names[] = {
    "_Znwm",
    "_Znam",
    "_ZnwmRKSt9nothrow_t",
    "_ZnamRKSt9nothrow_t",
    "_ZnwmSt11align_val_t",
    "_ZnamSt11align_val_t",
    "_ZnwmSt11align_val_tRKSt9nothrow_t",
    "_ZnamSt11align_val_tRKSt9nothrow_t",
    "_ZdlPv",
    "_ZdaPv",
    "_ZdlPvm",
    "_ZdaPvm",
    "_ZdlPvRKSt9nothrow_t",
    "_ZdaPvRKSt9nothrow_t",
    "_ZdlPvSt11align_val_t",
    "_ZdaPvSt11align_val_t",
    "_ZdlPvmSt11align_val_t",
    "_ZdaPvmSt11align_val_t",
    "_ZdlPvSt11align_val_tRKSt9nothrow_t",
    "_ZdaPvSt11align_val_tRKSt9nothrow_t",
};

/// Checks that each name is found in the same object as acre_version.
static void all_in_acre(const char *const *names, size_t count)
{
    Dl_info acre;
    if (!CHECK(dladdr(dlsym(RTLD_DEFAULT, "acre_version"), &acre) != 0)) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        Dl_info info;
        void *found = dlsym(RTLD_DEFAULT, names[i]);
        bool here = found != NULL && dladdr(found, &info) != 0 && info.dli_fbase == acre.dli_fbase;
        if (!CHECK(here)) {
            conform_say("#   %s is %s", names[i], found == NULL ? "missing" : "not acre's");
        }
    }
}

static void acre_defines_every_name_of_c(void)
{
    if (conform_on_acre()) {
        all_in_acre(c_names, sizeof(c_names) / sizeof(c_names[0]));
    }
}

static void acre_defines_every_operator_of_cxx(void)
{
    if (conform_on_acre()) {
        all_in_acre(cxx_names, sizeof(cxx_names) / sizeof(cxx_names[0]));
    }
}

static void blocks_of_the_libc_aliases_belong_to_malloc(void)
{
    void *(*libc_malloc)(size_t);
    void (*libc_free)(void *);
    void *(*libc_calloc)(size_t, size_t);
    void *(*libc_realloc)(void *, size_t);
    if (!CHECK(conform_lookup("__libc_malloc", (void *)&libc_malloc)) ||
        !CHECK(conform_lookup("__libc_free", (void *)&libc_free)) ||
        !CHECK(conform_lookup("__libc_calloc", (void *)&libc_calloc)) ||
        !CHECK(conform_lookup("__libc_realloc", (void *)&libc_realloc))) {
        return;
    }
    unsigned char *block = opaque(libc_malloc(100));
    CHECK(block != NULL && malloc_usable_size(block) >= 100);
    conform_fill(block, 100, 3);
    block = opaque(realloc(block, 5000));
    block = opaque(libc_realloc(block, 400000));
    CHECK(block != NULL && conform_filled(block, 100, 3));
    free(block);
    block = opaque(libc_calloc(10, 100));
    CHECK(block != NULL && conform_all(block, 1000, 0));
    free(block);
    libc_free(opaque(malloc(48)));
    libc_free(opaque(malloc(300000)));
    libc_free(NULL);
}

static void blocks_of_the_aligned_aliases_belong_to_malloc(void)
{
    void *(*libc_memalign)(size_t, size_t);
    void *(*libc_valloc)(size_t);
    void *(*libc_pvalloc)(size_t);
    int (*other_posix_memalign)(void **, size_t, size_t);
    if (!CHECK(conform_lookup("__libc_memalign", (void *)&libc_memalign)) ||
        !CHECK(conform_lookup("__libc_valloc", (void *)&libc_valloc)) ||
        !CHECK(conform_lookup("__libc_pvalloc", (void *)&libc_pvalloc))) {
        return;
    }
    void *block = opaque(libc_memalign(512, 100));
    CHECK(block != NULL && conform_aligned(block, 512));
    free(block);
    block = opaque(libc_valloc(100));
    CHECK(block != NULL && conform_aligned(block, 4096));
    free(block);
    block = opaque(libc_pvalloc(100));
    CHECK(block != NULL && malloc_usable_size(block) >= 4096);
    free(block);
    if (conform_lookup("__posix_memalign", (void *)&other_posix_memalign)) {
        CHECK(other_posix_memalign(&block, 256, 100) == 0 && conform_aligned(block, 256));
        free(block);
        CHECK(other_posix_memalign(&block, 3, 100) == EINVAL);
    }
}

static void cfree_frees(void)
{
    void (*old_free)(void *);
    if (conform_lookup("cfree", (void *)&old_free)) {
        old_free(opaque(malloc(48)));
        old_free(opaque(calloc(1, 300000)));
        old_free(NULL);
    }
    CHECK(!conform_on_acre() || old_free != NULL);
}

static void the_bsd_extras_agree_with_malloc(void)
{
    size_t (*size_of)(const void *);
    size_t (*good_size)(size_t);
    size_t count;
    const size_t *sizes = conform_sizes(&count);
    if (!conform_on_acre() || !CHECK(conform_lookup("malloc_size", (void *)&size_of)) ||
        !CHECK(conform_lookup("malloc_good_size", (void *)&good_size))) {
        return;
    }
    CHECK(size_of(NULL) == 0);
    for (size_t i = 0; i < count; i++) {
        void *block = opaque(malloc(sizes[i]));
        CHECK_AT(size_of(block) == malloc_usable_size(block), sizes[i]);
        CHECK_AT(good_size(sizes[i]) >= sizes[i], sizes[i]);
        CHECK_AT(good_size(sizes[i]) == malloc_usable_size(block), sizes[i]);
        CHECK_AT(good_size(good_size(sizes[i])) == good_size(sizes[i]), sizes[i]);
        free(block);
    }
}

static void reallocf_frees_the_block_when_it_fails(void)
{
    void *(*resize_or_free)(void *, size_t);
    if (!conform_on_acre() || !CHECK(conform_lookup("reallocf", (void *)&resize_or_free))) {
        return;
    }
    unsigned char *block = opaque(resize_or_free(NULL, 100));
    conform_fill(block, 100, 4);
    block = opaque(resize_or_free(block, 70000));
    CHECK(block != NULL && conform_filled(block, 100, 4));
    struct mallinfo2 before = mallinfo2();
    errno = 0;
    CHECK(opaque(resize_or_free(block, opaque_size(SIZE_MAX - 4096))) == NULL);
    CHECK(conform_errno() == ENOMEM);
    struct mallinfo2 after = mallinfo2();
    CHECK(after.uordblks + 70000 <= before.uordblks);
}

static void the_state_functions_of_old_emacs_refuse(void)
{
    void *(*get_state)(void);
    int (*set_state)(void *);
    if (!conform_on_acre() || !CHECK(conform_lookup("malloc_get_state", (void *)&get_state)) ||
        !CHECK(conform_lookup("malloc_set_state", (void *)&set_state))) {
        return;
    }
    errno = 0;
    CHECK(get_state() == NULL && conform_errno() == ENOSYS);
    errno = 0;
    CHECK(set_state(NULL) == -1 && conform_errno() == ENOSYS);
}

static void acre_says_what_it_is(void)
{
    const char *(*version)(void);
    const char *(*binding)(void);
    if (conform_on_acre() && CHECK(conform_lookup("acre_version", (void *)&version)) &&
        CHECK(conform_lookup("acre_slots_binding", (void *)&binding))) {
        CHECK(version()[0] >= '0' && version()[0] <= '9');
        CHECK(strcmp(binding(), "rseq") == 0 || strcmp(binding(), "thread") == 0);
        conform_say("# acre %s, binding %s", version(), binding());
    }
}

int main(void)
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(acre_says_what_it_is),
        CONFORM_CASE(acre_defines_every_name_of_c),
        CONFORM_CASE(acre_defines_every_operator_of_cxx),
        CONFORM_CASE(blocks_of_the_libc_aliases_belong_to_malloc),
        CONFORM_CASE(blocks_of_the_aligned_aliases_belong_to_malloc),
        CONFORM_CASE(cfree_frees),
        CONFORM_CASE(the_bsd_extras_agree_with_malloc),
        CONFORM_CASE(reallocf_frees_the_block_when_it_fails),
        CONFORM_CASE(the_state_functions_of_old_emacs_refuse),
    };
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
