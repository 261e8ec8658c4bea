# Each target is what it says; `make demo` and `make test` are README's two commands.
.PHONY: demo build test race race-core check golden fuzz crash mutants bench clean

DEMO = demo

demo: build ## import two sample files into the sandbox, again, and write the workbook
	@rm -rf $(DEMO) && mkdir $(DEMO)
	@sh samples/demo.sh bin/payrec $(DEMO)

build:
	@mkdir -p bin
	go build -o bin/payrec ./cmd/payrec

test:
	go test ./...

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

KILLS = 5400
crash: ## kill KILLS imports (make test kills a few hundred), and count duplicates and losses
	go test ./cmd/payrec -run '^TestCrash$$' -count 1 -kills $(KILLS) -timeout 60m -v

mutants: ## five programs that are wrong on purpose: the crash test must fail on each
	go test ./cmd/payrec -run '^TestMutants$$' -count 1 -mutants -timeout 60m -v

bench:
	go test -run '^$$' -bench . -benchmem ./...

clean:
	rm -rf bin $(DEMO)
