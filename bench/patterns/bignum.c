// bignum - the convergents of a continued fraction, every intermediate number a block of its own.
//
// Stresses LIFO pairs of 8 to 48 bytes, a few of them alive at a time: each operation allocates its
// result and its operands are freed soon after. One thread. Real programs: factoring (cfrac, gp),
// arbitrary-precision arithmetic in python, ruby and Lisp, RSA in libraries without a scratch area.
//
// The program expands sqrt(N), N = (2^61 - 1)(2^62 - 57), and squares each numerator modulo N. The
// square must be plus or minus the expansion's next denominator: a wrong block is a wrong number.
// SPDX-License-Identifier: MIT
#include "pattern.h"

#include <stdbool.h>

enum { STEPS = 60000 };

__extension__ typedef unsigned __int128 wide;

typedef struct number {
    uint32_t limb_count; // without leading zero limbs
    uint32_t limbs[];    // lowest first
} number;

static uint64_t pair_count;

static number *number_new(uint32_t limb_count)
{
    number *result = pattern_alloc(sizeof *result + limb_count * sizeof *result->limbs);
    result->limb_count = limb_count;
    pair_count++;
    return result;
}

static void number_trim(number *value)
{
    while (value->limb_count > 0 && value->limbs[value->limb_count - 1] == 0) {
        value->limb_count--;
    }
}

static number *number_from(wide value)
{
    number *result = number_new(4);
    for (uint32_t i = 0; i < 4; i++) {
        result->limbs[i] = (uint32_t)(value >> (32 * i));
    }
    number_trim(result);
    return result;
}

static uint32_t number_limb(const number *value, uint32_t idx)
{
    return idx < value->limb_count ? value->limbs[idx] : 0;
}

static uint32_t number_bits(const number *value)
{
    if (value->limb_count == 0) {
        return 0;
    }
    uint32_t top = value->limbs[value->limb_count - 1];
    return value->limb_count * 32 - (uint32_t)__builtin_clz(top);
}

static bool number_less(const number *left, const number *right)
{
    if (left->limb_count != right->limb_count) {
        return left->limb_count < right->limb_count;
    }
    for (uint32_t i = left->limb_count; i-- > 0;) {
        if (left->limbs[i] != right->limbs[i]) {
            return left->limbs[i] < right->limbs[i];
        }
    }
    return false;
}

static number *number_add(const number *left, const number *right)
{
    uint32_t longer = left->limb_count > right->limb_count ? left->limb_count : right->limb_count;
    number *result = number_new(longer + 1);
    uint64_t carry = 0;
    for (uint32_t i = 0; i <= longer; i++) {
        carry += (uint64_t)number_limb(left, i) + number_limb(right, i);
        result->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    number_trim(result);
    return result;
}

/// `left` is not less than `right`.
static number *number_subtract(const number *left, const number *right)
{
    number *result = number_new(left->limb_count);
    uint64_t borrow = 0;
    for (uint32_t i = 0; i < left->limb_count; i++) {
        uint64_t difference = (uint64_t)left->limbs[i] - number_limb(right, i) - borrow;
        result->limbs[i] = (uint32_t)difference;
        borrow = difference >> 63;
    }
    number_trim(result);
    return result;
}

static number *number_multiply(const number *left, const number *right)
{
    number *result = number_new(left->limb_count + right->limb_count);
    memset(result->limbs, 0, result->limb_count * sizeof *result->limbs);
    for (uint32_t i = 0; i < left->limb_count; i++) {
        uint64_t carry = 0;
        for (uint32_t j = 0; j < right->limb_count; j++) {
            carry += (uint64_t)left->limbs[i] * right->limbs[j] + result->limbs[i + j];
            result->limbs[i + j] = (uint32_t)carry;
            carry >>= 32;
        }
        result->limbs[i + right->limb_count] = (uint32_t)carry;
    }
    number_trim(result);
    return result;
}

static number *number_shift_left(const number *value, uint32_t bits)
{
    uint32_t limbs = bits / 32;
    uint32_t rest = bits % 32;
    number *result = number_new(value->limb_count + limbs + 1);
    memset(result->limbs, 0, limbs * sizeof *result->limbs);
    uint64_t carry = 0;
    for (uint32_t i = 0; i <= value->limb_count; i++) {
        carry |= (uint64_t)number_limb(value, i) << rest;
        result->limbs[limbs + i] = (uint32_t)carry;
        carry >>= 32;
    }
    number_trim(result);
    return result;
}

/// Frees `value` and returns its rest modulo `modulus`: shift and subtract, a block for every step.
static number *number_reduce(number *value, const number *modulus)
{
    while (!number_less(value, modulus)) {
        uint32_t shift = number_bits(value) - number_bits(modulus);
        number *trial = number_shift_left(modulus, shift);
        if (number_less(value, trial)) {
            free(trial);
            trial = number_shift_left(modulus, shift - 1);
        }
        number *rest = number_subtract(value, trial);
        free(trial);
        free(value);
        value = rest;
    }
    return value;
}

static uint64_t square_root(wide value)
{
    uint64_t root = 0;
    for (int bit = 62; bit >= 0; bit--) {
        uint64_t trial = root | UINT64_C(1) << bit;
        if ((wide)trial * trial <= value) {
            root = trial;
        }
    }
    return root;
}

/// numerator^2 = (-1)^(step + 1) denominator modulo N; see any text on the continued fraction
/// method.
static void check_step(
    const number *numerator, const number *modulus, uint64_t denominator, int step)
{
    number *square = number_reduce(number_multiply(numerator, numerator), modulus);
    number *expected = number_from(denominator);
    if (step % 2 == 0) {
        number *negative = number_subtract(modulus, expected);
        free(expected);
        expected = negative;
    }
    if (number_less(square, expected) || number_less(expected, square)) {
        pattern_fail("a number is wrong");
    }
    free(expected);
    free(square);
}

static void expand(wide product)
{
    uint64_t root = square_root(product);
    uint64_t p = 0;
    uint64_t q_before = 0;
    uint64_t q = 1;
    uint64_t quotient = root;
    number *modulus = number_from(product);
    number *before = number_from(1);
    number *numerator = number_from(root);
    int steps = (int)pattern_work(STEPS);
    for (int step = 0; step < steps; step++) {
        uint64_t p_next = quotient * q - p;
        uint64_t q_next = step == 0 ? (uint64_t)(product - (wide)root * root)
                                    : q_before + quotient * (p - p_next); // wraps, and back
        check_step(numerator, modulus, q_next, step);
        q_before = q;
        q = q_next;
        p = p_next;
        quotient = (root + p) / q;
        number *factor = number_from(quotient);
        number *scaled = number_multiply(numerator, factor);
        free(factor);
        number *sum = number_add(scaled, before);
        free(scaled);
        free(before);
        before = numerator;
        numerator = number_reduce(sum, modulus);
    }
    pattern_checksum_add(number_limb(numerator, 0));
    free(numerator);
    free(before);
    free(modulus);
}

int main(void)
{
    wide product = (wide)((UINT64_C(1) << 61) - 1) * ((UINT64_C(1) << 62) - 57);
    uint64_t start_ns = pattern_now_ns();
    expand(product);
    return pattern_report("bignum", pair_count, pattern_now_ns() - start_ns);
}
