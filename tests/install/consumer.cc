// consumer.cc - the same as consumer.c for somebody who writes C++; it names malloc nowhere.
// SPDX-License-Identifier: MIT
#include <acre/acre.h>
#include <acre/malloc.h>
#include <cstdio>
#include <string>
#include <vector>

int main()
{
    std::vector<std::string> words(100, std::string(200, 'w'));
    if (acre_heap_usable_size(acre_default_heap(), words[99].data()) < 200) {
        (void)std::fputs("consumer: operator new does not end in acre\n", stderr);
        return 1;
    }
    std::printf("acre %s\n", acre_version());
    return 0;
}
