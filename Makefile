# make demo trains the digits classifier, make test runs all tests; each installs what it needs, once.
# Another Python: make test PYTHON=python3.12. Options for a program: make demo ARGS="--epochs 10 --seed 3".

PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install
# One worker per core, but no crowd on a large machine: each one imports torch.
PYTEST := $(BIN)/python -m pytest
PYTEST_ARGS ?= -n auto --maxprocesses 8
PAGES := $(wildcard README.md docs/*.md docs/*/*.md)

# Threads of two programs spin for the same cores, and small matrices gain nothing from them.
one-thread := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1

.PHONY: help demo moons test mutants fuzz fuzz-files bench docs lint format types doctest build ci clean distclean
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.examples  ## train a classifier of handwritten digits; pictures in out/digits
	@$(BIN)/python examples/digits.py $(ARGS)

moons: $(VENV)/.examples  ## train micrograd's demo on two half-moons; picture in out/moons
	@$(BIN)/python examples/moons.py $(ARGS)

test: $(VENV)/.test  ## run all tests
	@$(one-thread) $(PYTEST) $(PYTEST_ARGS) $(ARGS)

mutants: $(VENV)/.test  ## plant wrong rules one by one: the tests have to kill each (ARGS="--only matmul")
	@$(BIN)/python -m tests.mutants $(ARGS)

fuzz: $(VENV)/.test  ## compare random programs with PyTorch: make fuzz ARGS="--programs 100000 --seed 0"
	@$(one-thread) $(BIN)/python tests/fuzz.py $(ARGS)

fuzz-files: $(VENV)/.test  ## give damaged files to the loader: make fuzz-files ARGS="--seconds 600"
	@$(BIN)/python tests/fuzz_files.py $(ARGS)

docs: $(VENV)/.docs  ## build the site into out/docs, every page executed
	@command -v dot > /dev/null || { \
	  echo "error: the pages draw with Graphviz: apt install graphviz, or brew install graphviz" >&2; exit 1; }
	@$(BIN)/python -m sphinx -q -W --keep-going -j auto -b html docs out/docs $(ARGS)
	@echo "The site is in out/docs/index.html"

bench: $(VENV)/.bench  ## measure the speed beside that of the peers (ARGS="--quick"); figures in out/bench
	@$(BIN)/python -m benchmarks --json out/bench/bench.json --picture out/bench/bench.png $(ARGS)

lint: $(VENV)/.dev  ## check style and formatting
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .

format: $(VENV)/.dev  ## mend formatting
	@$(BIN)/python -m ruff format .
	@$(BIN)/python -m ruff check --fix .

types: $(VENV)/.dev  ## check the types
	@$(BIN)/python -m mypy

doctest: $(VENV)/.test  ## run every example in the docstrings, the README and the docs
	@$(one-thread) $(PYTEST) -q --doctest-modules --doctest-glob='*.md' tinytensor $(PAGES)

build: $(VENV)/.dev  ## build the wheel and the sdist into dist/
	@rm -rf dist
	@$(BIN)/python -m build

ci:  ## everything that CI does
	@.ci/run

clean:  ## remove what was built, but not .venv
	@rm -rf dist build out docs/reference/generated .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean  ## remove .venv too
	@rm -rf $(VENV)

# ------------------------------------------------------------------------------------ installation
# An empty file in .venv says what is installed there, so that a second call starts at once. Each
# becomes stale when pyproject.toml changes.

$(VENV)/.examples: extra := examples
$(VENV)/.test: extra := test
$(VENV)/.bench: extra := bench
$(VENV)/.docs: extra := docs
$(VENV)/.dev: extra := dev
$(VENV)/.examples $(VENV)/.test $(VENV)/.bench $(VENV)/.docs $(VENV)/.dev: $(VENV)/.created pyproject.toml
	@echo "Installing tinytensor[$(extra)] into $(VENV) (only this once)"
	@$(PIP) --editable '.[$(extra)]'
	@touch $@

# Some systems (Debian, Ubuntu) split ensurepip off: there, the pip outside puts one inside.
$(VENV)/.created:
	@command -v "$(PYTHON)" > /dev/null || { \
	  echo "error: there is no $(PYTHON) here; name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: tinytensor needs Python 3.11 or newer, and this is $$("$(PYTHON)" -V 2>&1); name one: make PYTHON=python3.12" >&2; \
	  exit 1; }
	@if "$(BIN)/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null && \
	    "$(BIN)/python" -c 'import pip' 2> /dev/null; then \
	  echo "Completing $(VENV)"; \
	elif "$(PYTHON)" -c 'import venv, ensurepip' 2> /dev/null; then \
	  echo "Creating $(VENV)"; "$(PYTHON)" -m venv --clear $(VENV); \
	elif "$(PYTHON)" -c 'import venv, pip' 2> /dev/null; then \
	  echo "Creating $(VENV)"; "$(PYTHON)" -m venv --clear --without-pip $(VENV) && \
	  "$(PYTHON)" -m pip --disable-pip-version-check --python $(BIN)/python install pip; \
	else \
	  echo "error: $(PYTHON) has neither ensurepip nor pip; on Debian or Ubuntu: apt install python3-venv" >&2; exit 1; \
	fi
	@touch $@
