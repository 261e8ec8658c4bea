package importer

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/payrec/payrec/mapping"
	"github.com/payrec/payrec/record"
)

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
// written into their metadata. They are valid until the next call is made.
func (m *maker) stamped(op *record.Op, e *mapping.Event) record.Params {
	m.stamps = m.stamps[:0]
	switch e.Call {
	case record.ReportPayment:
		m.stampPayment(op, e)
	case record.ReportRefund:
		m.stampRefund(op, e)
	case record.AttachPayment: // takes no metadata
	default:
		m.stampCall(op, e)
	}
	m.params = record.AppendMerged(m.params[:0], e.Params, m.stamps)
	return m.params
}

// put adds a stamp, if there is something to say. Stamps are put in the order of
// their keys.
func (m *maker) put(path, value string) {
	if value != "" {
		m.stamps = append(m.stamps, record.Param{Path: path, Value: value})
	}
}

func (m *maker) stampPayment(op *record.Op, e *mapping.Event) {
	reference, _ := e.Params.Get("processor_details.custom.payment_reference")
	m.put("metadata."+record.StampFailedAt, m.instant(e, "failed.failed_at"))
	m.put("metadata."+record.StampFee, m.fee.text)
	m.put("metadata."+record.StampFile, clip(op.File))
	m.put("metadata."+record.StampGuaranteedAt, m.instant(e, "guaranteed.guaranteed_at"))
	m.put("metadata."+record.StampHash, record.ContentStamp(op.Content))
	m.put("metadata."+record.StampNatural, unlessEqual(op.Natural, op.Payment))
	m.put("metadata."+record.StampInitiatedAt, m.instant(e, "initiated_at"))
	m.put("metadata."+record.StampLine, m.texts.of(strconv.AppendInt(m.buf[:0], int64(op.Line), 10)))
	m.put("metadata."+record.StampNet, m.net.text)
	m.put("metadata."+record.StampNetCurrency, netCurrency(e))
	m.put("metadata."+record.StampOp, op.ID)
	m.put("metadata."+record.StampPayment, unlessEqual(op.Payment, reference))
	m.put("metadata."+record.StampSource, op.Source)
}

func (m *maker) stampRefund(op *record.Op, e *mapping.Event) {
	reference, _ := e.Params.Get("processor_details.custom.refund_reference")
	key, value := record.RefundStamp{
		Op: op.ID, Value: e.Amount.Value, Currency: e.Amount.Currency,
		At: m.instant(e, "refunded.refunded_at"), Reference: reference, Fee: m.fee.text,
		Content: record.ContentStamp(op.Content), Row: m.row(op),
	}.Pair()
	m.put("metadata."+key, value)
}

// stampCall stamps another call on a payment. Its record may already carry the
// stamps of report_payment, so a later call writes under its own name.
func (m *maker) stampCall(op *record.Op, e *mapping.Event) {
	key, value := record.CallStamp{
		Op: op.ID, Call: op.Call, Content: record.ContentStamp(op.Content), Natural: op.Natural, Row: m.row(op),
	}.Pair()
	m.put("metadata."+key, value)
	m.put("metadata."+record.StampCanceledAt, m.instant(e, "canceled_at"))
	m.put("metadata."+record.StampFailedAt, m.instant(e, "failed_at")+m.instant(e, "failed.failed_at")) // a call has one of the two fields
	m.put("metadata."+record.StampFee, m.fee.text)
	m.put("metadata."+record.StampGuaranteedAt, m.instant(e, "guaranteed_at")+m.instant(e, "guaranteed.guaranteed_at"))
	m.put("metadata."+record.StampNet, m.net.text)
	m.put("metadata."+record.StampNetCurrency, netCurrency(e))
}

// netCurrency is the currency of net and fee.
func netCurrency(e *mapping.Event) string {
	for _, money := range [...]*record.Money{e.Net, e.Fee} {
		if money != nil && money.Currency != "" {
			return string(money.Currency)
		}
	}
	return ""
}

// row is where the call was read.
func (m *maker) row(op *record.Op) string {
	m.buf = append(append(m.buf[:0], op.File...), ':')
	m.buf = strconv.AppendInt(m.buf, int64(op.Line), 10)
	return m.texts.of(m.buf)
}

// A moneyText is a fee or a net amount; "" for none.
type moneyText struct {
	text  string // see [record.Money.Text]
	whole string // see [record.Money.String]
}

func (m *maker) money(money *record.Money) moneyText {
	if money == nil {
		return moneyText{}
	}
	b := money.AppendText(m.buf[:0])
	n := len(b)
	if money.Currency != "" {
		b = append(append(b, ' '), money.Currency.Upper()...)
	}
	whole := m.texts.of(b)
	return moneyText{whole[:n], whole}
}

// instant is the time in a field in RFC 3339, UTC; "" when there is none.
func (m *maker) instant(e *mapping.Event, path string) string {
	text, ok := e.Params.Get(path)
	if !ok {
		return ""
	}
	if text == m.seconds { // often all times of a row are one
		return m.at
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return ""
	}
	m.seconds, m.at = text, m.texts.of(time.Unix(seconds, 0).UTC().AppendFormat(m.buf[:0], time.RFC3339))
	return m.at
}

// unlessEqual is the text, or "" when it is what stands there anyway or is
// longer than metadata may be.
func unlessEqual(text, other string) string {
	if text == other || utf8.RuneCountInString(text) > record.MaxMetadataValue {
		return ""
	}
	return text
}

// clip keeps a file name within a metadata value, its end rather than its start.
func clip(name string) string {
	if utf8.RuneCountInString(name) <= record.MaxMetadataValue {
		return name
	}
	runes := []rune(name)
	return string(runes[len(runes)-record.MaxMetadataValue:])
}
