package exporter

import (
	"bytes"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/record"
)

// yearCurrencies have two, none and three decimals.
var yearCurrencies = []record.Currency{"usd", "eur", "jpy", "krw", "kwd", "tnd"}

// A truth is what is known of a payment without asking the exporter.
type truth struct {
	paid                time.Time // what a month goes by
	initiated, resolved time.Time // resolved is zero for one that is still open
	currency            string
	amount, refunded    int64 // minor units
	collected           bool
}

// A history is the payments of a year and a day on either side: back-filled
// ones, with refunds and retries, and some that Stripe processed. One in ten is
// paid within 14 hours of the end of a month, where zones disagree.
type history struct {
	fake
	truths map[string]truth
}

func generateYear(n int, seed uint64) *history {
	rng := rand.New(rand.NewPCG(seed, 7))
	h := &history{fake: fake{attempts: map[string][]*record.PaymentAttemptRecord{}}, truths: map[string]truth{}}
	from := time.Date(2025, 12, 31, 0, 0, 0, 0, time.UTC)
	for i := range n {
		paid := from.Add(time.Duration(rng.Int64N(367*86400)) * time.Second)
		if rng.IntN(10) == 0 {
			border := time.Date(2026, time.Month(1+rng.IntN(13)), 1, 0, 0, 0, 0, time.UTC)
			paid = border.Add(time.Duration(rng.Int64N(28*3600)-14*3600) * time.Second)
		}
		r, x := yearRecord(rng, i, paid)
		h.records = append(h.records, r)
		h.truths[r.ID] = x
		h.attempts[r.ID] = generateAttempts(rng, r)
	}
	return h
}

func yearRecord(rng *rand.Rand, i int, paid time.Time) (*record.PaymentRecord, truth) {
	c := yearCurrencies[rng.IntN(len(yearCurrencies))]
	amount := 10 * (1 + rng.Int64N(5_000_000)) // in tens, as three decimals want it
	x := truth{paid: paid, initiated: paid, resolved: paid, currency: c.Upper(), amount: amount}
	money := func(v int64) record.Amount { return record.Amount{Currency: c, Value: v} }
	r := &record.PaymentRecord{ID: fmt.Sprintf("pr_%08d", i), Object: "payment_record", ReportedBy: "self", Created: time.Date(2027, 2, 3, 9, 0, i%60, 0, time.UTC).Unix(), Livemode: true,
		Amount: money(amount), AmountRequested: money(amount), AmountAuthorized: money(0), AmountGuaranteed: money(0), AmountFailed: money(0), AmountCanceled: money(0), AmountRefunded: money(0),
		LatestPaymentAttemptRecord: new(fmt.Sprintf("par_%08d_2", i)), Metadata: map[string]string{}}
	if rng.IntN(12) == 0 { // on Stripe
		r.ReportedBy, r.Created, r.AmountGuaranteed = "stripe", paid.Unix(), money(amount)
		r.PaymentMethodDetails = &record.MethodDetails{Type: "card", Card: []byte(`{"last4":"4242"}`)}
		x.collected = true
		return r, x
	}
	r.ProcessorDetails = record.ProcessorDetails{Type: "custom", Custom: &record.CustomProcessor{PaymentReference: new(fmt.Sprintf("PSP%012d", rng.Int64N(1e12)))}}
	r.PaymentMethodDetails = &record.MethodDetails{Type: "custom", Custom: &record.CustomMethod{DisplayName: []string{"Adyen", "PayPal", "Klarna"}[rng.IntN(3)]}}
	r.CustomerDetails = &record.CustomerDetails{Name: new("Erika Müller"), Email: new("erika@example.com")}
	m := r.Metadata
	m[record.StampOp], m[record.StampFile], m[record.StampLine] = fmt.Sprintf("op%024d", i), "settlement_2026.csv", fmt.Sprint(i+2)
	outcome := rng.IntN(20)
	switch {
	case outcome == 0: // still open: dated by when it was initiated
		x.resolved = time.Time{}
		m[record.StampInitiatedAt] = paid.Format(time.RFC3339)
		return r, x
	case outcome <= 2: // failed or canceled: dated the same way
		x.resolved = paid.Add(time.Duration(rng.IntN(40*86400)) * time.Second)
		m[record.StampInitiatedAt] = paid.Format(time.RFC3339)
		stamp := record.StampFailedAt
		if r.AmountFailed = money(amount); outcome == 2 {
			stamp, r.AmountFailed, r.AmountCanceled = record.StampCanceledAt, money(0), money(amount)
		}
		m[stamp] = x.resolved.Format(time.RFC3339)
		return r, x
	}
	x.initiated, x.collected = paid.Add(-time.Duration(rng.IntN(40*86400))*time.Second), true
	m[record.StampInitiatedAt], m[record.StampGuaranteedAt] = x.initiated.Format(time.RFC3339), paid.Format(time.RFC3339)
	r.AmountGuaranteed = money(amount)
	fee := money(amount / 100 * 10 / 10)
	net, _ := money(amount).Money().Sub(fee.Money())
	m[record.StampFee], m[record.StampNet], m[record.StampNetCurrency] = fee.Money().Text(), net.Text(), string(c)
	if rng.IntN(25) == 0 {
		s := record.RefundStamp{Op: fmt.Sprintf("rf%024d", i), Value: amount / 20 * 10, Currency: c, At: paid.AddDate(0, 0, 9).Format(time.RFC3339), Reference: fmt.Sprintf("R%d", i), Row: "settlement_2026.csv:9"}
		if s.Value > 0 {
			key, value := s.Pair()
			m[key] = value
			r.AmountRefunded, x.refunded = money(s.Value), s.Value
		}
	}
	return r, x
}

