package report_test

import (
	"context"
	"fmt"
	"iter"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/payrec/payrec/record"
)

// memory is an exporter.Source of payments in memory.
type memory []*record.PaymentRecord

func (m memory) Records(context.Context, int64, int64) iter.Seq2[*record.PaymentRecord, error] {
	return func(yield func(*record.PaymentRecord, error) bool) {
		for _, r := range m {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (m memory) Attempts(context.Context, string) iter.Seq2[*record.PaymentAttemptRecord, error] {
	return func(func(*record.PaymentAttemptRecord, error) bool) {}
}

// hostile are texts that have broken files and spreadsheets elsewhere.
var hostile = []string{"Müller & Söhne", "=HYPERLINK(\"http://x\";\"y\")", "@SUM(A1:A9)", "+49 30 1234", "-2+3+cmd|' /C calc'!A0", "\t=1+1", "\r\n=1", "＝1+1", "a,b;c\"d\"",
	"line\nbreak\r\nagain", "'quoted'", "\"", "😀 emoji", "Zażółć gęślą jaźń", "日本語の顧客", "\u202eevil", "NUL\x00here", " blank ", "", "00012345678901234567", "1e5", "TRUE", "2026-06-01",
	"\ufeffbom", "€ 12,50", "a\u00a0b", "DDE (\"cmd\";\"/C calc\";\"!A0\")!A0", strings.Repeat("long ", 120)}

// A movement is what a line of a layout stands for, counted here from the
// records, on its own.
type movement struct {
	at       time.Time
	currency string
	value    *big.Rat // major units; negative when it goes out
	kind     string   // payment, refund, fee
}

// A generator makes payments of June 2026.
type generator struct {
	rng        *rand.Rand
	currencies []record.Currency
	texts      []string
}

var exponents = map[record.Currency]int64{"eur": 100, "usd": 100, "gbp": 100, "jpy": 1, "kwd": 1000}

func major(value int64, c record.Currency) *big.Rat { return big.NewRat(value, exponents[c]) }

var june = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// payment makes one, and the movements that it should leave in the files.
func (g *generator) payment(i int) (*record.PaymentRecord, []movement) {
	rng := g.rng
	c := g.currencies[rng.IntN(len(g.currencies))]
	text := func() string { return g.texts[rng.IntN(len(g.texts))] }
	paid := june.Add(time.Duration(rng.IntN(26*86400)) * time.Second)
	value := 100 + rng.Int64N(5_000_000)
	if c == "kwd" {
		value = value / 10 * 10
	}
	money := func(v int64) record.Amount { return record.Amount{Currency: c, Value: v} }
	r := &record.PaymentRecord{ID: fmt.Sprintf("pr_1Generated%012d", i), Object: "payment_record", Created: june.AddDate(0, 1, 2).Unix() + int64(i), ReportedBy: "self", Livemode: true,
		Amount: money(value), AmountRequested: money(value), AmountAuthorized: money(0), AmountGuaranteed: money(0), AmountFailed: money(0), AmountCanceled: money(0), AmountRefunded: money(0),
		Metadata: map[string]string{record.StampFile: "june.csv", record.StampLine: strconv.Itoa(i + 2), record.StampInitiatedAt: paid.Add(-time.Minute).Format(time.RFC3339), "order": text()}}
	r.Description, r.CustomerDetails = new(text()), &record.CustomerDetails{Name: new(text()), Email: new("payer@example.com")}
	r.ProcessorDetails = record.ProcessorDetails{Type: "custom", Custom: &record.CustomProcessor{PaymentReference: new(g.reference(i))}}
	r.PaymentMethodDetails = &record.MethodDetails{Type: "custom", Custom: &record.CustomMethod{DisplayName: text()}}
	switch rng.IntN(12) {
	case 0:
		r.AmountFailed = money(value)
		return r, nil
	case 1:
		return r, nil // initiated
	}
	r.AmountGuaranteed = money(value)
	r.Metadata[record.StampGuaranteedAt] = paid.Format(time.RFC3339)
	moved := []movement{{paid, string(c), major(value, c), "payment"}}
	fee := value / 40
	if c == "kwd" {
		fee = fee / 10 * 10
	}
	if rng.IntN(6) > 0 && fee > 0 {
		r.Metadata[record.StampFee], r.Metadata[record.StampNetCurrency] = money(fee).Money().Text(), string(c)
		r.Metadata[record.StampNet] = money(value - fee).Money().Text()
		moved = append(moved, movement{paid, string(c), major(-fee, c), "fee"})
	}
	for n := range rng.IntN(4) - 1 {
		back := value / 5 / 10 * 10
		at := paid.AddDate(0, 0, rng.IntN(4)).Add(time.Second)
		s := record.RefundStamp{Op: fmt.Sprintf("%032x", rng.Uint64()), Value: back, Currency: c, At: at.Format(time.RFC3339), Reference: fmt.Sprintf("RF%d-%d", i, n), Row: "june.csv:9"}
		if s.Value == 0 {
			continue
		}
		if rng.IntN(3) == 0 && fee > 0 {
			s.Fee = money(10).Money().Text()
			moved = append(moved, movement{at, string(c), major(-10, c), "fee"})
		}
		key, stamp := s.Pair()
		r.Metadata[key] = stamp
		r.AmountRefunded.Value += back
		moved = append(moved, movement{at, string(c), major(-back, c), "refund"})
	}
	return r, moved
}

// reference is the processor's, hostile from its first letter on one time in two,
// and there may be nothing to be seen in it.
func (g *generator) reference(i int) string {
	text := g.texts[g.rng.IntN(len(g.texts))]
	if i%2 == 0 {
		return text
	}
	return fmt.Sprintf("PSP%08d %s", i, text)
}

// generate makes n payments and the movements of all of them.
func (g *generator) generate(n int) (memory, []movement) {
	var records memory
	var moved []movement
	for i := range n {
		r, m := g.payment(i)
		records, moved = append(records, r), append(moved, m...)
	}
	return records, moved
}

func newGenerator(seed uint64, currencies ...record.Currency) *generator {
	return &generator{rng: rand.New(rand.NewPCG(seed, 7)), currencies: currencies, texts: hostile}
}

// sumsOf are the movements' sums per currency.
func sumsOf(moved []movement) map[string]*big.Rat {
	sums := map[string]*big.Rat{}
	for _, m := range moved {
		if sums[m.currency] == nil {
			sums[m.currency] = new(big.Rat)
		}
		sums[m.currency].Add(sums[m.currency], m.value)
	}
	return sums
}
