package sandbox

import (
	"os"

	"golang.org/x/sys/windows"
)

// lockFile takes a lock that dies with the process, so that two processes
// never share one state. The file stays: unlinking it would let two hold it.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{})
	if err != nil {
		f.Close()
		return nil, errHeld
	}
	return f, nil
}
