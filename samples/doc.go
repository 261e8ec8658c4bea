// Package samples holds small settlement files, one folder per preset of the
// mapping package, to try payrec with. All names and references in them are
// invented. They are made by the package's test: after changing it, run
//
//	go test ./samples -update
//
// The test also holds the facts that each file shows: how many rows of which
// class, which sums, and that its control totals come out.
package samples

//go:generate go test . -update
