# Everything runs in .venv, which the first target that needs it makes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-slow test-all interop docs lint types format clean

# TORCH=cpu takes builds of torch and torchvision without CUDA, as a pair (docs/installation.md).
ifeq ($(TORCH),cpu)
INSTALLED := $(VENV)/.installed-cpu
else
INSTALLED := $(VENV)/.installed
endif

$(VENV)/.installed: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $@

$(VENV)/.installed-cpu: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --torch-backend cpu \
		--reinstall-package torch --reinstall-package torchvision --editable ".[dev]"
	touch $@ $(VENV)/.installed

demo: $(INSTALLED)  ## the whole pipeline on images it makes itself
	$(BIN)/syndr-curate demo

test: $(INSTALLED)  ## the tests without the slow ones: six to ten minutes on two cores
	$(BIN)/python -m pytest -m "not slow" -n auto --durations=15

interop: $(INSTALLED)  ## the libraries whose readers the tests then try on our exports
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[interop]"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps "pyiqa>=0.1.11"

test-slow: $(INSTALLED)  ## the slow tests alone: half an hour or more on two cores
	$(BIN)/python -m pytest -m slow -n auto --durations=15

test-all: $(INSTALLED)  ## all tests: three quarters of an hour on two cores
	$(BIN)/python -m pytest -n auto --durations=15

docs: $(INSTALLED)  ## the site, warnings as errors, to build/site
	PYTHONPATH=scripts $(BIN)/zensical build --clean --strict

lint: $(INSTALLED) types  ## ruff, spelling, the import contract, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/lint-imports

types: $(INSTALLED)  ## mypy on a regular install (it cannot see an editable one through the mapping)
	rm -rf build
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target build/typed .
	cd build/typed && MYPYPATH=. ../../$(BIN)/mypy --config-file ../../pyproject.toml --cache-dir ../mypy_cache -p syndr_curate

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build *.egg-info
