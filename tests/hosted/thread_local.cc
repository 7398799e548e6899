// thread_local.cc - destructors of thread_local objects and of static objects of C++ use the heap.
// SPDX-License-Identifier: MIT
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "../conform/process.h"

namespace
{

std::atomic<unsigned> destroyed{0};

/// Frees and allocates blocks of every kind when its thread ends.
struct keeper {
    std::map<int, std::string> texts;
    std::vector<std::unique_ptr<char[]>> blocks;

    keeper()
    {
        for (int i = 0; i < 40; i++) {
            texts[i] = std::string(static_cast<std::size_t>(i) * 50, 'k');
            blocks.emplace_back(new char[static_cast<std::size_t>(i) * 9000 + 1]);
        }
    }

    ~keeper()
    {
        for (auto &entry : texts) {
            CHECK(entry.second == std::string(static_cast<std::size_t>(entry.first) * 50, 'k'));
            entry.second += std::string(3000, 'x');
        }
        std::unique_ptr<std::vector<int>> last(new std::vector<int>(100000));
        CHECK(last->size() == 100000);
        destroyed++;
    }
};

thread_local keeper of_thread;
thread_local std::string text_of_thread;
keeper of_program;

void touch_thread_locals()
{
    text_of_thread.assign(500, 't');
    CHECK(of_thread.texts.size() == 40);
}

void destructors_of_thread_locals_use_the_heap()
{
    destroyed = 0;
    for (unsigned round = 0; round < 50; round++) {
        std::thread first(touch_thread_locals);
        std::thread second(touch_thread_locals);
        first.join();
        second.join();
    }
    CHECK(destroyed == 100);
}

void detached_threads_end_by_themselves()
{
    destroyed = 0;
    for (unsigned i = 0; i < 50; i++) {
        std::thread(touch_thread_locals).detach();
    }
    for (unsigned i = 0; i < 5000 && destroyed < 50; i++) {
        process_sleep_us(1000);
    }
    CHECK(destroyed == 50);
}

void exit_with_everything_alive(void *)
{
    touch_thread_locals();
    CHECK(of_program.texts.size() == 40);
    std::thread(touch_thread_locals).detach();
    exit(conform_failures == 0 ? 0 : 1);
}

void static_objects_are_destroyed_at_exit()
{
    for (unsigned i = 0; i < 30; i++) {
        CHECK(process_exited(process_run(exit_with_everything_alive, nullptr, 20), 0));
    }
}

} // namespace

int main()
{
    static const struct conform_case cases[] = {
        CONFORM_CASE(destructors_of_thread_locals_use_the_heap),
        CONFORM_CASE(detached_threads_end_by_themselves),
        CONFORM_CASE(static_objects_are_destroyed_at_exit),
    };
    return conform_main(cases, sizeof(cases) / sizeof(cases[0]));
}
