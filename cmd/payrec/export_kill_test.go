package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/payrec/payrec/record"
	"github.com/payrec/payrec/sandbox"
)

// A watchedAccount counts what is read of it, and stops answering at one request.
type watchedAccount struct {
	url string

	mu     sync.Mutex     // guards what follows
	read   map[string]int // requests by path
	strike string         // the path that is struck
	nth    int            // at its nth request
	struck chan struct{}
	hold   chan struct{}
}

func watchAccount(t *testing.T, payments int) *watchedAccount {
	t.Helper()
	server, err := sandbox.New(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	for i := range payments {
		seed := sandbox.StripePayment{PaymentIntent: fmt.Sprintf("pi_%d", i), Amount: record.Amount{Currency: "eur", Value: int64(100 + i)}, Created: 1_780_000_000 + int64(i)*15, Outcome: record.Guaranteed}
		if _, err := server.SeedStripe(seed); err != nil {
			t.Fatal(err)
		}
	}
	w := &watchedAccount{read: map[string]int{}}
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.read[r.URL.Path]++
		hit := r.URL.Path == w.strike && w.read[r.URL.Path] == w.nth
		struck, hold := w.struck, w.hold
		w.mu.Unlock()
		if hit {
			close(struck)
		}
		if hit || hold != nil && closedBy(struck) {
			<-hold
			return
		}
		server.ServeHTTP(rw, r)
	}))
	t.Cleanup(front.Close)
	w.url = front.URL
	return w
}

func closedBy(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// at sets when to stop answering; "" is never. It forgets what was read.
func (w *watchedAccount) at(path string, nth int) (struck, hold chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.read, w.strike, w.nth, w.hold = map[string]int{}, path, nth, nil
	w.struck = make(chan struct{})
	if path != "" {
		w.hold = make(chan struct{})
	}
	return w.struck, w.hold
}

// TestKilledExport: an export that dies while it reads the list, and again while
// it reads attempts, goes on both times, and its files are those of one that
// nothing happened to.
func TestKilledExport(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process that is killed there may hold its files for a while")
	}
	const (
		n        = 4000
		list     = "/v1/payment_records"
		attempts = "/v1/payment_attempt_records"
	)
	account := watchAccount(t, n)
	dir := t.TempDir()
	export := func(file string, more ...string) (*exec.Cmd, *bytes.Buffer) {
		cmd := exec.Command(os.Args[0], append([]string{"export", "-o", file, "--attempts", "all", "--concurrency", "2", "--api-base", account.url}, more...)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), beMain+"=1", "STRIPE_API_KEY=sk_test_kill")
		said := new(bytes.Buffer)
		cmd.Stdout, cmd.Stderr = said, said
		return cmd, said
	}
	kill := func(path string, nth int) {
		t.Helper()
		struck, hold := account.at(path, nth)
		cmd, said := export("all.csv")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-struck
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the export was not killed")
		}
		close(hold)
		if _, err := os.Stat(filepath.Join(dir, "all.csv")); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("a file is there: %v\n%s", err, said)
		}
	}
	run := func(file string, more ...string) string {
		t.Helper()
		account.at("", 0)
		cmd, said := export(file, more...)
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		return said.String()
	}
	kill(list, 32)
	kill(attempts, 1000)
	account.mu.Lock()
	// What was under way between the account and the disk when it died is read
	// again, and is more the slower the process: the whole list would be 40.
	if pages := account.read[list]; pages > 34 {
		t.Errorf("after 31 of 40 pages, %d more were read", pages)
	}
	account.mu.Unlock()
	said := run("all.csv")
	account.mu.Lock()
	pages, tries := account.read[list], account.read[attempts]
	account.mu.Unlock()
	if !strings.Contains(said, "goes on with the reading") || pages > 20 || tries > n-900 {
		t.Errorf("after two kills %d pages and the attempts of %d payments were read:\n%s", pages, tries, said)
	}
	run("fresh.csv", "--fresh", "--no-log")
	for _, part := range []string{"", "-attempts"} {
		got, err := os.ReadFile(filepath.Join(dir, "all"+part+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join(dir, "fresh"+part+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) || bytes.Count(got, []byte("\n")) != n+1 {
			t.Errorf("%q: %d lines, and not those of an export that nothing happened to", part, bytes.Count(got, []byte("\n")))
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.reading*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