// sheetRows reads a sheet as payrec reads an input, which is faster than
// excelize and takes nothing for granted that was written here.
func sheetRows(t *testing.T, book []byte, sheet string) [][]string {
	t.Helper()
	r, err := table.NewReader("book.xlsx", bytes.NewReader(book), table.Dialect{Format: table.XLSX, Sheet: sheet})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var rows [][]string
	for {
		row, err := r.Next()
		if err == io.EOF {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, slices.Clone(row.Cells))
	}
}

// minorUnits reads a decimal at a currency's scale, without floats.
func minorUnits(t *testing.T, currency, text string) *big.Int {
	t.Helper()
	places := map[string]int{"USD": 2, "EUR": 2, "JPY": 0, "KRW": 0, "KWD": 3, "TND": 3}[currency]
	whole, fraction, _ := strings.Cut(text, ".")
	n, ok := new(big.Int).SetString(whole+fraction+strings.Repeat("0", max(0, places-len(fraction))), 10)
	if len(fraction) > places || !ok {
		t.Fatalf("%q is no amount of %s", text, currency)
	}
	return n
}

// tallied are sums by name, as text.
type tallied map[string]*big.Int

func (s tallied) add(name string, n *big.Int) {
	if s[name] == nil {
		s[name] = new(big.Int)
	}
	s[name].Add(s[name], n)
}

func (s tallied) texts() map[string]string {
	texts := map[string]string{}
	for name, n := range s {
		if n.Sign() != 0 {
			texts[name] = n.String()
		}
	}
	return texts
}

// A month is what one workbook holds.
type month struct {
	ids    []string
	lines  map[string]string // sums of the lines
	totals map[string]string // the totals lines
	open   map[string]string // "EUR Open at the start of the period" to count and amount
	book   []byte
}

// exportMonth writes the workbook of a month and reads it back.
func exportMonth(t *testing.T, h *history, from time.Time) month {
	t.Helper()
	d := collectAll(t, h, Options{Attempts: LatestAttempts, Period: Period{From: from, To: from.AddDate(0, 1, 0), Zone: from.Location()}})
	var b bytes.Buffer
	if err := d.WriteWorkbook(&b); err != nil {
		t.Fatal(err)
	}
	m := month{open: map[string]string{}, book: b.Bytes()}
	rows := sheetRows(t, m.book, "Payments")
	at := header(rows)
	lines, totals := tallied{}, tallied{}
	for _, row := range rows[1:] {
		into, c := lines, row[at["Currency"]]
		if code, ok := strings.CutPrefix(row[0], "Total "); ok {
			into, c = totals, code
		} else if !strings.HasPrefix(row[0], "pr_") {
			continue
		} else {
			m.ids = append(m.ids, row[0])
		}
		for _, title := range titles {
			if text := cellAt(row, at[title]); text != "" {
				into.add(c+" "+title, minorUnits(t, c, text))
			}
		}
	}
	m.lines, m.totals = lines.texts(), totals.texts()
	for _, row := range sheetRows(t, m.book, "Summary") {
		if slices.Contains(movementNames[:], cellAt(row, 1)) {
			m.open[row[0]+" "+row[1]] = row[3] + " " + minorUnits(t, row[0], row[4]).String()
		}
	}
	for _, row := range sheetRows(t, m.book, "Control") {
		if slices.Contains(row, "DIFFERS") {
			t.Errorf("%s: the Control sheet says %q", from.Format("2006-01"), row)
		}
	}
	return m
}

