# `make` lists the targets. Everything is installed into VENV, from hashes alone, by plain pip.

VENV ?= .venv
WORKERS ?= 2
PYTEST_ARGS ?=

BIN := $(VENV)/bin
CORE := $(VENV)/.installed-core
DEV := $(VENV)/.installed-dev
SPARK := $(VENV)/.installed-spark
PILLOW13 := .cache/pillow13
ENGINES := .cache/engines
GCP := .cache/gcp
BEAM = $(shell sed -n 's/^apache-beam==\([0-9.]*\).*/\1/p' constraints.txt)
BEAM_GO := github.com/apache/beam/sdks/v2
BEAM_JARS := beam-runners-spark-3-job-server beam-runners-flink-1.20-job-server
IMAGE_TESTS := $(patsubst %,tests/unit/test_%.py,children decode decode_refusals encode hashes light pairs panels probe)
PYTHONS := $(or $(PYTHON),python3.11 python3)
# Wheels only: what is built from source would fetch its build tools unchecked.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
INSTALL_PINS := $(INSTALL) --require-hashes --only-binary :all:
INSTALL_SELF := $(INSTALL) --no-deps --no-build-isolation --editable .
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make constraints" \
	$(if $(UPGRADE),--upgrade) pyproject.toml --group build

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo dev hooks test test-core test-pillow13 lint format soak bench bench-memory duplicates curation image-check engines engines-jars gcp constraints wheel clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "  VENV=$(VENV)  the virtual environment; PYTHON=... makes it with another interpreter"

demo: $(CORE)  ## install the package and build a small release into demo/
	$(BIN)/pmc15m demo --out demo

dev: $(DEV)  ## install the package and the tools of a developer

hooks: $(DEV)  ## have git check every commit
	$(BIN)/pre-commit install

test: lint  ## lint, then run the tests, WORKERS (2) at a time; PYTEST_ARGS="-k caption" picks
	$(BIN)/python -m pytest -n $(WORKERS) -m "not bench and not gpu and not soak" $(PYTEST_ARGS)

test-core: test  ## the same as test

test-pillow13: $(DEV) $(PILLOW13)/.installed  ## run the tests of images with the Pillow that Beam's pin forbids
	PYTHONPATH=$(PILLOW13) $(BIN)/python -c 'import PIL, sys; sys.exit(PIL.__version__ < "13")'
	PYTHONPATH=$(PILLOW13) $(BIN)/python -m pytest -n $(WORKERS) $(IMAGE_TESTS) $(PYTEST_ARGS)

lint: $(DEV)  ## check format, style, types and spelling
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/codespell

format: $(DEV)  ## format the code and fix what ruff can fix
	$(BIN)/ruff check --fix-only --exit-zero
	$(BIN)/ruff format

soak: $(DEV)  ## fetch and build under faults and kills, for minutes
	$(BIN)/python -m pytest -m soak -s --timeout 3600 $(PYTEST_ARGS)

bench: $(DEV)  ## measure speed against peers and limits
	$(BIN)/python -m tests.bench

bench-memory: $(DEV)  ## measure memory against limits
	$(BIN)/python -m tests.bench --memory

duplicates: $(DEV)  ## measure near-duplicate hashes on drawn look-alikes
	$(BIN)/python -m tests.duplicates

curation: $(DEV)  ## score what curate makes of 2,000 generated articles
	$(BIN)/python -m tests.curation

image-check:  ## build the images of docker/ without a daemon and run them; as root on Debian 12, minutes
	docker/image_check.sh

engines: $(DEV) $(SPARK) $(ENGINES)/prism $(ENGINES)/container  ## install Spark, and build Prism and Beam's boot: needs Go 1.26

engines-jars:  ## fetch Beam's job servers for Spark and Flink by Maven
	mkdir -p $(ENGINES)
	for jar in $(BEAM_JARS); do \
	    mvn --quiet dependency:get -Dtransitive=false -Dartifact=org.apache.beam:$$jar:$(BEAM) && \
	    mvn --quiet dependency:copy -Dartifact=org.apache.beam:$$jar:$(BEAM) -DoutputDirectory=$(ENGINES) || exit 1; \
	done

gcp: $(GCP)/.installed  ## install the extra gcp beside the rest, to describe jobs for Dataflow

