// cache_double_put.c - an object is put back to its cache twice, through two locals.
// Expect: "double free" "(block of 104 bytes)"
// SPDX-License-Identifier: MIT
#include "pools.h"

int main(void)
{
    acre_cache *cache = death_cache();
    static acre_cache_local one;
    static acre_cache_local two;
    void *object = acre_cache_get(cache, &one);
    acre_cache_put(cache, &one, object);
    acre_cache_put(cache, &two, death_named(object));
    return DEATH_SURVIVED;
}
