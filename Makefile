# Every target installs what it needs. `make` lists the targets.
PYTHON ?= python3
CONFIG ?= configs/default.yaml
ARGS ?=
# CPU=1 installs torch's CPU build on a host without an NVIDIA GPU (200 MB instead of several GB)
CPU ?=
# further extras of pyproject.toml for setup and docker-build, separated by commas
EXTRAS ?=
QUICK ?=
# for containers: the images' name, the engine, the folder that docker-train reads and writes
IMAGE ?= sentiment
DOCKER ?= docker
VOLUME ?= volume

# needs project/serve: the bundle to serve
BUNDLE ?= bundle

VENV := .venv
BIN := $(VENV)/bin
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
# pip shows its progress on a terminal and is quiet in a log; wheels only, so that no package's build script runs
PIP_INSTALL := $(BIN)/python -m pip install $(shell test -t 2 || echo --quiet) --disable-pip-version-check \
	--no-deps --only-binary :all:
LOCKED := $(PIP_INSTALL) --require-hashes
CPU_INDEX := https://download.pytorch.org/whl/cpu
# a lock file once it is installed: $(VENV)/.dev-3.12
STAMP = $(VENV)/.$(1)-$(VERSION)
MAIN := $(call STAMP,main)
COMMA := ,
LOCKS := $(filter-out build cuda lock main release serve torch,$(basename $(notdir $(wildcard requirements/*.txt))))
CHOSEN := $(subst $(COMMA), ,$(EXTRAS))
$(if $(filter-out $(LOCKS),$(CHOSEN)),$(error EXTRAS=$(EXTRAS): choose among $(LOCKS) (export, report, serve are always in)))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup init clean train test lint format hooks faults fuzz soak lock audit bench bench-gpu bench-serving wheel release \
	docker-build docker-train docker-serve rooms docs check-python

help: ## list the targets
	@awk -F ':.*## ' '/^##@ / {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo '  variables: PYTHON=python3.12  CPU=1  EXTRAS=hub,teach  CONFIG=configs/debug.yaml  ARGS="--trainer.max_epochs=3"'

check-python:
	@case "$(VERSION)" in \
	  3.11|3.12|3.13) ;; \
	  "") echo "error: $(PYTHON) does not run: install Python 3.11, 3.12 or 3.13, or name one: make PYTHON=/path/to/python3.12" >&2; exit 2 ;; \
	  *) echo "error: $(PYTHON) is Python $(VERSION), this repository needs 3.11, 3.12 or 3.13: make PYTHON=python3.12 (or another)" >&2; exit 2 ;; \
	esac

##@ set up
setup: $(MAIN) $(foreach extra,$(CHOSEN),$(call STAMP,$(extra))) ## install into .venv; EXTRAS=baselines,teach for more

# only torch is installed without a digest, with CPU=1 from an index that is used for nothing else; the CUDA packages
# only if torch's own metadata asks for them
$(MAIN): $(patsubst %,requirements/%.txt,build cuda main torch) pyproject.toml | check-python
	@echo "setting up $(VENV) with Python $(VERSION) (once; a minute or two)"
	@test -e $(MAIN) || $(PYTHON) -m venv --clear $(VENV)
	@$(PIP_INSTALL) $(if $(CPU),--index-url $(CPU_INDEX)) --requirement requirements/torch.txt
	@$(LOCKED) --requirement requirements/main.txt --requirement requirements/build.txt \
	  $$(grep -qs '^Requires-Dist: cuda' $(VENV)/lib/python*/site-packages/torch-*/METADATA \
	  && echo --requirement requirements/cuda.txt)
	@$(PIP_INSTALL) --no-build-isolation --editable .
	@touch $@

$(call STAMP,%): requirements/%.txt $(MAIN)
	@$(LOCKED) --requirement $<
	@touch $@

clean: ## remove .venv and tool caches (runs/ and the data cache stay)
	@rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

##@ train
train: $(MAIN) ## train, then test the best checkpoint
	@$(BIN)/python -m project fit --config $(CONFIG) $(ARGS)

##@ check
test: $(call STAMP,dev) ## run the fast tests
	@$(BIN)/python -m pytest $(ARGS)

lint: $(call STAMP,dev) ## check style, types, imports between rooms, and the length of functions
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/mypy --platform win32 --no-warn-unreachable --cache-dir .mypy_cache/windows project
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/lizard --warnings_only -T nloc=40 -T cyclomatic_complexity=12 project

format: $(call STAMP,dev) ## rewrite the code in this repository's style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

hooks: $(call STAMP,dev) $(call STAMP,release) ## check what is staged, secrets and workflows too; ARGS=install: at every commit
	@$(BIN)/python -m pre_commit $(if $(filter install,$(ARGS)),,run) $(ARGS)

faults: $(MAIN) ## kill, flip and resume: does anything get lost? in half an hour; QUICK=1 in a minute
	@$(BIN)/python -m benchmarks.faults $(if $(QUICK),--quick)

fuzz: $(MAIN) ## try a thousand bad inputs: does any end in a traceback? in a quarter of an hour; QUICK=1 in a minute
	@$(BIN)/python -m benchmarks.fuzz $(if $(QUICK),--quick) $(ARGS)

# needs project/serve
soak: $(MAIN) ## bad clients, reloads and twenty minutes of load: does the server hold? in half an hour; QUICK=1 in a minute
	@$(BIN)/python -m benchmarks.soak $(if $(QUICK),--quick) $(ARGS)

lock: $(call STAMP,lock) ## update requirements/*.txt from pyproject.toml; ARGS=--check only says whether they follow from it
	@$(BIN)/python requirements/lock.py $(ARGS)

audit: $(call STAMP,lock) ## check the packages in requirements/*.txt for known vulnerabilities
	@$(BIN)/python requirements/audit.py

##@ measure
bench: $(MAIN) ## measure the recurrence against torch's, in a quarter of an hour; QUICK=1 in three minutes
	@$(BIN)/python -m benchmarks.encoder $(if $(QUICK),--quick)

bench-gpu: $(MAIN) ## measure recurrence and loop on an NVIDIA GPU, in five minutes
	@$(BIN)/python -m benchmarks.gpu $(ARGS)

# needs project/export project/serve
bench-serving: $(call STAMP,bench) ## measure checkpoint and bundles against fastText and scikit-learn, and the server, in six minutes
	@$(BIN)/python -m benchmarks.serving $(ARGS)
	@$(BIN)/python -m benchmarks.http $(ARGS)

##@ ship
wheel: $(call STAMP,release) ## build sdist and wheel into dist/
	@rm -rf dist
	@$(BIN)/python -m build --quiet --no-isolation .
	@ls dist/*

RELEASE = $(shell sed -n 's/^version = "\(.*\)"$$/\1/p' pyproject.toml)
REFUSE = { echo "error: $(1)" >&2; exit 2; }

release: $(call STAMP,dev) $(call STAMP,release) ## check, build and tag the version of pyproject.toml; pushes nothing
	@test -z "$$(git status --porcelain)" || $(call REFUSE,files differ from the last commit: commit them$(COMMA) or remove them)
	@grep -q '^## $(RELEASE) - 20' CHANGELOG.md || $(call REFUSE,CHANGELOG.md says nothing of $(RELEASE): give it a section $(RELEASE) - DATE)
	@test -z "$$(git tag --list v$(RELEASE))" || $(call REFUSE,v$(RELEASE) is tagged already: raise the version in pyproject.toml)
	@$(MAKE) --no-print-directory lint test wheel
	@$(BIN)/python -m pytest -m slow -n0 tests/test_wheel.py
	@git tag --annotate --message "$(RELEASE)" v$(RELEASE)
	@echo "tagged v$(RELEASE); git push origin v$(RELEASE) publishes it"

docker-build: ## build the images; CPU=1 without CUDA, EXTRAS=baselines,teach
	@$(DOCKER) build --target serve --tag $(IMAGE):serve . # needs project/serve
	@$(DOCKER) build --target train --tag $(IMAGE):train \
	  $(if $(CPU),--build-arg TORCH_INDEX=$(CPU_INDEX)) $(if $(EXTRAS),--build-arg EXTRAS=$(EXTRAS)) .

# the user's own id: what the containers write belongs to them
RUN := $(DOCKER) run --rm --init --user $$(id -u):$$(id -g)

docker-train: ## train in a container, on all GPUs, in the folder volume; CPU=1 without GPU; CONFIG=, ARGS=
	@mkdir -p $(VOLUME)
	@$(RUN) $(if $(CPU),,--gpus all) --shm-size 1g --env WANDB_API_KEY --env WANDB_MODE \
	  --volume "$(abspath $(VOLUME)):/volume" $(IMAGE):train fit --config /app/$(CONFIG) $(ARGS)

# needs project/serve
docker-serve: ## serve BUNDLE=bundle in a container, on port 8000 of this host
	@$(RUN) --read-only --publish 127.0.0.1:8000:8000 --volume "$(abspath $(BUNDLE)):/bundle:ro" $(IMAGE):serve

##@ yours
# needs template/, which this removes; make passes on the values of the variables that it names
init: | check-python ## make this repository your own: NAME=acme_reviews; see template/README.md
	@PYTHONPATH=.init PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m template --from-make \
	  $(foreach name,NAME COMMAND TITLE AUTHOR KEEP DROP GIT,$(if $(findstring command,$(origin $(name))),$(name)))

rooms: $(MAIN) ## list rooms and add-ons: what for, lines, tests, packages
	@$(BIN)/python -m docs.tables rooms

docs: $(MAIN) ## write the tables of docs/: options, commands, rooms
	@$(BIN)/python -m docs.tables
