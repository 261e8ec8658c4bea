//go:build !linux

package main

// asBatch does nothing here.
func asBatch() {}
