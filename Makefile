# One command surface, the same for a person and for CI.
PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
MANAGE := $(BIN)/python manage.py

.DEFAULT_GOAL := help
.PHONY: help install install-dev demo test test-browser lint format typecheck schema bench messages lock clean

help: ## Show what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(VENV)/.installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

install: $(VENV)/.installed ## Create .venv and install the pinned requirements

install-dev: $(VENV)/.installed-dev

demo: install ## Load the demo study and serve it (PORT=8000; RESET=1 starts over)
	@PORT=$(PORT) RESET=$(RESET) PUBLIC_URL=$${PUBLIC_URL:-http://127.0.0.1:$(PORT)} ENVIRONMENT=demo $(MANAGE) demo

# var/reports/ takes what ran where; .ci/census.py proves from it that every test ran somewhere.
test: install-dev ## Run the suite on SQLite, and on PostgreSQL where TEST_DATABASE_URL names one
	ENVIRONMENT=test $(BIN)/pytest -n 2 -m "not postgresql and not browser" --junitxml=var/reports/sqlite.xml
	@if [ -n "$$TEST_DATABASE_URL" ]; then \
		echo "PostgreSQL:"; \
		ENVIRONMENT=test DATABASE_URL="$$TEST_DATABASE_URL" $(BIN)/pytest -n 2 -m "not sqlite and not browser" \
			--junitxml=var/reports/postgresql.xml; \
	else echo "TEST_DATABASE_URL is not set: the suite ran on SQLite only."; fi

test-browser: install-dev ## Run what needs Chromium
	ENVIRONMENT=test $(BIN)/pytest -n 2 -m browser --junitxml=var/reports/browser.xml

lint: install-dev ## Lint, formatting, import floors, missing migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	ENVIRONMENT=test $(MANAGE) makemigrations --check --dry-run

format: install-dev ## Format and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

typecheck: install-dev ## Check the types
	ENVIRONMENT=test $(BIN)/mypy .

schema: install-dev ## Write docs/openapi.yaml from the code
	ENVIRONMENT=test $(MANAGE) spectacular --validate --fail-on-warn --file docs/openapi.yaml

bench: install-dev ## Measure against PostgreSQL (BENCH_DATABASE_URL) and gunicorn on loopback
	$(BIN)/python benchmarks/run.py

messages: install-dev ## Collect the texts of the screens and compile their translations (needs gettext)
	ENVIRONMENT=test $(MANAGE) makemessages -l de -l fr -l es --no-wrap --no-obsolete --add-location file -e html,txt,py -i .venv -i var -i docs -i benchmarks -i 'tests/*' -i '*/tests/*' -i '*/templates/admin/*' -i '*/templates/drf_spectacular/*'
	ENVIRONMENT=test $(MANAGE) compilemessages -i .venv

lock: install-dev ## Write the hash-pinned requirement files
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml --group dev -o requirements-dev.txt

clean: ## Remove the virtual environment and caches (keeps var/)
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache
