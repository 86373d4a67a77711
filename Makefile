# The few things one does here. `make` alone says what there is.
.DEFAULT_GOAL := help
.PHONY: help demo up down test unit e2e bench yardsticks lint build crds clean

help: ## This list
	@grep -hE '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

# npm leaves node_modules/.package-lock.json behind: older than the lock file means that it has to run again.
node_modules/.package-lock.json: package-lock.json package.json
	@# On stderr: what `make -s up` prints is for the shell.
	npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error >&2
	@touch $@

demo: build ## A real Kubernetes, the operator, and the primes below 10,000,000 (KEEP=1 leaves it running)
	@deploy/demo

up: build ## A local cluster with CRDs, operator and a pool "lab": eval "$(make -s up)"
	@deploy/up

down: ## Ends what `make up` started
	@deploy/down

build: node_modules/.package-lock.json ## The operator and the command line, one file each, into dist/
	@npm run --silent build

test: node_modules/.package-lock.json ## Lint, types, unit tests, tests on a real control plane (ALL=1 with demos in fresh clones)
	@npm test --silent $(if $(ALL),-- --all)

unit: node_modules/.package-lock.json ## Only what needs no cluster
	@npm run --silent unit

lint: node_modules/.package-lock.json ## Style and types
	@npm run --silent lint

bench: build ## The benchmarks against their budgets
	@npm run --silent bench

yardsticks: node_modules/.package-lock.json ## The field's published results beside ours (ALL=1 with the long runs)
	@npm run --silent yardsticks -- $(if $(ALL),--all)

crds: node_modules/.package-lock.json ## Writes crds/ anew from src/api
	@npm run --silent crds

clean: ## Removes what was built (not what is cached outside)
	rm -rf dist .build
