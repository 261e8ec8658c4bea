// Package exporter brings payments back out of the API as files that an
// accountant can post from.
//
// Terms:
//
//   - A [Source] gives payment records and their attempts; an export reads it
//     once, from beginning to end.
//   - A [Dataset] is what was read, in order, on disk. Every file of an export
//     is written from the same dataset, so they cannot disagree.
//   - The paid date of a payment is the business date that payrec stamped into
//     its metadata: guaranteed, else initiated. The API returns none; a record
//     without a stamp is dated by when it was reported, and says so.
//   - A [Period] is half-open: from its first moment, up to but without the
//     first moment after it, in a named zone.
//   - A stamp is a metadata pair that starts with payrec_; see [record.StampOp]
//     and its neighbours. Stamps become columns of their own, all other
//     metadata becomes columns named metadata[key].
//
// # Rules
//
// Amounts are exact: minor units from the API, decimals in files, and never a
// sum across currencies. A figure that a number cell of a spreadsheet would
// round (beyond 15 digits) is written as text. Refunds are positive, in a
// column of their own.
//
// Collected is what was requested by payments that are guaranteed or were
// refunded after; it does not rely on amount_guaranteed surviving a refund,
// which is not publicly known.
//
// Text is text: ids keep their digits, and nothing that a payer typed can
// become a formula, in CSV (guarded) or in a workbook (string cells).
//
// The same records give the same bytes in every format: nothing in a file
// depends on the time of writing.
//
// # The workbook
//
// A workbook is made of chapters: all sheets are laid out with excelize, and
// then the rows of each are streamed into its package, see internal/sheet. Big
// sheets are grids, which CSV and Parquet share; small ones are drafts.
//
// Formulas are written with what they come to, and a spreadsheet that calculates
// them comes to the same. Where two ways lead to a figure, the Control sheet
// holds them against each other: what was read against what was written, and
// what the [Journal] planned against what the account has.
//
// # Reading without holes
//
// Whether the API's created_after and created_before include their moment is
// not publicly known, so the span asked for is a second wider on both sides,
// and the period is applied here. By paid date the source is asked for
// everything: a payment reported in January may be guaranteed in June, and
// none of its dates can be asked for. Records that come twice are merged by id.
//
// [Windows] reads several spans of time at once, under the same rules.
//
// Memory stays flat: records wait in temporary files, which are sorted by
// merging. Of each, three bits stay in memory: whether it came again, and every
// 32nd one's place. They are written and read in a form of our own, several at
// once: by those who read the spans, and ahead of whoever writes lines.
package exporter

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/payrec/payrec/record"
)

// A Source is where payments are read from.
type Source interface {
	// Records iterates over the payment records created after and before the
	// given Unix seconds (0 is open), in any order; a record may come twice.
	// It may give more than asked for, never less. An error is yielded with a
	// nil record and ends the iteration.
	Records(ctx context.Context, after, before int64) iter.Seq2[*record.PaymentRecord, error]
	// Attempts iterates over the attempts of one record. It must be safe for
	// concurrent use.
	Attempts(ctx context.Context, recordID string) iter.Seq2[*record.PaymentAttemptRecord, error]
}

// An AttemptsMode says which attempts an export holds. Each record whose
// attempts are wanted costs one read of the API.
type AttemptsMode string

// The attempts of an export.
const (
	NoAttempts     AttemptsMode = "none" // the default
	LatestAttempts AttemptsMode = "latest"
	AllAttempts    AttemptsMode = "all"
)

// What a [Period] goes by.
const (
	ByPaid     = "paid"     // the stamped business date, else when it was reported
	ByReported = "reported" // when the payment was reported: created
	BySettled  = "settled"  // when the processor paid it out; see Period.SettledKey
	ByRefunded = "refunded" // payments with a refund in the period, by the refunds' stamps
	ByMoved    = "moved"    // payments that were paid, or have a refund, in the period
)

// SettledKey is the metadata key of the date on which a payment was settled,
// unless a period names another. The API has no such date and payrec stamps
// none: a mapping that knows it sets it, under metadata.
const SettledKey = "settled_at"

// A Period is a span of time and the zone in which its dates are shown.
type Period struct {
	From, To time.Time      // From is in, To is not; zero is open
	Zone     *time.Location // nil is UTC
	By       string         // ByPaid ("" as well), ByReported, BySettled, ByRefunded or ByMoved
	// SettledKey is the metadata key of the settled date, RFC 3339 or
	// 2006-01-02 in the zone; "" is [SettledKey].
	SettledKey string
}

// A Fact is a line of the workbook's Control sheet that only the caller knows:
// a run, a file, its hash.
type Fact struct{ Section, Name, Value string }

