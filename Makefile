# Everything starts here, and needs only make and a python3 (3.11 or newer) with its venv module.
# The environment is built on first use and again whenever a requirement file changes.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/python scripts/uv.py
STAMP  := $(VENV)/.complete

# Two workers hide the waiting of the integration tests; more would only compete for the test database.
WORKERS ?= 2
# For example: make test ARGS="tests/unit -k calendar"
ARGS    ?=

COMPILE := pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help env run test check bench lock audit vendor clean

help:                ## list what can be made
	@sed -n 's/^\([a-z]*\): *[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

env: $(STAMP)        ## build the environment in .venv, if anything about it changed

$(STAMP): requirements/bootstrap.txt requirements/dev.txt pyproject.toml scripts/uv.py
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	$(UV) pip install --require-hashes -r requirements/dev.txt
	$(UV) pip install --offline --no-deps --no-build-isolation --editable .
	@touch $@

run: env             ## start the platform with a simulated organisation, until Ctrl-C
	@exec $(BIN)/dpp up --demo $(ARGS)

test: env            ## run every test
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

check: env           ## formatter, linter, types, import contracts, then every test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy src tests scripts $(wildcard benchmarks)
	$(BIN)/lint-imports
	$(MAKE) --no-print-directory test

bench: env           ## run the benchmarks
	$(BIN)/python -m benchmarks $(ARGS)

lock: env            ## compile the requirement files anew (ARGS=--upgrade for newer releases)
	$(UV) $(COMPILE) $(ARGS) requirements/bootstrap.in --output-file requirements/bootstrap.txt
	$(UV) $(COMPILE) $(ARGS) pyproject.toml --extra service --output-file requirements/run.txt
	$(UV) $(COMPILE) $(ARGS) pyproject.toml --extra service --group dev --constraint requirements/run.txt \
		--output-file requirements/dev.txt

audit: env           ## ask for known vulnerabilities of what the platform runs on
	$(BIN)/python scripts/audit.py

vendor: env          ## fetch the vendored browser files again and compare them with their checksums
	$(BIN)/python scripts/vendor.py

clean:               ## remove the environment and everything that tools left behind
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist
