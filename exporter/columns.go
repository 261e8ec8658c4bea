package exporter

import (
	"slices"
	"strings"
	"time"

	"github.com/payrec/payrec/record"
)

// paymentsGrid has one line per payment. seen is told of each payment whose
// line is written; it may be nil.
func (d *Dataset) paymentsGrid(seen func(*payment) error) grid {
	g := grid{name: "Payments", n: d.Len(), currencies: d.summary.currencies()}
	g.columns = slices.Concat([]column{
		{name: "id", title: "Payment record", width: 32},
		{name: "payment_reference", title: "Payment reference", width: 26},
		{name: "status", title: "Status", width: 18},
	}, d.figures(), []column{
		{name: "fee", title: "Fee", width: 15, totalIn: "fee_currency"},
		{name: "net", title: "Net", width: 17, totalIn: "fee_currency"},
		{name: "fee_currency", title: "Fee currency", width: 10},
		{name: "processor", title: "Processor", width: 20},
		{name: "description", title: "Description", width: 32},
		{name: "customer_name", title: "Customer", width: 24},
		{name: "customer_email", title: "Customer e-mail", width: 28},
		{name: "reported_by", title: "Reported by", width: 12},
		{name: "livemode", title: "Live", width: 8},
		{name: "latest_attempt", title: "Latest attempt", width: 32},
		{name: "source_file", title: "Source file", width: 32},
		{name: "source_line", title: "Source line", width: 10},
	}, d.originals("paid_at", "Paid at"), d.metadataColumns())
	g.rows = func(yield func([]cell, error) bool) {
		var row []cell
		for p, err := range d.ahead(d.locked, d.shelf.n) {
			if err == nil && seen != nil {
				err = seen(p)
			}
			if err == nil {
				row = d.paymentRow(row[:0], p)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
	return g
}

// figures are the columns of dates and amounts that payments and attempts share.
func (d *Dataset) figures() []column {
	return append(moments("paid_at", "Paid at", d.options.Period.Zone), []column{
		{name: "paid_at_from", title: "Paid at is from", width: 16},
		{name: "reported_at_utc", title: "Reported at (UTC)", zone: time.UTC, width: 20},
		{name: "currency", title: "Currency", width: 10},
		{name: "amount", title: "Amount", width: 17, totalIn: "currency"},
		{name: "guaranteed", title: "Guaranteed", width: 17, totalIn: "currency"},
		{name: "refunded", title: "Refunded", width: 17, totalIn: "currency"},
		{name: "failed", title: "Failed", width: 17, totalIn: "currency"},
		{name: "canceled", title: "Canceled", width: 17, totalIn: "currency"},
	}...)
}

// originals are the columns of a date that the line does not stand under,
// because it is posted later; see [Lock].
func (d *Dataset) originals(name, title string) []column {
	if !d.options.Lock.posts() {
		return nil
	}
	return moments("original_"+name, "Originally "+strings.ToLower(title), d.options.Period.Zone)
}

func (d *Dataset) metadataColumns() []column {
	var columns []column
	for _, key := range d.metadata {
		columns = append(columns, column{name: "metadata[" + key + "]", title: "metadata[" + key + "]", width: 22})
	}
	if d.others {
		columns = append(columns, column{name: "metadata_others", title: "Other metadata", width: 40})
	}
	return columns
}

func (d *Dataset) paymentRow(row []cell, p *payment) []cell {
	zone := d.options.Period.Zone
	name, email := customer(p.CustomerDetails, p.PaymentMethodDetails)
	row = append(row,
		textCell(p.ID), textCell(p.ProcessorDetails.Reference()), textCell(string(p.Status())))
	row = appendMoments(row, p.at, zone)
	row = append(row, textCell(p.from), momentCell(unix(p.Created)),
		currencyCell(p.AmountRequested.Currency), amountCell(p.AmountRequested))
	row = appendAmounts(row, p.AmountRequested.Currency, p.AmountGuaranteed, p.AmountRefunded, p.AmountFailed, p.AmountCanceled)
	row = appendSettlement(row, p.settled)
	row = append(row,
		textCell(p.processor), textCell(deref(p.Description)), textCell(name), textCell(email), textCell(p.ReportedBy), boolCell(p.Livemode),
		textCell(deref(p.LatestPaymentAttemptRecord)), textCell(p.Metadata[record.StampFile]), digitsCell(p.Metadata[record.StampLine]))
	if d.options.Lock.posts() {
		row = appendMoments(row, p.original, zone)
	}
	for _, key := range d.metadata {
		row = append(row, textCell(p.Metadata[key]))
	}
	if d.others {
		row = append(row, textCell(otherMetadata(p.Metadata, d.metadata)))
	}
	return row
}

// appendAmounts writes amounts of a line's currency. Should the API ever give
// another currency beside it, the figure stays visible as text and out of sums.
func appendAmounts(row []cell, c record.Currency, amounts ...record.Amount) []cell {
	for _, a := range amounts {
		switch {
		case a.Currency == c:
			row = append(row, amountCell(a))
		case a.Value == 0:
			row = append(row, amountCell(record.Amount{Currency: c}))
		default:
			row = append(row, textCell(a.Money().String()))
		}
	}
	return row
}

// appendSettlement appends fee, net and their currency.
func appendSettlement(row []cell, s *settlement) []cell {
	if s == nil {
		return append(row, cell{}, cell{}, cell{})
	}
	var fee, net cell
	if s.has.fee {
		fee = moneyCell(s.fee)
	}
	if s.has.net {
		net = moneyCell(s.net)
	}
	return append(row, fee, net, currencyCell(s.currency))
}

// attemptsGrid has one line per attempt, under its payment's dates.
func (d *Dataset) attemptsGrid() grid {
	zone := d.options.Period.Zone
	g := grid{name: "Attempts", n: d.attempts}
	g.columns = slices.Concat([]column{
		{name: "id", title: "Attempt record", width: 32},
		{name: "payment_record", title: "Payment record", width: 32},
		{name: "payment_reference", title: "Payment reference", width: 26},
		{name: "attempt", title: "Attempt", width: 9},
		{name: "status", title: "Status", width: 18},
	}, d.figures(), []column{
		{name: "method", title: "Method", width: 20},
		{name: "description", title: "Description", width: 32},
		{name: "reported_by", title: "Reported by", width: 12},
		{name: "livemode", title: "Live", width: 8},
	})
	g.rows = func(yield func([]cell, error) bool) {
		var row []cell
		for p, err := range d.ahead(d.locked, d.shelf.n) {
			if err != nil {
				yield(nil, err)
				return
			}
			for i, a := range p.attempts {
				row = attemptRow(row[:0], p, a, i+1, zone)
				if !yield(row, nil) {
					return
				}
			}
		}
	}
	return g
}

// attemptDate dates an attempt by its own stamps; one that bears none of its
// own was reported together with its payment.
func attemptDate(p *payment, a *record.PaymentAttemptRecord) dating {
	dated, _ := dateOf(a.Created, a.Metadata)
	if len(p.attempts) == 1 && deref(p.LatestPaymentAttemptRecord) == a.ID && dated.from == "created" {
		return p.dating
	}
	return dated
}

func attemptRow(row []cell, p *payment, a *record.PaymentAttemptRecord, no int, zone *time.Location) []cell {
	dated := attemptDate(p, a)
	number := numberCell(int64(no))
	row = append(row,
		textCell(a.ID), textCell(p.ID), textCell(a.ProcessorDetails.Reference()), number, textCell(string(a.Status())))
	row = appendMoments(row, dated.at, zone)
	row = append(row, textCell(dated.from), momentCell(unix(a.Created)),
		currencyCell(a.AmountRequested.Currency), amountCell(a.AmountRequested))
	row = appendAmounts(row, a.AmountRequested.Currency, a.AmountGuaranteed, a.AmountRefunded, a.AmountFailed, a.AmountCanceled)
	return append(row, textCell(methodName(a.PaymentMethodDetails)), textCell(deref(a.Description)), textCell(a.ReportedBy), boolCell(a.Livemode))
}

// refundsGrid has one line per refund stamp of the period's payments.
func (d *Dataset) refundsGrid() grid {
	zone := d.options.Period.Zone
	g := grid{name: "Refunds", n: d.summary.Refunds, currencies: d.summary.currencies()}
	g.columns = slices.Concat([]column{
		{name: "payment_record", title: "Payment record", width: 32},
		{name: "payment_reference", title: "Payment reference", width: 26},
		{name: "refund_reference", title: "Refund reference", width: 26},
	}, moments("refunded_at", "Refunded at", d.options.Period.Zone), []column{
		{name: "currency", title: "Currency", width: 10},
		{name: "amount", title: "Refunded", width: 17, totalIn: "currency"},
		{name: "fee", title: "Fee", width: 15, totalIn: "fee_currency"},
		{name: "fee_currency", title: "Fee currency", width: 10},
		{name: "processor", title: "Processor", width: 20},
		{name: "source", title: "Source row", width: 36},
		{name: "operation", title: "Operation", width: 30},
	}, d.originals("refunded_at", "Refunded at"))
	g.rows = func(yield func([]cell, error) bool) {
		if g.n == 0 {
			return
		}
		// A refund of an open day has its line, also where its payment is locked.
		for p, err := range d.ahead(0, d.shelf.n) {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, r := range p.refunds {
				if r.locked {
					continue
				}
				row := refundRow(p, r, zone)
				if d.options.Lock.posts() {
					row = appendMoments(row, r.original, zone)
				}
				if !yield(row, nil) {
					return
				}
			}
		}
	}
	return g
}

func refundRow(p *payment, r refund, zone *time.Location) []cell {
	var fee, feeCurrency cell
	if r.fee.Currency != "" {
		fee, feeCurrency = moneyCell(r.fee), currencyCell(r.fee.Currency)
	}
	row := appendMoments([]cell{textCell(p.ID), textCell(p.ProcessorDetails.Reference()), textCell(r.Reference)}, r.at, zone)
	return append(row, currencyCell(r.Currency), amountCell(record.Amount{Currency: r.Currency, Value: r.Value}), fee, feeCurrency,
		textCell(p.processor), textCell(r.Row), textCell(r.Op))
}
