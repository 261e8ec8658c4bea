//go:build !unix

package stripeapi

// quiet knows nothing here: a connection that the server has ended is noticed
// by the call that is sent over it, which is then in doubt.
func (x *conn) quiet() bool { return true }

func (x *conn) lookAt(uintptr) bool { return true }
