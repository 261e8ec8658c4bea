package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/payrec/payrec/sandbox"
)

// canaryKey is a secret that must be nowhere but in Authorization headers.
const canaryKey = "sk_test_CANARYcanary0123456789CANARYcanary"

// A talkative server is the sandbox behind a front that repeats the key it was
// shown wherever an answer can carry it: the worst an API, a proxy or a
// captive portal could do.
type talkative struct {
	server *sandbox.Server
	mode   string // what to answer calls with: "", "error", "refused", "redirect", "garbage"
	after  func() // called when a call was answered with garbage
}

func (s *talkative) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	w.Header().Set("X-Echo", key)
	w.Header().Set("Request-Id", "req_"+key)
	if r.Method == http.MethodPost {
		echo := `{"error":{"type":"invalid_request_error","code":"` + key + `","param":"` + key + `","message":"bad key ` + key + `","doc_url":"https://x/` + key + `"}}`
		switch s.mode {
		case "error":
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, echo)
			return
		case "refused":
			w.WriteHeader(http.StatusUnauthorized)
			io.WriteString(w, echo)
			return
		case "redirect":
			w.Header().Set("Location", "https://attacker.example/?"+key)
			w.WriteHeader(http.StatusTemporaryRedirect)
			return
		case "garbage":
			io.WriteString(w, key+" is no JSON "+key)
			s.after()
			return
		}
	}
	s.server.ServeHTTP(w, r)
}

// TestCanaryKey runs every command that has a key against servers that repeat
// it, and looks for its bytes in everything that was printed or written.
func TestCanaryKey(t *testing.T) {
	for _, mode := range []string{"", "error", "refused", "redirect", "garbage"} {
		t.Run("calls answered "+mode, func(t *testing.T) {
			server, err := sandbox.New(sandbox.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			var garbled atomic.Int32
			// What garbage means is asked again for most of a minute: twice is enough.
			front := httptest.NewServer(&talkative{server, mode, func() {
				if garbled.Add(1) == 2 {
					interrupt()
				}
			}})
			defer front.Close()
			c := newCanary(t, map[string]string{"STRIPE_API_KEY": canaryKey, "PAYREC_API_BASE": front.URL})
			c.ctx = ctx
			c.write("a.csv", "date,amount,currency,reference\n2026-03-01,10.00,EUR,A\n2026-03-02,oops,EUR,B\n")
			c.run("import", "a.csv", "-m", "generic-csv", "--json")
			c.run("status", "--json")
			if mode != "" { // nothing more is there to be seen
				c.search(canaryKey)
				return
			}
			c.run("import", "a.csv", "-m", "generic-csv")
			c.run("plan", "a.csv", "-m", "generic-csv", "--review", "review.csv")
			c.run("apply", "--latest")
			c.run("status", "--json")
			c.run("export", "-o", "out.xlsx", "--from", "2026-01-01", "--attempts", "all")
			c.run("export", "-o", "out.csv", "--by", "reported", "--from", "2020-01-01")
			c.run("export", "-o", "out.jsonl", "--from", "2026-01-01")
			c.run("reconcile", "a.csv", "-m", "generic-csv", "-o", "rec.xlsx")
			c.run("rebuild", "--journal", "new.journal")
			c.search(canaryKey)
		})
	}
}

// TestCanaryKeyInTheWrongPlace gives the key where people put it by mistake.
func TestCanaryKeyInTheWrongPlace(t *testing.T) {
	row := "date,amount,currency,reference\n2026-03-01,10.00,EUR,A\n"
	for name, args := range map[string][]string{
		"as a flag that is none": {"import", "a.csv", "-m", "generic-csv", "--api-key", canaryKey},
		"joined to a flag":       {"import", "a.csv", "-m", "generic-csv", "--api-key=" + canaryKey},
		"as a key file's name":   {"import", "a.csv", "-m", "generic-csv", "--api-key-file", canaryKey},
		"as an address":          {"import", "a.csv", "-m", "generic-csv", "--api-base", "https://" + canaryKey + "@api.stripe.com"},
		"as a file":              {"import", canaryKey, "-m", "generic-csv", "--sandbox"},
		"as a mapping":           {"import", "a.csv", "-m", canaryKey, "--sandbox"},
		"as a parameter":         {"import", "a.csv", "-m", "generic-csv", "--sandbox", "--param", "key=" + canaryKey},
		"as a command":           {canaryKey},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCanary(t, nil)
			c.write("a.csv", row)
			if status := c.run(args...); status == exitOK {
				t.Errorf("status 0:\n%s", c.printed.String())
			}
			c.search(canaryKey)
		})
	}
	t.Run("in the configuration", func(t *testing.T) {
		c := newCanary(t, nil)
		c.write("a.csv", row)
		c.write("payrec.yaml", "api_key: "+canaryKey+"\n")
		if status := c.run("import", "a.csv", "-m", "generic-csv", "--sandbox"); status != exitUsage {
			t.Errorf("status %d:\n%s", status, c.printed.String())
		}
		os.Remove("payrec.yaml") // ours, not an output
		c.search(canaryKey)
	})
}

