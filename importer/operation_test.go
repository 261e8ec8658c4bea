package importer

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/govalues/decimal"
	"pgregory.net/rapid"

	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/mapping"
	"github.com/payrec/payrec/record"
)

// TestOperationIsForEver: journals and the account's records hold the ids, the
// content hashes and the stamps of calls, and a key is asked again with the same
// bytes. So calls are made for ever as they were made first, which is said here
// in the plainest way.
func TestOperationIsForEver(t *testing.T) {
	contents := contents{hasher: newHasher()}
	m := &maker{scope: scope, source: "shop", sourceFits: true, forms: record.NewFormWriter()} // one for all of them: nothing is left of the call before
	rapid.Check(t, func(t *rapid.T) {
		for range rapid.IntRange(1, 4).Draw(t, "n") {
			e := genEvent().Draw(t, "e")
			want := plainOperation(scope, "shop", e)
			var got record.Op
			if err := m.operation(&got, &e); err != nil {
				if errs := record.SpecOf(e.Call).Check(plainStamped(want, e)); len(errs) == 0 || !strings.Contains(err.Error(), errs[0].Error()) {
					t.Fatalf("%v: %v", e, err)
				}
				want.Body = nil
			}
			if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" { // a call without parameters has no body, or an empty one
				t.Fatal(d)
			}
			if d := cmp.Diff(plainStamped(want, e), m.stamped(&got, &e), cmpopts.EquateEmpty()); d != "" {
				t.Fatal(d)
			}
			// A draft tells the same contents apart.
			other := genEvent().Draw(t, "other")
			if a, b := string(contents.append(nil, &e)), string(contents.append(nil, &other)); (a == b) != (want.Content == plainOperation(scope, "shop", other).Content) {
				t.Fatalf("%v and %v", e, other)
			}
		}
	})
}

// genEvent draws an event with any of the fields of its call, which may be of
// any text.
func genEvent() *rapid.Generator[mapping.Event] {
	short := rapid.StringN(1, 20, -1)
	text := rapid.OneOf(short, rapid.SampledFrom([]string{"", "a", "1767686400", "-1", "99999999999999999", "Straße 1 & 2", "a=b+c%", "\xff", "{\"<\u2028"}), rapid.String(), rapid.StringN(480, 520, -1))
	key := rapid.OneOf(rapid.SampledFrom([]string{"order", "a.b", "payrec_op", "payrec_line", "payrec_", "zzz", "a[b]"}), rapid.String())
	return rapid.Custom(func(t *rapid.T) mapping.Event {
		text := text
		if rapid.Bool().Draw(t, "tame") {
			text = short
		}
		e := mapping.Event{Call: rapid.SampledFrom(record.Writes()).Draw(t, "call"), ID: text.Draw(t, "id"), Payment: text.Draw(t, "payment"),
			Order: text.Draw(t, "order"), Class: text.Draw(t, "class"),
			Amount: record.Amount{Currency: rapid.SampledFrom([]record.Currency{"", "eur", "jpy", "kwd"}).Draw(t, "currency"), Value: rapid.Int64().Draw(t, "value")},
			Pos:    table.Pos{File: text.Draw(t, "file"), Line: rapid.IntRange(0, 1e9).Draw(t, "line")}}
		for _, f := range record.SpecOf(e.Call).Fields {
			if rapid.Bool().Draw(t, f.Path) {
				e.Params.Set(f.Path, text.Draw(t, "text"))
			}
		}
		for range rapid.IntRange(0, 4).Draw(t, "metadata") {
			e.Params.Set("metadata."+key.Draw(t, "key"), text.Draw(t, "text"))
		}
		if rapid.Bool().Draw(t, "dated") {
			for _, f := range record.SpecOf(e.Call).Fields {
				if f.Type == record.TypeTimestamp {
					e.Params.Set(f.Path, strconv.FormatInt(rapid.Int64Range(0, 1<<40).Draw(t, "seconds"), 10))
				}
			}
		}
		e.Fee, e.Net = genMoney().Draw(t, "fee"), genMoney().Draw(t, "net")
		return e
	})
}

func genMoney() *rapid.Generator[*record.Money] {
	return rapid.Custom(func(t *rapid.T) *record.Money {
		if rapid.Bool().Draw(t, "none") {
			return nil
		}
		d, err := decimal.New(rapid.Int64().Draw(t, "coef"), rapid.IntRange(0, 19).Draw(t, "scale"))
		if err != nil {
			t.Fatal(err)
		}
		return &record.Money{Amount: d, Currency: rapid.SampledFrom([]record.Currency{"", "eur", "jpy", "kwd", "Odd"}).Draw(t, "currency")}
	})
}

