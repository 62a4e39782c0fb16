# Everything a newcomer needs: `make run` and `make test`. Each target brings along what it stands on.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501
KIOSK_PORT ?= 8502

.DEFAULT_GOAL := help
.PHONY: help setup run demo notebooks test static check words format bench clean

help:  ## what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Muster needs Python 3.11 or newer, found $$($(PYTHON) --version): make demo PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"

$(VENV)/.core: $(BIN)/python pyproject.toml
	@echo "installing Muster and what it stands on (some minutes, once)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[office,notify,kiosk]"
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $@

setup: $(VENV)/.dev  ## .venv with everything, models fetched
	$(BIN)/muster models fetch --samples

run: $(VENV)/.core  ## the workbench in the browser and a kiosk beside it, on a sample workspace
	$(BIN)/muster app --sample --port $(PORT) --kiosk-port $(KIOSK_PORT)

demo: $(VENV)/.core  ## real people recognised in a video, an attendance sheet, an incident log with pictures
	$(BIN)/muster demo

$(VENV)/.notebooks: $(VENV)/.core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[notebooks]"
	@touch $@

notebooks: $(VENV)/.notebooks  ## threshold, attendance and incidents in JupyterLab, on a sample workspace
	cd notebooks && ../$(BIN)/jupyter lab

test: $(VENV)/.dev  ## all tests once, on real models and photos
	$(BIN)/muster models fetch --samples
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not alone"
	$(BIN)/python -m pytest -m alone $$(grep -rl --include='test_*.py' "mark.alone" tests)

static: $(VENV)/.dev  ## format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

check: static  ## what every commit passes: static, and the tests that need no models
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not models and not slow and not alone"

words: $(VENV)/.dev  ## collect new sentences for the translators of app/words/locale
	$(BIN)/python tests/support/catalogue.py

format: $(VENV)/.dev  ## put the code into the house's form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(VENV)/.bench: $(VENV)/.core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[bench,large]"
	@touch $@

bench: $(VENV)/.bench  ## speed and accuracy against other engines, and attacks, in half an hour
	$(BIN)/python -m tests.bench

clean:  ## remove .venv and what tools left behind
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
