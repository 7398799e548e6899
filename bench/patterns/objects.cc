// objects - C++ objects of many classes, strings and containers, made and destroyed.
//
// Stresses operator new and the delete that is told the size (C++14), arrays, over-aligned new, and
// containers whose nodes and buffers have sizes of their own. A scene of 20 000 objects is edited:
// a random one is replaced, each fourth with a name too long for the string itself. Real programs:
// anything in C++, among them browsers, office programs, games, compilers.
// SPDX-License-Identifier: MIT
#include "pattern.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace
{

constexpr size_t scene_objects = 20000;
constexpr size_t edits = 1500000;

struct shape {
    explicit shape(uint64_t number) : number_(number)
    {
    }
    shape(const shape &) = delete;
    shape &operator=(const shape &) = delete;
    virtual ~shape() = default;
    virtual uint64_t area() const = 0;

  protected:
    uint64_t number_;
};

template <size_t Words> struct polygon final : shape {
    explicit polygon(uint64_t number) : shape(number)
    {
        for (size_t i = 0; i < Words; i++) {
            words_[i] = number + i;
        }
    }
    uint64_t area() const override
    {
        return words_[Words - 1] - number_ + Words;
    }

  private:
    uint64_t words_[Words];
};

struct alignas(64) tile final : shape {
    explicit tile(uint64_t number) : shape(number), pixels_(new uint32_t[16 + number % 48])
    {
        pixels_[number % 16] = static_cast<uint32_t>(number);
    }
    ~tile() override
    {
        delete[] pixels_;
    }
    uint64_t area() const override
    {
        return pixels_[number_ % 16];
    }

  private:
    uint32_t *pixels_;
};

struct label final : shape {
    explicit label(uint64_t number) : shape(number), text_("label number ")
    {
        text_ += std::to_string(number);
        text_.append(number % 40, 'x');
    }
    uint64_t area() const override
    {
        return text_.size();
    }

  private:
    std::string text_;
};

std::unique_ptr<shape> shape_new(uint64_t number)
{
    switch (number % 8) {
    case 0:
    case 4:
        return std::make_unique<label>(number);
    case 1:
        return std::make_unique<polygon<2>>(number);
    case 2:
        return std::make_unique<polygon<5>>(number);
    case 3:
        return std::make_unique<polygon<12>>(number);
    case 5:
        return std::make_unique<tile>(number);
    case 6:
        return std::make_unique<polygon<30>>(number);
    default:
        return std::make_unique<polygon<3>>(number);
    }
}

} // namespace

int main()
{
    pattern_random random = pattern_random_seed(16);
    const size_t edit_count = pattern_work(edits);
    const uint64_t start_ns = pattern_now_ns();
    {
        std::vector<std::unique_ptr<shape>> scene(scene_objects);
        std::map<uint64_t, std::string> index;
        for (size_t i = 0; i < edit_count; i++) {
            const size_t place = pattern_random_below(&random, scene_objects);
            if (scene[place] != nullptr) {
                pattern_checksum_add(scene[place]->area());
            }
            scene[place] = shape_new(pattern_random_below(&random, 1000000));
            if (i % 16 == 0) {
                index[place] = std::string(place % 60, 'i');
            }
            if (i % 32 == 0) {
                index.erase(index.begin());
            }
        }
        pattern_checksum_add(index.size());
    }
    return pattern_report("objects", edit_count, pattern_now_ns() - start_ns);
}
