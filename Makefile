# make demo | test | test-portable | torture | reliability | lint | fuzz | bench | bench-audit | bench-lists |
# bench-policy | bench-scale | bench-timing | bless | doxygen | install. What a target does is in the script or tool it calls.

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
SONAME := libkmshsm.so.0
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
PYTHON ?= python3
FUZZ_SECONDS ?= 28800
FUZZ_TARGET ?= c_abi

CARGO_LIB := cargo rustc --locked --release --lib --no-default-features --features capi,awslc --crate-type
# Named, or the Python package beside it would bring its own provider along.
PORTABLE := --locked -p kmshsm --no-default-features --features capi,portable
SOURCES := $(shell find src -name '*.rs') Cargo.toml Cargo.lock
VENV := .venv/.tools
PACKAGE := .venv/.kmshsm

.PHONY: all lib cli python demo test test-rust test-life torture reliability test-c test-header test-valgrind test-memory test-constant-time test-python \
	test-portable test-portable-rust test-portable-c test-portable-python lint fuzz fuzz-smoke bench \
	bench-audit bench-lists bench-policy bench-scale bench-timing bless doxygen install clean

all: lib cli

lib: build/lib/libkmshsm.so build/lib/libkmshsm.a
cli: build/bin/kmshsm
python: $(PACKAGE)

demo: all python
	scripts/need openssl libcrypto
	scripts/demo

test: test-rust test-life test-c test-valgrind test-memory test-constant-time demo test-python

test-rust:
	cargo test --locked

# Tests that move the clocks of directories. The library itself is optimized a little, with all checks: they
# call it a million times.
test-life:
	scripts/need c++
	CARGO_PROFILE_DEV_OPT_LEVEL=1 cargo test --locked -p kmshsm --features testing --test clock --test faults --test formats --test principals --test upkeep --test life --test processes -- $(TEST_FLAGS)

# The same, a hundred times as long and from a seed of its own, with every fault at every point: some hours.
torture:
	KMSHSM_TORTURE=1 KMSHSM_SECONDS=60 PROPTEST_CASES=1000000 PROPTEST_RNG_SEED=$$(date +%s) KMSHSM_PAIRS=100000 KMSHSM_ROUNDS=2000 \
		$(MAKE) test-life TEST_FLAGS=--nocapture
	KMSHSM_CASES=10000000 cargo test --locked -p kmshsm --lib policy::

# What the runs of test-life or torture have counted since the last `make clean`, as docs/reliability.md.
reliability:
	$(PYTHON) scripts/reliability target/tmp/reliability.jsonl docs/reliability.md

test-c: lib build/testing/lib/libkmshsm.so test-header
	scripts/need openssl c++ clang
	scripts/symbols
	$(MAKE) -C tests/c check BUILD=$(CURDIR)/build/tests KMSHSM_LIBDIR=$(CURDIR)/build/lib
	$(MAKE) -C tests/c check-broken BUILD=$(CURDIR)/build/tests KMSHSM_LIBDIR=$(CURDIR)/build/testing/lib

# Every language that the headers are in, with gcc and clang.
test-header:
	scripts/need c++ clang
	$(MAKE) -C tests/c check-header BUILD=$(CURDIR)/build/tests

# The C and C++ interface under memcheck, instead of the sanitizers; with PROGRAMS=contract what takes some
# minutes, too.
test-valgrind: lib
	scripts/need openssl c++ valgrind
	$(MAKE) -C tests/c check-valgrind SANITIZE= BUILD=$(CURDIR)/build/tests/valgrind KMSHSM_LIBDIR=$(CURDIR)/build/lib

test-memory: lib $(VENV)
	scripts/need libcrypto gdb aeskeyfind valgrind
	$(MAKE) -C tests/memory BUILD=$(CURDIR)/build/tests/memory KMSHSM_LIBDIR=$(CURDIR)/build/lib
	.venv/bin/python -m pytest -q -c python/pyproject.toml tests/memory

# The features of `lib`, so that only the library is compiled once more: optimized code is what counts.
test-constant-time: lib
	scripts/need valgrind
	cargo build --locked -q --release -p kmshsm --no-default-features --features capi,awslc,testing --bin constant-time
	target/release/constant-time

test-python: python cli
	scripts/need openssl jq
	cd python && ../.venv/bin/python -m pytest -q

# All of it on the provider in pure Rust, in the dev profile; the demo is about the same surfaces.
test-portable: test-portable-rust test-portable-c test-portable-python

test-portable-rust:
	cargo test $(PORTABLE) --features cli

test-portable-c: build/portable/lib/libkmshsm.so
	scripts/need openssl c++ clang
	$(MAKE) -C tests/c check BUILD=$(CURDIR)/build/tests/portable KMSHSM_LIBDIR=$(CURDIR)/build/portable/lib

test-portable-python: build/portable/python
	scripts/need openssl jq
	cargo build $(PORTABLE) --features cli --bin kmshsm
	cd python && KMSHSM=$(CURDIR)/target/debug/kmshsm PYTHONPATH=$(CURDIR)/build/portable/python \
		../.venv/bin/python -m pytest -q

