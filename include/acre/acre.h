// acre/acre.h - everything a program may use, in one include.
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
#include "acre/pool.h"
#include "acre/region.h"
#include "acre/rt.h"
#include "acre/table.h"
#include "acre/watermark.h"

#endif
