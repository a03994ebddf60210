# Everything runs in .venv, which is made once and again when pyproject.toml
# changes.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# The tests and checks run on four host devices, whatever the machine has.
ON_CPU := JAX_PLATFORMS=cpu
# Two processes, each with whole files, since tests of a file share fixtures.
IN_TWO := -n 2 --dist loadfile

.PHONY: demo test test-all check bench clean

demo: .venv/core.stamp
	$(BIN)/python -m experiments.run --config=configs/demo.py --workdir=runs/demo

test: .venv/test.stamp
	$(ON_CPU) $(BIN)/python -m pytest -q $(IN_TWO)

test-all: .venv/test.stamp
	$(ON_CPU) $(BIN)/python -m pytest -q $(IN_TWO) -m "long or not long"

check: .venv/test.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(ON_CPU) $(BIN)/python -m pytest -q tests/test_imports.py
	$(ON_CPU) $(BIN)/python -m pytest -q --doctest-modules prunax

bench: .venv/test.stamp
	$(BIN)/python -m benchmarks.run

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "error: Python 3.11 or newer must be on the PATH, found none: install it or set PYTHON="; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: $(PYTHON) must be Python 3.11 or newer: set PYTHON="; exit 1; }
	$(PYTHON) -m venv .venv

.venv/core.stamp: pyproject.toml | .venv/bin/python
	@echo "installing prunax into .venv (once)"
	$(INSTALL) -e .
	touch $@

.venv/test.stamp: pyproject.toml | .venv/bin/python
	@echo "installing prunax and its test tools into .venv (once)"
	$(INSTALL) -e '.[test]'
	touch $@ .venv/core.stamp
