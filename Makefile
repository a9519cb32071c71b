# Development tasks. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SETUP_STAMP := $(VENV)/.setup-complete
BOOTSTRAP_STAMP := $(VENV)/.bootstrap-complete
# There while packages are installed; one that is left says that this was interrupted, which only a new start mends.
INSTALLING := $(VENV)/.installing
PEERS_VENV := .venv-peers
PEERS_STAMP := $(PEERS_VENV)/.setup-complete
MUTANTS_VENV := .venv-mutants
MUTANTS_STAMP := $(MUTANTS_VENV)/.setup-complete
CHECKS_VENV := .venv-checks
CHECKS_STAMP := $(CHECKS_VENV)/.setup-complete
SOURCES := benchmarks cli functions layers scripts tests worker
# Alone and last in `make test`, because it measures throughput.
KILLS := tests/e2e/test_kills.py
# Quick, and together enough to show what of the layer no test runs.
COVERING := $(addprefix tests/,architecture contract domain functions handlers usecases worker)
# One stack and one deployment for all of them, so in one process.
ON_THE_STACK := tests/e2e
# A process for each core, four at the most, for the tests that start no stack. In one process: make test XDIST=
XDIST ?= -n auto --maxprocesses 4 --dist loadfile
SAM_ENV := SAM_CLI_TELEMETRY=0

export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYTHONUNBUFFERED := 1

.DEFAULT_GOAL := help
.PHONY: start-over help setup demo test kills soak mutants check fix build lock bench bench-batching bench-cost bench-growth bench-priority bench-quality bench-charts bench-latency bench-dispatch-plan bench-dispatcher bench-peers bench-submission bench-worker local-up local-down clean

help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(SETUP_STAMP) ## make the environment in .venv (does nothing when nothing changed)

start-over:
	@echo "setup: an earlier one was interrupted, so this one starts over"

$(BOOTSTRAP_STAMP): requirements/bootstrap.txt $(if $(wildcard $(INSTALLING)),start-over)
	@echo "setup: making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "setup: python 3.11 or newer is needed")'
	@$(PYTHON) -m venv --clear $(VENV)
	@echo "setup: installing the installer (uv)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@touch $@

$(SETUP_STAMP): $(BOOTSTRAP_STAMP) requirements/dev.txt pyproject.toml
	@echo "setup: installing the pinned packages (about a minute the first time)"
	@touch $(INSTALLING)
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt
	@echo "setup: installing tidegate itself, editable"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@rm -f $(INSTALLING)
	@touch $@
	@echo "setup: done"

demo: setup ## start the local stack and run the demo workflow through it
	@$(BIN)/tidegate demo

test: setup ## run all tests, those on the local stack included; the layer's branches must be covered to 95 %
	@$(BIN)/python -m pytest $(COVERING) $(XDIST) --cov --cov-branch --cov-report=
	@$(BIN)/coverage report --include='layers/core/*' --skip-covered --fail-under=95
	@$(BIN)/python -m pytest tests $(XDIST) $(addprefix --ignore=,$(COVERING) $(ON_THE_STACK))
	@$(BIN)/python -m pytest $(ON_THE_STACK) --ignore=$(KILLS)
	@$(BIN)/python -m pytest $(KILLS)

kills: setup ## kill workers, functions and the dispatcher and restart the local AWS while 500 jobs run (5 minutes)
	@$(BIN)/python -m pytest $(KILLS)

soak: setup ## try far more sequences and simulated days than `make test` does (about five minutes)
	TIDEGATE_SOAK_EXAMPLES=2500 $(BIN)/python -m pytest -q tests/stateful
	$(BIN)/python -m tests.simulation.seeds --count 10000
	$(BIN)/python -m tests.simulation.expiry --count 1000
	$(BIN)/python -m tests.simulation.deploys --count 1000

mutants: setup $(MUTANTS_STAMP) ## make small mistakes in the domain, and see that its tests notice at least 85 % of them
	@$(BIN)/python -m tests.mutation.run .tidegate/mutants $(MUTANTS_VENV)/bin/python

$(MUTANTS_STAMP): $(BOOTSTRAP_STAMP) requirements/mutants.txt
	@echo "mutants: installing the mutation tester in $(MUTANTS_VENV)"
	@$(PYTHON) -m venv --clear $(MUTANTS_VENV)
	@$(BIN)/uv pip sync --quiet --python $(MUTANTS_VENV)/bin/python --require-hashes requirements/mutants.txt
	@touch $@

