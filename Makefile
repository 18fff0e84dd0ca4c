# Two commands set everything up by themselves: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Hostile samples are for tests: a forged year 5138 would squeeze all that is real into one corner of the time line.
SAMPLES := $(wildcard $(foreach ending,log csv ndjson,sample_logs/[a-rt-z]*/*.$(ending)) sample_logs/squid*/*.log)
LOGS := sample_logs/stories/opp $(foreach file,$(SAMPLES),$(if $(findstring /hostile_,$(file)),,$(file)))

# Tests of one file share what is slow to make; the order is that of the tests, shuffled, files that take long in front.
WORKERS := -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: demo test check bench corpus lock clean

demo: $(VENV)/.run
	@$(BIN)/shadowit audit $(LOGS) --output report.html --format html --quiet || test $$? -eq 4
	@$(BIN)/shadowit audit $(LOGS) --quiet || test $$? -eq 4
	@echo
	@echo "The same as a page: $(CURDIR)/report.html"

test: $(VENV)/.test
	$(BIN)/python -m pytest $(WORKERS)

# Under coverage run only the tests that add to it, with fewer examples of each property: `make test` runs all, whole.
check: $(VENV)/.test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest $(WORKERS) -m "not outside and not repeats" --cov --cov-report= --doctest-modules --ignore=detector/store/migrations detector tests
	$(BIN)/coverage report --fail-under=95

bench: $(VENV)/.test
	$(BIN)/python tests/bench/run.py

# How well and how fast a big corpus is answered: CORPUS=FOLDER LINES=100000000 needs 4 GB.
CORPUS ?= corpus-900
LINES ?= 1000000
corpus: $(VENV)/.test
	$(BIN)/python tests/bench/corpus_900.py $(CORPUS) --lines $(LINES)
	$(BIN)/python tests/bench/answer_900.py $(CORPUS)

# Hashes of every wheel for every supported Python; no index address is written down.
lock: $(VENV)/.test
	$(BIN)/pip install --quiet uv
	for part in run test; do \
	  extra=$$(test $$part = run || echo "--extra $$part"); \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-strip-extras \
	    $$extra --output-file requirements/$$part.txt pyproject.toml requirements/build.in; done

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python requirements/run.txt pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	$(BIN)/python -m compileall -q detector
	@touch $@

$(VENV)/.test: $(VENV)/.run requirements/test.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.txt
	@touch $@

clean:
	rm -rf $(VENV) report.html .coverage* .hypothesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
