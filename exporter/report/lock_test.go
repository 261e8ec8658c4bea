package report

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrec/payrec/exporter"
)

// TestClosedBooks: with the books closed before June 8, what moved earlier has
// no line and is named, or is posted on the first open day and still of June.
func TestClosedBooks(t *testing.T) {
	src := `
payrec: report/v1
name: x
where: currency == "EUR"
sheets:
  - name: S
    each: movement
    columns: [{title: At, value: =moved_at, format: date}, {title: Own, value: =moved_original_at, format: date}, {title: What, value: '=id + " " + movement'}]
`
	open := time.Date(2026, 6, 8, 0, 0, 0, 0, berlin)
	for name, test := range map[string]struct {
		lock exporter.Lock
		want string
	}{
		"named": {exporter.Lock{Before: open}, `--- out.csv, 3 lines
At,Own,What
2026-06-09,,pr_back payment
2026-06-09,,pr_back refund
2026-06-10,,pr_twice refund
exception: pr_undated: the date that the period goes by is not known
exception: pr_june: it was paid on 2026-06-01, when the books are closed
exception: pr_fee: it was paid on 2026-06-02, when the books are closed
exception: pr_failed: it was paid on 2026-06-05, when the books are closed
exception: pr_silent: it was paid on 2026-06-07, when the books are closed
exception: pr_silent: 1.00 EUR of it was refunded without a stamp, so nobody knows when
`},
		"posted": {exporter.Lock{Before: open, PostOn: open}, `--- out.csv, 6 lines
At,Own,What
2026-06-08,2026-06-02,pr_fee payment
2026-06-08,2026-06-01,pr_june payment
2026-06-08,2026-06-07,pr_silent payment
2026-06-09,,pr_back payment
2026-06-09,,pr_back refund
2026-06-10,,pr_twice refund
exception: pr_undated: the date that the period goes by is not known
exception: pr_silent: 1.00 EUR of it was refunded without a stamp, so nobody knows when
`},
	} {
		b, err := build(t, src, june(), Options{Period: inJune}, test.lock)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, asText(t, b)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
