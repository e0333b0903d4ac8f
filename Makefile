# `make run` and `make test` do everything on a machine that has only Python, make and a package index.
# Another build of torch (CUDA, say), or the small CPU build where the index offers a larger one by default:
#   make run TORCH="torch==2.13.0" TORCH_INDEX=https://download.pytorch.org/whl/cpu
PYTHON ?= python3
TORCH ?= torch==2.13.0
TORCH_INDEX ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false
# images of containers set it: then each of some hundred processes compiles all that it imports, 4 s of CPU
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-fast mutation docs demo-refresh setup lint types check picture pretrained pretrained-order pretrained-experiment clean

run: $(VENV)/.run
	$(BIN)/ferroscreen run --out report

test: $(VENV)/.test
	$(BIN)/python -m pytest -q -n 2

# the fast unit tests: what to run while writing code
test-fast: $(VENV)/.test
	$(BIN)/python -m pytest -q -n 2 -m "unit and not slow"

# what some tests need beyond .[test]; where a download fails, these tests are skipped and say why
HAS = $(BIN)/python -c 'import importlib.util, sys; sys.exit(not importlib.util.find_spec(sys.argv[1]))'
.PHONY: test-extras
test-extras: $(VENV)/.test
	$(HAS) prefect_dask || timeout 600 $(PIP) -c constraints.txt -e ".[dask]" || echo "no Dask: its tests are skipped"
	$(HAS) prefect_ray || timeout 600 $(PIP) -c constraints.txt -e ".[ray]" || echo "no Ray: its tests are skipped"
	$(HAS) moto || timeout 600 $(PIP) -c constraints.txt -e ".[s3,s3-test]" || echo "no S3 server: its tests are skipped"
	test -n "$(CHROMIUM)" || timeout 600 $(BIN)/python -m playwright install chromium || echo "no Chromium: its tests are skipped"

# faults in the code of calibration, ranking and order that the tests must notice (docs/results/reliability.md); half an hour
mutation: $(VENV)/.dev
	$(BIN)/python -m benchmarks.mutation --out mutation.md

setup: $(VENV)/.run

# the nightly refresh against a Materials Project on this machine: no key, no network
demo-refresh: $(VENV)/.test
	$(BIN)/python -m tests.servers.demo

lint: $(VENV)/.dev
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy

check: lint types docs test

# site/: the documentation. A warning is an error; the site needs no network.
docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ferroscreen needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)

# torch first and by itself: a bare requirement would fetch the newest build with several GB of CUDA
$(VENV)/.run: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing into $(VENV) (a few minutes the first time) ..."
	$(PIP) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) "$(TORCH)"
	$(PIP) -c constraints.txt -e .
	touch $@

# everything for tests, lint, types and documentation by one call of pip instead of six that each resolve and build again
.PHONY: install-all
install-all: $(BIN)/python
	$(PIP) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) "$(TORCH)"
	timeout 900 $(PIP) -c constraints.txt -e ".[test,dev,docs,dask,ray,s3,s3-test]" || $(PIP) -c constraints.txt -e ".[test,dev,docs]"
	touch $(VENV)/.run
	touch $(VENV)/.test
	touch $(VENV)/.dev $(VENV)/.docs

$(VENV)/.test: $(VENV)/.run
	$(PIP) -c constraints.txt -e ".[test]"
	touch $@

$(VENV)/.dev: $(VENV)/.test
	$(PIP) -c constraints.txt -e ".[test,dev]"
	touch $@

$(VENV)/.docs: $(VENV)/.run
	$(PIP) -c constraints.txt -e ".[docs]"
	touch $@

# docs/report*.png: a report (REPORT=path/of/report.html) in a Chromium that is on the path
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
REPORT ?= report/report.html
picture: $(VENV)/.test
	$(BIN)/python -m benchmarks.screenshots $(REPORT) --chromium $(CHROMIUM)

# models/pretrained: the shipped ensemble, from a labelled table with a split, one with site moments, the folder of literature
# tables, and crystals without labels. Two hours of a core; killed and started again, it goes on.
DATA ?= mp_magnets.parquet
SITE_MOMENTS ?= mp_site_moments.parquet
LITERATURE ?= literature
CANDIDATES ?= icsd_candidates.parquet
PRETRAINED := mpnn:4
pretrained: export FERROSCREEN_HOME := $(CURDIR)/.work/pretrained
pretrained: export FERROSCREEN_QUALITY := false
pretrained: $(VENV)/.run
	test -d $(FERROSCREEN_HOME)/snapshots || $(BIN)/ferroscreen refresh --source parquet:$(SITE_MOMENTS)
	$(BIN)/ferroscreen refresh --source parquet:$(DATA)
	$(BIN)/ferroscreen train --members $(PRETRAINED) --weigh-label-noise --site-moments newest \
		--label-sources $(LITERATURE) --label-sources $(dir $(SITE_MOMENTS)) --pretrain-on $(CANDIDATES)
	$(BIN)/ferroscreen ship

# models/pretrained/order-classifiers and order-rankers: from a table with signed site moments; ten minutes
pretrained-order: export FERROSCREEN_HOME := $(CURDIR)/.work/pretrained-order
pretrained-order: $(VENV)/.run
	FERROSCREEN_QUALITY=false $(BIN)/ferroscreen refresh --source parquet:$(SITE_MOMENTS)
	$(BIN)/ferroscreen train-order
	$(BIN)/ferroscreen ship --kind order-classifier
	$(BIN)/ferroscreen ship --kind order-ranker

# models/pretrained/experiment-models: from the literature tables; half an hour. Killed and started again, it goes on.
pretrained-experiment: export FERROSCREEN_HOME := $(CURDIR)/.work/pretrained-experiment
pretrained-experiment: $(VENV)/.run
	$(BIN)/ferroscreen refresh --source literature:$(LITERATURE)
	$(BIN)/ferroscreen train-experiment
	$(BIN)/ferroscreen ship --kind experiment-model

clean:
	rm -rf $(VENV) report site
