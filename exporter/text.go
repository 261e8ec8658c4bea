package exporter

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"

	"github.com/payrec/payrec/record"
)

// momentLayout is how CSV writes a moment; the zone stands in the header.
const momentLayout = "2006-01-02 15:04:05"

// WriteCSV writes one line per payment, under a header.
func (d *Dataset) WriteCSV(w io.Writer) error {
	return writeCSV(w, d.paymentsGrid(nil), d.options.Locale)
}

// WriteAttemptsCSV writes one line per attempt, under a header.
func (d *Dataset) WriteAttemptsCSV(w io.Writer) error {
	return writeCSV(w, d.attemptsGrid(), d.options.Locale)
}

// WriteRefundsCSV writes one line per refund that payrec stamped, under a header.
func (d *Dataset) WriteRefundsCSV(w io.Writer) error {
	return writeCSV(w, d.refundsGrid(), d.options.Locale)
}

// WriteExceptionsCSV writes one line per exception, under a header.
func (d *Dataset) WriteExceptionsCSV(w io.Writer) error {
	return writeCSV(w, d.exceptionsGrid(), d.options.Locale)
}

// jsonPayment is a line of JSON Lines: the record as the API has it, and under
// "payrec" what was derived. Fields may be added; none may be renamed.
type jsonPayment struct {
	*record.PaymentRecord
	Payrec   jsonDerived                    `json:"payrec"`
	Attempts []*record.PaymentAttemptRecord `json:"attempts,omitempty"`
}

type jsonDerived struct {
	Status     record.Status        `json:"status"`
	PaidAt     string               `json:"paid_at"` // RFC 3339, UTC
	PaidAtFrom string               `json:"paid_at_from"`
	Processor  string               `json:"processor"`
	Fee        string               `json:"fee,omitempty"` // decimals, major units
	Net        string               `json:"net,omitempty"`
	SettledIn  record.Currency      `json:"settled_in,omitempty"`
	Refunds    []record.RefundStamp `json:"refunds,omitempty"`
	Damaged    []string             `json:"damaged_stamps,omitempty"`
}

// WriteJSONL writes one JSON object per payment and line: all of the record,
// with what was derived and the attempts that were read.
func (d *Dataset) WriteJSONL(w io.Writer) error {
	b := bufio.NewWriterSize(w, 64<<10)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	for p, err := range d.ahead(d.locked, d.shelf.n) {
		if err == nil {
			err = enc.Encode(jsonPayment{p.PaymentRecord, p.derived(), p.attempts})
		}
		if err != nil {
			return errors.Join(err, b.Flush())
		}
	}
	return b.Flush()
}

func (p *payment) derived() jsonDerived {
	j := jsonDerived{Status: p.Status(), PaidAt: p.at.Format("2006-01-02T15:04:05Z"), PaidAtFrom: p.from, Processor: p.processor, Damaged: p.damaged}
	if s := p.settled; s != nil {
		j.SettledIn = s.currency
		if s.has.fee {
			j.Fee = s.fee.Text()
		}
		if s.has.net {
			j.Net = s.net.Text()
		}
	}
	for _, r := range p.refunds {
		j.Refunds = append(j.Refunds, r.RefundStamp)
	}
	return j
}