lint: $(VENV) python doxygen
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo clippy --locked --workspace --all-targets --features kmshsm/testing -- -D warnings
	cargo clippy $(PORTABLE) --lib --tests -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --locked -q --no-deps --lib
	cargo test --locked -q --test floors --test generated --test python_actions
	.venv/bin/clang-format --dry-run -Werror tests/c/*.[ch] tests/c/*.[ch]pp include/*.hpp include/kmshsm/*.hpp tests/memory/*.c tests/faults/*.c c-examples/*.[ch] benches/scale/*.c
	cd python && ../.venv/bin/ruff check . ../tests/python ../tests/memory ../benches/scale && ../.venv/bin/ruff format -q --check . ../tests/python ../tests/memory ../benches/scale
	cd python && ../.venv/bin/mypy python/kmshsm examples bench.py ../tests/python
	cd python && ../.venv/bin/mypy ../tests/memory
	cd python && ../.venv/bin/python -m mypy.stubtest --mypy-config-file pyproject.toml kmshsm

# As long as there is time; the corpus in fuzz/corpus goes on growing from run to run.
fuzz:
	scripts/need c++
	scripts/fuzz $(FUZZ_SECONDS) $(FUZZ_TARGET)

fuzz-smoke:
	scripts/need c++
	scripts/fuzz 60 c_abi
	scripts/fuzz 20 policy

bench: lib python
	cargo bench --locked -p kmshsm --features testing --bench abi
	.venv/bin/python python/bench.py
	$(MAKE) bench-scale

# What lists cost as keys become more; KMSHSM_KEYS=1000000 takes minutes.
bench-lists:
	cargo bench --locked -p kmshsm --bench lists

# How stores grow, beside SoftHSM2: draws docs/scale.svg. KMSHSM_KEYS=1000000 takes a quarter of an
# hour; SoftHSM2 would take hours for as many, and gets PEER_KEYS.
PEER_KEYS ?= 100 1000 10000
bench-scale: build/bench/softhsm
	cargo bench --locked -p kmshsm --bench scale >build/bench/scale.json
	benches/scale/softhsm $< build/bench $(PEER_KEYS) >build/bench/softhsm.json
	$(PYTHON) benches/scale/draw.py build/bench/scale.json build/bench/softhsm.json docs/scale.svg docs/scale.json

# What policies cost: reading, judging, their worst cases.
bench-policy:
	cargo bench --locked -p kmshsm --bench policy

# What an event costs on its way into the audit trail.
bench-audit:
	cargo bench --locked -p kmshsm --bench audit

# Figures for SECURITY.md; some minutes, on a quiet machine.
bench-timing:
	cargo bench --locked -p kmshsm --features testing --bench timing

# The pages of the C and C++ interface, in build/doxygen/html; a warning is an error.
doxygen:
	scripts/need doxygen
	mkdir -p build
	doxygen include/Doxyfile

# Rewrites what is generated and committed.
bless: lib
	KMSHSM_BLESS=1 cargo test --locked -q --test generated --test python_actions
	KMSHSM_BLESS=1 scripts/symbols

install: lib cli
	scripts/install "$(DESTDIR)" "$(PREFIX)" "$(LIBDIR)" "$(VERSION)"

clean:
	rm -rf build target fuzz/target .venv

build/lib/libkmshsm.so: $(SOURCES)
	$(CARGO_LIB) cdylib -- -C link-arg=-Wl,-soname,$(SONAME)
	mkdir -p build/lib
	cp target/release/libkmshsm.so build/lib/libkmshsm.so.$(VERSION)
	ln -sf libkmshsm.so.$(VERSION) build/lib/$(SONAME)
	ln -sf $(SONAME) $@

build/lib/libkmshsm.a: $(SOURCES) scripts/static
	$(CARGO_LIB) staticlib
	mkdir -p build/lib
	scripts/static target/release/libkmshsm.a $@

# Its self-tests can be broken; it is never shipped.
build/testing/lib/libkmshsm.so: $(SOURCES) scripts/hmacify
	cargo rustc --locked --lib --no-default-features --features capi,awslc,testing --crate-type cdylib
	mkdir -p build/testing/lib
	cp target/debug/libkmshsm.so $@
	scripts/hmacify $@

build/portable/lib/libkmshsm.so: $(SOURCES) scripts/static
	cargo rustc $(PORTABLE) --lib --crate-type cdylib
	cargo rustc $(PORTABLE) --lib --crate-type staticlib
	mkdir -p build/portable/lib
	scripts/static target/debug/libkmshsm.a build/portable/lib/libkmshsm.a
	cp target/debug/libkmshsm.so $@

build/bench/softhsm: benches/scale/softhsm.c
	scripts/need softhsm
	mkdir -p build/bench
	$(CC) -O2 -Wall -Wextra -Werror -I/usr/include/p11-kit-1 $< -o $@

build/bin/kmshsm: $(SOURCES)
	cargo build --locked --release --bin kmshsm
	mkdir -p build/bin
	cp target/release/kmshsm $@

$(VENV): python/requirements-dev.txt
	$(PYTHON) -m venv .venv
	.venv/bin/pip install -q --disable-pip-version-check -r $<
	touch $@

# Beside the ordinary package, which it hides by PYTHONPATH.
build/portable/python: $(VENV) $(SOURCES) $(shell find python -name '*.rs' -o -name '*.py' -o -name '*.pyi' -o -name '*.toml')
	rm -rf $@
	.venv/bin/pip install -q --disable-pip-version-check --no-deps --target $@ ./python \
		--config-settings 'build-args=--profile dev --no-default-features --features portable'
	touch $@

$(PACKAGE): $(VENV) $(SOURCES) $(shell find python -name '*.rs' -o -name '*.py' -o -name '*.pyi' -o -name '*.toml')
	.venv/bin/pip install -q --disable-pip-version-check --force-reinstall --no-deps ./python
	touch $@
