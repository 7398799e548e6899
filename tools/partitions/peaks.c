// peaks.c - the triangle of peaks. See peaks.h.
//
// A partition for the sizes of classes i to j needs as many blocks as were live at a time of all these
// sizes together. That follows neither from how often each size was asked for nor from the peaks of
// single sizes, which may lie at different times: each of the m (m + 1) / 2 ranges is counted.
//
//     up_to[j]            live blocks of the classes 0 to j
//     live_most[i][j]     the most that up_to[j] - up_to[i - 1] ever was
//
// A block that comes makes sums larger only for the ranges that hold its class; one that goes makes none
// larger. So an allocation takes up to m * m / 4 steps in rows that compilers put into vectors.
//
// A block that is resized goes first and comes after that: in a range that holds both sizes it stays one
// block, as it does in a partition.
// SPDX-License-Identifier: MIT
#include "peaks.h"

#include <stdlib.h>
#include <string.h>

static size_t rounded(size_t size, size_t align)
{
    return (size + align - 1) / align * align;
}

/// Rounded so that there are at most 2^fineness sizes between a power of two and the next.
static size_t class_of(size_t size, size_t align, unsigned fineness)
{
    size_t step = align;
    while (size > step << fineness << 1) {
        step *= 2;
    }
    return rounded(size, step);
}

static int compare_sizes(const void *a, const void *b)
{
    size_t left = *(const size_t *)a;
    size_t right = *(const size_t *)b;
    return (left > right) - (left < right);
}

/// All different sizes, rounded to the alignment only. NULL: no memory.
static size_t *different_sizes(
    const struct trace *traces, size_t trace_count, size_t align, size_t *out_count)
{
    size_t events = 0;
    for (size_t t = 0; t < trace_count; t++) {
        events += traces[t].count;
    }
    size_t *sizes = malloc((events + 1) * sizeof(*sizes));
    size_t count = 0;
    for (size_t t = 0; sizes != NULL && t < trace_count; t++) {
        for (size_t i = 0; i < traces[t].count; i++) {
            size_t after = traces[t].events[i].after;
            sizes[count] = rounded(after, align);
            count += after != 0;
        }
    }
    if (sizes == NULL || count == 0) {
        *out_count = 0;
        return sizes;
    }
    qsort(sizes, count, sizeof(*sizes), compare_sizes);
    size_t different = 1;
    for (size_t i = 1; i < count; i++) {
        if (sizes[i] != sizes[different - 1]) {
            sizes[different++] = sizes[i];
        }
    }
    *out_count = different;
    return sizes;
}

/// Puts sizes into classes, finely if there is room. The size of a class is its largest.
static void make_classes(struct peaks *peaks, const size_t *sizes, size_t count, size_t align)
{
    for (unsigned fineness = 40; fineness > 0; fineness--) {
        size_t last_class = 0;
        peaks->count = 0;
        for (size_t i = 0; i < count; i++) {
            size_t class = class_of(sizes[i], align, fineness);
            if (class != last_class) {
                peaks->count += 1;
                last_class = class;
            }
            if (peaks->count > CLASSES_MAX) {
                break;
            }
            peaks->size[peaks->count - 1] = sizes[i];
        }
        if (peaks->count <= CLASSES_MAX) {
            return;
        }
    }
}

static size_t class_index(const struct peaks *peaks, size_t size)
{
    size_t low = 0;
    for (size_t count = peaks->count; count > 1;) {
        size_t half = count / 2;
        low += size > peaks->size[low + half - 1] ? half : 0;
        count -= half;
    }
    return low;
}

static void come(struct peaks *peaks, int32_t *up_to, size_t class)
{
    size_t count = peaks->count;
    for (size_t j = class; j < count; j++) {
        up_to[j] += 1;
    }
    for (size_t i = 0; i <= class; i++) {
        int32_t below = i == 0 ? 0 : up_to[i - 1];
        int32_t *row = &peaks->live_most[i * count];
        for (size_t j = class; j < count; j++) {
            int32_t live = up_to[j] - below;
            row[j] = live > row[j] ? live : row[j];
        }
    }
}

static void follow(struct peaks *peaks, const struct trace *trace)
{
    int32_t up_to[CLASSES_MAX] = {0};
    for (size_t i = 0; i < trace->count; i++) {
        const struct event *event = &trace->events[i];
        if (event->before != 0) {
            for (size_t j = class_index(peaks, event->before); j < peaks->count; j++) {
                up_to[j] -= 1;
            }
        }
        if (event->after != 0) {
            come(peaks, up_to, class_index(peaks, event->after));
        }
    }
}

bool peaks_make(struct peaks *peaks, const struct trace *traces, size_t trace_count, size_t align)
{
    size_t count;
    size_t *sizes = different_sizes(traces, trace_count, align, &count);
    *peaks = (struct peaks){.count = 0};
    if (sizes == NULL) {
        return false;
    }
    make_classes(peaks, sizes, count, align);
    free(sizes);
    peaks->live_most = calloc(peaks->count * peaks->count + 1, sizeof(*peaks->live_most));
    if (peaks->live_most == NULL) {
        return false;
    }
    for (size_t t = 0; t < trace_count; t++) {
        follow(peaks, &traces[t]);
    }
    return true;
}

void peaks_free(struct peaks *peaks)
{
    free(peaks->live_most);
    peaks->live_most = NULL;
}
