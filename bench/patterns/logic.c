// logic - counts the true rows of random logic functions by recursive splitting of cube covers.
//
// Stresses a mix of small classes with bursts: a cover is an array of pointers that grows by
// realloc (32 to 2 048 bytes) to cubes of 24 to 152 bytes; each level of the recursion builds two
// new covers and drops them whole, and the reads between cost as much as the allocator. One thread.
// Real programs: logic minimisers (espresso), SAT and SMT solvers, decision diagrams, query
// planners.
//
// Each function is counted twice with different orders of splitting; the counts must agree.
// SPDX-License-Identifier: MIT
#include "pattern.h"

#include <stdbool.h>

enum { PROBLEMS = 8, VARIABLES = 22, LITERALS = 7 };

#define OUTPUT_FACTOR UINT32_C(2654435761)

// The two masks say which values of a variable a cube admits; both bits set means any.
typedef struct cube {
    uint32_t admits[2];
    uint32_t output_words;
    uint32_t outputs[]; // what a multi-output function carries along
} cube;

typedef struct cover {
    size_t cube_count;
    size_t capacity;
    cube **cubes;
} cover;

static uint64_t pair_count;

static cube *cube_new(uint32_t output_words)
{
    cube *result = pattern_alloc(sizeof *result + output_words * sizeof *result->outputs);
    result->output_words = output_words;
    pair_count++;
    return result;
}

static cube *cube_copy(const cube *source)
{
    cube *result = cube_new(source->output_words);
    memcpy(result, source, sizeof *source + source->output_words * sizeof *source->outputs);
    return result;
}

static cube *cube_random(pattern_random *random, uint32_t output_words)
{
    cube *result = cube_new(output_words);
    result->admits[0] = UINT32_MAX;
    result->admits[1] = UINT32_MAX;
    for (int i = 0; i < LITERALS; i++) {
        uint32_t variable_bit = UINT32_C(1) << pattern_random_below(random, VARIABLES);
        result->admits[0] |= variable_bit;
        result->admits[1] |= variable_bit;
        result->admits[pattern_random_below(random, 2)] &= ~variable_bit;
    }
    for (uint32_t i = 0; i < output_words; i++) {
        result->outputs[i] = output_words * OUTPUT_FACTOR + i;
    }
    return result;
}

static cover *cover_new(void)
{
    cover *result = pattern_alloc(sizeof *result);
    pair_count++;
    *result = (cover){0, 4, pattern_alloc(4 * sizeof(cube *))};
    pair_count++;
    return result;
}

static void cover_add(cover *target, cube *added)
{
    if (target->cube_count == target->capacity) {
        target->capacity *= 2;
        cube **grown = realloc(target->cubes, target->capacity * sizeof(cube *));
        if (grown == NULL) {
            pattern_fail("realloc returned NULL");
        }
        target->cubes = grown;
        pair_count++;
    }
    target->cubes[target->cube_count++] = added;
}

static void cover_free(cover *dropped)
{
    for (size_t i = 0; i < dropped->cube_count; i++) {
        const cube *one = dropped->cubes[i];
        uint32_t last = one->output_words - 1;
        if (one->outputs[last] != one->output_words * OUTPUT_FACTOR + last) {
            pattern_fail("a cube's content changed while it was live");
        }
        free(dropped->cubes[i]);
    }
    free(dropped->cubes);
    free(dropped);
}

/// The cover's part where the variable has `value`; the variable is free in the result.
static cover *cover_part(const cover *whole, uint32_t variable_bit, int value)
{
    cover *part = cover_new();
    for (size_t i = 0; i < whole->cube_count; i++) {
        if ((whole->cubes[i]->admits[value] & variable_bit) == 0) {
            continue;
        }
        cube *copy = cube_copy(whole->cubes[i]);
        copy->admits[0] |= variable_bit;
        copy->admits[1] |= variable_bit;
        cover_add(part, copy);
    }
    return part;
}

static bool cover_is_always_true(const cover *tested)
{
    for (size_t i = 0; i < tested->cube_count; i++) {
        if ((tested->cubes[i]->admits[0] & tested->cubes[i]->admits[1]) == UINT32_MAX) {
            return true;
        }
    }
    return false;
}

/// The variable that most cubes depend on, or, the other way round, the first that one depends on.
static uint32_t cover_choose(const cover *split, bool most)
{
    size_t uses[VARIABLES] = {0};
    for (size_t i = 0; i < split->cube_count; i++) {
        uint32_t used = ~(split->cubes[i]->admits[0] & split->cubes[i]->admits[1]);
        for (uint32_t variable = 0; variable < VARIABLES; variable++) {
            uses[variable] += used >> variable & 1;
        }
    }
    uint32_t best = 0;
    for (uint32_t variable = 1; variable < VARIABLES; variable++) {
        if (most ? uses[variable] > uses[best] : uses[best] == 0) {
            best = variable;
        }
    }
    return best;
}

/// True rows among those that are still open: 2^open_variables at most.
static uint64_t cover_count(const cover *counted, unsigned open_variables, bool most)
{
    if (counted->cube_count == 0) {
        return 0;
    }
    if (cover_is_always_true(counted)) {
        return UINT64_C(1) << open_variables;
    }
    uint32_t variable_bit = UINT32_C(1) << cover_choose(counted, most);
    uint64_t rows = 0;
    for (int value = 0; value < 2; value++) {
        cover *part = cover_part(counted, variable_bit, value);
        rows += cover_count(part, open_variables - 1, most);
        cover_free(part);
    }
    return rows;
}

int main(void)
{
    pattern_random random = pattern_random_seed(4);
    size_t problems = pattern_work(PROBLEMS);
    uint64_t start_ns = pattern_now_ns();
    for (size_t problem = 0; problem < problems; problem++) {
        uint32_t output_words = (uint32_t)(3 + pattern_random_below(&random, 33));
        cover *function = cover_new();
        size_t cubes = 16 + pattern_random_below(&random, 40);
        for (size_t i = 0; i < cubes; i++) {
            cover_add(function, cube_random(&random, output_words));
        }
        uint64_t rows = cover_count(function, VARIABLES, true);
        if (rows != cover_count(function, VARIABLES, false)) {
            pattern_fail("two orders of splitting disagree");
        }
        pattern_checksum_add(rows);
        cover_free(function);
    }
    return pattern_report("logic", pair_count, pattern_now_ns() - start_ns);
}
