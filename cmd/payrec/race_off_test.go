//go:build !race

package main

// raceEnabled says that the race detector is on, which slows and allocates.
const raceEnabled = false
