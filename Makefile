# Quanyu. Each target is a function in tools/targets.py; run `make` to see them.
.DEFAULT_GOAL := help
.NOTPARALLEL:
PYTHON ?= $(shell test -x .venv/bin/python && echo .venv/bin/python || echo python3)
ARGS ?=

TARGETS := setup run test check console conformance bench soak docs lock clean
.PHONY: help $(TARGETS)

help:
	@echo "make run          set up and start the demo city on http://127.0.0.1:8000"
	@echo "make test         set up and run every check and test   (ARGS=\"-k words\" chooses)"
	@echo "make setup        only set up, into .venv"
	@echo "make check        format, lint, types, import contracts"
	@echo "make console      build the web console"
	@echo "make conformance  play the NGSI-LD test suite           (SUITE=DIR: a clone of it)"
	@echo "make bench        measure                               (ARGS=\"NAME\" chooses)"
	@echo "make soak         long fault and simulation runs"
	@echo "make docs         write docs/reference from code and data"
	@echo "make lock         resolve the dependencies anew"
	@echo "make clean        remove what was made, but not var/"
	@echo "QUANYU_PORT, QUANYU_HOME and PYTHON=python3.12 override"

$(TARGETS):
	@command -v $(PYTHON) >/dev/null || { echo "Stopped: there is no $(PYTHON). To do: install Python 3.11 or newer (Debian, as root: apt-get install python3 python3-venv)" >&2; exit 1; }
	@$(PYTHON) -S -m tools $@ $(ARGS)
