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
# The oldest versions with wheels for Python 3.13.
OLDEST_313 = "numpy==2.1.*" "scipy==1.14.1" "scikit-learn==1.7.0" "polars<1.40"
MODULES = $(shell find skffnn -name "[a-z]*.py")

# $(call python,3.12) is a Python 3.12 interpreter, from the path or from pyenv.
python = $(or $(shell for name in python$(1) "$$(pyenv prefix "$$(pyenv latest $(1))")/bin/python"; \
	do "$$name" -c "" && echo "$$name" && break; done 2>/dev/null),python$(1))

# One thread for each worker, because the workers already use all cores.
PYTEST = OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 \
	$(1)/bin/python -m pytest -n auto $(ARGS)

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
	@echo "targets: demo test docs notebooks lint dist test-oldest test-long test-wheel test-all bench clean"
	@echo "additional arguments: ARGS=..."

.PHONY: demo
demo: .venv/demo/stamp
	.venv/demo/bin/python -m skffnn $(ARGS)

.PHONY: test
test: .venv/test/stamp
	$(call PYTEST,.venv/test)

# All benchmarks take about an hour; ARGS="fit mnist" runs only these suites.
.PHONY: bench
bench: .venv/bench/stamp
	.venv/bench/bin/python -m benchmarks $(ARGS)

.PHONY: test-oldest
test-oldest: .venv/oldest/stamp
	$(call PYTEST,.venv/oldest)

# Fuzzing, killed processes and long streams; about twenty minutes in full.
.PHONY: test-long
test-long: .venv/test/stamp
	$(call PYTEST,.venv/test) -m "long or only_long" --long $(LONG) tests

# The files of a release, checked as PyPI does.
.PHONY: dist
dist: .venv/build/stamp
	rm -rf dist
	.venv/build/bin/python -m build --outdir dist
	.venv/build/bin/python -m twine check --strict dist/*
	.venv/build/bin/check-wheel-contents dist/*.whl

# Tests the installed wheel in a folder without the sources, and checks that the source
# distribution builds the same wheel as the checkout.
.PHONY: test-wheel
test-wheel: dist
	rm -rf build/wheel .venv/wheel
	.venv/build/bin/python -m build --outdir dist/direct --wheel
	cmp dist/*.whl dist/direct/*.whl
	mkdir -p build/wheel
	tar -xf dist/*.tar.gz -C build/wheel --strip-components 1
	rm -r build/wheel/skffnn
	$(PYTHON) -m venv .venv/wheel
	.venv/wheel/bin/python -m pip install --quiet --disable-pip-version-check \
		"$$(echo dist/*.whl)[test]"
	cd build/wheel && $(call PYTEST,../../.venv/wheel) tests --pyargs skffnn

.PHONY: test-all
test-all: $(foreach v,3.11 3.12 3.13,test-$(v)-oldest test-$(v)-newest) test-wheel

test-%: .venv/%/stamp
	$(call PYTEST,.venv/$*)

# The estimators must document every method and parameter. Other modules need not: methods
# may be documented by the protocol that they implement, helpers may have one line, and
# numpydoc does not see the parameters of dataclasses. The scripts in tests/typed are
# checked as users would: by both type checkers, in strict mode, without our settings.
.PHONY: lint
lint: .venv/lint/stamp
	.venv/lint/bin/ruff check
	.venv/lint/bin/ruff format --check
	.venv/lint/bin/mypy
	.venv/lint/bin/mypy --config-file= --strict --follow-imports=silent tests/typed
	.venv/lint/bin/pyright --pythonpath .venv/lint/bin/python
	.venv/lint/bin/codespell
	.venv/lint/bin/numpydoc lint skffnn/classifier.py skffnn/regressor.py
	.venv/lint/bin/numpydoc lint --ignore GL08,PR01,PR02,RT01,YD01 $(MODULES)

# The site, docs/_build/html/index.html, built offline and with warnings as errors.
.PHONY: docs
docs: .venv/docs/stamp
	.venv/docs/bin/python -m sphinx --fail-on-warning --keep-going \
		-d docs/_build/doctrees $(ARGS) docs docs/_build/html

# Executes the notebooks of the gallery, two at a time. The other notebooks require
# libraries that are not in the environment of the site.
NOTEBOOKS = mnist.ipynb plot_*.ipynb

.PHONY: notebooks
notebooks: docs
	cd docs/auto_examples && ls $(NOTEBOOKS) | OMP_NUM_THREADS=1 \
		xargs -n 1 -P 2 ../../.venv/docs/bin/jupyter-execute

.venv/docs/stamp: pyproject.toml
	$(call make-venv,$(PYTHON),docs)

.venv/demo/stamp: pyproject.toml
	$(call make-venv,$(PYTHON),demo)

.venv/test/stamp: pyproject.toml
	$(call make-venv,$(PYTHON),test)

.venv/bench/stamp: pyproject.toml
	$(call make-venv,$(PYTHON),bench)

.venv/oldest/stamp: pyproject.toml
	$(call make-venv,$(PYTHON_OLDEST),test,$(OLDEST))

.venv/lint/stamp: pyproject.toml
	$(call make-venv,$(PYTHON),lint)

.PRECIOUS: .venv/%/stamp

.venv/build/stamp: pyproject.toml
	$(call make-venv,$(PYTHON),build)

.venv/3.13-oldest/stamp: pyproject.toml
	$(call make-venv,$(call python,3.13),test,$(OLDEST_313))

.venv/%-oldest/stamp: pyproject.toml
	$(call make-venv,$(call python,$*),test,$(OLDEST))

.venv/%-newest/stamp: pyproject.toml
	$(call make-venv,$(call python,$*),test)

.PHONY: clean
clean:
	rm -rf docs/_build docs/api/generated docs/auto_examples
	rm -rf .venv build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
