package importer

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/payrec/payrec/internal/packed"
	"github.com/payrec/payrec/mapping"
	"github.com/payrec/payrec/record"
)

// operation makes the planned call of an event: its identity, its stamps and
// its bytes. scope names the account; see [record.OpID].
func operation(scope, source string, e mapping.Event) (record.Op, error) {
	return (&maker{scope: scope, source: source}).operation(&e)
}

// operation is the same, without the check of what is sure to pass.
func (m *maker) operation(e *mapping.Event) (record.Op, error) {
	op := record.Op{
		ID:      record.OpID(m.scope, m.source, e.Call, e.ID),
		Source:  m.source,
		Payment: e.Payment,
		Natural: e.ID,
		Call:    e.Call,
		Order:   e.Order,
		Amount:  e.Amount,
		Class:   e.Class,
		File:    e.Pos.File,
		Line:    e.Pos.Line,
	}
	m.params = appendRead(m.params[:0], e)
	op.Content = m.params.Hash()
	m.params = appendStamped(m.params[:0], op, e)
	if !m.stampsFit(e) {
		if errs := record.SpecOf(e.Call).Check(m.params); len(errs) > 0 {
			return op, fmt.Errorf("with payrec's own metadata, %w", errs[0])
		}
	}
	op.Body = m.params.Form()
	return op, nil
}

// appendRead appends how the event reads, whatever file and line it was read
// from: two rows that ask for the same thing have the same content, an edited row
// has not. Its hash is an operation's content; journals keep it, so what is
// here, and in which order, does not change.
func appendRead(p record.Params, e *mapping.Event) record.Params {
	if e.Fee != nil {
		p = append(p, record.Param{Path: " fee", Value: e.Fee.String()}) // a blank begins no path of the API's
	}
	if e.Net != nil {
		p = append(p, record.Param{Path: " net", Value: e.Net.String()})
	}
	p = append(p, record.Param{Path: " payment", Value: e.Payment})
	return append(p, e.Params...)
}

// appendContent appends what [appendRead] does, for a draft: equal bytes for equal
// contents only.
func appendContent(b []byte, e *mapping.Event) []byte {
	for i := range e.Params {
		b = packed.AppendText(packed.AppendText(b, e.Params[i].Path), e.Params[i].Value)
	}
	b = packed.AppendText(append(b, 0), e.Payment)
	return appendMoney(appendMoney(b, e.Fee), e.Net)
}

// appendMoney tells amounts apart that their texts tell apart.
func appendMoney(b []byte, m *record.Money) []byte {
	if m == nil {
		return append(b, 0)
	}
	d := m.Amount
	if m.Currency != "" { // see record.Money.Text
		d = d.Trim(m.Currency.Exponent()).Pad(m.Currency.Exponent())
	}
	sign := byte(1)
	if d.IsNeg() {
		sign = 2
	}
	b = binary.LittleEndian.AppendUint64(append(b, sign, byte(d.Scale())), d.Coef())
	return packed.AppendText(b, string(m.Currency))
}

// mostStamps is more than any call is stamped with.
const mostStamps = 16

// stampsFit says that the stamps of a call, which the mapping has checked, are
// surely within the API's limits. False says nothing: operation checks them.
func (m *maker) stampsFit(e *mapping.Event) bool {
	const metadata = "metadata"
	pairs := 0
	for i := range e.Params {
		if path := e.Params[i].Path; strings.HasPrefix(path, metadata) {
			if path == metadata { // unset as a whole
				return false
			}
			pairs++
		}
	}
	return pairs+mostStamps <= record.MaxMetadataPairs && m.sourceFits && fits(e.ID) && (e.ID == e.Payment || fits(e.Payment)) && fits(e.Pos.File)
}

// fits says that a text can be a value of metadata.
func fits(s string) bool { return len(s) <= record.MaxMetadataValue && utf8.ValidString(s) }

// stamped returns the event's parameters with what the API would not give back
// written into their metadata.
func stamped(op record.Op, e mapping.Event) record.Params { return appendStamped(nil, op, &e) }

func appendStamped(params record.Params, op record.Op, e *mapping.Event) record.Params {
	params = append(params, e.Params...)
	put := func(key, value string) {
		if value != "" {
			params.Set("metadata."+key, value)
		}
	}
	switch e.Call {
	case record.ReportPayment:
		put(record.StampOp, op.ID)
		put(record.StampHash, record.ContentStamp(op.Content))
		put(record.StampSource, op.Source)
		reference, _ := e.Params.Get("processor_details.custom.payment_reference")
		put(record.StampPayment, unlessEqual(op.Payment, reference))
		put(record.StampNatural, unlessEqual(op.Natural, op.Payment))
		put(record.StampFile, clip(op.File))
		put(record.StampLine, strconv.Itoa(op.Line))
		put(record.StampInitiatedAt, instant(e.Params, "initiated_at"))
		put(record.StampGuaranteedAt, instant(e.Params, "guaranteed.guaranteed_at"))
		put(record.StampFailedAt, instant(e.Params, "failed.failed_at"))
		putFeeAndNet(put, e)
	case record.ReportRefund:
		reference, _ := e.Params.Get("processor_details.custom.refund_reference")
		stamp := record.RefundStamp{
			Op: op.ID, Value: e.Amount.Value, Currency: e.Amount.Currency,
			At: instant(e.Params, "refunded.refunded_at"), Reference: reference,
			Content: record.ContentStamp(op.Content), Row: fmt.Sprintf("%s:%d", op.File, op.Line),
		}
		if e.Fee != nil {
			stamp.Fee = e.Fee.Text()
		}
		put(stamp.Pair())
	case record.AttachPayment: // takes no metadata
	default:
		// The record may already carry the stamps of report_payment, so a later
		// call writes under its own name.
		put(record.CallStamp{
			Op: op.ID, Call: op.Call, Content: record.ContentStamp(op.Content), Natural: op.Natural,
			Row: fmt.Sprintf("%s:%d", op.File, op.Line),
		}.Pair())
		put(record.StampGuaranteedAt, instant(e.Params, "guaranteed_at")+instant(e.Params, "guaranteed.guaranteed_at"))
		put(record.StampFailedAt, instant(e.Params, "failed_at")+instant(e.Params, "failed.failed_at"))
		put(record.StampCanceledAt, instant(e.Params, "canceled_at"))
		putFeeAndNet(put, e)
	}
	return params
}

func putFeeAndNet(put func(key, value string), e *mapping.Event) {
	for _, m := range []*record.Money{e.Fee, e.Net} {
		if m != nil && m.Currency != "" {
			put(record.StampNetCurrency, string(m.Currency))
		}
	}
	if e.Fee != nil {
		put(record.StampFee, e.Fee.Text())
	}
	if e.Net != nil {
		put(record.StampNet, e.Net.Text())
	}
}

// unlessEqual is the text, or "" when it is what stands there anyway or is
// longer than metadata may be.
func unlessEqual(text, other string) string {
	if text == other || utf8.RuneCountInString(text) > record.MaxMetadataValue {
		return ""
	}
	return text
}

// instant is the time at path in RFC 3339, UTC; "" when there is none.
func instant(p record.Params, path string) string {
	text, ok := p.Get(path)
	if !ok {
		return ""
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return ""
	}
	return time.Unix(seconds, 0).UTC().Format(time.RFC3339)
}

// clip keeps a file name within a metadata value, its end rather than its start.
func clip(name string) string {
	runes := []rune(name)
	if len(runes) <= record.MaxMetadataValue {
		return name
	}
	return string(runes[len(runes)-record.MaxMetadataValue:])
}
