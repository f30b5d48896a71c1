# make lib | cli | python | examples | demo | test (test-rust, -life, -c, -header, -valgrind, -memory, -constant-time,
# -python, -install) | test-portable | test-fresh | torture | reliability | lint | fuzz | fuzz-smoke | bench | bench-audit |
# bench-instructions | bench-lists | bench-policy | bench-scale | bench-timing | bless | docs | doxygen | install |
# uninstall | deb | wheel | measure | clean. What a target does is in the script or tool it calls.

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
SOURCES := $(shell find src -name '*.rs' -o -path '*/manual/*') Cargo.toml Cargo.lock
PYTHON_SOURCES := $(shell find python/src python/python -name '*.rs' -o -name '*.py' -o -name '*.pyi') \
	python/Cargo.toml python/pyproject.toml python/README.md
BENCH_C := BUILD=$(CURDIR)/build/bench/c KMSHSM_LIBDIR=$(CURDIR)/build/lib
VENV := .venv/.tools
PACKAGE := .venv/.kmshsm
WHEEL := build/wheel/.built

.PHONY: all lib cli python demo test test-rust test-life torture reliability test-c test-header test-valgrind test-memory test-constant-time test-python \
	test-portable test-portable-rust test-portable-c test-portable-python lint fuzz fuzz-smoke bench \
	bench-audit bench-instructions bench-lists bench-policy bench-scale bench-timing bless docs doxygen install uninstall deb wheel \
	test-install test-fresh measure clean

all: lib cli

lib: build/lib/libkmshsm.so build/lib/libkmshsm.a
cli: build/bin/kmshsm
python: $(PACKAGE)

.PHONY: examples
examples: lib
	scripts/need libcrypto
	$(MAKE) -s -C c-examples tests BUILD=$(CURDIR)/build/examples KMSHSM_LIBDIR=$(CURDIR)/build/lib

demo: all python
	scripts/need openssl libcrypto
	scripts/demo

test: test-rust test-life test-c test-valgrind test-memory test-constant-time demo test-python test-install

test-rust:
	scripts/need openssl
	cargo test --locked

# Tests that move the clocks of directories, and those that call the algorithms themselves. The library is optimized
# a little, with all checks: they call it a million times.
test-life:
	scripts/need c++ libcrypto
	CARGO_PROFILE_DEV_OPT_LEVEL=1 cargo test --locked -p kmshsm --features testing --test clock --test faults --test formats --test openssl --test principals --test upkeep --test life --test processes -- $(TEST_FLAGS)

# The same, a hundred times as long and from a seed of its own, with every fault at every point: some hours.
torture:
	KMSHSM_TORTURE=1 KMSHSM_SECONDS=60 PROPTEST_CASES=1000000 PROPTEST_RNG_SEED=$$(date +%s) KMSHSM_PAIRS=100000 KMSHSM_ROUNDS=2000 \
		$(MAKE) test-life TEST_FLAGS=--nocapture
	KMSHSM_CASES=10000000 cargo test --locked -p kmshsm --lib policy::
	cargo test --locked -p kmshsm --lib crypto::block -- --ignored
	PROPTEST_CASES=25600 cargo test --locked -p kmshsm --lib crypto::sm4::gcm
	KMSHSM_CASES=1000000 CARGO_PROFILE_DEV_OPT_LEVEL=2 cargo test --locked -p kmshsm --lib crypto::sm2::oracle
	KMSHSM_CASES=100000 CARGO_PROFILE_DEV_OPT_LEVEL=1 cargo test --locked -p kmshsm --features testing --test openssl

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
	$(PYTHON) tests/constant_time/kernels target/release/constant-time

test-python: python cli lib examples build/share
	scripts/need openssl jq c++ cmake pkg-config groff mandoc zsh fish
	cd python && ../.venv/bin/python -m pytest -q
	cd python && ../.venv/bin/python -m pytest -q --doctest-modules --pyargs kmshsm

