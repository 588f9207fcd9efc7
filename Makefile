# Each target creates the virtual environment that it needs, .venv/<purpose>, and creates
# it again when pyproject.toml has changed. A fresh clone needs only Python.

PYTHON ?= python3
# The oldest NumPy has wheels for Python 3.11 and 3.12.
PYTHON_OLDEST ?= $(shell python3.11 -c "" 2>/dev/null && echo python3.11 || echo $(PYTHON))
# Additional arguments for the command that a target runs.
ARGS ?=
# Fraction of the long tests to run.
LONG ?= 1

# scikit-learn 1.7 reads the column names of polars data frames through a protocol that is
# deprecated since polars 1.40.
OLDEST = "numpy==2.0.*" "scipy==1.13.*" "scikit-learn==1.7.0" "polars<1.40"

# One thread for each worker, because the workers already use all cores. Each runs whole
# files, so that their tests share what they prepare.
PYTEST = OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 \
	$(1)/bin/python -m pytest -n auto --dist loadgroup $(ARGS)

# $(call make-venv,PYTHON,EXTRA,MORE REQUIREMENTS) creates the environment that contains
# $@. The stamp is written last, so that an interrupted installation starts again.
define make-venv
	rm -rf $(@D)
	$(1) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[$(2)]" $(3)
	touch $@
endef

.PHONY: help
help:
	@echo "targets: demo test lint docs wheel test-oldest test-long bench clean"
	@echo "additional arguments: ARGS=..."

.PHONY: demo
demo: .venv/test/stamp
	.venv/test/bin/python -m skffnn $(ARGS)

.PHONY: test
test: .venv/test/stamp
	$(call PYTEST,.venv/test)

.PHONY: test-oldest
test-oldest: .venv/oldest/stamp
	$(call PYTEST,.venv/oldest)

# Fuzzing, killed processes and long streams; about twenty minutes in full.
.PHONY: test-long
test-long: .venv/test/stamp
	$(call PYTEST,.venv/test) -m "long or only_long" --long $(LONG) tests

# The estimators must document every method and parameter; `make docs` checks the other
# public objects. The scripts in tests/typed are checked as users would: by both type
# checkers, in strict mode, without our settings.
.PHONY: lint
lint: .venv/lint/stamp
	.venv/lint/bin/ruff check
	.venv/lint/bin/ruff format --check
	.venv/lint/bin/mypy
	.venv/lint/bin/mypy --config-file= --strict --follow-imports=silent tests/typed
	.venv/lint/bin/pyright --pythonpath .venv/lint/bin/python
	.venv/lint/bin/codespell
	.venv/lint/bin/numpydoc lint skffnn/classifier.py skffnn/regressor.py

# The site, docs/_build/html/index.html, built offline and with warnings as errors. This
# runs the examples of the gallery.
.PHONY: docs
docs: .venv/docs/stamp
	.venv/docs/bin/python -m sphinx --fail-on-warning --keep-going \
		-d docs/_build/doctrees $(ARGS) docs docs/_build/html

# The files of a release, checked as PyPI does. The source distribution must build the
# same wheel as the checkout, and the wheel must contain what its docstrings' examples need.
.PHONY: wheel
wheel: .venv/lint/stamp .venv/test/stamp
	rm -rf dist build
	.venv/lint/bin/python -m build --outdir dist
	.venv/lint/bin/twine check --strict dist/*
	.venv/lint/bin/check-wheel-contents dist/*.whl
	.venv/lint/bin/python -m build --outdir build --wheel
	cmp dist/*.whl build/*.whl
	.venv/test/bin/python -m pip install --quiet --disable-pip-version-check \
		--no-deps --target build/installed dist/*.whl
	cd build/installed && PYTHONPATH=$(CURDIR)/build/installed \
		$(call PYTEST,../../.venv/test) -c ../../pyproject.toml --rootdir . skffnn

# All benchmarks take about an hour; ARGS="fit mnist" runs only these suites.
.PHONY: bench
bench: .venv/bench/stamp
	.venv/bench/bin/python -m benchmarks $(ARGS)

.venv/test/stamp: pyproject.toml
	$(call make-venv,$(PYTHON),test)

.venv/oldest/stamp: pyproject.toml
	$(call make-venv,$(PYTHON_OLDEST),test,$(OLDEST))

.venv/lint/stamp: pyproject.toml
	$(call make-venv,$(PYTHON),lint)

.venv/docs/stamp: pyproject.toml
	$(call make-venv,$(PYTHON),docs)

.venv/bench/stamp: pyproject.toml
	$(call make-venv,$(PYTHON),bench)

.PHONY: clean
clean:
	rm -rf docs/_build docs/api/generated docs/auto_examples
	rm -rf .venv build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
