# Two commands: `make quickstart` shows the whole road, `make test` passes the tests.
PYTHON ?= python3
# Processes that share the tests, file by file.
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: quickstart test test-all check format install clean

quickstart: install
	$(BIN)/cnnkit quickstart

# The gate, the same here and in CI: format, lint, types, tests.
test: check
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder -m "not slow"

test-all: check
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

install: $(INSTALLED)

$(INSTALLED): setup.cfg pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "cnnkit needs Python 3.11 or newer, and there is no $(PYTHON): apt-get install python3 python3-venv, or make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "cnnkit needs Python 3.11 or newer, and this is " + sys.version.split()[0] + ": make PYTHON=python3.12 ...")'
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "cnnkit needs the modules venv and ensurepip of $(PYTHON): apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --no-compile --editable '.[dev]'
# pip compiles one file after the other, a minute of one core, and the tests of packages, which nobody imports, too.
	@$(BIN)/python -m compileall -qq -j 0 -x 'site-packages/.*/tests?/' $(VENV)/lib || true
	touch $(INSTALLED)

clean:
	rm -rf $(VENV) build dist *.egg-info
