// operators.cc - the 20 replaceable operators of C++: blocks, alignment, the new-handler,
// bad_alloc, and that they share one heap with malloc.
// SPDX-License-Identifier: MIT
#include <malloc.h>

#include <memory>
#include <new>
#include <string>
#include <vector>

#include "process.h"

// Clang declares the sized forms only when asked to by an option; every C++14 library has them.
void operator delete(void *block, std::size_t size) noexcept;
void operator delete[](void *block, std::size_t size) noexcept;
void operator delete(void *block, std::size_t size, std::align_val_t align) noexcept;
void operator delete[](void *block, std::size_t size, std::align_val_t align) noexcept;

namespace
{

unsigned handler_calls;
void *handler_reserve;

/// Gives up at its third call, so that the operator must end its loop.
void give_up_at_the_third_call()
{
    handler_calls++;
    if (handler_calls == 3) {
        std::set_new_handler(nullptr);
    }
}

void throw_bad_alloc()
{
    handler_calls++;
    throw std::bad_alloc();
}

void free_the_reserve()
{
    handler_calls++;
    free(handler_reserve);
    handler_reserve = nullptr;
    std::set_new_handler(nullptr);
}

std::size_t impossible()
{
    return opaque_size(SIZE_MAX - 8192);
}

void every_form_of_new_yields_a_block_for_delete()
{
    static const std::size_t sizes[] = {0, 1, 16, 48, 1000, 16384, 20000, 300000, 3000000};
    for (std::size_t size : sizes) {
        void *one = opaque(::operator new(size));
        void *many = opaque(::operator new[](size));
        void *quiet = opaque(::operator new(size, std::nothrow));
        void *quiet_many = opaque(::operator new[](size, std::nothrow));
        void *blocks[] = {one, many, quiet, quiet_many};
        for (void *block : blocks) {
            CHECK_AT(block != nullptr && conform_aligned(block, 16), size);
            CHECK_AT(malloc_usable_size(block) >= size, size);
            memset(block, 1, size);
        }
        ::operator delete(one);
        ::operator delete[](many);
        ::operator delete(quiet, std::nothrow);
        ::operator delete[](quiet_many, std::nothrow);
        ::operator delete(opaque(::operator new(size)), size);
        ::operator delete[](opaque(::operator new[](size)), size);
    }
    ::operator delete(nullptr);
    ::operator delete[](nullptr);
    ::operator delete(nullptr, std::size_t(10));
    ::operator delete[](nullptr, std::size_t(10));
}

void every_aligned_form_of_new_is_aligned()
{
    for (std::size_t align = 1; align <= (std::size_t(1) << 22); align *= 2) {
        for (std::size_t size = 1; size < 2000000; size = size * 5 + 3) {
            auto value = std::align_val_t(align);
            void *one = opaque(::operator new(size, value));
            void *many = opaque(::operator new[](size, value));
            void *quiet = opaque(::operator new(size, value, std::nothrow));
            void *quiet_many = opaque(::operator new[](size, value, std::nothrow));
            void *blocks[] = {one, many, quiet, quiet_many};
            for (void *block : blocks) {
                CHECK_AT(block != nullptr && conform_aligned(block, align), align);
            }
            ::operator delete(one, value);
            ::operator delete[](many, value);
            ::operator delete(quiet, value, std::nothrow);
            ::operator delete[](quiet_many, value, std::nothrow);
            ::operator delete(opaque(::operator new(size, value)), size, value);
            ::operator delete[](opaque(::operator new[](size, value)), size, value);
        }
    }
    ::operator delete(nullptr, std::align_val_t(64));
    ::operator delete[](nullptr, std::align_val_t(64));
    ::operator delete(nullptr, std::size_t(10), std::align_val_t(64));
    ::operator delete[](nullptr, std::size_t(10), std::align_val_t(64));
}

/// Runs one throwing form and checks that it called the handler three times and threw bad_alloc.
template <typename Call> void throws_after_three_handler_calls(Call call)
{
    bool caught = false;
    handler_calls = 0;
    std::set_new_handler(give_up_at_the_third_call);
    try {
        (void)opaque(call());
    } catch (const std::bad_alloc &) {
        caught = true;
    }
    CHECK(caught);
    CHECK(handler_calls == 3);
}

void new_calls_the_handler_until_there_is_none_then_throws()
{
    auto align = std::align_val_t(256);
    throws_after_three_handler_calls([] { return ::operator new(impossible()); });
    throws_after_three_handler_calls([] { return ::operator new[](impossible()); });
    throws_after_three_handler_calls([=] { return ::operator new(impossible(), align); });
    throws_after_three_handler_calls([=] { return ::operator new[](impossible(), align); });
    CHECK(std::get_new_handler() == nullptr);
}

/// Runs one nothrow form: the handler is called as well, and the result is a null pointer.
template <typename Call> void returns_null_after_three_handler_calls(Call call)
{
    handler_calls = 0;
    std::set_new_handler(give_up_at_the_third_call);
    CHECK(opaque(call()) == nullptr);
    CHECK(handler_calls == 3);
}

void nothrow_new_calls_the_handler_and_returns_null()
{
    auto align = std::align_val_t(256);
    auto quiet = std::nothrow;
    returns_null_after_three_handler_calls([=] { return ::operator new(impossible(), quiet); });
    returns_null_after_three_handler_calls([=] { return ::operator new[](impossible(), quiet); });
    returns_null_after_three_handler_calls(
        [=] { return ::operator new(impossible(), align, quiet); });
    returns_null_after_three_handler_calls(
        [=] { return ::operator new[](impossible(), align, quiet); });
}

void nothrow_new_returns_null_when_the_handler_throws()
{
    auto align = std::align_val_t(256);
    handler_calls = 0;
    std::set_new_handler(throw_bad_alloc);
    bool escaped = false;
    try {
        CHECK(opaque(::operator new(impossible(), std::nothrow)) == nullptr);
        CHECK(opaque(::operator new[](impossible(), std::nothrow)) == nullptr);
        CHECK(opaque(::operator new(impossible(), align, std::nothrow)) == nullptr);
        CHECK(opaque(::operator new[](impossible(), align, std::nothrow)) == nullptr);
    } catch (...) {
        escaped = true;
    }
    std::set_new_handler(nullptr);
    CHECK(!escaped);
    CHECK(handler_calls == 4);
}

void new_passes_on_what_the_handler_throws()
{
    bool caught = false;
    std::set_new_handler(throw_bad_alloc);
    try {
        (void)opaque(::operator new(impossible()));
    } catch (const std::bad_alloc &) {
        caught = true;
    }
    std::set_new_handler(nullptr);
    CHECK(caught);
}

void under_a_limit(void *)
{
    CHECK(process_limit_address_space(process_address_bytes() + (std::size_t(300) << 20)));
    handler_reserve = malloc(std::size_t(200) << 20);
    CHECK(handler_reserve != nullptr);
    handler_calls = 0;
    std::set_new_handler(free_the_reserve);
    void *block = nullptr;
    try {
        block = opaque(::operator new(std::size_t(200) << 20));
    } catch (const std::bad_alloc &) {
    }
    CHECK(block != nullptr);
    CHECK(handler_calls == 1);
    ::operator delete(block);
}

void a_handler_that_frees_memory_saves_the_request()
{
    CHECK(process_exited(process_run(under_a_limit, nullptr, 20), 0));
}

void an_impossible_array_throws_and_the_program_goes_on()
{
    bool caught = false;
    try {
        std::vector<char> bytes;
        bytes.resize(opaque_size(PTRDIFF_MAX / 2));
    } catch (const std::bad_alloc &) {
        caught = true;
    }
    CHECK(caught);
    std::string text(100000, 'x');
    CHECK(text.size() == 100000 && text[99999] == 'x');
}

void operators_and_malloc_share_one_heap()
{
    // Mixing them is the caller's mistake in C++, yet so common that they must share a heap.
    std::size_t before = process_live_bytes();
    void *block = opaque(::operator new(2000000));
    CHECK(process_live_bytes() >= before + 2000000);
    free(block);
    ::operator delete(opaque(malloc(48)));
    CHECK(process_live_bytes() < before + 100000);
}

struct alignas(128) wide {
    char bytes[300];
};

void objects_of_wide_types_are_aligned()
{
    std::vector<std::unique_ptr<wide>> all;
    for (unsigned i = 0; i < 200; i++) {
        all.emplace_back(new wide);
        CHECK(conform_aligned(all.back().get(), 128));
    }
    std::unique_ptr<wide[]> array(new wide[17]);
    CHECK(conform_aligned(array.get(), 128));
}

} // namespace

int main()
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(every_form_of_new_yields_a_block_for_delete),
        CONFORM_CASE(every_aligned_form_of_new_is_aligned),
        CONFORM_CASE(new_calls_the_handler_until_there_is_none_then_throws),
        CONFORM_CASE(nothrow_new_calls_the_handler_and_returns_null),
        CONFORM_CASE(nothrow_new_returns_null_when_the_handler_throws),
        CONFORM_CASE(new_passes_on_what_the_handler_throws),
        CONFORM_CASE(a_handler_that_frees_memory_saves_the_request),
        CONFORM_CASE(an_impossible_array_throws_and_the_program_goes_on),
        CONFORM_CASE(operators_and_malloc_share_one_heap),
        CONFORM_CASE(objects_of_wide_types_are_aligned),
    };
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