// TestCanaryCard puts a card number, in the ways that people write one, into
// each column of a file in turn, runs what reads files, and looks for its
// digits in everything that was printed or written.
func TestCanaryCard(t *testing.T) {
	columns := []string{"date", "amount", "currency", "reference", "description", "email", "nobody maps this"}
	cards := []string{"4242424242424242", "4242 4242 4242 4242", "4242-4242-4242-4242", "4242\u00a04242\u00a04242\u00a04242", "378282246310005", "3782 822463 10005"}
	for at, column := range columns {
		t.Run(column, func(t *testing.T) {
			c := newCanary(t, nil)
			var file strings.Builder
			w := csv.NewWriter(&file)
			w.Write(columns)
			for i, card := range cards {
				row := []string{"2026-03-01", "10.00", "EUR", fmt.Sprintf("R-%d", i), "a shirt", "a@example.com", ""}
				row[at] = card
				w.Write(row)
			}
			w.Write([]string{"2026-03-02", "oops", "EUR", "R-9", cards[0], "", cards[1]})
			w.Flush()
			c.write("a.csv", file.String())
			c.write("own.yaml", ownMapping)
			for _, mapping := range []string{"generic-csv", "own.yaml"} {
				c.run("import", "a.csv", "-m", mapping, "--dry-run", "--json")
				c.run("plan", "a.csv", "-m", mapping, "--sandbox", "--review", mapping+"-review.csv")
				c.run("import", "a.csv", "-m", mapping, "--sandbox", "--json")
				c.run("import", "a.csv", "-m", mapping, "--sandbox")
				c.run("explain", "a.csv", "-m", mapping, "--line", "2")
				c.run("explain", "a.csv", "-m", mapping, "--line", "8", "--json")
				c.run("reconcile", "a.csv", "-m", mapping, "--sandbox", "-o", mapping+"-rec.xlsx")
			}
			c.run("inspect", "a.csv")
			c.run("inspect", "a.csv", "--json")
			c.run("init", "a.csv", "-o", "made.yaml")
			c.run("status", "--json", "--sandbox")
			c.run("export", "-o", "out.xlsx", "--from", "2026-01-01", "--to", "2027-01-01", "--sandbox")
			c.run("export", "-o", "out.jsonl", "--from", "2026-01-01", "--to", "2027-01-01", "--sandbox")
			c.search(cards...)
		})
	}
}

// ownMapping sends what it can of every column.
const ownMapping = `payrec: mapping/v1
name: own
input: {timezone: UTC}
columns:
  at:   {from: date, type: date, format: '%Y-%m-%d'}
  ccy:  {from: currency, type: currency}
  sum:  {from: amount, type: money, in: ccy}
  ref:  {from: reference, type: id}
  note: {from: description, optional: true}
  mail: {from: email, optional: true}
rows: [{is: payment}]
payment: {key: =ref}
emit:
  - on: payment
    call: report_payment
    id: =ref
    set:
      amount_requested: =sum
      paid_at: =at
      reference: =ref
      description: =note
      method: {name: Own}
      metadata: {note: =note, mail: =mail}
`

// A canary runs commands in a folder of its own and remembers all they print.
type canary struct {
	*testing.T
	ctx     context.Context
	env     map[string]string
	given   map[string]bool // files that hold the canary because the test wrote them
	printed bytes.Buffer
}

func newCanary(t *testing.T, env map[string]string) *canary {
	t.Chdir(t.TempDir())
	return &canary{T: t, ctx: t.Context(), env: env, given: map[string]bool{}}
}

func (c *canary) write(name, text string) {
	c.Helper()
	c.given[name] = true
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		c.Fatal(err)
	}
}

// run runs one command and returns its exit status.
func (c *canary) run(args ...string) int {
	getenv := func(name string) string { return c.env[name] }
	return run(c.ctx, env{args, strings.NewReader(""), &c.printed, &c.printed, getenv, time.Now})
}

// search looks for the text in what was printed and in every file that was
// written, inside of workbooks as well.
func (c *canary) search(texts ...string) {
	c.Helper()
	if c.printed.Len() == 0 {
		c.Error("nothing was printed")
	}
	for _, text := range texts {
		c.look("standard output and error", c.printed.Bytes(), text)
	}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || c.given[path] {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, text := range texts {
			if strings.Contains(path, text) {
				c.Errorf("a file is named %s", path)
			}
			c.look(path, data, text)
		}
		book, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return nil // no workbook
		}
		for _, part := range book.File {
			r, err := part.Open()
			if err != nil {
				return err
			}
			content, err := io.ReadAll(r)
			if err != nil {
				return err
			}
			for _, text := range texts {
				c.look(path+"/"+part.Name, content, text)
			}
		}
		return nil
	})
	if err != nil {
		c.Error(err)
	}
}

func (c *canary) look(where string, data []byte, text string) {
	c.Helper()
	if at := bytes.Index(data, []byte(text)); at >= 0 {
		c.Errorf("%s has it: …%q…", where, data[max(0, at-80):min(len(data), at+len(text)+20)])
	}
}
