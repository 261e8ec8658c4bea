package journal

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lockOffset is far behind the note: a locked region cannot be read by others.
const lockOffset = 1 << 30

// tryLock takes an exclusive lock without waiting; the system drops it with
// the process.
func tryLock(f *os.File) error {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY,
		0, 1, 0, &windows.Overlapped{Offset: lockOffset})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return errHeld
	}
	return err
}

// running says whether there is a process of that number.
func running(pid int) bool {
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	if err != nil {
		return errors.Is(err, windows.ERROR_ACCESS_DENIED)
	}
	windows.CloseHandle(h)
	return true
}

// syncDir does nothing: NTFS journals its folders itself.
func syncDir(string) error { return nil }
