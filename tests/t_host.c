// t_host.c - runs a test file as an ordinary program: TAP on stdout, exit status 1 if a case failed.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>

#include "t.h"

int t_main(void);

static const char *seed_text;

void t_write(const char *text)
{
    (void)fputs(text, stdout);
    (void)fflush(stdout); // what was written before a crash is what tells where it was
}

uint64_t t_seed(uint64_t otherwise)
{
    return seed_text != NULL ? strtoull(seed_text, NULL, 0) : otherwise;
}

int main(int argc, char **argv)
{
    seed_text = argc > 1 ? argv[1] : getenv("T_SEED");
    return t_main() == 0 ? 0 : 1;
}