// Options say what an export holds.
type Options struct {
	Attempts    AttemptsMode
	Period      Period
	Concurrency int // reads of attempts at once; 0 is 4
	// Progress is told how many records came so far, the same one twice or not,
	// and of how many payments the attempts; from one goroutine at a time.
	Progress func(records, attempts int)
	// BeforeAttempts is told how many payments' attempts are about to be read,
	// each by at least one request, because they are not in the Cache; an error
	// ends the export. It may be nil.
	BeforeAttempts func(payments int) error
	Cache          AttemptCache // may be nil
	Lock           Lock
	Journal        Journal // nil when there is none at hand; the workbook says so
	Control        []Fact
	Generator      string // "payrec v1.2.3"; the program, for the Control sheet
	Locale         Locale // of CSV
	Raw            bool   // CSV without a guard against formulas: for programs, not for spreadsheets
}

func (o *Options) check() error {
	switch o.Attempts {
	case "":
		o.Attempts = NoAttempts
	case NoAttempts, LatestAttempts, AllAttempts:
	default:
		return fmt.Errorf("attempts %q: must be none, latest or all", o.Attempts)
	}
	if o.Concurrency <= 0 {
		o.Concurrency = 4
	}
	o.Locale.raw = o.Raw
	return errors.Join(o.Lock.check(), o.Period.check())
}

func (p *Period) check() error {
	switch p.By {
	case "":
		p.By = ByPaid
	case ByPaid, ByReported, BySettled, ByRefunded, ByMoved:
	default:
		return fmt.Errorf("period by %q: must be paid, reported, settled or refunded", p.By)
	}
	if p.SettledKey == "" {
		p.SettledKey = SettledKey
	}
	if p.Zone == nil {
		p.Zone = time.UTC
	}
	if p.Zone == time.Local {
		return fmt.Errorf("the zone must have a name that means the same everywhere, such as Europe/Berlin")
	}
	if !p.From.IsZero() && !p.To.IsZero() && !p.From.Before(p.To) {
		return fmt.Errorf("the period ends at %s, which is not after its start at %s", p.To.In(p.Zone).Format(time.RFC3339), p.From.In(p.Zone).Format(time.RFC3339))
	}
	return nil
}

// contains says whether a moment is in the period.
func (p Period) contains(t time.Time) bool {
	return (p.From.IsZero() || !t.Before(p.From)) && (p.To.IsZero() || t.Before(p.To))
}

// holds is places without reading more stamps than it takes.
func (p Period) holds(r *record.PaymentRecord) (in, unknown bool) {
	switch p.By {
	case ByPaid:
		dated, _ := dateOf(r.Created, r.Metadata)
		return p.contains(dated.at), false
	case ByReported:
		return p.contains(unix(r.Created)), false
	}
	return p.places(newPayment(r))
}

// places says whether a payment is in the period. unknown is whether that
// cannot be told: the date that counts is not there.
func (p Period) places(pay *payment) (in, unknown bool) {
	switch p.By {
	case ByReported:
		return p.contains(unix(pay.Created)), false
	case BySettled:
		at, ok := pay.settledAt(p.SettledKey, p.Zone)
		return ok && p.contains(at), !ok && collected(pay.Status(), pay.AmountRequested) > 0
	case ByRefunded:
		return p.refunds(pay)
	case ByMoved:
		in, unknown = p.refunds(pay)
		return in || p.contains(pay.at), unknown
	}
	return p.contains(pay.at), false
}

// refunds says whether a refund of the payment is in the period, and whether
// there may be another: one without a date, or without a stamp at all.
func (p Period) refunds(pay *payment) (in, unknown bool) {
	left := pay.valueIn(pay.AmountRefunded)
	for _, r := range pay.refunds {
		left -= r.Value
		in = in || !r.at.IsZero() && p.contains(r.at)
		unknown = unknown || r.at.IsZero()
	}
	return in, unknown || left > 0
}

// span is what to ask the source for, in Unix seconds.
func (p Period) span() (after, before int64) {
	if p.By != ByReported {
		return 0, 0
	}
	if !p.From.IsZero() {
		after = p.From.Unix() - 1
	}
	if !p.To.IsZero() {
		before = p.To.Unix() + 1
	}
	return after, before
}

// Listed is what of the account's list has to be read for the period, in
// words: readings of the same can go on from one another.
func (p Period) Listed() string {
	after, before := p.span()
	if after == 0 && before == 0 {
		return "all"
	}
	return fmt.Sprintf("created after %d before %d", after, before)
}

// String is the period in words: "paid from 2026-06-01 00:00 to before 2026-07-01 00:00, Europe/Berlin".
func (p Period) String() string {
	const layout = "2006-01-02 15:04"
	by := p.By
	if by == "" {
		by = ByPaid
	}
	zone := p.Zone
	if zone == nil {
		zone = time.UTC
	}
	from, to := p.From.In(zone).Format(layout), p.To.In(zone).Format(layout)
	switch {
	case p.From.IsZero() && p.To.IsZero():
		return "all payments, times in " + zone.String()
	case p.From.IsZero():
		return fmt.Sprintf("%s before %s, %s", by, to, zone)
	case p.To.IsZero():
		return fmt.Sprintf("%s from %s on, %s", by, from, zone)
	}
	return fmt.Sprintf("%s from %s to before %s, %s", by, from, to, zone)
}
