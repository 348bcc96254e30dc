# The words of this project; `make help` lists them. `make demo` and `make test` do all their set-up themselves.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
TEST   := $(BIN)/python -m pytest

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

setup: $(READY) ## Make .venv with the locked dependencies

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.12 setup")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -c 'from rules.rulebook import Rulebook; from streams.engine import warm_up; warm_up(Rulebook.load())'
	touch $@

demo: setup ## Play a simulated week through real Kafka and show what was found
	$(BIN)/antifraud demo

# Two parts at a time: whoever is done with one takes the next. Whole centers have the machine to themselves.
test: setup packages ## Run all tests, on a real Kafka, in a real browser
	@$(MAKE) --no-print-directory --keep-going --jobs=2 test-browser test-rules test-pages test-console
	@$(MAKE) --no-print-directory test-center

browser := tests/browser
center  := tests/integration tests/scenarios tests/faults
pages   := tests/console/web tests/console/rulebooks tests/console/test_api_schema.py
console := console $(filter-out $(pages) %.py,$(wildcard tests/console/*)) $(filter-out $(pages),$(wildcard tests/console/test_*.py))
rules   := rules models streams simulator \
           $(filter-out $(browser) $(center) tests/console %.py,$(wildcard tests/*)) tests/test_*.py
PARTS   := test-browser test-center test-console test-pages test-rules

$(PARTS): test-%: setup
	@$(TEST) -v -o cache_dir=.pytest_cache/$* $($*) | sed -u 's/^/$*: /'

packages: ## Install Chromium, PostgreSQL and OpenSSL for the tests, where they are missing
	deploy/debian-packages

lint: setup ## Style, formatting, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd load-tests && MYPYPATH=.. ../$(BIN)/mypy --config-file ../pyproject.toml *.py
	$(BIN)/lint-imports

check: lint rulebook test ## Everything that must hold before a change lands

rulebook: setup ## Lint the packaged rulebook and run its examples
	$(BIN)/antifraud check
	$(BIN)/antifraud test

bench: setup ## Throughput, latency, memory, against plain Faust (about 15 minutes)
	$(BIN)/antifraud bench

faults: setup ## The fault tests in their long form (hours)
	$(TEST) tests/faults --faults=long

format: setup ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: setup ## Resolve the dependencies anew into requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --group dev pyproject.toml -o requirements.lock

clean: ## Remove what was built and run
	rm -rf $(VENV) build *.egg-info var .mypy_cache .ruff_cache .pytest_cache .hypothesis

.PHONY: help setup demo test $(PARTS) packages lint check rulebook bench faults format lock clean
