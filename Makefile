# Muster. "make" alone lists what there is.

GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  := -s -w -X muster/cmd/internal/program.version=$(VERSION)
# What a device is spared: HTTP/2, which neither the engine's socket nor a registry needs (360 KiB).
WORKERTAGS := nethttpomithttp2
# And inlined functions (650 KiB).
WORKERGCFLAGS := all=-l
GOBUILD  := CGO_ENABLED=0 $(GO) build -trimpath -ldflags "$(LDFLAGS)"
LINT     := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME ?= 30s
DIST     ?= dist

.DEFAULT_GOAL := help
.PHONY: help run test build dist lint bench fuzz cover size clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## Show everything on this machine: registry, manager, worker and an example app; until Ctrl-C
	@deploy/demo/engine.sh
	@$(GO) build -o bin/demo ./deploy/demo
	@exec bin/demo

test: ## Run all tests, with Docker, Podman, a registry, Mosquitto and a browser for real
	@deploy/demo/engine.sh
	@test/needs.sh
	$(GO) test -race -shuffle=on -timeout 20m ./...

build: ## Build the programs into bin/
	@mkdir -p bin
	$(GOBUILD) -o bin/muster ./cmd/muster
	$(GOBUILD) -tags $(WORKERTAGS) -gcflags "$(WORKERGCFLAGS)" -o bin/muster-worker ./cmd/muster-worker

dist: ## Build the worker for devices into dist/: amd64, arm64, armv7, armv6, riscv64; with SHA256SUMS
	@mkdir -p $(DIST)
	@set -e; for target in amd64 arm64 arm:7 arm:6 riscv64; do \
		arch=$${target%:*}; arm=; name=$$arch; \
		case $$target in *:*) arm=$${target#*:}; name=$${arch}v$$arm ;; esac; \
		echo "muster-worker-linux-$$name"; \
		GOOS=linux GOARCH=$$arch GOARM=$$arm $(GOBUILD) -tags $(WORKERTAGS) -gcflags "$(WORKERGCFLAGS)" -o $(DIST)/muster-worker-linux-$$name ./cmd/muster-worker; \
	done
	@cd $(DIST) && sha256sum muster-worker-linux-* >SHA256SUMS

lint: ## Check formatting, module files, other architectures and the linters of .golangci.yml
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "gofmt would change: $$unformatted"; exit 1; }
	$(GO) mod tidy -diff
	$(GO) vet ./...
	GOARCH=arm64 $(GO) vet ./cmd/... ./worker/... ./topics/...
	GOARCH=arm $(GO) vet ./cmd/... ./worker/... ./topics/...
	$(LINT) run
	cd test/ferretdb && $(LINT) run --build-tags ferretdb_no_postgresql
	cd test/pebble && $(LINT) run

bench: ## Run the benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...

fuzz: ## Run each fuzz target for FUZZTIME (30s)
	@grep -rlE '^func Fuzz' --include '*_test.go' . | xargs -n1 dirname | sort -u | while read -r pkg; do \
		grep -hoE '^func Fuzz[A-Za-z0-9]+' $$pkg/*_test.go | sed 's/^func //' | while read -r target; do \
			$(GO) test $$pkg -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) || exit 1; \
		done || exit 1; \
	done

cover: ## Count the tests and show the coverage of each package
	$(GO) test -cover -json ./... | $(GO) run ./test/count

size: build ## Show the size of the programs
	@ls -l bin/muster bin/muster-worker | awk '{printf "%s: %.2f MiB\n", $$NF, $$5/1048576}'

clean: ## Remove what was built, and the data of "make run"
	rm -rf bin dist .muster
