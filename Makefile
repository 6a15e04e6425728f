# Node (any from 20), Go and make, and python3 and a C compiler for the tests, are all that a machine needs: `npm ci` brings the Node, Bun and Deno that the project uses,
# the test ground builds its Kubernetes and its External Secrets Operator with Go.

NODE := node_modules/.bin/node
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help demo test build bench lint format clean
.SUFFIXES:

help: ## Show what there is
	@echo 'usage: make TARGET'
	@echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F '|' '{ printf "  %-8s %s\n", $$1, $$2 }'

demo: build ## Two real control planes and the real ESO, the documented example, a rotation (VCLUSTER=1: a real vCluster; KEEP=1: leave it running)
	@KEEP='$(KEEP)' VCLUSTER='$(VCLUSTER)' $(NODE) scripts/demo.ts

test: node_modules ## Build what is needed and run every check and test (ONLY='unit e2e': some stages only)
	@$(NODE) scripts/test.ts $(ONLY)

build: node_modules ## The binary for this platform: dist/kubectl-vcluster-es
	@npm run --silent build

bench: build ## Measure on real API servers (docs/performance.md)
	@npm run --silent bench

lint: node_modules ## Types, Effect diagnostics, lint and format
	@npm run --silent lint

format: node_modules ## Format all files
	@npm run --silent format

clean: ## Remove what was built (CACHE=1: the test ground's programs as well)
	rm -rf dist test-results
	$(if $(CACHE),rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/vcluster-es")

# npm writes the hidden lock file when it has finished: a broken install is done again, a changed lock file as well.
.PHONY: node_modules
node_modules: node_modules/.package-lock.json
node_modules/.package-lock.json: package-lock.json
	@echo 'installing packages with npm (400 MB the first time: Node, Bun and Deno are among them) …'
	@npm ci --no-audit --no-fund
	@touch $@
