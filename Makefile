# One command per job; `make` alone lists them. Everything is made below .venv, build and dist.

PYTHON ?= $(shell packaging/find-python)
VENV = .venv
BIN = $(VENV)/bin
RUN = env PATH="$(CURDIR)/$(BIN):$$PATH"

# What the tests and the demo need of Debian; installed where we're root, named where we're not.
APT = binutils busybox-static catatonit clang dpkg-dev git less libclang-rt-14-dev libpython3-dev make \
	mmdebstrap musl-tools podman procps python3-venv qemu-user-static runc strace tmux util-linux valgrind \
	vim-tiny

# What a call is measured against, in `make bench`.
PEERS = dropbear-bin openssh-client openssh-server s6 socat

CONTAINERS ?= $(shell command -v podman || command -v docker)

# In this order the first minute tells whether the ground holds; what builds, waits or fuzzes comes last.
FAST_FIRST = tests/wire tests/config $(wildcard tests/test_*.py) tests/roles tests/command_line tests/conformance \
	$(filter-out tests/wire tests/config tests/roles tests/command_line tests/conformance tests/vectors tests/__pycache__, \
	$(patsubst %/,%,$(sort $(wildcard tests/*/))))

help: ## show this
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/done ## compile a small C project through stubs, in two containers where podman can be had
	@packaging/apt-install $(APT) || echo "k8psh: going on without them: two local processes stand for the containers"
	@! command -v musl-gcc >/dev/null || $(MAKE) -s native
	@$(RUN) python packaging/demo.py

test: setup native ## run every test, fast ones first
	$(RUN) coverage erase
	$(RUN) python -m pytest -m "not slow and not pod" --cov --cov-report= $(FAST_FIRST)
	$(RUN) python -m pytest -m "slow and not pod" --cov --cov-append --cov-report=
	$(RUN) python -m pytest -m pod --cov --cov-append
	$(MAKE) test-targets

test-targets: setup $(VENV)/zig native ## run the stubs of eight kinds of machine, by zig and qemu; minutes at first
	$(RUN) env ZIG="$(CURDIR)/$(BIN)/python -m ziglang" python -m pytest -m targets

lint: $(VENV)/done ## style and types: ruff, mypy
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy

bench: setup native bundle ## measure against local exec, ssh, dropbear, s6-sudo and socat; prints ratios
	@packaging/apt-install $(PEERS) || echo "k8psh: going on without them"
	$(RUN) python -m benchmarks

native: k8psh/_native/k8psh ## build the stub with this machine's musl-gcc

build/native/k8psh build/native/start: $(wildcard native/*.[ch]) native/Makefile
	$(MAKE) -C native

k8psh/_native/k8psh: build/native/k8psh
	@mkdir -p $(@D)
	install -m 755 $< $@

bundle: setup build/native/k8psh build/native/start ## dist/k8psh: all that a container without Python needs
	$(RUN) python packaging/bundle/build.py

wheel: setup ## dist/*.whl with the stub for this machine, and the source archive
	$(RUN) pyproject-build --no-isolation --outdir dist

image: ## the image k8psh, by podman or docker; ARCH=arm64 makes another architecture's, BASE=IMAGE on another
	$(CONTAINERS) build $(ARCH:%=--platform=linux/%) $(BASE:%=--build-arg=BASE=%) --tag=k8psh .
	$(CONTAINERS) build $(ARCH:%=--platform=linux/%) $(BASE:%=--build-arg=BASE=%) --tag=k8psh:debug --target=debug .

fuzz: setup ## search for long for inputs that break the stub's readers
	$(MAKE) -C native fuzz

setup: $(VENV)/done $(VENV)/apt ## the virtual environment and Debian's packages

$(VENV)/done: pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --upgrade pip
	$(BIN)/pip install -q -c requirements.lock --group dev -e .
	touch $@

$(VENV)/zig: $(VENV)/done
	$(BIN)/pip install -q -c requirements.lock --group targets
	touch $@

$(VENV)/apt: Makefile
	@mkdir -p $(VENV)
	PATH="$$PATH:/usr/sbin" packaging/apt-install $(APT)
	touch $@

clean: ## remove everything that was made
	rm -rf $(VENV) build dist k8psh/_native .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache

.PHONY: help demo test test-targets lint bench native bundle wheel image fuzz setup clean
