// acre/acre.h - heaps and special allocators in one include. Apart from them: acre/malloc.h for the heap behind
// malloc, acre/port/linux.h for Linux's page source, acre/frames.h and acre/bootmap.h for kernels.
// SPDX-License-Identifier: MIT
#ifndef ACRE_ACRE_H
#define ACRE_ACRE_H

#include "acre/budget.h"
#include "acre/cache.h"
#include "acre/fit.h"
#include "acre/handles.h"
#include "acre/heap.h"
#include "acre/heap_pages.h"
#include "acre/pages.h"
#include "acre/partitions.h"
#include "acre/pool.h"
#include "acre/region.h"
#include "acre/rt.h"
#include "acre/table.h"
#include "acre/watermark.h"

#endif
