// nbody - bodies attract each other through an octree that is built anew in every step.
//
// Stresses a burst of equal nodes (128 bytes, about 12 000 live), walked in an order that is not
// that of allocation, and then dropped whole, child before parent. One thread. Real programs:
// N-body and particle codes, collision detection of games and physics engines, ray tracers that
// refit their trees, mesh generators.
// SPDX-License-Identifier: MIT
#include "pattern.h"

enum { BODIES = 8000, STEPS = 50, CHILDREN = 8 };

// A cell is treated as one mass when it looks smaller than this (size over distance).
#define OPENING       1.1
#define SMALLEST_HALF 1e-6
#define TIME_STEP     1e-3
#define SOFTENING     1e-3

typedef struct body {
    double at[3];
    double velocity[3];
} body;

typedef struct cell {
    struct cell *children[CHILDREN]; // a leaf has none
    double mass;
    double weighted[3]; // sum of the bodies' places
    double middle[3];
    const body *only; // the body of a leaf
} cell;

static body bodies[BODIES];
static uint64_t pair_count;

static cell *cell_new(const double *middle)
{
    cell *made = pattern_alloc(sizeof *made);
    pattern_live_add(sizeof *made);
    memset(made, 0, sizeof *made);
    memcpy(made->middle, middle, sizeof made->middle);
    pair_count++;
    return made;
}

static void cell_free(cell *dropped)
{
    for (int i = 0; i < CHILDREN; i++) {
        if (dropped->children[i] != NULL) {
            cell_free(dropped->children[i]);
        }
    }
    pattern_live_subtract(sizeof *dropped);
    free(dropped);
}

/// The child that a place belongs to; it is made when it is not there.
static cell **cell_child(cell *parent, const double *at, double half)
{
    double middle[3];
    int idx = 0;
    for (int axis = 0; axis < 3; axis++) {
        int is_above = at[axis] >= parent->middle[axis];
        idx |= is_above << axis;
        middle[axis] = parent->middle[axis] + (is_above ? half : -half) / 2;
    }
    if (parent->children[idx] == NULL) {
        parent->children[idx] = cell_new(middle);
    }
    return &parent->children[idx];
}

static void cell_add(cell *target, const body *added, double half)
{
    if (target->mass > 0 && half > SMALLEST_HALF) {
        const body *moved = target->only;
        target->only = NULL;
        if (moved != NULL) { // a leaf becomes an inner cell
            cell_add(*cell_child(target, moved->at, half), moved, half / 2);
        }
        cell_add(*cell_child(target, added->at, half), added, half / 2);
    } else {
        target->only = added;
    }
    target->mass += 1;
    for (int axis = 0; axis < 3; axis++) {
        target->weighted[axis] += added->at[axis];
    }
}

static void cell_pull(const cell *source, body *pulled, double half)
{
    double away[3];
    double square = SOFTENING;
    for (int axis = 0; axis < 3; axis++) {
        away[axis] = source->weighted[axis] / source->mass - pulled->at[axis];
        square += away[axis] * away[axis];
    }
    if (source->only == NULL && 4 * half * half > OPENING * OPENING * square) {
        for (int i = 0; i < CHILDREN; i++) {
            if (source->children[i] != NULL) {
                cell_pull(source->children[i], pulled, half / 2);
            }
        }
        return;
    }
    double force = TIME_STEP * source->mass / (BODIES * square);
    for (int axis = 0; axis < 3; axis++) {
        pulled->velocity[axis] += force * away[axis];
    }
}

static void step(void)
{
    static const double origin[3];
    double half = 1;
    for (int i = 0; i < BODIES; i++) {
        for (int axis = 0; axis < 3; axis++) {
            double distance = bodies[i].at[axis] < 0 ? -bodies[i].at[axis] : bodies[i].at[axis];
            half = distance > half ? distance : half;
        }
    }
    cell *root = cell_new(origin);
    for (int i = 0; i < BODIES; i++) {
        cell_add(root, &bodies[i], half);
    }
    for (int i = 0; i < BODIES; i++) {
        cell_pull(root, &bodies[i], half);
    }
    for (int i = 0; i < BODIES; i++) {
        for (int axis = 0; axis < 3; axis++) {
            bodies[i].at[axis] += TIME_STEP * bodies[i].velocity[axis];
        }
    }
    cell_free(root);
}

int main(void)
{
    pattern_random random = pattern_random_seed(6);
    for (int i = 0; i < BODIES; i++) {
        for (int axis = 0; axis < 3; axis++) {
            bodies[i].at[axis] = (double)pattern_random_below(&random, 2000001) * 1e-6 - 1;
        }
    }
    size_t steps = pattern_work(STEPS);
    uint64_t start_ns = pattern_now_ns();
    for (size_t i = 0; i < steps; i++) {
        step();
    }
    uint64_t elapsed_ns = pattern_now_ns() - start_ns;
    for (int i = 0; i < BODIES; i++) {
        pattern_checksum_add((uint64_t)(int64_t)((bodies[i].at[0] + 1e3) * 1e9));
    }
    return pattern_report("nbody", pair_count, elapsed_ns);
}
