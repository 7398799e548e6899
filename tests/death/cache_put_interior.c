// cache_put_interior.c - a pointer into an object is put back.
// Expect: "invalid free"
// SPDX-License-Identifier: MIT
#include "pools.h"

int main(void)
{
    acre_cache *cache = death_cache();
    unsigned char *object = acre_cache_get(cache, NULL);
    acre_cache_put(cache, NULL, death_named(object + 8));
    return DEATH_SURVIVED;
}
