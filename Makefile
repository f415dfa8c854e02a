# One word per job; `make help` lists them. Each sets up what it needs, once, in .venv.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help chat test lint format types bench train clean

help:  ## List these commands
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1|\2/p' Makefile | column -t -s '|'

chat: $(VENV)/.chat  ## Chat in the terminal with the embedded model (ARGS="--model ..." for another)
	@$(BIN)/omni chat $(ARGS)

test: $(VENV)/.test  ## Run the tests (ARGS="-k image" to choose)
	@$(BIN)/python -m pytest -n auto $(ARGS)

lint: $(VENV)/.test  ## Check format and style
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

format: $(VENV)/.test  ## Mend format and style
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

types: $(VENV)/.test  ## Check types
	@$(BIN)/pyright --pythonpath $(BIN)/python

bench: $(VENV)/.test  ## Measure speed beside the honest rival
	@$(BIN)/python benchmarks/run.py $(ARGS)

train: $(VENV)/.test  ## Train the embedded model again (ARGS="--minutes 180 --out runs/nano")
	@$(BIN)/python -m omni.nano.train $(ARGS)

clean:  ## Remove the virtual environment and caches
	@rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis build *.egg-info

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "omni needs Python 3.11 or newer: make PYTHON=python3.12 ..." >&2; exit 2; }
	@echo "Setting up $(VENV) (once) ..." >&2
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.chat: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing what the chat needs (once; a few minutes) ..." >&2
	@$(PIP) install -q -c constraints.txt -e ".[offline]" >&2
	@touch $@

$(VENV)/.test: $(VENV)/.chat
	@echo "Installing what the tests need (once) ..." >&2
	@$(PIP) install -q -c constraints.txt -e ".[offline,openai,train,dev]" >&2
	@touch $@
