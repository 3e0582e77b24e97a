# Everything happens in .venv, which is set up on first use and again when pyproject.toml changes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# Passed on: make run ARGS=--quick, make test ARGS="-k dense -x"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test check format conformance crash-test fuzz bench bench-peers clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' Makefile | expand -t 14

run: $(VENV)/ready-to-run  ## train the main lab on real data, and say where its report is
	@$(BIN)/etude run mnist-cnn $(ARGS)

test: $(VENV)/ready-to-test  ## run the complete test suite
	@$(BIN)/python -m pytest -n auto $(ARGS)

check: $(VENV)/ready-to-test  ## format, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright --pythonpath $(BIN)/python
	@$(BIN)/lint-imports --no-logo --no-cache

format: $(VENV)/ready-to-test  ## format the code, and mend what the linter can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

conformance: $(VENV)/ready-to-test  ## the tests of Keras and ONNX against etude, and docs/conformance.md
	@$(PIP) install --quiet onnx==1.22.0
	@$(BIN)/python -m tests.conformance.kits $(ARGS)

crash-test: $(VENV)/ready-to-test  ## kill training a hundred times on each engine; it ends as if nobody had
	@$(BIN)/python -m tests.crash.kills $(ARGS)

fuzz: $(VENV)/ready-to-test  ## damaged model files, 20,000 of each format: each loads or is refused
	@$(BIN)/python -m tests.saving.fuzzing $(ARGS)

bench: $(VENV)/ready-to-test  ## side-by-side timings; with the peers of bench-peers where they are set up
	@$(BIN)/python -m benchmarks.import_time
	@$(BIN)/python -m benchmarks.training $(ARGS)

bench-peers: .venv-peers/ready  ## set up PyTorch and TensorFlow for bench, in an environment of their own

clean:  ## remove the environments and all caches
	rm -rf $(VENV) .venv-peers build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- environments -----------------------------------------------------------------------------

# One line instead of a traceback where Python is missing, too old, or without its venv module.
define new_venv
@command -v $(PYTHON) >/dev/null || \
	{ echo "etude needs Python 3.11 or newer, and there is no '$(PYTHON)': install it, or name yours with make PYTHON=..." >&2; exit 1; }
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "etude needs Python 3.11 or newer, and '$(PYTHON)' is $$($(PYTHON) -V): name a newer one with make PYTHON=..." >&2; exit 1; }
@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	{ echo "'$(PYTHON)' comes without venv: install it (on Debian and Ubuntu: apt install python3-venv), or name another with make PYTHON=..." >&2; exit 1; }
@test -x $(1)/bin/python -a -x $(1)/bin/pip || $(PYTHON) -m venv --clear $(1)
endef

$(VENV)/ready-to-run: pyproject.toml
	$(call new_venv,$(VENV))
	@echo "Setting up $(VENV) to run labs: once, some minutes." >&2
	@$(PIP) install --quiet --editable '.[xla,labs]'
	@touch $@

$(VENV)/ready-to-test: pyproject.toml
	$(call new_venv,$(VENV))
	@echo "Setting up $(VENV) for development: once, some minutes." >&2
	@$(PIP) install --quiet --editable '.[dev]'
	@touch $(VENV)/ready-to-run $@

.venv-peers/ready: benchmarks/peers.txt
	$(call new_venv,.venv-peers)
	@echo "Setting up .venv-peers: once, several minutes, about 3 GB." >&2
	@.venv-peers/bin/python -m pip --disable-pip-version-check install --quiet --requirement benchmarks/peers.txt
	@touch $@
