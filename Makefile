# Short names for typing. CMake builds (CMakeLists.txt, CMakePresets.json); nothing is decided here.
# SPDX-License-Identifier: MIT

BUILD   := build
PREFIX  ?= /usr/local
DESTDIR ?=
CMD     ?=
BENCH   ?=
JOBS    ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

# What was typed for this make is not meant for the makefiles that CMake may write.
CMAKE := env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL cmake
CTEST := env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL ctest

.PHONY: all check run bench kernel install format clean help
.DEFAULT_GOAL := all

all:
	@sh scripts/setup --build-only
	@$(CMAKE) --preset release
	@$(CMAKE) --build $(BUILD) --parallel $(JOBS)

check:
	@sh scripts/setup
	@$(CMAKE) --preset check
	@$(CMAKE) --build $(BUILD) --parallel $(JOBS)
	@$(CTEST) --preset check

run:
	@sh scripts/setup --run-only
	@$(CMAKE) --preset release
	@$(CMAKE) --build $(BUILD) --parallel $(JOBS)
	@$(if $(CMD),$(BUILD)/acre run --compare -- $(CMD),sh scripts/run_job.sh $(BUILD))

kernel:
	@sh scripts/setup --kernel-only
	@$(CMAKE) --preset release
	@$(CMAKE) --build $(BUILD) --parallel $(JOBS) --target test_kernel
	@sh scripts/run_kernel.sh $(BUILD)/test_kernel.elf
	@for processor in aarch64 riscv64; do \
		sh scripts/build_kernel.sh $(BUILD) $$processor && echo "--- $$processor" && \
		sh scripts/run_kernel.sh $(BUILD)/kernel_$$processor/test_kernel.elf || [ $$? = 77 ] || exit 1; \
	done

bench:
	@sh scripts/setup --bench
	@$(CMAKE) --preset release
	@$(CMAKE) --build $(BUILD) --parallel $(JOBS) --target all bench_programs
	@$(BUILD)/acre bench --json $(BUILD)/bench.json --html $(BUILD)/bench.html $(BENCH)

install:
	@sh scripts/setup --build-only
	@$(CMAKE) --preset release -DCMAKE_INSTALL_PREFIX=$(PREFIX)
	@$(CMAKE) --build $(BUILD) --parallel $(JOBS) --target all bench_programs
	@DESTDIR=$(DESTDIR) $(CMAKE) --install $(BUILD)
	@test -n '$(DESTDIR)' || { test -w /etc/ld.so.cache && ldconfig; } || echo 'Now type: sudo ldconfig'

format:
	@sh scripts/check_format.sh --write

clean:
	@rm -rf $(BUILD)

help:
	@echo 'make                          builds libacre.so, libacre.a and acre into $(BUILD)/'
	@echo 'make run                      compiles acre on acre, beside the same on the system malloc'
	@echo 'make run CMD="PROGRAM ARGS"   the same comparison for any program'
	@echo 'make kernel                   boots the reference kernel in QEMU, for three processors; it tests itself'
	@echo 'make bench                    every way of using memory, and real programs, on every allocator'
	@echo 'make bench BENCH="--quick"    the same with other options of acre bench'
	@echo 'make check                    every test'
	@echo 'make install PREFIX= DESTDIR= library, headers, command and manual (PREFIX=$(PREFIX))'
	@echo 'make format                   lays out the C sources'
	@echo 'make clean                    removes $(BUILD)/'
