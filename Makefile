# Two commands do all the set-up: `make demo` and `make test`. Everything goes into .venv; apt is used only as root.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
APT_TEST := blender telnet netcat-openbsd tmux strace systemd php-cli nodejs zsh fish postgresql chromium
RUN_BY_TESTS := blender telnet nc tmux strace systemd-analyze php node zsh fish /usr/lib/postgresql/*/bin/initdb chromium

.PHONY: demo test explore bench lint docs clean

$(VENV)/ready: setup.py
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "brender needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -e '.[demo]'
	touch $@

$(VENV)/test-ready: $(VENV)/ready
	$(PY) -m pip install --quiet --disable-pip-version-check -e '.[test]'
	touch $@

$(VENV)/bench-ready: $(VENV)/ready
	$(PY) -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	touch $@

# A farm on this machine, 24 frames of a real animation on two slots, a movie, and the addresses to look at.
demo: $(VENV)/ready
	@command -v blender >/dev/null || $(PY) -c 'import bpy' 2>/dev/null \
	  || $(PY) -m pip install --quiet --disable-pip-version-check -e '.[blender]' \
	  || { [ "$$(id -u)" = 0 ] && apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends blender; } \
	  || { echo "No Blender could be installed. Put blender on your PATH and run make demo again."; exit 1; }
	$(PY) -m brender.cli demo

# Programs the tests run for real; installed here when we may, named by the tests when they are missing.
.PHONY: programs
programs:
	@missing=; for each in $(RUN_BY_TESTS); do command -v $$each >/dev/null || missing=yes; done; \
	if [ -n "$$missing" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $(APT_TEST); fi

lint: $(VENV)/test-ready
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy brender/errors.py brender/config.py brender/address.py brender/core brender/wire brender/worker \
	  brender/commands brender/models.py brender/alarms.py brender/upgrades.py brender/inventory.py brender/store.py brender/history.py brender/segments.py \
	  brender/storage brender/probes/__init__.py \
	  brender/openjd.py brender/bundle.py brender/__init__.py brender/api brender/caller.py brender/endings.py \
	  brender/commandline brender/console brender/shell.py examples/python

test: programs lint
	$(PY) -m pytest

# The property tests with examples nobody has tried yet; what it finds gets a test of its own.
explore: $(VENV)/test-ready
	$(PY) -m pytest tests/core tests/wire tests/worker tests/sim --hypothesis-profile=explore

bench: $(VENV)/bench-ready
	$(PY) -m bench

docs: $(VENV)/ready
	$(PY) -m brender.commands.reference docs/commands.md

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .hypothesis .mypy_cache .ruff_cache demo-farm
