// strings - a hash table that owns its keys: words are counted, looked up and removed.
//
// Stresses two blocks of different life and size for each entry (the entry of 32 bytes, its key of
// 5 to 70), scattered frees, and a table of pointers that doubles by calloc and is freed. About
// 150 000 entries. Real programs: interpreters' dictionaries and interned strings, symbol tables,
// DNS and HTTP caches, log analysers.
// SPDX-License-Identifier: MIT
#include "pattern.h"

enum { KEYS = 300000, OPERATIONS = 1500000, FIRST_BUCKETS = 1024, KEY_BYTES_MAX = 72 };

typedef struct entry {
    struct entry *next;
    char *key;
    uint64_t hash;
    uint64_t count;
} entry;

static entry **buckets;
static size_t bucket_count;
static size_t entry_count;
static uint64_t pair_count;

/// Writes the key with this number: its length and letters follow from the number.
static size_t key_write(char *out, uint64_t number)
{
    uint64_t letters = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
    size_t length = 4 + letters % 8 * (letters / 8 % 9) + letters / 72 % 6;
    for (size_t i = 0; i < length; i++) {
        out[i] = (char)('a' + (letters >> (i * 5 % 60)) % 26);
    }
    int digits = snprintf(out + length, 12, "%llu", (unsigned long long)number);
    return length + (size_t)digits;
}

static uint64_t key_hash(const char *key)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *key != '\0'; key++) {
        hash = (hash ^ (unsigned char)*key) * UINT64_C(0x100000001b3);
    }
    return hash ^ hash >> 32;
}

static void table_grow(void)
{
    size_t grown_count = bucket_count == 0 ? FIRST_BUCKETS : bucket_count * 2;
    entry **grown = calloc(grown_count, sizeof *grown);
    if (grown == NULL) {
        pattern_fail("calloc returned NULL");
    }
    for (size_t i = 0; i < bucket_count; i++) {
        for (entry *moved = buckets[i]; moved != NULL;) {
            entry *next = moved->next;
            moved->next = grown[moved->hash % grown_count];
            grown[moved->hash % grown_count] = moved;
            moved = next;
        }
    }
    pattern_live_add(grown_count * sizeof *grown);
    pattern_live_subtract(bucket_count * sizeof *grown);
    free(buckets);
    buckets = grown;
    bucket_count = grown_count;
}

/// Where the pointer to the entry with this key is, or would be.
static entry **table_find(const char *key, uint64_t hash)
{
    entry **place = &buckets[hash % bucket_count];
    while (*place != NULL && ((*place)->hash != hash || strcmp((*place)->key, key) != 0)) {
        place = &(*place)->next;
    }
    return place;
}

static void table_add(const char *key, size_t length, uint64_t hash)
{
    if (entry_count >= bucket_count) {
        table_grow();
    }
    entry *added = pattern_alloc(sizeof *added);
    *added = (entry){buckets[hash % bucket_count], pattern_alloc(length + 1), hash, 1};
    memcpy(added->key, key, length + 1);
    buckets[hash % bucket_count] = added;
    pattern_live_add(sizeof *added + length + 1);
    entry_count++;
    pair_count += 2;
}

static void table_remove(entry **place)
{
    entry *removed = *place;
    *place = removed->next;
    pattern_checksum_add(removed->count * removed->hash);
    pattern_live_subtract(sizeof *removed + strlen(removed->key) + 1);
    free(removed->key);
    free(removed);
    entry_count--;
}

int main(void)
{
    pattern_random random = pattern_random_seed(10);
    size_t operations = pattern_work(OPERATIONS);
    uint64_t start_ns = pattern_now_ns();
    table_grow();
    for (size_t i = 0; i < operations; i++) {
        char key[KEY_BYTES_MAX + 24];
        size_t length = key_write(key, pattern_random_below(&random, KEYS));
        uint64_t hash = key_hash(key);
        entry **place = table_find(key, hash);
        if (*place == NULL) {
            table_add(key, length, hash);
        } else if (pattern_random_below(&random, 2) == 0) {
            (*place)->count++;
        } else {
            table_remove(place);
        }
    }
    for (size_t i = 0; i < bucket_count; i++) {
        while (buckets[i] != NULL) {
            table_remove(&buckets[i]);
        }
    }
    free(buckets);
    return pattern_report("strings", pair_count, pattern_now_ns() - start_ns);
}
