# The front door. A target is listed by the comment behind its name.

BAZEL ?= bazel
# Options for every bazel command, such as --build_event_json_file=FILE.
BAZEL_FLAGS ?=
# What `test`, `asan` and `tsan` run.
TARGETS ?= //...

.DEFAULT_GOAL := help
.PHONY: help
help:
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | \
	  sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

.PHONY: setup
setup:  ## install packages and unpack sources (the others do it for you)
	@tools/setup

.PHONY: test
test: setup  ## build everything and run all tests
	$(BAZEL) test $(BAZEL_FLAGS) $(TARGETS)

.PHONY: asan
asan: setup  ## the same with address and undefined behaviour sanitizers
	$(BAZEL) test --config=asan $(BAZEL_FLAGS) $(TARGETS)

.PHONY: tsan
tsan: setup  ## the same with the thread sanitizer
	$(BAZEL) test --config=tsan $(BAZEL_FLAGS) $(TARGETS)

.PHONY: gcc
gcc: setup  ## build everything with g++ instead of Clang
	$(BAZEL) build --config=gcc $(BAZEL_FLAGS) $(TARGETS)

# For instance: make demo DEMO="--seed=7 --keep"
DEMO ?=
.PHONY: demo
demo: setup  ## load real data, kill the loader 25 times, lose nothing (DEMO=flags)
	$(BAZEL) build $(BAZEL_FLAGS) //kvd //demo:crash_demo
	bazel-bin/demo/crash_demo --kvd=bazel-bin/kvd/kvd \
	  --data=demo/data/cities.jsonl.lz4 $(DEMO)

.PHONY: chaos
chaos: setup  ## explore crashes, damage, faults, kills; see that mutants die
	@tools/chaos

# For instance: make soak SECONDS=86400
SECONDS ?= 3600
.PHONY: soak
soak: setup  ## wider, with new seeds, for about an hour (SECONDS=how long)
	@tools/chaos --soak $(SECONDS)

# For instance: make fuzz TIME=600 TARGETS_FUZZ="data_block_fuzz varint_fuzz" JOBS=1
TIME ?= 60
TARGETS_FUZZ ?=
JOBS ?= $(shell nproc)
.PHONY: fuzz
fuzz: setup  ## fuzz every target for a minute (TIME=, TARGETS_FUZZ=, JOBS=)
	@BAZEL="$(BAZEL)" tools/fuzz --time=$(TIME) --jobs=$(JOBS) $(TARGETS_FUZZ)

.PHONY: fuzz-replay
fuzz-replay: setup  ## run seeds and past findings in the fuzzers
	$(BAZEL) test --config=fuzz $(BAZEL_FLAGS) //fuzz/...

.PHONY: fuzz-canaries
fuzz-canaries: setup  ## see that the fuzzers find planted bugs
	@BAZEL="$(BAZEL)" tools/fuzz --canaries --jobs=$(JOBS) $(TARGETS_FUZZ)

# For instance: make fuzz-coverage COVERAGE=--with-found
COVERAGE ?=
.PHONY: fuzz-coverage
fuzz-coverage: setup  ## which lines of the decoders the inputs reach
	@BAZEL="$(BAZEL)" tools/fuzz_coverage $(COVERAGE)

# For instance: make oss-fuzz-check SANITIZERS="address undefined memory replay"
SANITIZERS ?= address replay
.PHONY: oss-fuzz-check
oss-fuzz-check: setup  ## build and check the targets as OSS-Fuzz does (SANITIZERS=)
	@BAZEL="$(BAZEL)" fuzz/oss-fuzz/emulate $(SANITIZERS)

# For instance: make bench BENCH="--keys=1000000 --workloads=readrandom,readseq"
# PEERS: where own builds of LevelDB, RocksDB and LMDB are installed; without,
# those of the distribution are taken where they are.
# BASELINE: a revision to compare with; empty: none.
BENCH ?=
PEERS ?=
BASELINE ?= $(shell git describe --tags --abbrev=0 2>/dev/null)
# PROFILE: a profile of `make pgo` to optimise for.
PROFILE ?=
PROFILE_FLAGS = $(if $(PROFILE),--config=profile --copt=-fprofile-use=$(or \
  $(realpath $(PROFILE)),$(error PROFILE: there is no file $(PROFILE))))
DB_BENCH = bazel-bin/bench/db_bench --peers=out/bench/peers \
  $(if $(BASELINE),--holdfast=out/bench/holdfast.so \
    --baseline=out/bench/baseline.so \
    --baseline-version="$(BASELINE)$(shell git log -1 --format=', %h: %f' $(BASELINE))")
.PHONY: bench-build
bench-build: setup
	@bench/peers/build out/bench/peers $(PEERS)
	$(if $(BASELINE),@BAZEL="$(BAZEL)" PROFILE_FLAGS="$(PROFILE_FLAGS)" \
	  bench/baseline $(BASELINE) out/bench)
	$(BAZEL) build $(BAZEL_FLAGS) --config=release $(PROFILE_FLAGS) \
	  //bench:db_bench

.PHONY: bench
bench: bench-build  ## time Holdfast beside its peers (BENCH=flags PEERS=folder BASELINE=revision)
	$(DB_BENCH) --html=out/bench/report.html --json=out/bench/results.jsonl \
	  $(BENCH)

.PHONY: bench-full
bench-full: bench-build  ## the same with a million keys, 3 rounds; half an hour and more
	$(DB_BENCH) --keys=1000000 --rounds=3 --html=out/bench/full.html \
	  --json=out/bench/full.jsonl $(BENCH)

GROWTH ?=
.PHONY: bench-growth
bench-growth: bench-build  ## 1, 10 and 50 million keys, with plots (GROWTH=--millions=1,10)
	bench/growth $(GROWTH) -- --peers=out/bench/peers $(BENCH)

# For instance: make pgo PGO="--keys=1000000 --value-bytes=1000"
PGO ?=
.PHONY: pgo
pgo: setup  ## record a profile of db_bench, for bench and install (PGO=flags)
	@BAZEL="$(BAZEL)" tools/pgo out/pgo $(PGO)

# For instance: make micro-bench BENCH=--benchmark_filter=memtable
.PHONY: micro-bench
micro-bench: setup  ## time the parts by themselves, with what others reach
	$(BAZEL) build $(BAZEL_FLAGS) --config=release //bench:micro_bench
	bazel-bin/bench/micro_bench $(BENCH)

# For instance: make install PREFIX=/usr DESTDIR=/tmp/package
PREFIX ?= /usr/local
DESTDIR ?=
.PHONY: install
install: setup  ## headers, libraries and holdfast.pc (PREFIX= DESTDIR= PROFILE=)
	@BAZEL="$(BAZEL)" PROFILE_FLAGS="$(PROFILE_FLAGS)" DESTDIR="$(DESTDIR)" \
	  tools/install "$(PREFIX)"

.PHONY: install-check
install-check: setup  ## build outside programs with what `make install` gives
	@BAZEL="$(BAZEL)" tools/install_check

.PHONY: tidy
tidy:  ## check what has a right answer: includes, links, names; report sizes
	@tools/tidy

.PHONY: format
format: setup  ## format the C++ sources in place
	@tools/format

.PHONY: format-check
format-check: setup  ## say which C++ sources are not formatted
	@tools/format --check
