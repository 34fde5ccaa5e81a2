# `make help` lists the targets. The first use of any of them builds .venv from requirements.lock;
# later uses start at once. Another Python: make PYTHON=/path/to/python3.12 TARGET
#
# GNU make 3.81 or newer.

SHELL := bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
UV_VERSION := 0.13.9

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet

# bash counts its own SECONDS, so the one that was given to make is taken here.
SECONDS_ := $(SECONDS)

# What a target may be given: make test ARGS="-k masking", make demo ARGS="--help"
ARGS ?=

.PHONY: help demo test bench bench-kafka pipeline chaos lint types format setup lock clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do \
		printf '  make %-11s %s\n' "$$name" "$$text"; done

demo: .venv/.ready ## watch LogGuard find the incidents in simulated logs
	@$(BIN)/logguard demo $(ARGS)

# Its commands are started by the hundred: none compiles LogGuard for itself.
test: export PYTHONDONTWRITEBYTECODE :=

# A file of tests, or those that share a broker (tests/sharing.py), is run by one of several processes, the long ones first.
# ARGS="-n0 --pdb" for one process.
test: .venv/.ready lint types ## everything that CI checks: lint, types and tests
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS)

bench: .venv/.ready ## measure speed and quality
	@$(BIN)/python -m benchmarks $(ARGS)

bench-kafka: .venv/.ready ## measure the pipeline on a real broker
	@$(BIN)/python -m benchmarks.kafka $(ARGS)

pipeline: .venv/.ready ## the whole pipeline on real servers on this machine (SECONDS=60)
	@$(BIN)/python -m servers.pipeline $(if $(SECONDS_),--seconds $(SECONDS_)) $(ARGS)

chaos: .venv/.ready ## kill and freeze everything for half an hour; nothing may be lost (ARGS="--seed 2")
	@$(BIN)/python -m tests.chaos_main $(ARGS)

lint: .venv/.ready ## style, formatting and the layers (ruff, import-linter)
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check
	@$(BIN)/lint-imports --no-logo

types: .venv/.ready ## types (mypy --strict)
	@$(BIN)/mypy

format: .venv/.ready ## format the code and mend what can be mended by itself
	@$(BIN)/ruff check --quiet --fix-only
	@$(BIN)/ruff format

setup: .venv/.ready ## build .venv without doing anything else
	@:

lock: .cache/uv-$(UV_VERSION)/ready ## bring requirements.lock in line with pyproject.toml (UPGRADE=1: newest versions)
	@.cache/uv-$(UV_VERSION)/bin/uv pip compile pyproject.toml --extra fast --group dev --output-file requirements.lock \
		--universal --python-version 3.11 --fork-strategy fewest --only-binary :all: --generate-hashes \
		--no-header --no-emit-index-url --quiet $(if $(UPGRADE),--upgrade)
	@if grep -nE '://|^-' requirements.lock; then \
		echo 'requirements.lock: the lines above name an address or an option; it may hold neither' >&2; exit 1; fi

clean: ## remove .venv, caches and builds
	@rm -rf .venv .cache .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The dependencies: from nothing, whenever the lock changes, so that nothing stays behind.
.venv/.locked: requirements.lock
	@$(check_python)
	@echo 'Building .venv from requirements.lock (a minute or so) ...' >&2
	@"$(PYTHON)" -m venv --clear .venv
	@$(PIP) install --require-hashes --only-binary :all: -r requirements.lock
	@touch $@

# LogGuard itself, editable.
.venv/.ready: .venv/.locked pyproject.toml
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m log_guard.core.compiled
	@touch $@

.cache/uv-$(UV_VERSION)/ready:
	@$(check_python)
	@"$(PYTHON)" -m venv --clear $(@D)
	@$(@D)/bin/python -m pip --disable-pip-version-check --no-input --quiet install --only-binary :all: uv==$(UV_VERSION)
	@touch $@

# One line for each thing that a machine may lack.
define check_python
fail() { echo "$$1, or name another Python: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; }; \
	"$(PYTHON)" -c '' 2>/dev/null || \
		fail "LogGuard needs Python 3.11 or newer, and '$(PYTHON)' does not run: install Python"; \
	"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		fail "LogGuard needs Python 3.11 or newer, and '$(PYTHON)' is $$("$(PYTHON)" -c 'import platform; print(platform.python_version())'): install a newer one"; \
	"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || \
		fail "'$(PYTHON)' cannot make virtual environments: install its venv package (Debian, Ubuntu: apt install python3-venv)"
endef
