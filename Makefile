# Unbraid: `make help` lists the targets.  A fresh clone needs Python 3.11 (or newer), make and the package index.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DOCS_STAMP := $(VENV)/.installed-docs

# One thread per process: two OpenMP or llvmpipe threads on a busy machine are slower than one, and tests run in two.
ONE_THREAD := OMP_NUM_THREADS=1 LP_NUM_THREADS=1
WORKERS ?= 2
PYTEST_ARGS ?=
RECIPE ?= mixing-sprites
STEPS ?= 1000
SEEDS ?= 0 1
FAST := tests/registry tests/configs tests/values tests/data tests/project/test_import_rules.py \
	tests/project/test_public_face.py tests/project/test_repository.py tests/project/test_docstrings.py
PLUGIN_TESTS = $(or $(wildcard tests/papers/$(PLUGIN) tests/tools/$(PLUGIN) tests/shared/$(PLUGIN)),\
	$(if $(wildcard plugins/unbraid_plugins/shared/$(PLUGIN)),tests/shared),$(filter tests/opengl,tests/$(PLUGIN)))

.DEFAULT_GOAL := help
.PHONY: help install demo test fast check test-room test-plugin new-paper house lint results docs bench clean

help:            ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

install: $(STAMP)   ## create .venv and install Unbraid with what its tests need

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Unbraid needs Python 3.11 or newer; "\
		"this is %s. Name another: make PYTHON=python3.11" % sys.version.split()[0])'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV) || \
		{ $(PYTHON) -m venv --clear --without-pip $(VENV) && $(PYTHON) -m pip --python $(BIN)/python install pip; } || \
		{ echo "$(PYTHON) can't make virtual environments; on Debian: apt install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install -c constraints.txt -e '.[dev]'
	@touch $@

$(DOCS_STAMP): $(STAMP)
	$(BIN)/python -m pip install -c constraints.txt -e '.[dev,docs]'
	@touch $@

demo: $(STAMP)      ## train a small model on pictures drawn here, and show what it learned
	$(BIN)/unbraid demo
	@echo "The commands are in $(BIN); to type them as they stand here:  . $(BIN)/activate"

test: $(STAMP)      ## the whole test suite (PYTEST_ARGS='-k name' for a part)
	$(ONE_THREAD) $(BIN)/python -m pytest -n $(WORKERS) $(PYTEST_ARGS)

check: lint          ## before a commit, in two minutes: style, types, borders and the fast tests
	$(ONE_THREAD) $(BIN)/python -m pytest -q -n $(WORKERS) $(FAST)

fast:
	@echo $(FAST)

test-room: $(STAMP)  ## the tests of one room: ROOM=engine, ROOM=tools/export
	@test -d "tests/$(ROOM)" || { echo "make test-room ROOM=engine (or $$(cd tests && ls -d */ | tr -d / | xargs))"; exit 2; }
	$(ONE_THREAD) $(BIN)/python -m pytest -n $(WORKERS) tests/$(ROOM) $(PYTEST_ARGS)

test-plugin: $(STAMP) ## the tests of one bundled plugin: PLUGIN=mixing
	@test -n "$(PLUGIN)" && test -n "$(PLUGIN_TESTS)" || { echo "make test-plugin PLUGIN=mixing"; exit 2; }
	$(ONE_THREAD) $(BIN)/python -m pytest -n $(WORKERS) $(PLUGIN_TESTS) $(PYTEST_ARGS)
	$(BIN)/unbraid doctor $(PLUGIN)

new-paper: $(STAMP)  ## begin a paper: NAME=stylegan
	@test -n "$(NAME)" || { echo "make new-paper NAME=stylegan"; exit 2; }
	$(BIN)/python tests/project/new_paper.py $(NAME)

house: $(STAMP)      ## lines, entries, floors and circles of the packages
	@$(BIN)/python tests/project/house.py

lint: $(STAMP)      ## style, types and borders
	$(BIN)/ruff check
	$(BIN)/codespell core registry configs plugins docs *.md
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

results: $(STAMP)    ## write the tables of measured numbers from docs/results/*.json into their pages
	@$(BIN)/python tests/project/result_tables.py

docs: $(DOCS_STAMP) ## the documentation, into docs/_build/html
	$(ONE_THREAD) $(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html
	@echo "open docs/_build/html/index.html"

bench: $(STAMP)     ## a study of mixing, its ablations and a broken mask over seeds; hours (RECIPE=, STEPS=, SEEDS=)
	$(ONE_THREAD) $(BIN)/python tests/benchmarks/mixing_study.py $(RECIPE) --seeds $(SEEDS) \
		--out runs/study-$(RECIPE) train.steps=$(STEPS)

clean:           ## remove what was built (.venv and runs/ stay)
	rm -rf build dist docs/_build docs/reference/generated .pytest_cache .mypy_cache .ruff_cache .hypothesis