check: setup $(CHECKS_STAMP) ## formatting, lint, types, architecture, security, template
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive $(filter-out tests,$(SOURCES))
	@$(SAM_ENV) $(BIN)/sam validate --lint --template-file template.yaml
	@$(BIN)/python scripts/transform.py template.yaml build/template.json
	@CKV_SKIP_PACKAGE_UPDATE_CHECK=true $(CHECKS_VENV)/bin/checkov --config-file .checkov.yaml --file template.yaml build/template.json
	@$(BIN)/python scripts/audit.py

$(CHECKS_STAMP): $(BOOTSTRAP_STAMP) requirements/checks.txt
	@echo "check: installing checkov in $(CHECKS_VENV)"
	@$(PYTHON) -m venv --clear $(CHECKS_VENV)
	@$(BIN)/uv pip sync --quiet --python $(CHECKS_VENV)/bin/python --require-hashes requirements/checks.txt
	@touch $@

fix: setup ## format, and repair what lint can repair
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

build: setup ## build the functions and layers for AWS into .aws-sam/build
	@$(BIN)/tidegate types check
	@$(SAM_ENV) $(BIN)/sam build

lock: setup ## resolve every requirements list again, newest versions that fit
	@scripts/lock

bench: bench-cost bench-growth bench-priority bench-quality bench-batching bench-dispatch-plan bench-dispatcher bench-worker bench-latency bench-submission bench-peers bench-charts ## all benchmarks, one after the other (an hour and more)

bench-batching: setup ## measure how fast many jobs are moved, 25 to a request
	@$(BIN)/python -m benchmarks.batching

bench-cost: setup ## count write units and requests by step on the local stack
	@$(BIN)/python -m benchmarks.cost

bench-growth: setup ## count requests and bytes from 1,000 to 100,000 jobs in the simulator (minutes)
	@$(BIN)/python -m benchmarks.growth

bench-priority: setup ## count less urgent jobs that start ahead of urgent ones in the simulator
	@$(BIN)/python -m benchmarks.priority

bench-quality: setup ## compare makespans of recorded workflows with list schedules in the simulator
	@$(BIN)/python -m benchmarks.quality

bench-charts: setup ## make docs/benchmarks.md and its charts from the results
	@$(BIN)/python -m benchmarks.charts

bench-latency: setup ## measure how soon a single job starts on the local stack
	@$(BIN)/python -m benchmarks.latency

bench-dispatch-plan: setup ## measure the decision alone: ranked candidates a second, in process
	@$(BIN)/python -m benchmarks.dispatch_plan

bench-dispatcher: setup ## measure how many jobs a second a dispatcher moves over an ideal store
	@$(BIN)/python -m benchmarks.dispatcher

bench-peers: setup $(PEERS_STAMP) ## measure tidegate beside Celery, Dramatiq, RQ and Huey (half an hour)
	@$(BIN)/python -m benchmarks.peers

$(PEERS_STAMP): $(BOOTSTRAP_STAMP) requirements/bench-peers.txt
	@echo "bench-peers: installing the peers in $(PEERS_VENV)"
	@$(PYTHON) -m venv --clear $(PEERS_VENV)
	@$(BIN)/uv pip sync --quiet --python $(PEERS_VENV)/bin/python --require-hashes requirements/bench-peers.txt
	@touch $@

bench-submission: setup ## measure calls that submit 10,000 jobs on the local stack
	@$(BIN)/python -m benchmarks.submission

bench-worker: setup ## measure how busy a worker process keeps its slots, and what it asks of AWS for a job
	@$(BIN)/python -m benchmarks.worker_process

local-up: setup ## start the local stack and deploy to it
	@$(BIN)/tidegate local up

local-down: setup ## stop the local stack
	@$(BIN)/tidegate local down

clean: ## stop the local stack and remove everything made here, the environment too
	@if [ -x $(BIN)/tidegate ]; then $(BIN)/tidegate local down || true; fi
	rm -rf .aws-sam .tidegate build dist *.egg-info .coverage htmlcov
	find . \( -path ./$(VENV) -o -path ./$(PEERS_VENV) -o -path ./$(MUTANTS_VENV) -o -path ./$(CHECKS_VENV) \) -prune -o -type d \( -name __pycache__ -o -name '.*_cache' -o -name .hypothesis \) -print0 | xargs -0 rm -rf
	rm -rf $(CHECKS_VENV) $(PEERS_VENV) $(MUTANTS_VENV) $(VENV)
