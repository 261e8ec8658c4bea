package journal

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// sendChild works the run in many goroutines and says on standard output what
// it was told was durable, until it is killed.
func sendChild() {
	ctx := context.Background()
	j, err := Open(ctx, os.Getenv("JOURNAL_TEST_PATH"), me, Options{})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	var mu sync.Mutex
	out := bufio.NewWriter(os.Stdout)
	say := func(args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(out, args...)
		out.Flush()
	}
	work := make(chan Step)
	for i := range 8 {
		go func() {
			for s := range work {
				var err error
				if i == 0 {
					err = j.Begin(ctx, s.ID, s.Epoch, "")
				} else {
					err = j.BeginAhead(ctx, s.ID, s.Epoch, 20)
				}
				if err != nil {
					say("error", err)
					continue
				}
				say("begun", s.ID)
				if err := j.Finish(ctx, s.ID, s.Epoch, Outcome{State: Confirmed, RecordID: "pr_" + s.Payment}); err != nil {
					say("error", err)
				}
			}
		}()
	}
	for after := int64(0); ; {
		page, err := j.Lanes(ctx, "r", after, 50)
		if err != nil {
			say("error", err)
		}
		if len(page) == 0 {
			break
		}
		for _, l := range page {
			work <- l.Steps[0]
			after = l.No
		}
	}
	say("end")
	select {}
}

// TestKill kills a process at random points between Begin and Finish, many
// times over one journal: every Begin that returned is on disk, and nothing
// that was begun can be sent under another key.
func TestKill(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "payrec.journal")
	j := open(t, path)
	calls, kills := 4000, 12
	if testing.Short() {
		calls, kills = 1200, 4
	}
	plan(t, j, "r", payments(calls)...)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	begun := make(map[string]bool)
	random := rand.New(rand.NewPCG(1, 2))
	for round := range kills {
		cmd, out := child(t, "send", path)
		for left := 1 + random.IntN(300); left > 0 && out.Scan(); left-- {
			what, rest, _ := strings.Cut(out.Text(), " ")
			switch what {
			case "begun":
				begun[rest] = true
			case "error":
				t.Fatalf("round %d: %s", round, rest)
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for out.Scan() { // what it said before it died
			if id, ok := strings.CutPrefix(out.Text(), "begun "); ok && len(id) == 26 {
				begun[id] = true
			}
		}
		cmd.Wait()

		j, err := Open(ctx, path, me, Options{})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		known := 0
		for e, err := range j.Entries(ctx, "r") {
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case e.Epoch != 0:
				t.Errorf("%s is in epoch %d", e.Payment, e.Epoch)
			case begun[e.ID] && (e.State != Unknown && e.State != Confirmed || e.Attempts == 0):
				t.Errorf("round %d: %s was begun and is %s", round, e.Payment, e.State)
			case e.State == Sending:
				t.Errorf("round %d: %s is still sending", round, e.Payment)
			}
			if begun[e.ID] {
				known++
			}
		}
		if known != len(begun) {
			t.Errorf("round %d: %d of %d calls are in the journal", round, known, len(begun))
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(begun) < kills {
		t.Errorf("only %d calls were begun in %d rounds", len(begun), kills)
	}
}
