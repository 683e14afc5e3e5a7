# Everything runs in a virtual environment of the project's own; nothing needs root or Docker.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BASE := $(VENV)/.base
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help compare idempotency quick capabilities up test test-slow lint format clean

help: ## Show this list.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

# What is simulated needs no torch, no dlib and no decoder of videos.
$(BASE): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; set PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	touch $(BASE)

# pip, not another installer: only pip finds the CPU build of torch where one is at hand.
$(STAMP): $(BASE)
	$(PIP) 'torch==2.13.0'
	$(PIP) --editable '.[dev]'
	touch $(STAMP)

compare: $(STAMP) ## Run the default suite on both engines and write a report (5 minutes).
	$(BIN)/changeover compare

idempotency: $(STAMP) ## Which crash repeats what, by idempotency mode, on both engines.
	$(BIN)/changeover compare idempotency

quick: $(BASE) ## Both hardened arms with a simulated GPU, in 90 s with the installation.
	$(BIN)/changeover compare --quick

capabilities: $(STAMP) ## Test what each engine can do, 24 patterns on each (about 5 minutes).
	$(BIN)/changeover capabilities

up: $(STAMP) ## Serve the facade with workers until Ctrl-C; CHANGEOVER_BACKEND=celery|temporal.
	$(BIN)/changeover up

test: $(STAMP) ## Run every test but the slow ones and the capability suite.
	$(BIN)/python -m pytest -n 2 --dist loadfile -m 'not slow and not capabilities'

test-slow: $(STAMP) ## Run the tests that take longer than a minute each.
	$(BIN)/python -m pytest -m slow

lint: $(STAMP) ## Check style, types and import contracts.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP) ## Format the code.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove the virtual environment and caches, but no results.
	rm -rf $(VENV) *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
