# Everything a newcomer needs: `make run` and `make test`. Each target brings along what it stands on.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501
KIOSK_PORT ?= 8502

.DEFAULT_GOAL := help
# what was tested, with hashes: wheels only, so that nothing is built from sources that nobody checked; pip shows each
# download with its size and a bar
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCKED = $(BIN)/python -m pip install --disable-pip-version-check --require-hashes --only-binary :all: --requirement
MUSTER = $(INSTALL) --no-deps --no-build-isolation --editable .
LOCK = $(VENV)/tools/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --no-annotate --custom-compile-command "make lock" pyproject.toml --group build

.PHONY: help setup run demo notebooks test static check words format bench lock audit clean

help:  ## what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Muster needs Python 3.11 or newer, found $$($(PYTHON) --version): make demo PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: $(BIN)/python pyproject.toml requirements.lock
	@echo "installing Muster and what it stands on: some minutes, once"
	$(LOCKED) requirements.lock
	$(MUSTER)
	@touch $@

$(VENV)/.dev: $(VENV)/.core requirements-dev.lock
	$(LOCKED) requirements-dev.lock
	@touch $@

setup: $(VENV)/.dev  ## .venv with everything, models fetched
	$(BIN)/muster models fetch --samples

run: $(VENV)/.core  ## a whole site on a sample workspace: a camera that is recorded, the workbench, a kiosk
	$(BIN)/muster serve --sample --port $(PORT) --kiosk-port $(KIOSK_PORT)

demo: $(VENV)/.core  ## real people recognised in a video, an attendance sheet, an incident log with pictures
	$(BIN)/muster demo

notebooks: $(VENV)/.dev  ## threshold, attendance and incidents in JupyterLab, on a sample workspace
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

$(VENV)/.bench: $(VENV)/.dev requirements-bench.lock
	$(LOCKED) requirements-bench.lock
	@touch $@

bench: $(VENV)/.bench  ## speed and accuracy against other engines, and attacks, in half an hour
	$(BIN)/python -m tests.bench

$(VENV)/.tools: $(BIN)/python
	$(PYTHON) -m venv $(VENV)/tools
	$(VENV)/tools/bin/python -m pip install --quiet --disable-pip-version-check "uv>=0.9" "pip-audit>=2.9"
	@touch $@

lock: $(VENV)/.tools  ## the newest releases that fit, with hashes, into requirements*.lock; run the tests afterwards
	$(LOCK) --upgrade --extra dev --output-file requirements-dev.lock
	$(LOCK) --constraint requirements-dev.lock --extra office --extra papers --extra notify --extra kiosk --output-file requirements.lock
	$(LOCK) --constraint requirements-dev.lock --extra bench --extra large --output-file requirements-bench.lock

audit: $(VENV)/.tools  ## known weaknesses of what is locked, as the advisories of the Python index name them
	@$(VENV)/tools/bin/pip-audit --disable-pip --require-hashes --progress-spinner off --requirement requirements-dev.lock \
	  > $(VENV)/audit.txt 2>&1 && result=0 || result=$$?; \
	if grep -qE "Error|Max retries|could not be audited: numpy" $(VENV)/audit.txt; \
	then echo "not audited: the advisories cannot be reached from here"; exit 3; else cat $(VENV)/audit.txt; exit $$result; fi

clean:  ## remove .venv and what tools left behind
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
