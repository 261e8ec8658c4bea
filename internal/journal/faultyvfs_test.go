package journal

import (
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/sqlite/lib"
)

// The VFS "faulty" is SQLite's own, whose writes, syncs and truncations ask
// first whether they are to fail. It serves one test at a time.
const faultyVFS = "faulty"

// A fault says how a step of SQLite's on a file fails: with this code of
// SQLite's (0: it does not), and, of a write, after how many bytes.
type fault struct {
	code    int32
	written int32
}

// vfsSteps is asked before each step; nil lets them pass.
var vfsSteps atomic.Pointer[func(step, path string, size int32) fault]

// In C, by the file: its name, and the methods that it had.
var vfsFiles sync.Map

type vfsFile struct {
	path string
	own  *sqlite3.Tsqlite3_io_methods
}

var registerVFS = sync.OnceValue(func() error {
	tls := libc.NewTLS()
	base := sqlite3.Xsqlite3_vfs_find(tls, 0)
	size := unsafe.Sizeof(sqlite3.Tsqlite3_vfs{})
	p := libc.Xmalloc(tls, libc.Tsize_t(size))
	v := (*sqlite3.Tsqlite3_vfs)(inC(p))
	*v = *(*sqlite3.Tsqlite3_vfs)(inC(base))
	name, err := libc.CString(faultyVFS)
	if err != nil {
		return err
	}
	v.FzName = name
	v.FpNext = 0
	vfsBase = base
	open := vfsOpen
	v.FxOpen = *(*uintptr)(unsafe.Pointer(&open))
	sqlite3.Xsqlite3_vfs_register(tls, p, 0)
	return nil
})

var vfsBase uintptr // SQLite's own, once it is known

func useFaultyVFS(t *testing.T, steps func(step, path string, size int32) fault) {
	t.Helper()
	if err := registerVFS(); err != nil {
		t.Fatal(err)
	}
	vfsSteps.Store(&steps)
	t.Cleanup(func() { vfsSteps.Store(nil) })
}

func askVFS(step string, file uintptr, size int32) (f fault, own *sqlite3.Tsqlite3_io_methods) {
	v, _ := vfsFiles.Load(file)
	known := v.(vfsFile)
	if ask := vfsSteps.Load(); ask != nil {
		f = (*ask)(step, known.path, size)
	}
	return f, known.own
}

func vfsOpen(tls *libc.TLS, vfs, name, file uintptr, flags int32, out uintptr) int32 {
	base := (*sqlite3.Tsqlite3_vfs)(inC(vfsBase))
	call := base.FxOpen
	rc := (*(*func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32)(unsafe.Pointer(&call)))(tls, vfsBase, name, file, flags, out)
	methods := (*sqlite3.Tsqlite3_file)(inC(file))
	if rc != 0 || methods.FpMethods == 0 || name == 0 {
		return rc
	}
	own := (*sqlite3.Tsqlite3_io_methods)(inC(methods.FpMethods))
	p := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(*own))) // not freed: SQLite has no place to do so
	ours := (*sqlite3.Tsqlite3_io_methods)(inC(p))
	*ours = *own
	write, truncate, sync, shm := vfsWrite, vfsTruncate, vfsSync, vfsShmMap
	ours.FxWrite = *(*uintptr)(unsafe.Pointer(&write))
	ours.FxTruncate = *(*uintptr)(unsafe.Pointer(&truncate))
	ours.FxSync = *(*uintptr)(unsafe.Pointer(&sync))
	ours.FxShmMap = *(*uintptr)(unsafe.Pointer(&shm))
	vfsFiles.Store(file, vfsFile{libc.GoString(name), own})
	methods.FpMethods = p
	return 0
}

func vfsWrite(tls *libc.TLS, file, buf uintptr, size int32, off int64) int32 {
	f, own := askVFS("write", file, size)
	call := own.FxWrite
	do := *(*func(*libc.TLS, uintptr, uintptr, int32, int64) int32)(unsafe.Pointer(&call))
	if f.code == 0 {
		return do(tls, file, buf, size, off)
	}
	if n := min(f.written, size); n > 0 {
		do(tls, file, buf, n, off)
	}
	return f.code
}

func vfsTruncate(tls *libc.TLS, file uintptr, size int64) int32 {
	f, own := askVFS("truncate", file, 0)
	if f.code != 0 {
		return f.code
	}
	call := own.FxTruncate
	return (*(*func(*libc.TLS, uintptr, int64) int32)(unsafe.Pointer(&call)))(tls, file, size)
}

func vfsSync(tls *libc.TLS, file uintptr, flags int32) int32 {
	f, own := askVFS("sync", file, 0)
	if f.code != 0 || vfsSteps.Load() != nil { // what is asked is who is told, not the power
		return f.code
	}
	call := own.FxSync
	return (*(*func(*libc.TLS, uintptr, int32) int32)(unsafe.Pointer(&call)))(tls, file, flags)
}

func vfsShmMap(tls *libc.TLS, file uintptr, region, size, extend int32, out uintptr) int32 {
	f, own := askVFS("map", file, 0)
	if f.code != 0 {
		return f.code
	}
	call := own.FxShmMap
	return (*(*func(*libc.TLS, uintptr, int32, int32, int32, uintptr) int32)(unsafe.Pointer(&call)))(tls, file, region, size, extend, out)
}
