# Development tasks. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SETUP_STAMP := $(VENV)/.setup-complete
BOOTSTRAP_STAMP := $(VENV)/.bootstrap-complete
# This file exists while packages are installed. If an earlier setup left it behind, that setup was interrupted, and the
# environment is made again from the start: an interrupted installation can't be continued.
INSTALLING := $(VENV)/.installing
PEERS_VENV := .venv-peers
MUTANTS_VENV := .venv-mutants
MUTANTS_STAMP := $(MUTANTS_VENV)/.setup-complete
CHECKS_VENV := .venv-checks
CONSOLE_VENV := .venv-console
SNAKEMAKE_VENV := .venv-snakemake
SNAKEMAKE_STAMP := $(SNAKEMAKE_VENV)/.setup-complete
CHECKS_STAMP := $(CHECKS_VENV)/.setup-complete
# The console's packages come from npm. Where they can't be fetched, exit code 3 says so, and everything else goes on.
CONSOLE := $(BIN)/python dev/scripts/console.py
OR_NO_NPM := || [ $$? -eq 3 ]
SCANNED := clients dev examples functions layers worker
# This file measures throughput, so `make test` runs it alone and last.
KILLS := tests/e2e/test_kills.py
# These tests are quick. Together they are enough to measure which branches of the core layer no test runs.
COVERING := $(addprefix tests/,architecture contract domain functions jobs usecases worker) \
	$(patsubst %,tests/attack/test_%.py,boost concurrency_keys cursors gathering page_size release_delay reopenings shares)
# These tests are for the time while you change code: they start no emulator and count no branches.
FAST := $(addprefix tests/,domain usecases functions worker cli)
# These run only as programs of their own, with a stated environment that names no coverage run, so no trace follows them.
UNTRACED := */jobs/child.py,*/entry/check_job_code.py,*/executors/keeper.py
# A pattern of the mistakes that `make mutants` makes; the names end with numbers, so `*[147]` makes three of ten.
MISTAKES ?= *
# Each process of these tests brings up a stack of its own.
ON_THE_STACK := tests/e2e
# Tests that start no stack run in one process for each core, four at most. `make test XDIST=` uses a single process.
# Files go in their order: sorted by their number of tests, the slow files, which have few, would run last and alone.
XDIST ?= -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
# Tests on a stack mostly wait, so two stacks fit on two cores; more of them are untried, so there are two at most.
STACKS ?= $(patsubst 4,2,$(XDIST))
SAM_ENV := SAM_CLI_TELEMETRY=0

export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYTHONUNBUFFERED := 1

.DEFAULT_GOAL := help
.PHONY: start-over help setup demo console console-pictures console-check console-dev console-bars test test-in-process test-on-the-stack test-fast test-snakemake kills soak mutants check fix build lock bench bench-forecast local-up local-down clean

help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(SETUP_STAMP) ## make the environment in .venv; does nothing if nothing changed

start-over:
	@echo "setup: an earlier setup was interrupted, so this one starts over"

$(BOOTSTRAP_STAMP): dev/requirements/bootstrap.txt $(if $(wildcard $(INSTALLING)),start-over)
	@echo "setup: making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "setup: python 3.11 or newer is needed")'
	@$(PYTHON) -m venv --clear $(VENV)
	@echo "setup: installing the installer (uv)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r dev/requirements/bootstrap.txt
	@touch $@

$(SETUP_STAMP): $(BOOTSTRAP_STAMP) dev/requirements/dev.txt pyproject.toml
	@echo "setup: installing the pinned packages (about a minute the first time)"
	@touch $(INSTALLING)
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes dev/requirements/dev.txt
	@echo "setup: installing tidegate itself, editable"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@rm -f $(INSTALLING)
	@touch $@
	@echo "setup: done"

demo: setup ## start the local stack and run the demo workflow through it
	@$(BIN)/tidegate demo

test: test-in-process test-on-the-stack ## run all tests, also those on the local stack and in a browser; at least 95 % of the core layer's branches must be covered

test-in-process: setup $(SNAKEMAKE_STAMP) ## run the tests that need no local stack: the first part of `make test`
	@$(CONSOLE) $(OR_NO_NPM)
	@$(CONSOLE) test $(OR_NO_NPM)
	@$(BIN)/python -m pytest $(COVERING) $(XDIST) --cov --cov-branch --cov-report=
	@$(BIN)/coverage report --include='layers/core/*' --omit='$(UNTRACED)' --skip-covered --fail-under=95
	@$(BIN)/python -m pytest tests $(XDIST) $(addprefix --ignore=,$(COVERING) $(ON_THE_STACK))

test-on-the-stack: setup $(SNAKEMAKE_STAMP) ## run the tests on the local stack and in a browser: the second part of `make test`
	@$(CONSOLE) $(OR_NO_NPM)
	@$(BIN)/python -m pytest $(ON_THE_STACK) $(STACKS) --ignore=$(KILLS)
	@$(BIN)/python -m pytest $(KILLS)

console: setup ## build the console into clients/console/dist; does nothing if nothing changed
	@$(CONSOLE)

console-pictures: console ## take the pictures of the console for README and docs, on a local stack (three minutes)
	@$(BIN)/python -m dev.scripts.console_pictures

console-check: setup ## check the console's format, lint and types, and run its unit tests
	@$(CONSOLE) check
	@$(CONSOLE) test

console-dev: setup ## serve the console while you change it, over an API in memory, until Ctrl-C
	@trap 'exit 130' INT TERM; $(BIN)/python -m tests.harness.console.serve & api=$$!; trap 'kill $$api' EXIT; $(CONSOLE) dev

