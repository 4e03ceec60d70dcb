# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test lint types check bench images clean

help:
	@echo "make demo    install, backtest the shipped events, leave runs/demo/report.html"
	@echo "make test    install, then lint, types, wheel and all tests"
	@echo "make bench   measure (written to .benchmarks)"
	@echo "make images  take the pictures of the README (needs Chromium)"
	@echo "make clean   remove the virtual environment and caches"

demo: $(VENV)/.installed
	$(BIN)/aftershock demo --out runs/demo

test: lint types $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile
	$(BIN)/python -m pytest --doctest-modules src/aftershock
	$(BIN)/python tests/check_wheel.py

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

bench: $(VENV)/.installed-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python -m pytest benchmarks --benchmark-autosave
	$(BIN)/python benchmarks/news_scores.py
	$(BIN)/python benchmarks/peers.py --quick
	$(BIN)/python benchmarks/cold_start.py
	$(BIN)/python benchmarks/study_size.py --quick
	$(BIN)/python benchmarks/study_placebo.py --quick

images: demo
	$(BIN)/python docs/images/take.py runs/demo/report.html

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "aftershock needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
