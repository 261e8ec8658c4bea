package importer

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/payrec/payrec/record"
)

// What a person is told of one call before deciding.
func TestLookUp(t *testing.T) {
	payment, guaranteed := inDoubtSince("a", 48*time.Hour), later(record.ReportPaymentAttemptGuaranteed, nil)
	at := recorded("pr_1", "a", noon.Add(-48*time.Hour))
	done := recorded("pr_1", "a", noon)
	done.AmountGuaranteed = eur(1000)
	for _, tt := range []struct {
		name    string
		doubt   record.Doubt
		a       *account
		there   bool
		unclear string
		err     string
	}{
		{"there", payment, &account{records: []*record.PaymentRecord{at}}, true, "", ""},
		{"not there", payment, &account{}, false, "", ""},
		{"twice", payment, &account{records: []*record.PaymentRecord{at, recorded("pr_2", "a", noon)}}, false, "2 records", ""},
		{"scan broke off", payment, &account{records: []*record.PaymentRecord{at, at}, breaks: 2}, false, "", "no answer"},
		{"later call there", guaranteed, &account{records: []*record.PaymentRecord{done}}, true, "", ""},
		{"later call not there", guaranteed, &account{records: []*record.PaymentRecord{at}}, false, "", ""},
		{"record gone", guaranteed, &account{}, false, "no record pr_1", ""},
		{"no answer", guaranteed, &account{err: errors.New("no answer")}, false, "", "no answer"},
	} {
		l, err := LookUp(t.Context(), tt.a, tt.doubt, noon)
		if (err != nil) != (tt.err != "") || l.There != tt.there || !strings.Contains(l.Unclear, tt.unclear) || l.Requests != 1 {
			t.Errorf("%s: %+v, %v", tt.name, l, err)
		}
		if l.There && l.RecordID != "pr_1" || !l.Settled.Equal(tt.doubt.LastSent.Add(absentAfter)) {
			t.Errorf("%s: %+v", tt.name, l)
		}
	}
}

// What speaks against adopting a record.
func TestDoubtful(t *testing.T) {
	payment, refund := inDoubtSince("a", time.Hour), later(record.ReportRefund, nil)
	bare := recorded("pr_1", "a", noon)
	bare.Metadata = nil
	cheap := recorded("pr_1", "a", noon)
	cheap.AmountRequested = eur(1)
	refunded := recorded("pr_1", "p", noon)
	refunded.AmountGuaranteed, refunded.AmountRefunded = eur(1000), eur(1000)
	for _, tt := range []struct {
		doubt record.Doubt
		r     *record.PaymentRecord
		want  string
	}{
		{payment, recorded("pr_1", "a", noon), ""},
		{payment, recorded("pr_1", "b", noon), "stamp of another call, b"},
		{payment, bare, "no stamp"},
		{payment, cheap, "1 eur instead of 1000 eur"},
		{refund, refunded, ""},
		{refund, recorded("pr_1", "p", noon), "does not show it"},
		{refund, recorded("pr_2", "p", noon), "not to pr_2"},
	} {
		if got := Doubtful(tt.doubt, tt.r); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}
