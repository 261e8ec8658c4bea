//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package sandbox

import (
	"errors"
	"os"
)

// lockFile refuses: without a lock two processes could ruin one state.
func lockFile(string) (*os.File, error) {
	return nil, errors.New("this system has no file locks that the sandbox knows; leave the state in memory")
}
