#!/bin/sh
# symbols_test.sh - scripts/check_symbols.sh finds what is wrong with a built library.
# SPDX-License-Identifier: MIT
set -eu
# shellcheck source=tests/checks/checks.sh
. "$(dirname "$0")/checks.sh"

soname=-Wl,-soname,libacre.so.0
well=$soname,-z,now,-z,relro,-z,nodelete

# What a library of the right shape is made of: every name of the list, with nothing in it.
usual() {
    grep -Ev '^(#|$)' "$top/scripts/symbols.txt" >names.txt
    : >more.c
}

link() { # flags
    awk '{ print "void " $1 "(void);\nvoid " $1 "(void)\n{\n}" }' names.txt | cat - more.c >library.c
    # -nostartfiles: the compiler's start files bring names of their own.
    "${CC:-cc}" -w -O1 -fPIC -fno-builtin -shared -nostartfiles -o library.so library.c "$@"
}

check() {
    sh "$top/scripts/check_symbols.sh" library.so
}

fresh
link $well
accepts 'a library that is right' check

fresh
sed -i '/^reallocf$/d' names.txt
link $well
rejects 'a name that is missing' 'not exported: reallocf' check

fresh
echo my_own_helper >>names.txt
link $well
rejects 'a name that is not in the list' 'not in symbols.txt: my_own_helper' check

fresh
link $well -Wl,--no-as-needed -lm
rejects 'a library that is needed' 'needs another library: libm.so.6' check

fresh
put more.c <<'END'
void __cxa_throw(void);
static void (*kept)(void) __attribute__((used)) = __cxa_throw;
END
link $well
rejects 'a name of the C++ library that must be there' "not the C library's: __cxa_throw" check

fresh
put more.c <<'END'
void _ZSt17__throw_bad_allocv(void) __attribute__((weak));
static void (*kept)(void) __attribute__((used)) = _ZSt17__throw_bad_allocv;
END
link $well
accepts 'a name of the C++ library that may be missing' check

fresh
sed -i '/^malloc$/d' names.txt
put more.c <<'END'
static void *choose(void)
{
    return 0;
}
void malloc(void) __attribute__((ifunc("choose")));
END
link $well
rejects 'an indirect function' 'indirect function: malloc' check

fresh
link $soname,-z,lazy,-z,relro,-z,nodelete
rejects 'lazy binding' 'not linked with -z now' check

fresh
link $soname,-z,now,-z,relro
rejects 'a library that can be unloaded' 'not linked with -z nodelete' check

fresh
link $soname,-z,now,-z,norelro,-z,nodelete
rejects 'relocated data that stays writable' 'not linked with -z relro' check

fresh
link $well -Wl,-z,execstack
rejects 'a stack that can be executed' 'stack that can be executed' check

fresh
link $well -Wl,-rpath,/elsewhere
rejects 'a search path' 'search path of its own' check

fresh
link -Wl,-soname,libacre.so.1,-z,now,-z,relro,-z,nodelete
rejects 'another SONAME' "SONAME is 'libacre.so.1'" check

fresh
put more.c <<'END'
__asm__(".text\n.quad malloc\n");
END
link $well -Wl,-z,notext
rejects 'relocations in code' 'TEXTREL' check

fresh
put more.c <<'END'
static __attribute__((used, tls_model("initial-exec"))) _Thread_local char much[65];
END
link $well
rejects 'much thread-local storage' '65 bytes of thread-local storage' check

fresh
put more.c <<'END'
static __attribute__((tls_model("global-dynamic"))) _Thread_local int own;
static __attribute__((used)) int *where(void)
{
    return &own;
}
END
link $well
rejects 'thread-local storage that is found by a call' 'not initial-exec' check

fresh
put more.c <<'END'
static const __attribute__((used)) char much[100000] = {1};
END
link $well
rejects 'much text' 'bytes of text; 98304 are allowed' check

finish
