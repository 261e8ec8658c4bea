package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/payrec/payrec/importer"
	"github.com/payrec/payrec/internal/stripeapi"
	"github.com/payrec/payrec/record"
)

// TestStatesOfAPayment drives each way that a payment's life can take through
// the program and the sandbox's state machine: what the API takes is there in
// the end, and a step it refuses parks the later ones of that payment only.
// Each life is imported whole, and event by event in files of their own.
func TestStatesOfAPayment(t *testing.T) {
	for _, tt := range []struct {
		name     string
		events   string
		attempts int
		want     record.Status
		refused  string // the event that the API refuses
		parked   int
	}{
		{"open", "open", 1, record.Initiated, "", 0},
		{"open, settled", "open settled", 1, record.Guaranteed, "", 0},
		{"open, failed", "open failed", 1, record.Failed, "", 0},
		{"open, canceled", "open canceled", 1, record.Canceled, "", 0},
		{"declined at once", "declined", 1, record.Failed, "", 0},
		{"declined, retried", "declined retried", 2, record.Guaranteed, "", 0},
		{"failed, retried", "open failed retried", 2, record.Guaranteed, "", 0},
		{"canceled, retried", "open canceled retried", 2, record.Guaranteed, "", 0},
		{"failed, tried again, failed, tried again", "open failed reopened failed reopened settled", 3, record.Guaranteed, "", 0},
		{"canceled, tried again, canceled", "open canceled reopened canceled", 2, record.Canceled, "", 0},
		{"retried, refunded", "declined retried refund", 2, record.PartiallyRefunded, "", 0},
		{"noted in every state", "open noted failed noted retried noted", 2, record.Guaranteed, "", 0},

		{"retried while open", "open retried refund", 1, record.Initiated, "retried", 1},
		{"retried when paid", "paid retried refund", 1, record.Guaranteed, "retried", 1},
		{"settled twice", "open settled settled refund", 1, record.Guaranteed, "settled", 1},
		{"failed when paid", "paid failed noted", 1, record.Guaranteed, "failed", 1},
		{"settled when failed", "declined settled noted refund", 1, record.Failed, "settled", 2},
		{"refund of a failed payment", "declined refund noted", 1, record.Failed, "refund", 1},
		{"refund before it is settled", "open refund settled", 1, record.Initiated, "refund", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var rows []string
			for i, event := range strings.Fields(tt.events) {
				amount := "10.00"
				if event == "refund" {
					amount = "2.50"
				}
				rows = append(rows, fmt.Sprintf("%s,2026-03-%02dT10:00:00Z,P-%d,P,%s,EUR", event, i+1, i, amount))
			}
			want := importer.Calls{Planned: int64(len(rows) + 1), Confirmed: int64(len(rows) - tt.parked + 1), Parked: int64(tt.parked)}
			status := exitOK
			if tt.refused != "" {
				want.Confirmed--
				want.Rejected, status = 1, exitPartial
			}
			rows = append(rows, "paid,2026-03-01T10:00:00Z,Q,Q,5.00,EUR") // another payment goes its way
			c := newCrash(t, 21)
			r := c.importLives(rows)
			if r.Calls != want || r.Status != status {
				t.Errorf("status %d, %+v, want %d, %+v", r.Status, r.Calls, status, want)
			}
			c.payment("P", tt.want, tt.attempts)
			c.payment("Q", record.Guaranteed, 1)
			again := c.importLives(rows)
			if sent := again.RequestsSent; sent != want.Rejected { // what was refused is tried again, what is behind it still waits
				t.Errorf("again: %d requests", sent)
			}
			if tt.refused != "" {
				return
			}
			c = newCrash(t, 22)
			for i := range rows {
				if r := c.importLives(rows[i : i+1]); r.Calls.Confirmed != 1 {
					t.Fatalf("alone, %s: %+v", rows[i], r.Calls)
				}
			}
			c.payment("P", tt.want, tt.attempts)
		})
	}
}

// importLives imports events of payments' lives in this process.
func (c *crash) importLives(rows []string) (r result) {
	c.Helper()
	mapping, err := filepath.Abs(filepath.Join("testdata", "crash", "life.yaml"))
	if err != nil {
		c.Fatal(err)
	}
	file := filepath.Join(c.dir, "lives.csv")
	if err := os.WriteFile(file, []byte("event,at,id,payment,amount,currency\n"+strings.Join(rows, "\n")+"\n"), 0o600); err != nil {
		c.Fatal(err)
	}
	args := []string{"import", file, "-m", mapping, "--json", "--api-base", c.url, "--journal", filepath.Join(c.dir, "journal"), "--out", filepath.Join(c.dir, "out")}
	getenv := func(name string) string { return map[string]string{"STRIPE_API_KEY": "sk_test_lives"}[name] }
	var out, problems bytes.Buffer
	run(c.Context(), env{args, strings.NewReader(""), &out, &problems, getenv, time.Now})
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		c.Fatalf("%v\n%s%s", err, &out, &problems)
	}
	return r
}

// payment checks one payment at the sandbox.
func (c *crash) payment(reference string, want record.Status, attempts int) {
	c.Helper()
	client, found := c.client(), 0
	for r, err := range client.Records(c.Context(), stripeapi.ListQuery{}) {
		if err != nil {
			c.Fatal(err)
		}
		if r.ProcessorDetails.Reference() != reference {
			continue
		}
		n := 0
		for _, err := range client.Attempts(c.Context(), r.ID) {
			if err != nil {
				c.Fatal(err)
			}
			n++
		}
		if found++; r.Status() != want || n != attempts {
			c.Errorf("%s is %s after %d attempts, want %s after %d", reference, r.Status(), n, want, attempts)
		}
	}
	if found != 1 {
		c.Errorf("%s is there %d times", reference, found)
	}
}