// plainOperation makes a call as it was made first.
func plainOperation(scope, source string, e mapping.Event) record.Op {
	op := record.Op{Source: source, Payment: e.Payment, Natural: e.ID, Call: e.Call, Order: e.Order, Amount: e.Amount, Class: e.Class, File: e.Pos.File, Line: e.Pos.Line}
	id := digest("payrec/1", scope, source, string(e.Call), e.ID)
	op.ID = strings.ToLower(base32.StdEncoding.EncodeToString(id))[:26]
	var parts []string
	for _, p := range plainRead(e) {
		parts = append(parts, p.Path, p.Value)
	}
	op.Content = fmt.Sprintf("%x", digest(parts...)[:16])
	var pairs []string
	for _, p := range plainStamped(op, e) {
		name, rest, nested := strings.Cut(p.Path, ".")
		head := name
		for name = url.QueryEscape(name); nested; name += "[" + url.QueryEscape(head) + "]" {
			if head, rest, nested = strings.Cut(rest, "."); strings.HasPrefix(p.Path, "metadata.") {
				head, nested = strings.TrimPrefix(p.Path, "metadata."), false
			}
		}
		pairs = append(pairs, name+"="+url.QueryEscape(p.Value))
	}
	op.Body = []byte(strings.Join(pairs, "&"))
	return op
}

func digest(parts ...string) []byte {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return h.Sum(nil)
}

// plainRead is what a content hash is of: two events have one content when this
// is equal.
func plainRead(e mapping.Event) record.Params {
	var p record.Params
	if e.Fee != nil {
		p = append(p, record.Param{Path: " fee", Value: e.Fee.String()})
	}
	if e.Net != nil {
		p = append(p, record.Param{Path: " net", Value: e.Net.String()})
	}
	p = append(p, record.Param{Path: " payment", Value: e.Payment})
	return append(p, e.Params...)
}

// plainStamped are the event's parameters and its stamps.
func plainStamped(op record.Op, e mapping.Event) record.Params {
	p := append(record.Params(nil), e.Params...)
	put := func(key, value string) {
		if value != "" {
			p.Set("metadata."+key, value)
		}
	}
	get := func(path string) string {
		value, _ := e.Params.Get(path)
		return value
	}
	at := func(path string) string {
		seconds, err := strconv.ParseInt(get(path), 10, 64)
		if err != nil {
			return ""
		}
		return time.Unix(seconds, 0).UTC().Format(time.RFC3339)
	}
	unlessEqual := func(text, other string) string {
		if text == other || utf8.RuneCountInString(text) > 500 {
			return ""
		}
		return text
	}
	row := fmt.Sprintf("%s:%d", op.File, op.Line)
	money := func() {
		for _, m := range []*record.Money{e.Fee, e.Net} {
			if m != nil {
				put("payrec_net_currency", string(m.Currency))
			}
		}
		if e.Fee != nil {
			put("payrec_fee", e.Fee.Text())
		}
		if e.Net != nil {
			put("payrec_net", e.Net.Text())
		}
	}
	switch e.Call {
	case record.ReportPayment:
		put("payrec_op", op.ID)
		put("payrec_h", op.Content[:12])
		put("payrec_source", op.Source)
		put("payrec_payment", unlessEqual(op.Payment, get("processor_details.custom.payment_reference")))
		put("payrec_id", unlessEqual(op.Natural, op.Payment))
		if name := []rune(op.File); len(name) > 500 {
			put("payrec_file", string(name[len(name)-500:]))
		} else {
			put("payrec_file", op.File)
		}
		put("payrec_line", strconv.Itoa(op.Line))
		put("payrec_initiated_at", at("initiated_at"))
		put("payrec_guaranteed_at", at("guaranteed.guaranteed_at"))
		put("payrec_failed_at", at("failed.failed_at"))
		money()
	case record.ReportRefund:
		put(plainStamp(map[string]any{"": "payrec_refund_", "op": op.ID, "value": e.Amount.Value, "currency": string(e.Amount.Currency), "at": at("refunded.refunded_at"),
			"ref": get("processor_details.custom.refund_reference"), "fee": feeText(e), "h": op.Content[:12], "row": row}))
	case record.AttachPayment:
	default:
		put(plainStamp(map[string]any{"": "payrec_call_", "op": op.ID, "call": string(op.Call), "h": op.Content[:12], "id": op.Natural, "row": row}))
		put("payrec_guaranteed_at", at("guaranteed_at")+at("guaranteed.guaranteed_at"))
		put("payrec_failed_at", at("failed_at")+at("failed.failed_at"))
		put("payrec_canceled_at", at("canceled_at"))
		money()
	}
	return p
}

func feeText(e mapping.Event) string {
	if e.Fee == nil {
		return ""
	}
	return e.Fee.Text()
}

// plainStamp is a stamp that is an object: its fields in this order, and without
// those that do not fit, the place first.
func plainStamp(fields map[string]any) (key, value string) {
	key = fields[""].(string) + fields["op"].(string)
	key = key[:min(len(key), 40)]
	for _, drop := range []string{"", "row", "ref", "id", "fee"} {
		if fields[drop] != nil {
			fields[drop] = ""
		}
		var pairs []string
		for _, name := range []string{"op", "call", "value", "currency", "at", "ref", "fee", "h", "id", "row"} {
			always := name == "op" || name == "currency" || name == "ref"
			if v := fields[name]; v != nil && (v != "" || always) {
				text, _ := json.Marshal(v)
				pairs = append(pairs, fmt.Sprintf("%q:%s", name, text))
			}
		}
		if value = "{" + strings.Join(pairs, ",") + "}"; utf8.RuneCountInString(value) <= 500 {
			break
		}
	}
	return key, value
}
