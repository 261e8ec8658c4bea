//go:build unix

package stripeapi

import (
	"errors"
	"syscall"
)

// quiet says whether the server has neither ended the connection nor sent
// anything that nobody asked for. It does not wait.
func (x *conn) quiet() bool {
	if x.probe == nil {
		return true
	}
	var n int
	var failed error
	err := x.probe.Read(func(fd uintptr) bool {
		n, failed = syscall.Read(int(fd), x.answer[:1])
		return true
	})
	return err == nil && n < 0 && (errors.Is(failed, syscall.EAGAIN) || errors.Is(failed, syscall.EINTR))
}