constraints: $(DEV)  ## pin what pyproject.toml asks for; UPGRADE=1 takes the newest
	$(COMPILE) --output-file constraints.txt
	$(COMPILE) --constraints constraints.txt --extra dev --output-file constraints-dev.txt
	$(COMPILE) --constraints constraints.txt --extra gcp --output-file constraints-gcp.txt
	$(COMPILE) --constraints constraints.txt --extra train --output-file constraints-train.txt
	echo 'pillow>=13,<14' | $(subst pyproject.toml --group build,-,$(COMPILE)) --output-file constraints-pillow13.txt
	echo 'pyspark>=3.5,<4' | $(subst pyproject.toml --group build,-,$(COMPILE)) --output-file constraints-spark.txt
	echo 'setuptools<81' | $(subst pyproject.toml --group build,-,$(COMPILE)) --output-file docker/constraints-setuptools.txt

# Once by way of the sdist and once from the tree: the same bytes, or a file is missing or time leaks in.
wheel: export SOURCE_DATE_EPOCH := 1580601600
wheel: $(DEV)  ## build sdist and wheel into dist/, twice, and compare
	rm -rf dist build/again
	$(BIN)/python -m build --no-isolation --outdir dist
	$(BIN)/python -m build --no-isolation --outdir build/again --sdist --wheel
	cd dist && sha256sum * | tee SHA256SUMS
	cd build/again && sha256sum --check --quiet ../../dist/SHA256SUMS
	@echo "dist/: built twice, the same bytes"

clean:  ## remove what was built, the demo and the caches; VENV stays
	rm -rf build dist demo bench.json .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find pmc15m pipelines training eval tests -name __pycache__ -type d -exec rm -rf {} + 2>/dev/null || true

$(CORE): pyproject.toml constraints.txt
	@for python in $(PYTHONS); do \
	    if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi; \
	    python=; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "No Python 3.11 or newer among: $(PYTHONS). Install one, or name one: make PYTHON=..." >&2; exit 1; \
	elif ! $$python -c 'import ensurepip, venv' 2>/dev/null; then \
	    echo "$$python cannot make a virtual environment. On Debian: apt-get install python3-venv" >&2; exit 1; \
	elif ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	    echo "Making $(VENV) with $$($$python --version)"; $$python -m venv $(VENV); \
	fi
	@echo "Installing constraints.txt into $(VENV): half a minute or so"
	@$(INSTALL_PINS) -r constraints.txt
	@$(INSTALL_SELF)
	@touch $@

# jsonpath-rw, of mlcroissant, has no wheel: it is built by a setuptools of known hash.
$(DEV): $(CORE) constraints-dev.txt docker/constraints-setuptools.txt
	@echo "Installing constraints-dev.txt into $(VENV)"
	@$(INSTALL_PINS) -r docker/constraints-setuptools.txt
	@$(INSTALL_PINS) --no-binary jsonpath-rw --no-build-isolation -r constraints-dev.txt
	@touch $@

# Beside the venv: pip would not have it in there.
$(PILLOW13)/.installed: constraints-pillow13.txt
	rm -rf $(PILLOW13)
	$(INSTALL_PINS) --no-deps --target $(PILLOW13) --requirement constraints-pillow13.txt
	@touch $@

# A new Beam in constraints.txt builds them anew.
$(ENGINES)/prism: constraints.txt
	GOBIN=$(abspath $(ENGINES)) go install $(BEAM_GO)/go/cmd/prism@v$(BEAM)
	@touch $@

$(ENGINES)/container: constraints.txt
	GOBIN=$(abspath $(ENGINES)) go install $(BEAM_GO)/python/container@v$(BEAM)
	@touch $@

# pyspark comes as source alone: what builds it is pinned too, and nothing else is fetched for that.
$(SPARK): $(DEV) constraints-spark.txt docker/constraints-setuptools.txt
	$(INSTALL_PINS) --requirement docker/constraints-setuptools.txt
	$(INSTALL) --require-hashes --no-build-isolation --only-binary py4j --requirement constraints-spark.txt
	@touch $@

$(GCP)/.installed: $(DEV) constraints-gcp.txt
	$(BIN)/python -m venv --clear $(GCP)
	$(subst $(BIN),$(GCP)/bin,$(INSTALL_PINS)) --requirement constraints-gcp.txt
	@touch $@
