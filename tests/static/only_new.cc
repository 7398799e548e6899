// only_new.cc - a C++ program that never names malloc: its objects are in acre's heap all the same,
// because operator new of its C++ runtime calls the malloc that it was linked with.
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

// Looked up weakly, so that this program alone does not pull acre in.
extern "C" {
struct acre_heap;
acre_heap *acre_default_heap() __attribute__((weak));
std::size_t acre_heap_usable_size(acre_heap *heap, const void *block) __attribute__((weak));
}

struct alignas(256) wide {
    char bytes[1000];
};

int main()
{
    auto numbers = std::make_unique<std::vector<int>>(1000, 7);
    auto aligned = std::make_unique<wide>();
    bool caught = false;
    try {
        throw std::runtime_error(std::string(2000, 'x'));
    } catch (const std::runtime_error &error) {
        caught = std::string(error.what()).size() == 2000;
    }
    if (acre_default_heap == nullptr || acre_heap_usable_size == nullptr) {
        (void)std::fputs("only_new: acre is not in this program\n", stderr);
        return 1;
    }
    bool inside = acre_heap_usable_size(acre_default_heap(), numbers->data()) >= 4000 &&
                  acre_heap_usable_size(acre_default_heap(), aligned.get()) >= sizeof(wide);
    if (!caught || !inside) {
        (void)std::fputs("only_new: its objects are not in acre's heap\n", stderr);
        return 1;
    }
    std::puts("objects in acre's heap");
    return 0;
}
