#!/bin/sh
# layers_test.sh - scripts/check_layers.py finds what a layer may not include.
# SPDX-License-Identifier: MIT
set -eu
# shellcheck source=tests/checks/checks.sh
. "$(dirname "$0")/checks.sh"

usual() {
    put include/acre/base.h <<'END'
#include <stddef.h>
END
    put include/acre/port/linux.h <<'END'
#include "acre/base.h"
END
    put src/base/bits.h <<'END'
#include <stdint.h>
#include "acre/base.h"
END
    put src/base/atomics.h <<'END'
static inline int load(int *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }
END
    put src/heap/heap.c <<'END'
#include "acre_port.h"
#include "base/bits.h"
#include "heap/heap.h"
END
    put src/heap/heap.h <<'END'
#include "base/bits.h"
END
    put src/front/malloc.c <<'END'
#include <errno.h>
#include "acre/port/linux.h"
#include "heap/heap.h"
END
    put ports/linux/acre_port.h <<'END'
#include "base/atomics.h"
END
    put ports/bare/acre_port.h <<'END'
#include <stddef.h>
END
    put tools/acre/main.c <<'END'
#include <stdio.h>
#include <acre/base.h>
END
    put tests/unit/bits_test.c <<'END'
#include "base/bits.h"
END
}

check() {
    python3 "$top/scripts/check_layers.py" --root .
}

add() { # file, line
    echo "$2" >>"$1"
}

fresh
accepts 'a tree that is right' check

fresh
add src/base/bits.h '#include "heap/heap.h"'
rejects 'base that includes heap' 'src/base/bits.h: src/base may not include src/heap/heap.h' check

fresh
put src/front/front.h </dev/null
add src/heap/heap.c '#include "front/front.h"'
rejects 'heap that includes front' 'src/heap may not include src/front/front.h' check

fresh
add src/heap/heap.c '#include <stdio.h>'
rejects 'heap that includes a header of the C library' '<stdio.h> needs a C library' check

fresh
add src/base/bits.h '#include <stdatomic.h>'
rejects 'atomics by another way than base/atomics.h' '<stdatomic.h> needs a C library' check

fresh
add src/heap/heap.c '# include  <acre/port/linux.h>'
rejects 'heap that knows a port' 'src/heap may not include include/acre/port/linux.h' check

fresh
put ports/linux/rseq.h </dev/null
add src/heap/heap.c '#include "rseq.h"'
rejects 'heap that includes another header of a port' 'src/heap may not include ports/linux/rseq.h' check

fresh
add ports/linux/acre_port.h '#include "heap/heap.h"'
rejects 'a port that includes heap' 'ports/linux may not include src/heap/heap.h' check

fresh
put ports/sim/sim.h </dev/null
add ports/linux/acre_port.h '#include "../sim/sim.h"'
rejects 'a port that includes another' 'ports/linux may not include ports/sim/sim.h' check

fresh
add tools/acre/main.c '#include "../../src/base/bits.h"'
rejects 'a tool that reaches below the API' 'tools may not include src/base/bits.h' check

fresh
add include/acre/base.h '#include "base/bits.h"'
rejects 'an API that includes its implementation' 'include/acre may not include src/base/bits.h' check

fresh
put src/heap/slab.h <<'END'
#include "heap/heap.h"
END
add src/heap/heap.h '#include "slab.h"'
rejects 'a cycle' 'include cycle: src/heap/heap.h -> src/heap/slab.h -> src/heap/heap.h' check

fresh
add src/base/bits.h '#include "acre_port.h"'
add ports/linux/acre_port.h '#include "base/bits.h"'
rejects 'a cycle through the header of a port' 'include cycle: ' check

fresh
add src/heap/heap.c '#include "heap/gone.h"'
rejects 'a header that does not exist' '"heap/gone.h" is not a file of this tree' check

fresh
add src/heap/heap.c 'int f(int *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }'
rejects 'a memory order outside base/atomics.h' '__ATOMIC_ACQUIRE belongs into' check

fresh
yes '// one line more' | head -n 601 >>src/heap/heap.c
rejects 'a file that is too long' 'lines, 600 at most' check

fresh
put src/extra/extra.c </dev/null
rejects 'a directory that is in no layer' 'src/extra/extra.c: in no layer' check

fresh
rm -r include src ports tools tests
rejects 'a directory without sources' 'no sources found' check

fresh
add src/heap/heap.c '// #include <stdio.h> is what this file must not do'
accepts 'an include that is only spoken of' check

finish
