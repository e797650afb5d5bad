# Everything a user or developer runs. `make` alone lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

BIN   := $(CURDIR)/bin
TOOLS := $(BIN)/tools

# Go modules with code of their own. The others of tools only pin versions, and
# ./build is generated.
MODULES := $(filter-out $(addprefix ./tools/,alertmanager apiserver collector govulncheck kubernetes lint nodeexporter prometheus victorialogs),\
	$(patsubst %/go.mod,%,$(shell find . -name go.mod -not -path './build/*' | sort)))

# Modules whose tests start the collector and wait for it, up to six tests at a time.
WAITING := ./test/alerts ./test/e2e ./test/e2e/browser ./test/e2e/tiers

# Where components live, as far as there are any of the kind.
COMPONENTS := $(wildcard processor connector exporter extension)

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##### The collector

# Without the service discoveries of clouds, which are a third of the binary.
TAGS       := remove_all_sd
BUILDFLAGS := -trimpath -ldflags '-s -w' -tags $(TAGS)

.PHONY: build
build: build/go.mod ## Build the collector: ./bin/otelcol-ml
	@CGO_ENABLED=0 go -C build build $(BUILDFLAGS) -o $(BIN)/otelcol-ml .

# The builder writes main.go and go.mod into ./build; compiling is left to go
# itself, which rebuilds what changed and knows at once when nothing did.
build/go.mod: builder-config.yaml go.mod tools/collector/go.sum $(wildcard tools/collector/main/*.go) | $(TOOLS)/builder
	@echo "builder: generating ./build (the first build takes a few minutes)"
	@log=$$(mktemp); $(TOOLS)/builder --config builder-config.yaml --skip-compilation > $$log 2>&1 \
		|| { cat $$log; rm -rf $$log build; exit 1; }; rm -f $$log
	@cp tools/collector/main/*.go build
	@touch $@

.PHONY: run
run: build ## Build and start the collector with otelcol.yaml (ARGS="--config more.yaml")
	@echo "The page is at http://$${OTELCOL_ML_VIEW_ENDPOINT:-localhost:9465}."
	@echo "OTLP on $${OTELCOL_ML_GRPC_ENDPOINT:-localhost:4317} (gRPC) and $${OTELCOL_ML_HTTP_ENDPOINT:-localhost:4318} (HTTP),"
	@echo "metrics on http://$${OTELCOL_ML_METRICS_ENDPOINT:-localhost:9464}/metrics, those that services send on http://$${OTELCOL_ML_SERVICES_ENDPOINT:-localhost:9466}/metrics,"
	@echo "kept traces in $${OTELCOL_ML_DATA_DIR:-./data}/kept-traces.jsonl, unless a file of ARGS sets others. Ctrl-C stops it."
	@exec $(BIN)/otelcol-ml --config otelcol.yaml $(ARGS)

.PHONY: demo
demo: build ## The tour: start the collector, send traffic, show what was found
	@go -C examples/demo build -o $(BIN)/demo .
	@exec $(BIN)/demo --collector $(BIN)/otelcol-ml --config $(CURDIR)/otelcol.yaml $(ARGS)

.PHONY: example-python
example-python: build/venv/example-python/installed ## The article's five services in Python, against `make run` (ARGS="--server gunicorn --workers 2")
	@build/venv/example-python/bin/python examples/python/run.py $(ARGS)

.PHONY: example-training
example-training: build/venv/example-training/installed ## A training pipeline of six processes in Python, against `make run`
	@build/venv/example-training/bin/python examples/training/run.py

.PHONY: example-go
example-go: ## A service in Go, against `make run`
	@go -C examples/go run . $(ARGS)

##### Tests

# Three at a time: one computes, the others mostly wait for processes.
.PHONY: test
test: compiler for-processes ## Everything that CI runs
	@$(MAKE) --no-print-directory --jobs=3 --output-sync=recurse code $(WAITING)

.PHONY: code
code: # check, unit tests, the flood, rules, packages and the modules that start no process
	@$(MAKE) --no-print-directory --jobs=1 check workflows unit flood validate rules licences vulnerabilities light read-package

# What a bad day brings, on real processes. CI runs the same tests, those of
# hostile input with fewer clients and smaller traces, but not those of disks, which
# mount some.
FAULTS  := Shutdown|StalledClients|HangingBackend|BadReloads|Reload|Overload|RemoteWriteAway|PrometheusAway|Backend|NoBackend|ClocksApart|ClockJumps|CutStreams|SamplerGivesWay|ConfigErrors
HOSTILE := Hostile|OneHugeTrace|HalfOpen|ManyLargeRequests|BadInput|BadIDs|TextThatIsNotUTF8|TimesThatCannotBe|Labels

.PHONY: faults
faults: for-processes ## Faults of backends, disks, clocks, reloads and shutdowns, with two tiers, 5 minutes, as root
	go test -C test/e2e -count=1 -parallel 4 -run '$(FAULTS)' $(ARGS) .
	@$(MAKE) --no-print-directory disks
	go test -C test/e2e/tiers -count=1 -timeout 20m $(ARGS) .

.PHONY: disks
disks: build ## Full and read-only disks under the queue and the kept traces, a minute, as root
	go test -C test/e2e/disks -count=1 -parallel 4 $(ARGS) .

.PHONY: hostile
hostile: for-processes ## Hostile input in full: thousands of connections, a million spans in a trace, 3 minutes
	ulimit -n 20000; OTELCOL_ML_FULL=1 go test -C test/e2e -count=1 -parallel 2 -timeout 20m -run '$(HOSTILE)' $(ARGS) .
	go test -C test/chain -count=1 $(ARGS) .

.PHONY: fuzz-chain
fuzz-chain: ## Fuzz the way from the bytes of a request to the scrape (FUZZTIME=30m)
	go test -C test/chain -run '^$$' -fuzz '^FuzzChain$$' -fuzztime $(FUZZTIME) -fuzzminimizetime 10x . < /dev/null

.PHONY: licences
licences: build/go.mod ## Check the licences of what the collector is built of
	@go -C tools/licences run . -program $(CURDIR)/build -tags $(TAGS)

# The database is at vuln.go.dev, or where GOVULNDB says, such as file:///a/copy. A machine that reaches neither checks nothing, and says so. That
# it cannot be reached is found out first, since the analysis takes half a minute before it asks for the database.
.PHONY: vulnerabilities
vulnerabilities: build/go.mod $(TOOLS)/govulncheck ## Check for known vulnerabilities in what the collector calls (GOVULNDB=file:///...)
	@if [ -z "$(GOVULNDB)$$HTTPS_PROXY$$https_proxy" ] && ! timeout 10 bash -c ': < /dev/tcp/vuln.go.dev/443' 2> /dev/null; then \
		echo "vulnerabilities: NOT CHECKED, vuln.go.dev cannot be reached from here; set GOVULNDB to a copy of the database"; \
	else cd build && $(TOOLS)/govulncheck $(if $(GOVULNDB),-db $(GOVULNDB)) .; fi

.PHONY: unit
unit: ## Unit tests of the components, with the race detector
	go test -race ./...

# In full only without the race detector, which makes it ten times slower.
.PHONY: flood
flood: ## A hundred million label sets: the heap stays within its bounds (two minutes)
	go test -count=1 -run Flood -v ./connector/mlmetricsconnector/internal/observe

# Go fuzzes one target at a time. What it finds is written into testdata/fuzz
# of the package, to be committed with the fix. The default is a number of runs:
# a run that ends by the clock can fail with "context deadline exceeded" in Go's
# own coordinator and has then found nothing.
FUZZTIME ?= 20000x
.PHONY: fuzz
fuzz: ## Fuzz every target of the components, a minute (FUZZTIME=10m each)
	@set -e; grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9]+' internal $(COMPONENTS) | \
	while IFS=: read -r file target; do \
		target=$${target#func }; pkg=./$$(dirname $$file); \
		echo "go test -fuzz $$target -fuzztime $(FUZZTIME) $$pkg"; \
		go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$pkg < /dev/null; \
	done

.PHONY: fuzz-long
fuzz-long: ## Fuzz every target for ten minutes
	@$(MAKE) --no-print-directory fuzz FUZZTIME=10m

.PHONY: supported-versions
supported-versions: ## Build the README's collector with the supported versions of the OpenTelemetry Collector, ten minutes
	go test -C test/versions -count=1 -timeout 60m -v ./...

.PHONY: e2e
e2e: for-processes ## Tests of the built collector, the examples and the documentation
	@$(MAKE) --no-print-directory --jobs=3 --output-sync=recurse light $(WAITING)

.PHONY: $(WAITING)
$(WAITING): for-processes
	go test -C $@ -count=1 -parallel 6 ./...

.PHONY: light
light: for-processes
	@failed=0; for m in $(filter-out . ./test/e2e/disks ./test/interop ./test/package ./test/versions $(WAITING),$(MODULES)); do \
		echo "go test -count=1 ./... (in $$m)"; \
		go test -C $$m -count=1 ./... || failed=1; \
	done; exit $$failed

.PHONY: for-processes
for-processes: build $(BIN)/prometheus $(BIN)/promtool $(BIN)/alertmanager $(BIN)/amtool $(BIN)/victoria-logs $(BIN)/node_exporter $(TOOLS)/builder build/venv/signals/installed build/venv/example-python/installed chromium test/e2e/browser/node_modules

# One virtual environment for each file of pinned requirements.
VENVS := $(patsubst test/interop/requirements/%.txt,build/venv/%/installed,$(wildcard test/interop/requirements/*.txt))

EXAMPLE_VENVS := build/venv/example-python/installed build/venv/example-training/installed

.PHONY: interop
interop: build $(VENVS) $(EXAMPLE_VENVS) test/interop/node/node_modules ## Real clients against the built collector, 10 minutes (ARGS="-run TestArticle/auto -v")
	go test -C test/interop -count=1 -timeout 30m $(ARGS) ./...

# Those of the Python examples: build/venv/example-NAME from examples/NAME/requirements.txt.
build/venv/example-%/installed: examples/%/requirements.txt
	$(install)

build/venv/%/installed: test/interop/requirements/%.txt
	$(install)

define install
@python3 -c 'import ensurepip, venv' 2> /dev/null || { \
	echo "no python3-venv: installing it"; \
	sudo=$$(command -v sudo || true); \
	$$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv; } < /dev/null
@echo "pip install -r $< (into $(@D))"
@rm -rf $(@D) && mkdir -p $(dir $(@D)) && python3 -m venv $(@D)
@$(@D)/bin/pip install --quiet --disable-pip-version-check --no-deps -r $<
@touch $@
endef

# The browser that the page is tested in, and what looks for barriers to those who do not see or use a mouse.
.PHONY: chromium
chromium: ## Install Debian's Chromium where there is none
	@command -v chromium chromium-browser google-chrome > /dev/null || { \
		echo "no chromium: installing it"; \
		sudo=$$(command -v sudo || true); \
		$$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; } < /dev/null

# Packages for Node.js, as a lock file pins them.
test/e2e/browser/node_modules test/interop/node/node_modules: %/node_modules: %/package-lock.json
	@command -v npm > /dev/null || { \
		echo "no npm: installing it"; \
		sudo=$$(command -v sudo || true); \
		$$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends npm; } < /dev/null
	cd $* && npm ci --no-audit --no-fund
	@touch $@

.PHONY: pictures
pictures: build chromium ## Make the pictures of the README: the overview and a waterfall, three minutes
	go -C test/e2e/browser run ./pictures $(ARGS)

.PHONY: page-load
page-load: build chromium ## How long the collector's page takes to load with its memory full, a minute
	go -C test/e2e/browser run ./loadtime $(ARGS)

.PHONY: rules
rules: $(BIN)/promtool $(BIN)/amtool ## Check the Prometheus configuration and test the alerts
	$(BIN)/promtool check config deploy/prometheus/prometheus.yml
	$(BIN)/promtool test rules deploy/prometheus/*_test.yaml
	$(BIN)/amtool check-config deploy/prometheus/alertmanager.yml

.PHONY: alerts-live
alerts-live: build $(BIN)/alertmanager ## Every alert but one, over 26 hours, incidents and 8 hours of counted traffic, in 7 minutes
	ALERTS_NORMAL=26 go test -C test/alerts -count=1 -timeout 30m -v ./...

.PHONY: validate
validate: build ## Validate otelcol.yaml, its overlays and the gateways of deploy/
	$(BIN)/otelcol-ml validate --config otelcol.yaml
	@set -e; for f in deploy/*/otelcol.yaml deploy/*/sampler.yaml examples/*/otelcol.yaml; do \
		echo "otelcol-ml validate --config otelcol.yaml --config $$f"; \
		env $$(grep -q 'env:OTELCOL_ML_OTLP_ENDPOINT}' $$f && echo OTELCOL_ML_OTLP_ENDPOINT=http://localhost:4318) \
			$(BIN)/otelcol-ml validate --config otelcol.yaml --config $$f; \
	done; \
	for f in $$(grep -l '^receivers:' deploy/*/gateway*.yaml); do \
		echo "otelcol-ml validate --config $$f"; \
		env $$(grep -q 'env:OTELCOL_ML_SAMPLERS}' $$f && echo OTELCOL_ML_SAMPLERS=localhost) $(BIN)/otelcol-ml validate --config $$f; \
	done

.PHONY: bench
bench: ## Benchmarks: nanoseconds and allocations a span (BENCH=pattern COUNT=n)
	go test -run '^$$' -bench '$(or $(BENCH),.)' -benchmem -count $(or $(COUNT),1) ./...

.PHONY: profile
profile: ## Where the time of mlsignals goes: a CPU profile of its benchmark, by function
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	go test -run '^$$' -bench 'Processor$$/dialects=all/spans=article' -benchtime 30000000x -o $$dir/test -cpuprofile $$dir/cpu ./processor/mlsignalsprocessor \
	&& go tool pprof -focus=processTraces -show='mlsignals|pcommon' -relative_percentages -cum -top $$dir/test $$dir/cpu

# The collector of test/peers, this checkout's components beside contrib's. Its
# sources are generated anew each time: they depend on the whole checkout.
.PHONY: bench-peers
bench-peers: $(TOOLS)/builder ## CPU and memory beside contrib's components, 25 minutes (ARGS="-rounds 1 -components=false")
	@mkdir -p build # the builder makes one folder, not two
	@log=$$(mktemp); $(TOOLS)/builder --config test/peers/builder-config.yaml --skip-strict-versioning --skip-compilation > $$log 2>&1 \
		|| { cat $$log; rm -f $$log; exit 1; }; rm -f $$log
	@echo "go build: ./bin/otelcol-peers (the first build takes a few minutes)"
	@CGO_ENABLED=0 go -C build/peers build -trimpath -o $(BIN)/otelcol-peers .
	@go -C test/peers build -o $(BIN)/peers .
	@$(BIN)/peers --collector $(BIN)/otelcol-peers $(ARGS)

.PHONY: soak
soak: build ## The shipped collector at saturation within limits of memory, 10 minutes, as root (ARGS="-memory 512 -for 30s", or "-churn 16m")
	@go -C test/soak build -o $(BIN)/soak .
	@$(BIN)/soak $(ARGS)

##### Code

.PHONY: generate
generate: $(TOOLS)/mdatagen ## Generate code and docs from each metadata.yaml
	@set -e; for f in $$(find $(COMPONENTS) -name metadata.yaml); do \
		(cd $$(dirname $$f) && $(TOOLS)/mdatagen metadata.yaml); \
	done

# Compares before and after rather than asking git, so that it also works on
# changes that are not committed yet.
.PHONY: check-generate
check-generate: $(TOOLS)/mdatagen
	@sums() { find $(COMPONENTS) \( -name 'generated_*' -o -name '*.md' -o -name '*.schema.*' \) -type f -exec sha256sum {} + | sort -k2; }; \
	before=$$(sums); $(MAKE) -s generate; \
	diff <(echo "$$before") <(sums) > /dev/null || { \
		echo "These files did not match their metadata.yaml; they do now, commit them:"; \
		diff <(echo "$$before") <(sums) | awk '{print "  " $$3}' | sort -u | grep .; exit 1; }

.PHONY: dashboards
dashboards: ## Write the dashboards of deploy/grafana from their source
	@rm -rf deploy/grafana/dashboards deploy/grafana/dashboards-native
	@go -C deploy/grafana/source run . ..

.PHONY: check-dashboards
check-dashboards:
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	go -C deploy/grafana/source run . $$dir && for d in dashboards dashboards-native; do \
		diff -r $$dir/$$d deploy/grafana/$$d > /dev/null || { echo "deploy/grafana/$$d is not what its source gives; run make dashboards"; exit 1; }; done

.PHONY: manifests
manifests: ## Write the manifests of deploy/kubernetes that hold the alerts and otelcol.yaml
	@tools/kubernetes/generate.sh deploy/kubernetes

.PHONY: check-manifests
check-manifests:
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; mkdir $$dir/monitoring $$dir/operator && tools/kubernetes/generate.sh $$dir && \
	for f in monitoring/prometheusrule.yaml operator/collector.yaml; do \
		diff $$dir/$$f deploy/kubernetes/$$f > /dev/null || { echo "deploy/kubernetes/$$f is not what its source gives; run make manifests"; exit 1; }; done

# The chart is not here: a checkout of open-telemetry/opentelemetry-helm-charts has it.
.PHONY: chart
chart: build $(TOOLS)/helm ## Render the official chart with the values of deploy/kubernetes/chart (CHART=.../charts/opentelemetry-collector)
	@[ -f "$(CHART)/Chart.yaml" ] || { echo "CHART: found '$(CHART)', must be the folder of the chart opentelemetry-collector"; exit 1; }
	@set -e -o pipefail; for values in single single,samplers gateways; do \
		$(TOOLS)/helm template otelcol-ml $(CHART) --namespace ml-tracing --kube-version 1.34.0 --set podMonitor.enabled=true \
			$$(printf -- ' --values deploy/kubernetes/chart/%s.yaml' $${values//,/ }) | go -C test/kubernetes run ./chart $(CURDIR); \
	done

# The API server alone: nothing runs the pods. The definitions of the Prometheus operator are in its Go module.
.PHONY: kubernetes-api
kubernetes-api: $(TOOLS)/kube-apiserver $(TOOLS)/kubectl $(TOOLS)/etcd ## Apply the manifests to a real API server, twenty minutes the first time
	@cd /tmp && crds=$$(go mod download -json github.com/prometheus-operator/prometheus-operator@v0.85.0 | sed -n 's/.*"Dir": "\(.*\)".*/\1/p') && \
		go -C $(CURDIR)/test/kubernetes run ./apiserver $(CURDIR) $(TOOLS) $$crds/example/prometheus-operator-crd

.PHONY: check
check: check-generate check-dashboards check-manifests lint ## Generated code and dashboards, formatting, vet and lint
	@unformatted=$$(find . -name '*.go' -not -path './build/*' -exec gofmt -l {} +); \
		[ -z "$$unformatted" ] || { echo "gofmt -w these:"; echo "$$unformatted"; exit 1; }
	@set -e; for m in $(MODULES); do echo "go vet ./... (in $$m)"; go vet -C $$m ./...; done

.PHONY: lint
lint: $(TOOLS)/golangci-lint ## Run the linters of .golangci.yml
	@set -e; for m in $(MODULES); do echo "golangci-lint run (in $$m)"; \
		(cd $$m && $(TOOLS)/golangci-lint run --allow-parallel-runners --config $(CURDIR)/.golangci.yml ./...); done

.PHONY: fmt
fmt: ## Format all Go code
	@find . -name '*.go' -not -path './build/*' -exec gofmt -w {} +

# The race detector needs a C compiler, which a bare machine may lack.
.PHONY: compiler
compiler:
	@command -v $${CC:-cc} gcc > /dev/null || { \
		echo "no C compiler (the race detector needs one): installing gcc"; \
		sudo=$$(command -v sudo || true); \
		$$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq gcc libc6-dev; } < /dev/null

.PHONY: clean
clean: ## Remove what was built and written: ./bin ./build ./data ./dist
	rm -rf bin build data dist

##### Packages, made without a container engine

# The version has one home, and so has the time of every file in a package: that
# of the commit, so that a commit gives the same packages wherever they are made.
VERSION := $(shell sed -n 's/^  version: //p' builder-config.yaml)
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2> /dev/null || echo 0)
ARCHS   ?= amd64 arm64
DIST    ?= $(CURDIR)/dist
STAGE   := $(CURDIR)/build/package
TREE    := $(STAGE)/tree

.PHONY: package
package: archive packages image sbom ## Everything of a release into ./dist (ARCHS="amd64 arm64")
	@cd $(DIST) && rm -f SHA256SUMS && find . -type f ! -path './image/*' -printf '%P\n' | sort | xargs sha256sum > $(STAGE)/SHA256SUMS \
		&& mv $(STAGE)/SHA256SUMS . && ls -l

.PHONY: $(addprefix binary-,amd64 arm64)
$(addprefix binary-,amd64 arm64): binary-%: build/go.mod
	@echo "go build: otelcol-ml for linux/$*"
	@GOOS=linux GOARCH=$* CGO_ENABLED=0 go -C build build $(BUILDFLAGS) -o $(STAGE)/$*/otelcol-ml .

.PHONY: notices
notices: build/go.mod ## Check the licences of what is linked into the binary, and write ./dist/THIRD-PARTY-NOTICES.txt
	@mkdir -p $(DIST)
	@go -C tools/licences run . -program $(CURDIR)/build -tags $(TAGS) -o $(DIST)/THIRD-PARTY-NOTICES.txt

.PHONY: tree
tree: notices
	@tools/package/tree.sh $(VERSION) $(DIST)/THIRD-PARTY-NOTICES.txt $(TREE)

.PHONY: archive
archive: tree $(addprefix binary-,$(ARCHS)) ## The collector as tar.gz
	@set -e; umask 022; for arch in $(ARCHS); do \
		name=otelcol-ml_$(VERSION)_linux_$$arch; rm -rf $(STAGE)/$$name; cp -r $(TREE)/archive $(STAGE)/$$name; \
		install -m 755 $(STAGE)/$$arch/otelcol-ml $(STAGE)/$$name/otelcol-ml; \
		tar -C $(STAGE) --sort=name --mtime=@$$SOURCE_DATE_EPOCH --owner=0 --group=0 --numeric-owner -c $$name | gzip -n > $(DIST)/$$name.tar.gz; \
		rm -r $(STAGE)/$$name; \
	done

.PHONY: packages
packages: tree $(addprefix binary-,$(ARCHS)) $(TOOLS)/nfpm ## Packages for Linux: deb, rpm, apk
	@set -e; for arch in $(ARCHS); do for packager in deb rpm apk; do \
		VERSION=$(VERSION) ARCH=$$arch BINARY=$(STAGE)/$$arch TREE=$(TREE) \
			$(TOOLS)/nfpm package --config tools/package/nfpm.yaml --packager $$packager --target $(DIST) > /dev/null; \
	done; done

.PHONY: image
image: tree $(addprefix binary-,$(ARCHS)) ## The container image: an OCI layout of all architectures, and an archive of each for docker load
	@set -e; umask 022; roots=; for arch in $(ARCHS); do \
		root=$(STAGE)/image/$$arch; rm -rf $$root; mkdir -p $$root; cp -r $(TREE)/image/. $$root; cp $(STAGE)/$$arch/otelcol-ml $$root; \
		roots="$$roots linux/$$arch=$$root"; \
	done; \
	go -C tools/package run ./image -version $(VERSION) -epoch $$SOURCE_DATE_EPOCH -o $(DIST)/image \
		-archive '$(DIST)/otelcol-ml-image_$(VERSION)_{platform}.tar' $$roots

HOSTARCH = $(shell go env GOARCH)

.PHONY: version
version: # of the distribution, for scripts
	@echo $(VERSION)

.PHONY: workflows
workflows: $(TOOLS)/actionlint ## Check the workflows of .github
	$(TOOLS)/actionlint .github/workflows/*.yml

# The packages are made for this machine alone, and read: without a clean system to install them on.
.PHONY: read-package
read-package: debian-tools ## Make the packages for this machine and read them
	@$(MAKE) -s package ARCHS=$(HOSTARCH) DIST=$(STAGE)/read > /dev/null
	DIST=$(STAGE)/read go test -C test/package -count=1 .

.PHONY: test-package
test-package: debian-tools emulator $(TOOLS)/crane ## Make the packages, read, install, run, upgrade and remove them, five minutes, as root
	@$(MAKE) -s package DIST=$(STAGE)/read > /dev/null
	DIST=$(STAGE)/read go test -C test/package -count=1 -v $(ARGS) ./...

# Two builds of one commit, in two folders.
.PHONY: reproducible
reproducible: ## Make the packages here and in a fresh clone, and compare them, ten minutes
	@[ -z "$$(git status --porcelain)" ] || { echo "make reproducible: found changes that are not committed; commit them first"; exit 1; }
	@set -e; dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; git clone --quiet . $$dir/clone; rm -rf $(STAGE)/here; \
	$(MAKE) -s package DIST=$(STAGE)/here > /dev/null; $(MAKE) -s -C $$dir/clone package DIST=$$dir/clone/dist > /dev/null; \
	diff -r $(STAGE)/here $$dir/clone/dist && echo "make reproducible: $$(find $(STAGE)/here -type f | wc -l) files, all equal"

# What runs the program of the other architecture.
.PHONY: emulator
emulator:
	@command -v qemu-aarch64-static > /dev/null || { \
		echo "no qemu-user-static: installing it"; \
		sudo=$$(command -v sudo || true); \
		$$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends qemu-user-static; } < /dev/null

# What reads packages of all kinds, judges a unit, and makes a clean Debian.
.PHONY: debian-tools
debian-tools:
	@command -v mmdebstrap > /dev/null && command -v rpm > /dev/null && command -v rpm2cpio > /dev/null && command -v systemd-analyze > /dev/null \
		&& command -v cpio > /dev/null && command -v man > /dev/null && [ -f /etc/ssl/certs/ca-certificates.crt ] || { \
		echo "mmdebstrap, rpm, cpio, systemd, man-db or ca-certificates are missing: installing them"; \
		sudo=$$(command -v sudo || true); \
		$$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
			mmdebstrap debian-archive-keyring rpm rpm2cpio cpio systemd man-db ca-certificates; } < /dev/null

# As an image is pushed, with the credentials of docker login or crane auth login.
.PHONY: push
push: $(TOOLS)/crane ## Push ./dist/image (IMAGE=registry.example.com/otelcol-ml)
	$(TOOLS)/crane push $(DIST)/image $(IMAGE):$(VERSION)

# Go calls the module that the binary was built from (..) what it was replaced by.
.PHONY: sbom
sbom: $(addprefix binary-,$(ARCHS)) $(TOOLS)/cyclonedx-gomod ## What the binaries are made of, as CycloneDX
	@mkdir -p $(DIST)
	@set -e; for arch in $(ARCHS); do \
		bom=$(DIST)/otelcol-ml_$(VERSION)_linux_$$arch.cdx.json; \
		$(TOOLS)/cyclonedx-gomod bin -json -output-version 1.6 -noserial -notimestamp -licenses -version v$(VERSION) \
			-output $$bom $(STAGE)/$$arch/otelcol-ml 2> $(STAGE)/sbom.log || { cat $(STAGE)/sbom.log; exit 1; }; \
		sed -i 's|\.\.@(devel)|github.com/otelcol-ml/otelcol-ml@v$(VERSION)|; s|"name": "\.\."|"name": "github.com/otelcol-ml/otelcol-ml"|; s|"version": "(devel)"|"version": "v$(VERSION)"|' $$bom; \
	done

##### Pinned tools, built from tools/*/go.mod

.PHONY: prometheus
prometheus: $(BIN)/promtool ## Build Prometheus with its pages: ./bin/prometheus, and ./bin/promtool
	@command -v npx > /dev/null || { echo "no npx: install Node and npm"; exit 1; }
	@echo "npm and go build: ./bin/prometheus with its pages (a minute or two)"
	@tools/prometheus/with-ui.sh build/prometheus $(BIN)/prometheus

$(BIN)/victoria-logs: tools/victorialogs/go.mod tools/victorialogs/go.sum
	@echo "go build: ./bin/$(@F)"
	@go -C tools/victorialogs build -trimpath -ldflags '-s -w' -o $@ github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs

$(BIN)/node_exporter: tools/nodeexporter/go.mod tools/nodeexporter/go.sum
	@echo "go build: ./bin/$(@F)"
	@CGO_ENABLED=0 go -C tools/nodeexporter build -trimpath -ldflags '-s -w' -o $@ github.com/prometheus/node_exporter

$(TOOLS)/builder $(TOOLS)/mdatagen: tools/collector/go.mod tools/collector/go.sum
	@echo "go build: ./bin/tools/$(@F)"
	@go -C tools/collector build -trimpath -o $@ go.opentelemetry.io/collector/cmd/$(@F)

$(TOOLS)/benchstat: tools/collector/go.mod tools/collector/go.sum
	@go -C tools/collector build -trimpath -o $@ golang.org/x/perf/cmd/benchstat

$(TOOLS)/nfpm: tools/package/go.mod tools/package/go.sum
	@echo "go build: ./bin/tools/nfpm"
	@go -C tools/package build -trimpath -o $@ github.com/goreleaser/nfpm/v2/cmd/nfpm

$(TOOLS)/crane: tools/package/go.mod tools/package/go.sum
	@go -C tools/package build -trimpath -o $@ github.com/google/go-containerregistry/cmd/crane

$(TOOLS)/cyclonedx-gomod: tools/package/go.mod tools/package/go.sum
	@go -C tools/package build -trimpath -o $@ github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod

$(TOOLS)/actionlint: tools/package/go.mod tools/package/go.sum
	@go -C tools/package build -trimpath -o $@ github.com/rhysd/actionlint/cmd/actionlint

$(TOOLS)/helm: tools/kubernetes/go.mod tools/kubernetes/go.sum
	@echo "go build: ./bin/tools/helm (the first build takes a few minutes)"
	@go -C tools/kubernetes build -trimpath -o $@ helm.sh/helm/v3/cmd/helm

$(TOOLS)/kube-apiserver $(TOOLS)/kubectl: $(TOOLS)/%: tools/apiserver/go.mod tools/apiserver/go.sum
	@echo "go build: ./bin/tools/$* (the first build takes several minutes)"
	@go -C tools/apiserver build -o $@ k8s.io/kubernetes/cmd/$*

$(TOOLS)/etcd: tools/apiserver/go.mod tools/apiserver/go.sum
	@echo "go build: ./bin/tools/etcd"
	@go -C tools/apiserver build -o $@ go.etcd.io/etcd/server/v3

$(TOOLS)/govulncheck: tools/govulncheck/go.mod tools/govulncheck/go.sum
	@go -C tools/govulncheck build -trimpath -o $@ golang.org/x/vuln/cmd/govulncheck

$(TOOLS)/golangci-lint: tools/lint/go.mod tools/lint/go.sum
	@echo "go build: ./bin/tools/golangci-lint (the first build takes a few minutes)"
	@go -C tools/lint build -trimpath -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

# For the tests Prometheus has no pages, only its API; `make prometheus` builds one
# that has both. Without the service discoveries of clouds (remove_all_sd): a third
# less to compile. Static targets, files and HTTP remain.
$(BIN)/prometheus $(BIN)/promtool: tools/prometheus/go.mod tools/prometheus/go.sum
	@echo "go build: ./bin/$(@F) (the first build takes a few minutes)"
	@go -C tools/prometheus build -trimpath -ldflags '-s -w' -tags remove_all_sd -o $@ github.com/prometheus/prometheus/cmd/$(@F)

# The newest version whose pages are in the module; later ones need npm to build.
$(BIN)/alertmanager $(BIN)/amtool: tools/alertmanager/go.mod tools/alertmanager/go.sum
	@echo "go build: ./bin/$(@F)"
	@go -C tools/alertmanager build -trimpath -ldflags '-s -w' -o $@ github.com/prometheus/alertmanager/cmd/$(@F)
