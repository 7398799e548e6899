#!/bin/sh
# docs_test.sh - scripts/check_docs.py finds where documents and code do not say the same.
# SPDX-License-Identifier: MIT
set -eu
# shellcheck source=tests/checks/checks.sh
. "$(dirname "$0")/checks.sh"

usual() {
    put include/acre/heap.h <<'END'
// acre/heap.h - heaps.
// SPDX-License-Identifier: MIT
ACRE_BEGIN

typedef bool acre_visitor(void *block);

/// Frees `block`.
void acre_heap_free(acre_heap *heap, void *block);

/// Sums.
struct acre_sums {
    size_t (*count)(void);
};

/// Returns a block of at least `size` bytes, or NULL.
///
/// size     bytes
void *acre_heap_alloc(
    acre_heap *heap, size_t size);

ACRE_END
END
    put src/heap/heap.c <<'END'
// heap.c - see acre/heap.h.
// SPDX-License-Identifier: MIT
END
    put scripts/symbols.txt <<'END'
# SPDX-License-Identifier: MIT
malloc
acre_heap_alloc
acre_heap_free
END
    put README.md <<'END'
# acre
Reads [words](docs/glossary.md#a-slots-life), [code](src/heap/heap.c), [more](#acre),
[the web](https://example.org/gone).
END
    put docs/glossary.md <<'END'
# Words
## A slot's life
END
    put docs/architecture.md <<'END'
Stands for `malloc`.
END
}

check() {
    python3 "$top/scripts/check_docs.py" --root .
}

fresh
accepts 'a tree that is right' check

fresh
sed -i 's,^/// Frees .*,,' include/acre/heap.h
rejects 'a function without a comment' 'acre_heap_free has no comment' check

fresh
sed -i 's,^/// Frees .*,// Frees the block.,' include/acre/heap.h
rejects 'a comment that is not for users' 'acre_heap_free has no comment' check

fresh
sed -i 's,^/// Frees .*,/// free,' include/acre/heap.h
rejects 'a comment without a sentence' 'no sentence in the comment of acre_heap_free' check

fresh
sed -i 's,^ACRE_END,int acre_new(void);\n&,' include/acre/heap.h
rejects 'a function that is not exported' 'acre_new is not in scripts/symbols.txt' check

fresh
echo acre_gone >>scripts/symbols.txt
rejects 'an exported function that no header declares' 'no header declares acre_gone' check

fresh
echo mallocs >>scripts/symbols.txt
rejects 'an exported name that no document tells of' 'mallocs is exported, and neither' check

fresh
rm docs/architecture.md
rejects 'a name whose document is gone' 'malloc is exported, and neither' check

fresh
echo '[gone](docs/gone.md)' >>README.md
rejects 'a link that leads nowhere' 'README.md: the link to docs/gone.md leads nowhere' check

fresh
echo '[up](../README.md#gone)' >>docs/glossary.md
rejects 'a link to a heading that is not there' '../README.md#gone is no heading there' check

fresh
sed -i '1s/.*/\/\/ does things/' src/heap/heap.c
rejects 'a source that does not say what it is' 'src/heap/heap.c: its first line' check

fresh
sed -i '/SPDX/d' src/heap/heap.c
rejects 'a source without a licence' 'src/heap/heap.c: no line "SPDX' check

fresh
put scripts/new <<'END'
#!/bin/sh
END
rejects 'a script without a licence' 'scripts/new: no line "SPDX' check

finish
