package samples

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// maker makes the same files every time.
type maker struct {
	*rand.Rand
	b bytes.Buffer
}

func newMaker(seed uint64) *maker { return &maker{Rand: rand.New(rand.NewPCG(seed, 1))} }

func (m *maker) line(cells ...string) { m.b.WriteString(strings.Join(cells, ",") + "\n") }

// reference is n capital letters and digits without those that look alike.
func (m *maker) reference(n int) string {
	const alphabet = "BCDFGHJKLMNPQRSTVWXZ23456789"
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[m.IntN(len(alphabet))]
	}
	return string(b)
}

func pick[T any](m *maker, list []T) T { return list[m.IntN(len(list))] }

// major writes minor units with a currency's decimals, without trailing zeros
// as Adyen does: 1950 is 19.5.
func major(minor int64, places int) string {
	if places == 0 {
		return fmt.Sprint(minor)
	}
	s := fmt.Sprintf("%d.%02d", minor/100, minor%100)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

var adyenHeader = "Company Account,Merchant Account,Psp Reference,Merchant Reference,Payment Method,Creation Date,TimeZone,Type," +
	"Modification Reference,Gross Currency,Gross Debit (GC),Gross Credit (GC),Exchange Rate,Net Currency,Net Debit (NC),Net Credit (NC)," +
	"Commission (NC),Markup (NC),Scheme Fees (NC),Interchange (NC),Payment Method Variant,Modification Merchant Reference,Batch Number"

type adyenPayment struct {
	psp, order, method, variant string
	gross                       int64
}

// adyen is three batches that each come to zero with their payout: euros,
// dollars, and yen that are settled in euros.
func adyen() []byte {
	m := newMaker(20260301)
	m.line(adyenHeader)
	m.adyenBatch(201, "EUR", "EUR", "CET", time.Date(2026, 3, 2, 9, 14, 5, 0, time.UTC), 24, 3)
	m.adyenBatch(202, "USD", "USD", "PST", time.Date(2026, 3, 5, 10, 2, 41, 0, time.UTC), 16, 2)
	m.adyenBatch(203, "JPY", "EUR", "CEST", time.Date(2026, 4, 1, 8, 30, 17, 0, time.UTC), 10, 1)
	return m.b.Bytes()
}

func (m *maker) adyenBatch(batch int, gross, net, zone string, at time.Time, payments, refunds int) {
	places, rateText, settled := 2, "1", func(minor int64) int64 { return minor }
	if gross == "JPY" { // 1 yen is 0.625 cents
		places, rateText, settled = 0, "0.00625", func(minor int64) int64 { return minor * 5 / 8 }
	}
	var list []adyenPayment
	var balance int64
	row := func(p adyenPayment, kind, modification, dr, cr, netDr, netCr string, fees [4]string) {
		at = at.Add(time.Duration(3+m.IntN(55))*time.Minute + time.Duration(m.IntN(60))*time.Second)
		grossCurrency, exchange := gross, rateText
		if p.psp == "" {
			grossCurrency, exchange = "", ""
		}
		m.line("ExampleCo", "ExampleCoShop", p.psp, p.order, p.method, at.Format("2006-01-02 15:04:05"), zone, kind, modification, grossCurrency, dr, cr,
			exchange, net, netDr, netCr, fees[0], fees[1], fees[2], fees[3], p.variant, "", fmt.Sprint(batch))
	}
	methods := [][2]string{{"visa", "visastandarddebit"}, {"mc", "mcstandardcredit"}, {"ideal", "ideal"}, {"amex", "amex"}}
	for range payments {
		method := pick(m, methods)
		p := adyenPayment{m.reference(16), fmt.Sprintf("ORD-%d", 10_000+m.IntN(80_000)), method[0], method[1], int64(500 + m.IntN(24_000))}
		inNet := settled(p.gross)
		var fees [4]string
		var fee int64
		if method[0] == "ideal" { // a commission; cards pay markup, scheme and interchange
			fee = 29
			fees[0] = major(fee, 2)
		} else {
			parts := [3]int64{inNet * 6 / 1000, 2 + inNet/1000, inNet * 2 / 1000}
			fee = parts[0] + parts[1] + parts[2]
			fees[1], fees[2], fees[3] = major(parts[0], 2), major(parts[1], 2), major(parts[2], 2)
		}
		row(p, "Settled", m.reference(16), "", major(p.gross, places), "", major(inNet-fee, 2), fees)
		list, balance = append(list, p), balance+inNet-fee
	}
	for i := range refunds {
		p, part := list[i*3], int64(1)
		if i > 0 {
			part = 2 // a part only
		}
		amount := p.gross / part
		inNet := settled(amount)
		row(p, "Refunded", m.reference(16), major(amount, places), "", major(inNet, 2), "", [4]string{})
		balance -= inNet
	}
	fee := int64(1250)
	row(adyenPayment{}, "Fee", fmt.Sprintf("Transaction Fees %s", at.Format("January 2006")), "", "", major(fee, 2), "", [4]string{})
	row(adyenPayment{}, "MerchantPayout", fmt.Sprintf("TX%dXT batch %d ExampleCoShop", 3_000_000+batch, batch), "", "", major(balance-fee, 2), "", [4]string{})
}

// paypal is a framed settlement file of two accounts, with footers that agree.
func paypal() []byte {
	m := newMaker(20260106)
	q := func(s string) string { return `"` + s + `"` }
	day := time.Date(2026, 3, 10, 0, 0, 0, 0, time.FixedZone("", -7*3600))
	stamp := func(t time.Time) string { return t.Format("2006/01/02 15:04:05 -0700") }
	m.line(q("RH"), q(stamp(day.AddDate(0, 0, 1).Add(4*time.Hour))), q("A"), q("EXAMPLE0PARTNER"), q("009"))
	m.line(q("FH"), q("01"))
	header := "CH,Transaction ID,Invoice ID,PayPal Reference ID,PayPal Reference ID Type,Transaction Event Code,Transaction Initiation Date,Transaction Completion Date," +
		"Transaction Debit or Credit,Gross Transaction Amount,Gross Transaction Currency,Fee Debit or Credit,Fee Amount,Fee Currency,Custom Field,Consumer ID,Payment Tracking ID,Store ID,Bank Reference ID"
	type sums struct{ credits, debits, feeCredits, feeDebits int64 }
	report, rows := map[string]*sums{}, 0
	section := func(account string, currencies []string, write func(row func(id, ref, code, side, currency string, amount, fee int64))) {
		m.line(q("SH"), q(stamp(day)), q(stamp(day.Add(24*time.Hour-time.Second))), q(account), q(""))
		m.line(q(strings.ReplaceAll(header, ",", `","`)))
		own, n, at := map[string]*sums{}, 0, day
		for _, c := range currencies {
			own[c] = &sums{}
			if report[c] == nil {
				report[c] = &sums{}
			}
		}
		write(func(id, ref, code, side, currency string, amount, fee int64) {
			at = at.Add(time.Duration(7+m.IntN(40))*time.Minute + time.Duration(m.IntN(60))*time.Second)
			refKind, feeSide, feeText, feeCurrency, invoice := "", "", "", "", ""
			if ref != "" {
				refKind = "TXN"
			}
			if code == "T0006" || code == "T0013" {
				invoice = fmt.Sprintf("INV-%d", 4000+rows)
			}
			if fee != 0 {
				feeSide, feeText, feeCurrency = "DR", fmt.Sprint(max(fee, -fee)), currency
				if fee < 0 {
					feeSide = "CR"
				}
			}
			m.line(q("SB"), q(id), q(invoice), q(ref), q(refKind), q(code), stamp(at), stamp(at), q(side), fmt.Sprint(amount), q(currency),
				q(feeSide), feeText, q(feeCurrency), q(""), q(m.reference(13)), q(""), q(""), q(""))
			for _, s := range []*sums{own[currency], report[currency]} {
				if side == "CR" {
					s.credits += amount
				} else {
					s.debits += amount
				}
				s.feeDebits += max(fee, 0)
				s.feeCredits += max(-fee, 0)
			}
			n++
			rows++
		})
		for _, c := range currencies {
			m.line(q("SF"), q(c), fmt.Sprint(own[c].credits), fmt.Sprint(own[c].debits), fmt.Sprint(own[c].feeCredits), fmt.Sprint(own[c].feeDebits))
		}
		m.line(q("SC"), fmt.Sprint(n))
	}
	section("EXAMPLE0SHOP1", []string{"USD", "EUR"}, func(row func(id, ref, code, side, currency string, amount, fee int64)) {
		var ids []string
		for i := range 16 {
			currency, amount := []string{"USD", "EUR"}[i%2], int64(700+m.IntN(19_000))
			ids = append(ids, m.reference(17))
			row(ids[i], "", "T0006", "CR", currency, amount, 49+amount*29/1000)
		}
		row(m.reference(17), ids[2], "T1107", "DR", "USD", 500, -15)
		row(m.reference(17), ids[3], "T1107", "DR", "EUR", 300, -9)
		row(m.reference(17), ids[4], "T0200", "DR", "USD", 250, 0)
		row(m.reference(17), ids[4], "T0200", "CR", "EUR", 228, 0)
		row(m.reference(17), "", "T0106", "DR", "USD", 2000, 0)
		row(m.reference(17), "", "T0400", "DR", "EUR", 40_000, 0)
	})
	section("EXAMPLE0SHOP2", []string{"JPY"}, func(row func(id, ref, code, side, currency string, amount, fee int64)) {
		var ids []string
		for i := range 7 { // yen, in hundredths: whole yen end in 00
			ids = append(ids, m.reference(17))
			row(ids[i], "", "T0013", "CR", "JPY", int64(300+m.IntN(9_000))*100, int64(40+m.IntN(60))*100)
		}
		row(m.reference(17), ids[1], "T1107", "DR", "JPY", 20_000, 0)
		row(m.reference(17), "", "T0400", "DR", "JPY", 500_000, 0)
	})
	for _, c := range []string{"USD", "EUR", "JPY"} {
		m.line(q("RF"), q(c), fmt.Sprint(report[c].credits), fmt.Sprint(report[c].debits), fmt.Sprint(report[c].feeCredits), fmt.Sprint(report[c].feeDebits))
	}
	m.line(q("RC"), fmt.Sprint(rows))
	m.line(q("FF"), fmt.Sprint(rows))
	return m.b.Bytes()
}

// genericRow is a row of the plain tables.
type genericRow struct {
	at                                         time.Time
	minor                                      int64
	currency, reference, kind, of              string
	description, customer, email, order, tally string
	fee                                        int64
}

var genericHeader = []string{"date", "amount", "currency", "reference", "type", "payment_reference", "description", "customer", "email", "order", "fee", "processor"}

func generic(seed uint64, prefix string) []genericRow {
	m := newMaker(seed)
	people := [][2]string{{"Ada Muster", "ada@example.com"}, {"Bela Vorbild", "bela@example.org"}, {"Chidi Sample", "chidi@example.net"}, {"Dana Ejemplo", "dana@example.com"}}
	things := []string{"Workshop in March", "Two chairs, oak", "Membership 2026", `Poster "Harbour"`, "Gift card"}
	var rows []genericRow
	at := time.Date(2026, 2, 2, 0, 0, 0, 0, time.UTC)
	for i := range 17 {
		who := pick(m, people)
		r := genericRow{at: at, minor: int64(900 + m.IntN(30_000)), currency: pick(m, []string{"EUR", "EUR", "CHF", "JPY"}), reference: fmt.Sprintf("%s-%04d", prefix, i+1), kind: "payment",
			description: pick(m, things), customer: who[0], email: who[1], order: fmt.Sprintf("B%d", 7000+i), tally: pick(m, []string{"Bank transfer", "Cash register"})}
		if r.currency != "JPY" && r.tally == "Cash register" {
			r.fee = 10 + r.minor/200
		}
		rows = append(rows, r)
		at = at.AddDate(0, 0, 1+m.IntN(3))
	}
	for i, part := range []int64{1, 2, 4} {
		of := rows[i*4+1]
		rows = append(rows, genericRow{at: at, minor: of.minor / part, currency: of.currency, reference: fmt.Sprintf("%s-R%d", prefix, i+1), kind: "refund", of: of.reference, order: of.order})
	}
	return rows
}

func (r genericRow) amount(minor int64) string {
	if r.currency == "JPY" {
		return fmt.Sprint(minor)
	}
	return fmt.Sprintf("%d.%02d", minor/100, minor%100)
}

func genericCSV() []byte {
	m := newMaker(0)
	m.line(genericHeader...)
	for _, r := range generic(7, "TR") {
		fee := ""
		if r.fee > 0 {
			fee = r.amount(r.fee)
		}
		description := r.description
		if strings.ContainsAny(description, `",`) {
			description = `"` + strings.ReplaceAll(description, `"`, `""`) + `"`
		}
		m.line(r.at.Format("2006-01-02"), r.amount(r.minor), r.currency, r.reference, r.kind, r.of, description, r.customer, r.email, r.order, fee, r.tally)
	}
	return m.b.Bytes()
}

// genericXLSX has real dates and numbers, and a title above the table.
func genericXLSX() ([]byte, error) {
	f := excelize.NewFile()
	defer f.Close()
	const sheet = "Sheet1"
	fixed := "2026-04-01T00:00:00Z" // the file must not depend on when it is made
	if err := f.SetDocProps(&excelize.DocProperties{Creator: "payrec", Created: fixed, Modified: fixed, Title: "Payments of the spring fair"}); err != nil {
		return nil, err
	}
	date, err := f.NewStyle(&excelize.Style{NumFmt: 14})
	if err != nil {
		return nil, err
	}
	if err := f.SetCellStr(sheet, "A1", "Payments of the spring fair (invented)"); err != nil {
		return nil, err
	}
	header := make([]any, len(genericHeader))
	for i, h := range genericHeader {
		header[i] = h
	}
	if err := f.SetSheetRow(sheet, "A3", &header); err != nil {
		return nil, err
	}
	for i, r := range generic(11, "FAIR") {
		amount := func(minor int64) any {
			if r.currency == "JPY" {
				return minor
			}
			return float64(minor) / 100 // a workbook knows no other numbers
		}
		cells := []any{r.at, amount(r.minor), r.currency, r.reference, r.kind, r.of, r.description, r.customer, r.email, r.order, nil, r.tally}
		if r.fee > 0 {
			cells[10] = amount(r.fee)
		}
		cell := fmt.Sprintf("A%d", i+4)
		if err := f.SetSheetRow(sheet, cell, &cells); err != nil {
			return nil, err
		}
		if err := f.SetCellStyle(sheet, cell, cell, date); err != nil {
			return nil, err
		}
	}
	if err := f.SetColWidth(sheet, "A", "L", 16); err != nil {
		return nil, err
	}
	b, err := f.WriteToBuffer()
	if err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
