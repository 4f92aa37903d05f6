# Everything is done from here, with Python 3.11 or newer and nothing else installed.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: words help run demo bench test test-faults check contracts format lock clean tools tools-lock check-charts golden image

MEMBERS := $(patsubst %/,%,$(dir $(wildcard libs/*/pyproject.toml services/*/pyproject.toml frontends/*/pyproject.toml node/pyproject.toml)))
CHECKED := $(MEMBERS) $(wildcard tests)
UV := .uv/bin/uv
BIN := .venv/bin
READY := .venv/ready
TOOLS_LOCK := --quiet --python-version 3.11 --generate-hashes --no-annotate --no-header
JOBS ?= 2
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& command -v $$python && break; done)

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 13

run: $(READY) ## Start the node: databases, gateway, every service (MPP_PORT, MPP_HOME); Ctrl-C stops it
	@$(BIN)/mpp up

demo: $(READY) ## Play a day at MPP Bombana on the running node
	@$(BIN)/mpp simulate --mall bombana

bench: $(READY) ## Measure on servers of its own (ARGS="--rounds 5")
	@$(BIN)/mpp bench $(ARGS)

test: $(READY) .tools/ready .tools/browser/ready ## Run the tests (ARGS="-k board"), modules in two processes (JOBS=1: in one)
	@$(BIN)/pytest -n $(JOBS) --dist loadscope $(ARGS)

test-faults: $(READY) ## Play every fault under load and write docs/faults.md (ARGS="-k gateway" plays one)
	@$(BIN)/pytest tests/faults --faults -v -s $(ARGS)

check: $(READY) ## Check style, types and import directions
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@set -e; for member in $(CHECKED); do echo "mypy $$member"; $(BIN)/mypy --no-error-summary $$member; done
	@$(BIN)/lint-imports

contracts: $(READY) ## Write docs/asyncapi.yaml and docs/events.json; refuses what would break a reader
	@$(BIN)/python -m mpp_contracts.asyncapi docs

words: $(READY) ## Collect the sentences of the pages into their catalogues; what is new waits for its translation
	@cd frontends/web && ../../$(BIN)/pybabel -q extract -F babel.cfg -k _ -k gettext -k ngettext:1,2 --omit-header \
		--no-location --sort-output -o web_frontend/locales/messages.pot .
	@cd frontends/web && ../../$(BIN)/pybabel -q update -i web_frontend/locales/messages.pot -d web_frontend/locales \
		--omit-header --no-fuzzy-matching --no-wrap

format: $(READY) ## Format the code and mend what can be mended
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: $(UV) ## Resolve the dependencies anew into requirements.lock
	@$(UV) lock
	@$(UV) export --frozen --all-packages --all-groups --no-emit-workspace --no-annotate --no-header \
		--quiet -o requirements.lock

clean: ## Remove the environment and all caches; the node's data stays
	@rm -rf .venv .uv .tools .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

tools: .tools/ready ## Install helm, checkov and what else looks at charts and image file

check-charts: $(READY) .tools/ready ## Check the charts and the image file
	@$(BIN)/pytest tests/charts -q

golden: $(READY) .tools/ready ## Write the charts' golden manifests anew; read the difference
	@MPP_GOLDEN=write $(BIN)/pytest tests/charts -q -k read_before

image: ## Build the image of a service (SERVICE=queue); needs buildah
	@test -n "$(SERVICE)" || { echo "make image SERVICE=queue"; exit 1; }
	@buildah bud $(ARGS) -f docker/service.Dockerfile --build-arg SERVICE=$(SERVICE) -t mpp-$(SERVICE) .

tools-lock: $(UV) ## Resolve the charts' tools anew into charts/tools.lock
	@$(UV) pip compile $(TOOLS_LOCK) --universal charts/tools.in -o charts/tools.lock
	@$(UV) pip compile $(TOOLS_LOCK) --no-deps charts/alone.in >> charts/tools.lock

.tools/browser/ready: frontends/fetch_browser.py $(READY)
	@$(BIN)/python frontends/fetch_browser.py .tools/browser
	@touch $@

.tools/ready: charts/tools.lock charts/fetch.py | $(UV)
	@test -x .tools/bin/python || $(UV) venv --quiet --python "$(PYTHON)" .tools
	@$(UV) pip sync --quiet --python .tools/bin/python --require-hashes charts/tools.lock
	@.tools/bin/python charts/fetch.py .tools/bin
	@touch $@

$(UV):
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python"; exit 1; }
	@"$(PYTHON)" -m venv .uv || { echo "Python's venv module is needed (Debian: python3-venv)"; rm -rf .uv; exit 1; }
	@.uv/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9

$(READY): requirements.lock pyproject.toml $(MEMBERS:=/pyproject.toml) | $(UV)
	@test -x $(BIN)/python || $(UV) venv --quiet --python "$(PYTHON)" .venv
	@$(UV) pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps $(addprefix -e ./,$(MEMBERS))
	@touch $@
