package sandbox

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// childState names the state file of a sandbox that the test binary is to be,
// instead of running tests.
const childState = "PAYREC_SANDBOX_TEST_STATE"

func TestMain(m *testing.M) {
	if path := os.Getenv(childState); path != "" {
		s, err := New(Options{State: path})
		if err == nil {
			var base string
			if base, err = s.Listen("127.0.0.1:0"); err == nil {
				fmt.Println(base)
				select {} // until killed
			}
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// story uses everything that is written down.
func story(t *testing.T, s *Server) {
	t.Helper()
	id := post(t, s, newPath, paymentForm("metadata[a.b]", "ü\"x", "description", "d"), "Idempotency-Key", "k1").str("id")
	path := "/v1/payment_records/" + id
	post(t, s, path+"/report_payment_attempt_failed", "failed_at=1", "Idempotency-Key", "k2")
	post(t, s, path+"/report_payment_attempt", "initiated_at=1&metadata[n]=2", "Idempotency-Key", "k3")
	post(t, s, path+"/report_refund", refundForm("r1"), "Idempotency-Key", "k4") // refused
	post(t, s, path+"/report_payment_attempt_guaranteed", "guaranteed_at=1&metadata[a.b]=")
	post(t, s, path+"/report_refund", refundForm("r1", "amount[value]", "10", "amount[currency]", "usd"), "Idempotency-Key", "k5")
	post(t, s, path+"/report_payment_attempt_informational", "description=", "Idempotency-Key", "k6", FaultHeader, "500-saved")
	post(t, s, "/v1/invoices/in_1/attach_payment", "payment_record="+id, "Idempotency-Key", "k7")
	if _, err := s.SeedStripe(StripePayment{PaymentIntent: "pi_1", Charge: "ch_1", Amount: amount("eur", 5), Outcome: "failed"}); err != nil {
		t.Fatal(err)
	}
	s.Inject(Fault{At: FaultDuring, Status: 500, Body: "\xff\x00 not text", Save: true})
	post(t, s, newPath, paymentForm(), "Idempotency-Key", "k8") // answered by the fault
	post(t, s, newPath, paymentForm("outcome", "canceled", "canceled[canceled_at]", "5"), "Stripe-Version", "2026-09-30.endive")
}

// dump is everything a client could see.
func dump(t *testing.T, s *Server) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	fmt.Fprintln(&b, s.account, s.state.seq, s.state.refunds, len(s.state.refs), s.state.attached)
	for _, p := range s.state.order {
		fmt.Fprintf(&b, "%d %s\n", p.seq, recordObject{p.rec}.appendTo(nil))
		for _, a := range p.attempts {
			fmt.Fprintf(&b, "  %s\n", attemptObject{a.rec}.appendTo(nil))
		}
	}
	for i := range 9 {
		if k := s.keys.done[fmt.Sprintf("k%d", i)]; k != nil {
			fmt.Fprintf(&b, "k%d %s %s %d %s %s\n", i, k.path, k.hash, k.status, k.request, savedAnswer(k))
		}
	}
	fmt.Fprintln(&b, s.state.find("pi_1") != nil, s.state.charges["ch_1"] != nil)
	return b.String()
}

func TestStateSurvives(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	s := newSandbox(t, Options{State: path})
	story(t, s)
	want := dump(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if r := post(t, s, newPath, paymentForm()); r.status != 500 {
		t.Errorf("a closed sandbox took a call: %d %s", r.status, r.raw)
	}
	s = newSandbox(t, Options{State: path, Seed: 99})
	if got := dump(t, s); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if len(s.Notes()) != 0 || s.Totals().Writes != 0 {
		t.Errorf("notes %q, totals %+v", s.Notes(), s.Totals())
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if r := post(t, s, newPath, paymentForm("metadata[a.b]", "ü\"x", "description", "d"), "Idempotency-Key", "k1"); r.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("no replay after loading: %s", r.raw)
	}
	// The same seed on the same state must not make ids that are taken.
	s.Close()
	s = newSandbox(t, Options{State: path})
	if id := inState(t, s, "initiated"); strings.Contains(want, id) {
		t.Errorf("%s is an id of the first process", id)
	}
}

// Cutting the file anywhere in its last line loses that line only, with a
// note; the call it held can be made again.
func TestTornTail(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state")
	s := newSandbox(t, Options{State: path})
	inState(t, s, "initiated")
	want := dump(t, s)
	post(t, s, newPath, paymentForm(), "Idempotency-Key", "k1")
	s.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	last := bytes.LastIndexByte(whole[:len(whole)-1], '\n') + 1
	for at := last; at < len(whole); at++ {
		torn := filepath.Join(dir, fmt.Sprint(at))
		if err := os.WriteFile(torn, whole[:at], 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := New(Options{State: torn, Seed: 42})
		if err != nil {
			t.Fatalf("cut at %d: %v", at, err)
		}
		if got := dump(t, s); got != want {
			t.Fatalf("cut at %d: got\n%s\nwant\n%s", at, got, want)
		}
		if notes := len(s.Notes()); (notes == 1) != (at > last) {
			t.Fatalf("cut at %d: %d notes", at, notes)
		}
		if r := post(t, s, newPath, paymentForm(), "Idempotency-Key", "k1"); r.status != 200 {
			t.Fatalf("cut at %d: got %d %s", at, r.status, r.raw)
		}
		s.Close()
		again, err := New(Options{State: torn})
		if err != nil || again.Totals().Records != 2 || len(again.Notes()) != 0 {
			t.Fatalf("cut at %d, loaded again: %v", at, err)
		}
		again.Close()
		os.Remove(torn)
	}
}

// A flipped bit anywhere before the tail is found, and names the line.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state")
	s := newSandbox(t, Options{State: path})
	inState(t, s, "guaranteed")
	s.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// A newline that is lost at the very end is a torn tail; all others are damage.
	for at := range len(whole) - 1 {
		bad := bytes.Clone(whole)
		bad[at] ^= 1
		name := filepath.Join(dir, "bad")
		if err := os.WriteFile(name, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := New(Options{State: name})
		var se *StateError
		if !errors.As(err, &se) {
			t.Fatalf("byte %d flipped: got %v", at, err)
		}
		if kept, _ := os.ReadFile(name); !bytes.Equal(kept, bad) {
			t.Fatalf("byte %d flipped: the file was changed", at)
		}
	}
}

func TestForeignFiles(t *testing.T) {
	for name, content := range map[string]string{"csv": "a,b\n1,2\n", "no newline": "hello", "json": "{}\n",
		"other format": string(lineOf([]byte(`{"payrec_sandbox":2,"account":"acct_1"}`))),
		"unknown op":   string(lineOf([]byte(`{"payrec_sandbox":1,"account":"acct_1"}`))) + string(lineOf([]byte(`{"op":"explode"}`)))} {
		path := filepath.Join(t.TempDir(), "f")
		os.WriteFile(path, []byte(content), 0o600)
		_, err := New(Options{State: path})
		var se *StateError
		if !errors.As(err, &se) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v", name, err)
		}
		if got, _ := os.ReadFile(path); string(got) != content {
			t.Errorf("%s: the file was changed to %q", name, got)
		}
	}
	// A header that was being written when the process died is none yet.
	path := filepath.Join(t.TempDir(), "f")
	os.WriteFile(path, []byte(`{"crc":"12`), 0o600)
	s, err := New(Options{State: path})
	if err != nil || len(s.Notes()) != 1 {
		t.Fatalf("torn header: %v", err)
	}
	s.Close()
}

// A line that is taken out leaves whole lines that do not follow.
func TestMissingLines(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state")
	s := newSandbox(t, Options{State: path})
	inState(t, s, "guaranteed")
	s.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	l := bytes.SplitAfter(whole, []byte("\n")) // header, report_payment, _guaranteed, ""
	for name, lines := range map[string][][]byte{"first missing": {l[0], l[2]}, "doubled": {l[0], l[1], l[1]}, "swapped": {l[0], l[2], l[1]}} {
		bad := filepath.Join(dir, "bad")
		os.WriteFile(bad, bytes.Join(lines, nil), 0o600)
		_, err := New(Options{State: bad})
		var se *StateError
		if !errors.As(err, &se) || se.Line < 2 {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Whatever whole lines say, loading ends in a sandbox or in a [StateError].
func FuzzState(f *testing.F) {
	path := filepath.Join(f.TempDir(), "state")
	s := newSandbox(f, Options{State: path})
	inState(f, s, "failed")
	s.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	var payloads []byte
	for _, line := range bytes.SplitAfter(whole, []byte("\n"))[1:3] {
		payload, _ := payloadOf(line)
		payloads = append(append(payloads, payload...), '\n')
	}
	f.Add(payloads)
	f.Add([]byte(`{"at":1,"n":1,"op":"report_refund","record":"pr_1"}`))
	f.Add([]byte(`{"at":1,"n":1,"op":"report_payment","record":"pr_1","attempt":"par_1"}` + "\n" + `{"at":1,"n":2,"op":"report_refund","record":"pr_1","form":"amount[value]=x"}`))
	f.Add([]byte(`{"at":1,"n":1,"op":"seed","record":"pr_1","attempt":"par_1","seed":{}}` + "\n" + `{"key":"k","status":-1}`))
	f.Fuzz(func(t *testing.T, payloads []byte) {
		file := bytes.Clone(lineOf([]byte(`{"payrec_sandbox":1,"account":"acct_1"}`)))
		for _, payload := range bytes.Split(payloads, []byte("\n")) {
			file = append(file, lineOf(payload)...)
		}
		path := filepath.Join(t.TempDir(), "state")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := New(Options{State: path})
		var se *StateError
		if err != nil {
			if !errors.As(err, &se) {
				t.Fatalf("got %v", err)
			}
			return
		}
		defer s.Close()
		s.Totals()
		get(t, s, "/v1/payment_records?limit=100")
	})
}

func TestStateIsLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	s := newSandbox(t, Options{State: path})
	if _, err := New(Options{State: path}); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("got %v", err)
	}
	s.Close()
	newSandbox(t, Options{State: path})
}

// When the file cannot be written nothing is done, and nothing more is taken.
func TestWriteFailure(t *testing.T) {
	s := newSandbox(t, Options{State: filepath.Join(t.TempDir(), "state")})
	id := inState(t, s, "initiated")
	s.store.f.Close()
	for range 2 {
		r := post(t, s, newPath, paymentForm(), "Idempotency-Key", "k")
		if r.status != 500 || r.str("error", "type") != "api_error" {
			t.Errorf("got %d %s", r.status, r.raw)
		}
	}
	if got := s.Totals(); got.Records != 1 || got.Writes != 1 {
		t.Errorf("got %+v", got)
	}
	if r := get(t, s, "/v1/payment_records/"+id); r.status != 200 {
		t.Errorf("reads must go on: got %d", r.status)
	}
}

func TestCompaction(t *testing.T) {
	clock := newClock()
	path := filepath.Join(t.TempDir(), "state")
	s := newSandbox(t, Options{State: path, Clock: clock.Now})
	story(t, s)
	for i := range 4000 {
		post(t, s, "/v1/payment_records/none/report_refund", refundForm("x"), "Idempotency-Key", fmt.Sprint("refused", i))
	}
	s.Close()
	before, _ := os.Stat(path)
	clock.Move(25 * time.Hour)
	s = newSandbox(t, Options{State: path, Clock: clock.Now})
	want := dump(t, s)
	inState(t, s, "initiated") // appends to the new file
	s.Close()
	after, _ := os.Stat(path)
	if after.Size() > before.Size()/10 || after.Mode().Perm() != 0o600 {
		t.Errorf("%d bytes became %d, mode %v", before.Size(), after.Size(), after.Mode())
	}
	s = newSandbox(t, Options{State: path, Clock: clock.Now})
	got := dump(t, s)
	if records := s.Totals().Records; records != 4 || !strings.HasPrefix(got, strings.SplitN(want, " ", 2)[0]) {
		t.Errorf("%d records afterwards:\n%s", records, got)
	}
	if left, _ := filepath.Glob(path + "*.tmp"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// SIGKILL in the middle of writing: whatever was answered is in the file, under
// its key, and nothing is there twice.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills child processes")
	}
	path := filepath.Join(t.TempDir(), "state")
	answered := map[string]string{} // key to answer
	for round := range 5 {
		base, kill := startChild(t, path)
		results := make(chan [2]string)
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				for i := 0; ; i++ {
					key := fmt.Sprintf("%d-%d-%d", round, w, i)
					body, err := postTo(base, key)
					if err != nil {
						return // killed
					}
					results <- [2]string{key, body}
				}
			})
		}
		go func() { wg.Wait(); close(results) }()
		n := 0
		for r := range results {
			answered[r[0]] = r[1]
			if n++; n == 30+40*round {
				kill() // while the four are at it
			}
		}
	}
	s := newSandbox(t, Options{State: path})
	for key, want := range answered {
		r := post(t, s, newPath, paymentForm("processor_details[custom][payment_reference]", key), "Idempotency-Key", key)
		if r.raw != want || r.header.Get("Idempotent-Replayed") != "true" {
			t.Fatalf("%s was answered\n%s\nand is now\n%s", key, want, r.raw)
		}
	}
	// One call per worker and round may have been written without an answer.
	if got := s.Totals().Records; got < len(answered) || got > len(answered)+5*4 {
		t.Errorf("%d records, %d were answered", got, len(answered))
	}
	t.Logf("%d answers over 5 kills", len(answered))
}

func startChild(t *testing.T, path string) (base string, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childState+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	kill = func() { once.Do(func() { cmd.Process.Kill(); cmd.Wait() }) }
	t.Cleanup(kill)
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("the child said nothing")
	}
	return lines.Text(), kill
}

func postTo(base, key string) (string, error) {
	req, err := http.NewRequest("POST", base+newPath, strings.NewReader(paymentForm("processor_details[custom][payment_reference]", key)))
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer sk_test_1")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Idempotency-Key", key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != 200 {
		err = fmt.Errorf("%d %s", res.StatusCode, body)
	}
	return string(body), err
}

// savedAnswer is the answer that a replay gives.
func savedAnswer(k *saved) []byte {
	if k.shows != nil {
		return k.shows.appendTo(nil)
	}
	return k.body
}
