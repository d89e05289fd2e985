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

# Lists what a program is made of, for a release.
SBOM_VERSION := v1.10.0
SBOM := bin/cyclonedx-gomod-$(SBOM_VERSION)/cyclonedx-gomod

# Node folders: those whose files are generated with npm, and those with a test suite.
NODE_BUILDS := $(patsubst %/package.json,%,$(wildcard templates/package.json sdk/typescript/package.json))
NODE_TESTS := $(patsubst %/package.json,%,$(wildcard sdk/typescript/package.json internal/e2e/package.json))
NODE_DONE := node_modules/.package-lock.json

# Go code outside the main module: ./... leaves it out, so each check enters it.
GO_MODULES := $(patsubst %/go.mod,%,$(wildcard sdk/*/go.mod))

# Runs the stages of a tier, or some alone, and says how long each took and how many tests passed.
RUN = @MAKE="$(MAKE)" LINT="$(LINT)" MCPAUTH_BROWSER="$$(.ci/prerequisites --browser)" FUZZ="$(FUZZ)" $(GO) run ./internal/testrun
# How much fuzz tries per target: a number of inputs, or a time such as 10m.
FUZZ ?=

# What generate writes; it is committed.
GENERATED = find . \( -name node_modules -o -name .git \) -prune -o -type f \( -name '*_templ.go' -o -path './templates/static/*.css' -o -path './sdk/typescript/dist/*' -o -path './sdk/archives/*' \) -print \
	| LC_ALL=C sort | while read -r f; do cksum "$$f"; done

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: dev
dev: ## Run the product with a demo project (ARGS="--reset" starts over)
	@.ci/prerequisites go postgres
	@echo "Building mcpauth; the first time that takes a minute or two."
	@$(GO) run ./cmd/mcpauth dev $(ARGS)

.PHONY: quick
quick: ## While working: lint of the change, unit tests, one flow from end to end
	@.ci/prerequisites go node postgres browser
	$(RUN) quick

.PHONY: test
test: ## Every check and every test that does not take minutes
	@.ci/prerequisites go node postgres browser python compiler
	$(RUN) test

.PHONY: full
full: ## Everything else: long tests, all looks, long fuzz, growth, mutations, the race detector everywhere
	@.ci/prerequisites go node postgres browser python compiler
	$(RUN) full

.PHONY: test-go
test-go: ## Run the Go tests
	$(RUN) go

.PHONY: test-node
test-node: prepared ## Run the suites of the TypeScript SDK and the browser
	$(RUN) sdk browser

.PHONY: fuzz
fuzz: ## Try random input on every fuzz target (FUZZ=10m for longer)
	$(RUN) fuzz

# What several stages need, built once.
.PHONY: prepared
prepared: $(LINT) $(addsuffix /$(NODE_DONE),$(NODE_BUILDS) $(NODE_TESTS))

.PHONY: sheets
sheets: internal/e2e/$(NODE_DONE) ## Render every page to contact sheets in internal/e2e/results/sheets (ARGS="project" for some)
	@MCPAUTH_BROWSER=$$(.ci/prerequisites --browser) node internal/e2e/sheets.mjs $(ARGS)

.PHONY: bench
bench: ## Measure the server against its floor, side by side
	@.ci/prerequisites go postgres
	$(GO) run ./internal/bench $(ARGS)

.PHONY: mutations
mutations: ## Break the product line by line and demand that a test notices
	@.ci/prerequisites go postgres
	$(GO) run ./internal/mutate $(ARGS)

.PHONY: lint
lint: $(LINT) ## Check formatting and run the linters
	@unformatted=$$(find . \( -name node_modules -o -name .git -o -name testdata \) -prune -o -name '*.go' -print | xargs gofmt -l); \
	if [ -n "$$unformatted" ]; then echo "not formatted (gofmt -w):"; echo "$$unformatted"; exit 1; fi
	@set -e; for dir in . $(GO_MODULES); do echo "lint $$dir"; (cd "$$dir" && $(CURDIR)/$(LINT) run --config $(CURDIR)/.golangci.yml ./...); done

.PHONY: generate
generate: $(addsuffix /$(NODE_DONE),$(NODE_BUILDS)) ## Generate the templates' code, the stylesheet and what the SDKs are packed from
	$(GO) tool templ generate -log-level error
	@set -e; for dir in $(NODE_BUILDS); do (cd "$$dir" && $(NPM) run --silent build); done
	$(GO) run ./sdk/pack

.PHONY: generated
generated:
	@before=$$($(GENERATED)); $(MAKE) --no-print-directory generate; after=$$($(GENERATED)); \
	if [ "$$before" != "$$after" ]; then \
		echo "generated files were out of date; they are current now, commit them:"; \
		git status --short -- '*_templ.go' templates/static sdk || true; exit 1; \
	fi

# One linter binary per version, built from its module; its dependencies stay out of the project's.
$(LINT):
	GOBIN=$(CURDIR)/$(dir $(LINT)) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)

# npm writes the target; its time is that of the installation.
%/$(NODE_DONE): %/package.json %/package-lock.json
	cd $* && $(NPM) ci --no-audit --no-fund && touch $(NODE_DONE)

.PHONY: release
release: $(SBOM) ## Make what a version is given out as, in dist: archives, checksums, lists of what is inside
	$(GO) run ./sdk/pack -release
	$(GO) run ./internal/release -sbom $(SBOM) $(ARGS)

$(SBOM):
	GOBIN=$(CURDIR)/$(dir $(SBOM)) $(GO) install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(SBOM_VERSION)

.PHONY: clean
clean: ## Remove what can be built again (not .data)
	rm -rf bin dist $(addsuffix /node_modules,$(NODE_BUILDS) $(NODE_TESTS))
