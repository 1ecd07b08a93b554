# availd: one file of tasks; `make check` is what CI runs.
SHELL   := /bin/bash
GO      ?= go
BIN     := $(CURDIR)/bin
LDFLAGS := -s -w
FUZZTIME ?= 10s
BENCH   ?= .
ARGS    ?=
export CGO_ENABLED ?= 0

GOLANGCI := $(BIN)/golangci-lint
GOLANGCI_VERSION := v2.15.0

.PHONY: build test test-deps lint man fuzz bench demo clients acceptance check clean

build: ## the binaries, static, into bin/
	@[ -x $(BIN)/availd ] || echo 'building availd, fedgateway and availdemo: the first time compiles SQLite too and takes about a minute'
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/...

demo: build ## the main job: two organizations and a gateway, one lookup, eleven steps
	$(BIN)/availdemo $(ARGS)

test: test-deps ## every test, with the race detector where a C compiler is there
	./.ci/test.sh

test-deps:
	./.ci/deps.sh

lint: $(GOLANGCI)
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo 'gofmt: the files above need formatting'; exit 1; }
	$(GO) vet ./...
	$(GOLANGCI) run ./...
	$(GO) mod verify
	./deploy/lint.sh

$(GOLANGCI):
	GOBIN=$(BIN) GOFLAGS= $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)

man: build ## a manual page for each verb, into dist/man
	$(BIN)/availd docs man --out dist/man

fuzz: ## every fuzz target for FUZZTIME
	./.ci/fuzz.sh $(FUZZTIME)

bench: ## the benchmarks that BENCH matches (all: several minutes); compare runs with benchstat
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

clients: build ## EWS clients of others against the demo, each value compared with an answer key of dateutil's
	./.ci/deps.sh clients
	./.ci/clients/run.sh $(ARGS)

acceptance: build ## the demo with every break, the by-hand script, proxies, short fuzz
	./.ci/acceptance.sh

check: ## what CI runs
	./.ci/run

clean:
	rm -rf $(BIN) dist
