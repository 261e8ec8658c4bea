# Each target is what it says; `make demo` and `make test` are README's two commands.
.PHONY: demo build test long race race-core check audit golden fuzz profile crash mutants bench compare clean

DEMO = demo

demo: build ## import two sample files into the sandbox, again, and write the workbook
	@rm -rf $(DEMO) && mkdir $(DEMO)
	@sh samples/demo.sh bin/payrec $(DEMO)

build:
	@mkdir -p bin
	go build -o bin/payrec ./cmd/payrec

test:
	go test ./...

# What `make test` takes fewer steps of: years of payments, a million rows, each
# byte of a journal damaged, each step of a disk failed in each way.
long: ## the tests that take minutes each; see also crash, mutants and fuzz
	PAYREC_TEST_LONG=1 go test ./exporter ./cmd/payrec -run '^(TestYear|TestMillion.*|TestReconcileFindsWhatWasPlanted)$$' -count 1 -timeout 60m -v
	go test ./cmd/payrec -run '^TestDamaged(Journal|WAL)$$' -damagestep 97 -count 1 -timeout 60m -v
	go test ./internal/journal -run '^TestDamage$$' -damage-step 1 -count 1 -timeout 60m -v
	go test ./internal/journal -run '^TestFaults$$' -every-fault -count 1 -timeout 60m -v
	go test ./internal/journal -run '^TestModel$$' -model-steps 10000 -count 1 -timeout 60m -v

race: ## everything under the race detector; the long property and crash tests take fewer steps
	go test -race -short -timeout 30m ./...

# The packages in which goroutines meet. The whole of `make race` takes longer
# than a change should wait for.
race-core:
	go test -race -short ./importer ./internal/journal ./internal/stripeapi ./exporter ./record ./internal/expression

check:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'run gofmt -w on these files'; exit 1; }
	go vet ./...
	go mod verify
	go mod tidy -diff

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOSEC = github.com/securego/gosec/v2/cmd/gosec@v2.22.4
# Left out of gosec: G104, errors that are sticky, or of closing what has failed
# already; G304, since opening files that are named is what payrec does; G404,
# jitter and made-up faults need no secret chance; G101, names of a header and
# of a variable that hold no secret; G115, conversions of places and sizes in
# files of our own (those of money are bounded where they stand, with tests);
# G103, since unsafe is in internal/journal/statement.go only, which says why.
GOSEC_OUT = G101,G103,G104,G115,G304,G404

audit: ## static analysis, checksums of the modules, and canaries in every output
	go mod verify
	go run $(STATICCHECK) ./...
	go run $(GOSEC) -quiet -exclude=$(GOSEC_OUT) -exclude-dir=bench ./...
	go test ./cmd/payrec -run '^TestCanary' -count 1

golden: ## rewrite the golden files; review the difference as code
	go test ./cmd/payrec ./mapping -update
	go test ./samples -run TestGoldenPlans -update

FUZZTIME = 30s
fuzz: ## every fuzz target for FUZZTIME each
	@for pkg in $$(go list ./...); do \
	  for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$target"; go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
	  done; \
	done

# What `go build` goes by to lay out the program: where it spends its time. It is made
# of benchmarks of the main jobs; a profile of an earlier program only helps less.
PROFILED = ./importer:DryRun ./cmd/payrec:Import ./internal/journal:PlanAgain ./exporter:Export
profile: ## make cmd/payrec/default.pgo anew
	@set -e; dir=$$(mktemp -d); \
	for job in $(PROFILED); do \
	  go test $${job%:*} -run '^$$' -bench "^Benchmark$${job#*:}$$" -benchtime 5s -trimpath -cpuprofile $$dir/$${job#*:}.prof -o $$dir/test; \
	done; \
	go tool pprof -proto $$dir/*.prof > cmd/payrec/default.pgo; rm -r $$dir

KILLS = 5400
crash: ## kill KILLS imports (make test kills a few hundred), and count duplicates and losses
	go test ./cmd/payrec -run '^TestCrash$$' -count 1 -kills $(KILLS) -timeout 60m -v

mutants: ## six programs that are wrong on purpose: the crash test must fail on each
	go test ./cmd/payrec -run '^TestMutants$$' -count 1 -mutants -timeout 60m -v

bench: ## every benchmark, and the comparisons with other programs
	go test -run '^$$' -bench . -benchmem ./...
	$(MAKE) compare

ROUNDS = 5
compare: build ## payrec beside the peers of bench/, as ratios (SCENARIOS: dry-run plan again import latency csv-out xlsx-out xlsx-in growth)
	cd bench && if command -v npm >/dev/null; then cd node && npm install --no-package-lock --no-audit --no-fund --silent; fi
	cd bench && go run . -rounds $(ROUNDS) $(SCENARIOS)

clean:
	rm -rf bin $(DEMO)