# What is built, installed into an empty prefix and an empty venv, used as README says, and removed.
test-install: lib cli build/share $(WHEEL)
	scripts/need c++ cmake pkg-config
	tests/install/run build/wheel/*.whl

# The same in a new Debian, with the packages and the wheel to publish; as root, some minutes.
test-fresh: deb
	scripts/need debootstrap
	[ -e build/dist/*.whl ] || $(MAKE) wheel
	tests/install/fresh build/deb build/dist/*.whl

# All of it on the provider in pure Rust, in the dev profile; the demo is about the same surfaces.
test-portable: test-portable-rust test-portable-c test-portable-python

test-portable-rust:
	cargo test $(PORTABLE) --features cli

test-portable-c: build/portable/lib/libkmshsm.so
	scripts/need openssl c++ clang
	$(MAKE) -C tests/c check BUILD=$(CURDIR)/build/tests/portable KMSHSM_LIBDIR=$(CURDIR)/build/portable/lib

test-portable-python: build/portable/python build/portable/lib/libkmshsm.so
	scripts/need openssl jq libcrypto groff mandoc zsh fish
	$(MAKE) -s -C c-examples tests BUILD=$(CURDIR)/build/portable/examples KMSHSM_LIBDIR=$(CURDIR)/build/portable/lib
	cargo build $(PORTABLE) --features cli --bin kmshsm
	cd python && KMSHSM=$(CURDIR)/target/debug/kmshsm KMSHSM_EXAMPLES=$(CURDIR)/build/portable/examples \
		PYTHONPATH=$(CURDIR)/build/portable/python ../.venv/bin/python -m pytest -q --ignore ../tests/python/test_pages.py

lint: $(VENV) python doxygen
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo clippy --locked --workspace --all-targets --features kmshsm/testing -- -D warnings
	cargo clippy $(PORTABLE) --lib --tests -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --locked -q --no-deps --lib
	cargo test --locked -q --test floors --test generated --test python_actions --test action_table
	.venv/bin/clang-format --dry-run -Werror tests/c/*.[ch] tests/c/*.[ch]pp include/*.hpp include/kmshsm/*.hpp tests/memory/*.c tests/faults/*.c c-examples/*.[ch] c-examples/fileseal/*.[ch] benches/c/*.[ch] benches/scale/*.c
	awk 'FNR == 120 { print FILENAME ": an example has less than 120 lines"; bad = 1 } END { exit bad }' \
		$(filter-out c-examples/store.c,$(wildcard c-examples/*.c))
	cd python && ../.venv/bin/ruff check . ../tests/python ../tests/memory ../benches ../scripts/docs_site.py && ../.venv/bin/ruff format -q --check . ../tests/python ../tests/memory ../benches ../scripts/docs_site.py
	cd python && ../.venv/bin/mypy python/kmshsm examples recipes ../tests/python
	cd python && ../.venv/bin/mypy ../tests/memory
	cd python && ../.venv/bin/mypy ../benches/python
	cd python && ../.venv/bin/mypy ../benches/report ../benches/instructions.py
	cd python && ../.venv/bin/pyright --warnings --pythonpath ../.venv/bin/python
	cd python && ../.venv/bin/python -m mypy.stubtest --mypy-config-file pyproject.toml --allowlist stubtest.txt kmshsm

# As long as there is time; the corpus in fuzz/corpus goes on growing from run to run.
fuzz:
	scripts/need c++
	scripts/fuzz $(FUZZ_SECONDS) $(FUZZ_TARGET)

fuzz-smoke:
	scripts/need c++
	scripts/fuzz 60 c_abi
	scripts/fuzz 20 policy

# Every hot job beside its peers, from Rust, C and Python: writes docs/performance.md and its pictures. Ten
# minutes besides what is built first, on a quiet machine.
bench: lib build/bench/venv
	scripts/need softhsm libcrypto libgcrypt
	cargo bench --locked -p kmshsm --features testing --bench peers
	$(MAKE) -s -C benches/c all $(BENCH_C)
	$(PYTHON) benches/report/machine.py c >build/bench/c.jsonl
	benches/c/run build/bench/c/abi build/bench/c.jsonl
	$(PYTHON) benches/report/machine.py python >build/bench/python.jsonl
	build/bench/venv/bin/python benches/python/bench.py build/bench/python.jsonl
	$(PYTHON) benches/report/performance.py build/bench docs/performance.md

# The instructions of hot jobs through C, by callgrind, beside benches/instructions.json, which BLESS=1
# rewrites: a quarter of a minute. No part of the tests: other compilers make other counts.
bench-instructions: lib
	scripts/need valgrind
	$(MAKE) -s -C benches/c jobs $(BENCH_C)
	$(PYTHON) benches/instructions.py build/bench/c/jobs build/bench/c

# What lists cost as keys become more; KMSHSM_KEYS=1000000 takes minutes.
bench-lists:
	cargo bench --locked -p kmshsm --bench lists

# How stores grow, beside SoftHSM2: draws docs/scale.svg. KMSHSM_KEYS=1000000 takes a quarter of an
# hour; SoftHSM2 would take hours for as many, and gets PEER_KEYS.
PEER_KEYS ?= 100 1000 10000
bench-scale: build/bench/softhsm
	cargo bench --locked -p kmshsm --bench scale >build/bench/scale.json
	benches/scale/softhsm $< build/bench $(PEER_KEYS) >build/bench/softhsm.json
	$(PYTHON) benches/report/scale.py build/bench/scale.json build/bench/softhsm.json docs/scale.svg docs/scale.json

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
	KMSHSM_BLESS=1 cargo test --locked -q --test generated --test python_actions --test action_table
	KMSHSM_BLESS=1 scripts/symbols

# The documentation as a site, in build/site; docstrings of native classes come from the built package.
docs: python .venv/.docs
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build -q --strict

install: lib cli build/share
	scripts/install "$(DESTDIR)" "$(PREFIX)" "$(LIBDIR)" "$(VERSION)"

uninstall:
	scripts/install --remove "$(DESTDIR)" "$(PREFIX)" "$(LIBDIR)" "$(VERSION)"

deb: lib cli build/share
	scripts/need dpkg-dev
	scripts/deb "$(VERSION)" build/deb

# To publish, in build/dist; `make python` makes do with one for this machine.
wheel: $(VENV)
	.venv/bin/pip install -q --disable-pip-version-check -r python/requirements-wheel.txt
	scripts/wheel build/dist

# How large, how long: docs/sizes.md. Builds everything in a new clone, but with MEASURE=--here.
measure:
	$(PYTHON) scripts/measure docs/sizes.md $(MEASURE)

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

build/bench/venv: $(WHEEL) python/requirements-bench.txt
	$(PYTHON) -m venv $@
	$@/bin/pip install -q --disable-pip-version-check -r python/requirements-bench.txt
	$@/bin/pip install -q --disable-pip-version-check --force-reinstall --no-deps build/wheel/*.whl
	touch $@

build/bin/kmshsm: $(SOURCES)
	cargo build --locked --release --bin kmshsm
	mkdir -p build/bin
	cp target/release/kmshsm $@

# The manual and the completions, as the program prints them.
build/share: build/bin/kmshsm
	rm -rf $@
	mkdir -p $@/completions
	$< man --out $@/man >/dev/null
	$< completions bash >$@/completions/kmshsm.bash
	$< completions zsh >$@/completions/_kmshsm
	$< completions fish >$@/completions/kmshsm.fish

$(VENV): python/requirements-dev.txt python/requirements-recipes.txt
	$(PYTHON) -m venv .venv
	.venv/bin/pip install -q --disable-pip-version-check $(addprefix -r ,$^)
	touch $@

.venv/.docs: python/requirements-docs.txt $(VENV)
	.venv/bin/pip install -q --disable-pip-version-check -r $<
	touch $@

# Beside the ordinary package, which it hides by PYTHONPATH.
build/portable/python: $(VENV) $(SOURCES) $(PYTHON_SOURCES)
	rm -rf $@
	.venv/bin/pip install -q --disable-pip-version-check --no-deps --target $@ ./python \
		--config-settings 'build-args=--profile dev --no-default-features --features portable'
	touch $@

$(PACKAGE): $(WHEEL)
	.venv/bin/pip install -q --disable-pip-version-check --force-reinstall --no-deps build/wheel/*.whl
	touch $@

$(WHEEL): $(VENV) $(SOURCES) $(PYTHON_SOURCES)
	rm -rf build/wheel
	.venv/bin/maturin build -q --locked --release -m python/Cargo.toml -i .venv/bin/python --compatibility linux --out build/wheel
	touch $@
