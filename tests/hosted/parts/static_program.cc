// static_program.cc - a C++ program linked with acre runs on it: operators, containers, exceptions.
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <cstdlib>
#include <map>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "acre/malloc.h"

static void check(bool holds, const char *what)
{
    if (!holds) {
        (void)std::fprintf(stderr, "static_program: expected: %s\n", what);
        std::exit(1);
    }
}

static void work()
{
    std::map<int, std::string> texts;
    for (int i = 0; i < 1000; i++) {
        texts[i] = std::string(static_cast<std::size_t>(i), 'x');
    }
    check(texts[999].size() == 999, "a map");
    int *block = new int[1000];
    check(
        acre_heap_usable_size(acre_default_heap(), block) >= 4000, "new takes its block from acre");
    delete[] block;
}

int main()
{
    bool thrown = false;
    work();
    std::thread(work).join();
    try {
        volatile std::size_t many = SIZE_MAX / 2;
        std::vector<char *> list;
        list.resize(1);
        list[0] = static_cast<char *>(::operator new(many));
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    check(thrown, "bad_alloc");
    std::printf("acre %s, binding %s\n", acre_version(), acre_slots_binding());
    return 0;
}
