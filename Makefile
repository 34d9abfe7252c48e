# Aliases only: what they do stands in scripts/ and in the program itself.

.PHONY: demo test web build check soak bench pictures clean

demo: build       ## build everything and run the demo
	./bin/heddle demo $(ARGS)

build: web        ## the program with its web app: bin/heddle
	./scripts/build

web:              ## the web app: internal/web/dist
	./scripts/build-web

test:             ## all the set-up and every test, with every real peer
	./scripts/test

check:            ## quick: go vet and the tests that need no peer and no network
	go vet ./... && go test ./...

soak:             ## the long ones: many seeds, fuzzing, kill -9 in a loop (SOAK_MINUTES=30)
	./scripts/soak

bench:            ## the benchmarks behind the README's figures
	./scripts/bench

pictures:         ## the README's pictures, made with a real browser
	./scripts/pictures

clean:            ## what was built
	rm -rf bin internal/web/dist ui/node_modules e2e/peers/*/target
