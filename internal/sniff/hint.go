package sniff

import (
	"strings"
	"unicode"

	"github.com/payrec/payrec/internal/table"
)

// A hint is what a column's name promises about its values.
type hint uint8

const (
	hintNone hint = iota
	hintID
	hintMoney
	hintRate
	hintDate
	hintCurrency
)

// hintWords are words of column names, in the languages of the files seen.
// The last one in a name decides: a "refund reference" is a reference.
const hintWords = "" +
	"id=id ids=id reference=id ref=id number=id no=id nr=id arn=id iban=id account=id identifier=id txn=id konto=id zip=id " +
	"sid=id bin=id phone=id postal=id code=id mid=id identity=id transactionno=id " +
	"amount=money gross=money net=money fee=money fees=money credit=money debit=money total=money balance=money " +
	"price=money commission=money markup=money interchange=money payable=money captured=money authorised=money received=money " +
	"tax=money vat=money bruto=money neto=money comisión=money saldo=money betrag=money brutto=money netto=money " +
	"montant=money importe=money belopp=money beløp=money gebyr=money refund=money " +
	"rate=rate percentage=rate percent=rate kurs=rate count=rate quantity=rate installments=rate " +
	"date=date time=date created=date updated=date at=date on=date datum=date dato=date fecha=date timestamp=date utc=date " +
	"currency=currency divisa=currency valuta=currency währung=currency devise=currency ccy=currency"

// hintParts are what Chinese and Japanese names end in, which have no blanks.
const hintParts = "订单号=id 单号=id 流水号=id 番号=id 号=id 金额=money 总金额=money 手续费=money 金額=money 费率=rate 时间=date 日期=date 日時=date 币种=currency 货币种类=currency"

// hintOf reads a column's name.
func hintOf(name string) hint {
	n := table.Normalize(name)
	words := strings.FieldsFunc(n, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	h := hintNone
	for _, word := range words {
		if found := lookup(hintWords, func(key string) bool { return key == word }); found != hintNone {
			h = found
		}
	}
	if h == hintNone {
		h = lookup(hintParts, func(key string) bool { return strings.HasSuffix(n, key) })
	}
	if h == hintNone { // PayexTransactionNo, OrderID, SettlementDate
		for _, end := range []struct {
			text string
			hint hint
		}{{"ID", hintID}, {"Id", hintID}, {"No", hintID}, {"Reference", hintID}, {"Number", hintID}, {"Date", hintDate}, {"Time", hintDate}, {"Amount", hintMoney}, {"Currency", hintCurrency}, {"CurrencyCode", hintCurrency}} {
			if before, ok := strings.CutSuffix(strings.TrimSpace(name), end.text); ok && before != "" {
				h = end.hint
			}
		}
	}
	return h
}

func lookup(list string, is func(key string) bool) hint {
	for entry := range strings.FieldsSeq(list) {
		key, value, _ := strings.Cut(entry, "=")
		if !is(key) {
			continue
		}
		switch value {
		case "id":
			return hintID
		case "money":
			return hintMoney
		case "rate":
			return hintRate
		case "date":
			return hintDate
		case "currency":
			return hintCurrency
		}
	}
	return hintNone
}
