# Everything a developer runs. `make help` lists it.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:

GO ?= go
NPM ?= npm
# Arguments for the program behind dev and bench: make dev ARGS="--reset"
ARGS ?=

LINT_VERSION := v2.15.0
LINT := bin/golangci-lint-$(LINT_VERSION)/golangci-lint

# The race detector needs a C compiler. RACE= turns it off.
RACE ?= $(shell command -v $$($(GO) env CC 2>/dev/null) >/dev/null 2>&1 && echo -race)

# Node folders: those whose files are generated with npm, and those with a test suite.
NODE_BUILDS := $(patsubst %/package.json,%,$(wildcard templates/package.json))
NODE_TESTS := $(patsubst %/package.json,%,$(wildcard sdk/typescript/package.json internal/e2e/package.json))
NODE_DONE := node_modules/.package-lock.json

# Go code outside the main module: ./... leaves it out, so each check enters it.
GO_MODULES := $(patsubst %/go.mod,%,$(wildcard sdk/*/go.mod))

# What generate writes; it is committed.
GENERATED = find . \( -name node_modules -o -name .git \) -prune -o -type f \( -name '*_templ.go' -o -path './templates/static/*.css' \) -print \
	| LC_ALL=C sort | while read -r f; do cksum "$$f"; done

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: dev
dev: ## Run the product with a demo project (ARGS="--reset" starts over)
	@.ci/prerequisites go postgres
	$(GO) run ./cmd/mcpauth dev $(ARGS)

.PHONY: test
test: ## Run every check and every test
	@.ci/prerequisites go node postgres browser python
	@$(MAKE) --no-print-directory generated lint test-go fuzz test-node

.PHONY: test-go
test-go: ## Run the Go tests
	$(GO) test $(RACE) ./...
	@set -e; for dir in $(GO_MODULES); do echo "$$dir"; (cd "$$dir" && $(GO) test $(RACE) ./...); done

.PHONY: test-node
test-node: $(addsuffix /$(NODE_DONE),$(NODE_TESTS)) ## Run the suites of the TypeScript SDK and the browser
	@set -e; MCPAUTH_BROWSER=$$(.ci/prerequisites --browser); export MCPAUTH_BROWSER; \
	for dir in $(NODE_TESTS); do echo "$$dir: npm test"; (cd "$$dir" && $(NPM) test); done

.PHONY: sheets
sheets: internal/e2e/$(NODE_DONE) ## Render every page to contact sheets in internal/e2e/results/sheets (ARGS="project" for some)
	@MCPAUTH_BROWSER=$$(.ci/prerequisites --browser) node internal/e2e/sheets.mjs $(ARGS)

.PHONY: bench
bench: ## Measure the server against its floor, side by side
	@.ci/prerequisites go postgres
	$(GO) run ./internal/bench $(ARGS)

# How much fuzz tries per target: a number of inputs, or a time such as 10m.
FUZZ ?= 20000x

.PHONY: fuzz
fuzz: ## Try random input on every fuzz target (FUZZ=10m for longer)
	@set -e; for package in $$(grep -lr --include='*_test.go' '^func Fuzz' oauth internal sdk/go | xargs -n 1 dirname | sort -u); do \
		for target in $$($(GO) test -C "$$package" . -list '^Fuzz' | grep '^Fuzz'); do \
			echo "$$package: $$target"; \
			out=$$($(GO) test -C "$$package" . -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZ) 2>&1) || { echo "$$out"; exit 1; }; \
		done; \
	done

.PHONY: mutations
mutations: ## Break the product line by line and demand that a test notices
	@.ci/prerequisites go postgres
	$(GO) run ./internal/mutate $(ARGS)

.PHONY: lint
lint: $(LINT) ## Check formatting and run the linters
	@unformatted=$$(find . \( -name node_modules -o -name .git -o -name testdata \) -prune -o -name '*.go' -print | xargs gofmt -l); \
	if [ -n "$$unformatted" ]; then echo "not formatted (gofmt -w):"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(LINT) run ./...
	@set -e; for dir in $(GO_MODULES); do echo "$$dir"; (cd "$$dir" && $(GO) vet ./... && $(CURDIR)/$(LINT) run ./...); done

.PHONY: generate
generate: $(addsuffix /$(NODE_DONE),$(NODE_BUILDS)) ## Generate the templates' code and the stylesheet
	$(GO) tool templ generate -log-level error
	@set -e; for dir in $(NODE_BUILDS); do (cd "$$dir" && $(NPM) run --silent build); done

.PHONY: generated
generated:
	@before=$$($(GENERATED)); $(MAKE) --no-print-directory generate; after=$$($(GENERATED)); \
	if [ "$$before" != "$$after" ]; then \
		echo "generated files were out of date; they are current now, commit them:"; \
		git status --short -- '*_templ.go' templates/static || true; exit 1; \
	fi

# One linter binary per version, built from its module; its dependencies stay out of the project's.
$(LINT):
	GOBIN=$(CURDIR)/$(dir $(LINT)) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)

# npm writes the target; its time is that of the installation.
%/$(NODE_DONE): %/package.json %/package-lock.json
	cd $* && $(NPM) ci --no-audit --no-fund && touch $(NODE_DONE)

.PHONY: clean
clean: ## Remove what can be built again (not .data)
	rm -rf bin $(addsuffix /node_modules,$(NODE_BUILDS) $(NODE_TESTS))
