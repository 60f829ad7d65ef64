# `make` builds, `make run` serves, `make help` names the rest. CMake does the work, this file gives it short names.
BUILD  ?= build
PREFIX ?= /usr/local
JOBS   ?= $(shell nproc 2>/dev/null || echo 2)
# How many processes share the specs of a whole run.
LANES  ?= 2
# make run ARGS="--as me@example.com", make test ARGS=spec/e2e
ARGS   ?=
FUZZ_SECONDS ?= 60

neap  = $(BUILD)/neap
# The jobserver of a `make -j` means nothing to the make that CMake starts.
cmake = MAKEFLAGS=--no-print-directory cmake

.DEFAULT_GOAL := build
.NOTPARALLEL:
.PHONY: build specs run api test story asan fuzz lint check format migrate pages install clean help
.PHONY: bench bench-crud bench-limits bench-streams
.PHONY: deps deps-build deps-run deps-test deps-lint deps-bench deps-fuzz deps-pages

build: deps-build $(BUILD)/CMakeCache.txt ## build/neap
	@$(cmake) --build $(BUILD) --parallel $(JOBS)

# Only the first time: later CMake starts itself again when one of its files changes.
$(BUILD)/CMakeCache.txt:
	@$(cmake) -S . -B $(BUILD) $(CMAKE_ARGS) || { rm -f $@; exit 1; }

specs: build
	@$(cmake) --build $(BUILD) --parallel $(JOBS) --target specs

run: deps-run build ## serve the application with hot reload
	@$(neap) dev $(ARGS)

api: ## the same, on port 8000 whatever .env says
	@PORT=8000 $(MAKE) --no-print-directory run

# What docs/requirements.md says must be there; after a run of all specs it must have run as well.
test: deps-test specs ## all tests
	@ctest --test-dir $(BUILD) --output-on-failure --parallel $(JOBS)
	@$(if $(strip $(ARGS)),$(neap) test $(ARGS),sh tools/specs.sh $(neap) $(LANES) $(BUILD)/specs.ran)
	@sh tools/requirements.sh $(if $(strip $(ARGS)),,$(BUILD)/specs.ran)

story: deps-test build ## the application as one story over HTTP, step by step; stops at the first that goes otherwise
	@STORY=1 $(neap) test spec/e2e/story_spec.lua --no-keep-going -o TAP $(ARGS)

asan: ## all tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@UBSAN_OPTIONS=print_stacktrace=1 $(MAKE) --no-print-directory test BUILD=$(BUILD)/asan CMAKE_ARGS=-DNEAP_SANITIZE=ON

fuzz: deps-fuzz ## made-up input for the JSON reader, plans and tokens, FUZZ_SECONDS=60 each
	@CC=clang $(cmake) -S . -B $(BUILD)/fuzz -DNEAP_FUZZ=ON >/dev/null
	@$(cmake) --build $(BUILD)/fuzz --parallel $(JOBS) --target fuzzers
	@sh tools/fuzz.sh $(BUILD)/fuzz/fuzz $(FUZZ_SECONDS)

lint: deps-lint $(BUILD)/CMakeCache.txt ## format, rings, headers, Lua, links
	@sh tools/lint.sh $(BUILD)

check: deps-run build ## load the application without serving it: settings, routes, modules, layers
	@$(neap) check $(ARGS)

format: deps-lint ## put the C files into the house's format
	@find core spec fuzz -name '*.[ch]' -exec clang-format -i {} +

migrate: deps-run build ## bring the database up to date
	@$(neap) migrate up $(ARGS)

# A build without npm or without network went without them, and does so until it is told to try again.
pages: deps-pages ## fetch Swagger UI and Redoc for /docs and /redoc, and build
	@rm -f $(BUILD)/generated/pages.c
	@$(MAKE) --no-print-directory build

bench: deps-bench build ## instructions and CPU time per request
	@sh bench/run.sh $(neap)

bench-crud: deps-bench build ## milliseconds of each route of Workbench, 200 requests a second, 100,000 tasks
	@python3 bench/crud.py $(neap) $(ARGS)

bench-limits: deps-bench build ## whether rate limits hold over two workers, and what they and a flood of clients cost
	@sh bench/limits.sh $(neap)

bench-streams: deps-bench build ## 5,000 event streams: latency, a killed worker, clients that never read
	@python3 bench/streams.py $(neap) $(ARGS)

deps: ## install the Debian packages that are missing
	@sh tools/deps.sh build run test lint

deps-build:
	@sh tools/deps.sh build
deps-run:
	@sh tools/deps.sh build run
deps-test:
	@sh tools/deps.sh build run test
deps-lint:
	@sh tools/deps.sh build lint
deps-fuzz:
	@sh tools/deps.sh build fuzz
deps-pages:
	@sh tools/deps.sh build pages
deps-bench:
	@sh tools/deps.sh build run bench

install: build ## to PREFIX, below DESTDIR
	@$(cmake) --install $(BUILD) --prefix $(PREFIX)

clean: ## remove what was built
	@rm -rf $(BUILD)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | \
		while IFS='|' read -r name text; do printf 'make %-13s %s\n' "$$name" "$$text"; done
