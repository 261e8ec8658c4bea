package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

// lives are payments made up for a crash test, with every write call of the
// API among them, and what the account must hold once all of them are
// reported.
type lives struct {
	rows     []string
	payments []string // their references
	attempts int
	refunds  int
}

// livesOf makes at least calls calls, told by the seed.
func livesOf(seed uint64, calls int) *lives {
	l := &lives{}
	random := rand.New(rand.NewPCG(seed, 7))
	for n := 0; len(l.rows) < calls; n++ {
		l.add(n, n%8, 100*(1+random.IntN(90_000)))
	}
	// Rows of one payment lie apart, as they do in processors' files; what comes
	// first in its life need not come first in the file.
	random.Shuffle(len(l.rows), func(i, j int) { l.rows[i], l.rows[j] = l.rows[j], l.rows[i] })
	return l
}

// add makes one payment of a kind from 0 to 7, of amount minor units.
func (l *lives) add(n, kind, amount int) {
	payment := fmt.Sprintf("P-%04d", n)
	day := 0
	event := func(name string, amount int) {
		at := time.Date(2026, 3, 1+day, 10, n%60, 0, 0, time.UTC)
		l.rows = append(l.rows, fmt.Sprintf("%s,%s,%s-%d,%s,%d.%02d,EUR", name, at.Format(time.RFC3339), payment, day, payment, amount/100, amount%100))
		day++
	}
	refund := func(amount int) { event("refund", amount); l.refunds++ }
	retried := func() { event("retried", amount); l.attempts++ }
	l.payments = append(l.payments, payment)
	l.attempts++
	switch kind {
	case 0:
		event("paid", amount)
	case 1, 5: // two equal refunds, which only their references tell apart
		event("paid", amount)
		refund(amount / 4)
		refund(amount / 4)
	case 2:
		event("declined", amount)
		retried()
		refund(amount)
	case 3:
		event("open", amount)
		event("settled", amount)
		event("noted", amount)
	case 4:
		event("open", amount)
		event("failed", amount)
		retried()
		refund(amount / 2)
	case 6:
		event("open", amount)
		event("canceled", amount)
	case 7:
		event("open", amount)
		event("canceled", amount)
		retried()
	}
}

// write writes the lives as a file for testdata/crash/life.yaml.
func (l *lives) write(t *testing.T, path string) {
	t.Helper()
	text := "event,at,id,payment,amount,currency\n" + strings.Join(l.rows, "\n") + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
