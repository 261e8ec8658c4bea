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
	return x.probe.Read(x.look) == nil && x.silent
}

// lookAt sets silent when there is nothing to be read.
func (x *conn) lookAt(fd uintptr) (done bool) {
	n, err := syscall.Read(int(fd), x.answer[:1])
	x.silent = n < 0 && (errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR))
	return true
}