console-bars: ## hold the console to its bars in a browser, and write them beside the other benchmarks (a quarter of an hour)
	@$(MAKE) --no-print-directory -C dev/benchmarks console

test-fast: setup ## run the quick tests of domain, use cases, functions, worker and command line (under a minute)
	@$(BIN)/python -m pytest -q $(FAST) -m "not slow" $(XDIST)

kills: setup ## kill workers, functions and the dispatcher and restart the local AWS while 500 jobs run (5 minutes)
	@$(BIN)/python -m pytest $(KILLS)

soak: setup ## run far more sequences and simulated days than `make test` does (about five minutes)
	TIDEGATE_SOAK_EXAMPLES=2500 TIDEGATE_SOAK_SEED=$$(date +%s) $(BIN)/python -m pytest -q tests/stateful
	$(BIN)/python -m dev.simulator.seeds --count 10000
	$(BIN)/python -m dev.simulator.expiry --count 1000
	$(BIN)/python -m dev.simulator.deploys --count 1000
	$(BIN)/python -m dev.simulator.restores --count 1000
	$(BIN)/python -m dev.simulator.why --count 10000

test-snakemake: setup $(SNAKEMAKE_STAMP) ## test the executor plugin for Snakemake, in an environment with Snakemake (two minutes)
	@$(BIN)/python -m pytest -q tests/snakemake

$(SNAKEMAKE_STAMP): $(BOOTSTRAP_STAMP) dev/requirements/snakemake.txt
	@echo "setup: installing Snakemake in $(SNAKEMAKE_VENV), for the tests of its plugin"
	@$(PYTHON) -m venv --clear $(SNAKEMAKE_VENV)
	@$(BIN)/uv pip sync --quiet --python $(SNAKEMAKE_VENV)/bin/python --require-hashes dev/requirements/snakemake.txt
	@touch $@

mutants: setup $(MUTANTS_STAMP) ## make small mistakes in the domain and check that its tests notice at least 85 % of them
	@$(BIN)/python -m tests.harness.mutation.run .tidegate/mutants $(MUTANTS_VENV)/bin/python '$(MISTAKES)'

$(MUTANTS_STAMP): $(BOOTSTRAP_STAMP) dev/requirements/mutants.txt
	@echo "mutants: installing the mutation tester in $(MUTANTS_VENV)"
	@$(PYTHON) -m venv --clear $(MUTANTS_VENV)
	@$(BIN)/uv pip sync --quiet --python $(MUTANTS_VENV)/bin/python --require-hashes dev/requirements/mutants.txt
	@touch $@

check: setup $(CHECKS_STAMP) ## check formatting, lint, types (the console's too), architecture, security and the template
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(BIN)/python -m dev.scripts.openapi --check
	@$(CONSOLE) check $(OR_NO_NPM)
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive --exclude dev/simulator $(SCANNED)
	@$(SAM_ENV) $(BIN)/sam validate --lint --template-file template.yaml
	@$(BIN)/python dev/scripts/transform.py template.yaml build/template.json
	@CKV_SKIP_PACKAGE_UPDATE_CHECK=true $(CHECKS_VENV)/bin/checkov --config-file .checkov.yaml --file template.yaml build/template.json
	@$(BIN)/python dev/scripts/audit.py

$(CHECKS_STAMP): $(BOOTSTRAP_STAMP) dev/requirements/checks.txt
	@echo "check: installing checkov in $(CHECKS_VENV)"
	@$(PYTHON) -m venv --clear $(CHECKS_VENV)
	@$(BIN)/uv pip sync --quiet --python $(CHECKS_VENV)/bin/python --require-hashes dev/requirements/checks.txt
	@touch $@

fix: setup ## format the code and apply the fixes that the linters offer
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	@$(CONSOLE) fix $(OR_NO_NPM)

build: setup ## build the functions and layers for AWS into .aws-sam/build
	@$(BIN)/tidegate types check
	@$(SAM_ENV) $(BIN)/sam build

lock: setup ## resolve every requirements list again, to the newest versions that fit together
	@dev/scripts/lock

bench: setup ## run all benchmarks, one after the other (more than an hour); `make -C dev/benchmarks` lists them
	@$(MAKE) -C dev/benchmarks all

bench-forecast: setup ## measure how good forecasts are, on recorded workflows (minutes)
	@$(MAKE) --no-print-directory -C dev/benchmarks forecast

local-up: setup ## start the local stack and deploy to it
	@$(BIN)/tidegate local up

local-down: setup ## stop the local stack
	@$(BIN)/tidegate local down

clean: ## stop the local stack and remove everything made here, also the environment
	@if [ -x $(BIN)/tidegate ]; then $(BIN)/tidegate local down || true; fi
	rm -rf .aws-sam .tidegate build dist *.egg-info .coverage htmlcov
	find . \( -path ./$(VENV) -o -path ./$(PEERS_VENV) -o -path ./$(MUTANTS_VENV) -o -path ./$(CHECKS_VENV) -o -path ./$(CONSOLE_VENV) -o -path ./$(SNAKEMAKE_VENV) -o -path ./clients/console/node_modules \) -prune -o -type d \( -name __pycache__ -o -name '.*_cache' -o -name .hypothesis \) -print0 | xargs -0 rm -rf
	rm -rf $(CHECKS_VENV) $(PEERS_VENV) $(MUTANTS_VENV) $(CONSOLE_VENV) $(SNAKEMAKE_VENV) clients/console/node_modules clients/console/dist clients/console/src/api/schema.d.ts $(VENV)
