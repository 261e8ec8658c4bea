//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package sandbox

import (
	"fmt"
	"os"
	"syscall"
)

// lockFile takes a lock that dies with the process, so that two processes
// never share one state. The file stays: unlinking it would let two hold it.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("another process has this state open (%w); end it, or name another file", err)
	}
	return f, nil
}