// recountMonth counts a month from the records, by the month that a calendar in
// the zone shows.
func recountMonth(h *history, from time.Time) (ids []string, sums map[string]string) {
	s := tallied{}
	for _, r := range h.records {
		x := h.truths[r.ID]
		if x.paid.In(from.Location()).Format("2006-01") != from.Format("2006-01") {
			continue
		}
		ids = append(ids, r.ID)
		for title, v := range map[string]int64{"Amount": x.amount, "Refunded": x.refunded, "Guaranteed": r.AmountGuaranteed.Value, "Failed": r.AmountFailed.Value, "Canceled": r.AmountCanceled.Value} {
			s.add(x.currency+" "+title, big.NewInt(v))
		}
		if r.Metadata[record.StampFee] != "" {
			fee := big.NewInt(x.amount / 100 * 10 / 10)
			s.add(x.currency+" Fee", fee)
			s.add(x.currency+" Net", new(big.Int).Sub(big.NewInt(x.amount), fee))
		}
	}
	slices.Sort(ids)
	return ids, s.texts()
}

// openAt counts what is open at a moment.
func openAt(h *history, at time.Time) map[string]string {
	n, sum := tallied{}, tallied{}
	for _, x := range h.truths {
		v, one := int64(0), int64(0)
		if x.initiated.Before(at) && (x.resolved.IsZero() || !x.resolved.Before(at)) {
			v, one = x.amount, 1
		}
		n.add(x.currency, big.NewInt(one))
		sum.add(x.currency, big.NewInt(v))
	}
	texts := map[string]string{}
	for c := range n {
		texts[c] = n[c].String() + " " + sum[c].String()
	}
	return texts
}

// TestYear exports a year month by month, in three zones: the twelve workbooks
// together hold each payment once, every total is what an independent count
// comes to, and another zone moves those at the borders, no others. With
// PAYREC_TEST_LONG it is 200,000 payments.
func TestYear(t *testing.T) {
	n := 6_000
	switch {
	case os.Getenv("PAYREC_TEST_LONG") != "":
		n = 200_000
	case testing.Short():
		n = 1_500
	}
	h := generateYear(n, 26)
	monthOf := map[string]map[string]string{} // zone to id to month
	zones := []string{"Europe/Berlin", "America/Los_Angeles", "UTC"}
	for _, name := range zones {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		monthOf[name] = map[string]string{}
		var closing map[string]string
		for no := range 12 {
			from := time.Date(2026, time.Month(1+no), 1, 0, 0, 0, 0, zone)
			label := from.Format("2006-01 MST")
			m := exportMonth(t, h, from)
			ids, sums := recountMonth(h, from)
			for _, id := range m.ids {
				if before, twice := monthOf[name][id]; twice {
					t.Errorf("%s: %s is in %s too", label, id, before)
				}
				monthOf[name][id] = from.Format("2006-01")
			}
			slices.Sort(m.ids)
			if !slices.Equal(ids, m.ids) {
				t.Errorf("%s: %d payments, and %d by the calendar, or not the same ones", label, len(m.ids), len(ids))
			}
			if diff := cmp.Diff(sums, m.lines); diff != "" {
				t.Errorf("%s: recounted, and the lines: %s", label, diff)
			}
			if diff := cmp.Diff(sums, m.totals); diff != "" {
				t.Errorf("%s: recounted, and the totals: %s", label, diff)
			}
			for border, at := range map[string]time.Time{"start": from, "end": from.AddDate(0, 1, 0)} {
				for c, want := range openAt(h, at) {
					if got := m.open[c+" Open at the "+border+" of the period"]; got != want {
						t.Errorf("%s: open in %s at the %s: %s, want %s", label, c, border, got, want)
					}
				}
			}
			for c, was := range closing {
				if is := m.open[c+" Open at the start of the period"]; is != was {
					t.Errorf("%s: %s opens with %s, and the month before closed with %s", label, c, is, was)
				}
			}
			closing = map[string]string{}
			for c := range openAt(h, from) {
				closing[c] = m.open[c+" Open at the end of the period"]
			}
		}
	}
	for _, name := range zones[:2] {
		moved := 0
		for id, x := range h.truths {
			here, there := monthOf[name][id], monthOf["UTC"][id]
			if here != there {
				moved++
			}
			zone, _ := time.LoadLocation(name)
			if local, utc := x.paid.In(zone), x.paid.UTC(); (local.Month() != utc.Month()) != (here != there) {
				t.Errorf("%s is in %q by %s and in %q by UTC, and was paid %s", id, here, name, there, x.paid)
			}
		}
		if moved == 0 {
			t.Errorf("%s moves nothing", name)
		}
	}
}
