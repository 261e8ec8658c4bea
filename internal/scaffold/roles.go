package scaffold

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/payrec/payrec/internal/table"
)

// A Role is what a column is to a payment.
type Role string

// The roles. A column has at most one, and each is given to at most one column.
const (
	Amount      Role = "amount"           // what was paid or refunded
	Credit      Role = "credit"           // what was paid, beside Debit
	Debit       Role = "debit"            // what was refunded or taken, beside Credit
	Side        Role = "side"             // credit or debit, of an amount without sign
	Currency    Role = "currency"         // of the amount
	Date        Role = "date"             // when it happened
	Reference   Role = "reference"        // the processor's reference of the row's payment
	RefundRef   Role = "refund_reference" // of a refund's row: the refund's own reference
	Original    Role = "original"         // of a refund's row: the reference of its payment
	Type        Role = "type"             // payment, refund, fee…
	Status      Role = "status"           // completed, pending, failed…
	Fee         Role = "fee"              // what the processor took
	Net         Role = "net"              // what is left to pay out
	Refunded    Role = "refunded"         // of a payment's row: what was refunded of it
	Description Role = "description"
	Customer    Role = "customer" // name
	Email       Role = "email"    // of the customer
	Phone       Role = "phone"    // of the customer
	Order       Role = "order"    // your own number of the order or invoice
	Zone        Role = "zone"     // the time zone of the row's times
)

// roleNames are what columns are called in a mapping.
var roleNames = map[Role]string{
	Amount: "amount", Credit: "credit", Debit: "debit", Side: "side", Currency: "ccy", Date: "at", Reference: "ref", RefundRef: "refund_ref",
	Original: "original", Type: "type", Status: "status", Fee: "fee", Net: "net", Refunded: "refunded", Description: "description",
	Customer: "customer", Email: "email", Phone: "phone", Order: "order", Zone: "zone",
}

// aliases are names of columns per role, the surest first, in the languages
// of the files seen. A weight other than 1 stands behind a colon.
var aliases = map[Role]string{
	Amount: `gross amount, gross, gross total, transaction amount, payment amount, amount, gross transaction amount, presentment amount, main amount:.95,
		local amount:.9, total amount:.9, original amount:.8, captured amount:.8, amount local:.9, net amount local:.75, settlement amount:.7, total collected:.95, amount collected:.95, total:.7, price:.6, value:.6,
		betrag, bruttobetrag, brutto, umsatz:.8, montant, montant brut, brut, importe, importe bruto, bruto, monto, belopp, beløp, bedrag, importo, lordo, valor:.8,
		订单金额, 交易金额, 金额, 金額, 应结订单金额:.9, 取引金額, customer facing amount:.6`,
	Credit:   `gross credit gc, gross credit, credit, credit amount, credits, money in, paid in, gutschrift, haben, crédit, abono, haber, kredit, 收入金额, 收入`,
	Debit:    `gross debit gc, gross debit, debit, debit amount, debits, money out, paid out, lastschrift, soll, débit, cargo, debe, debet, 支出金额, 支出`,
	Side:     `d c, c d, dr cr, cr dr, debit or credit, credit or debit, debit credit, credit debit, transaction debit or credit, debit credit indicator, direction, soll haben, sign:.7, 收 支, 收支`,
	Currency: `currency, currency code, gross currency, transaction currency, payment currency:.95, presentment currency, gross transaction currency, main currency, local currency:.95, ccy, settlement currency:.7, net currency:.6, währung, waehrung, divisa, moneda, devise, valuta, valutakode, munt, 货币种类, 币种, 通貨, currency type:.95`,
	Date: `transaction date, payment date, creation date, created at, date created, created, created utc, paid at, captured at:.95, completed at:.95, transaction initiation date, transaction creation date, transaction completion date:.95, completion date:.95,
		transaction posted date, posted date:.9, posted date time:.95, posted at:.9, sales date, sale date, date, date time, datetime, timestamp, time:.7, creation timestamp, approved date:.8, booking date:.85, settlement date:.75, value date:.7, transfer date:.7, deposit date:.5, available on:.5, updated at:.5, last update timestamp:.5,
		datum, buchungstag, zahlungsdatum, transaktionsdatum, date de paiement, date de création, fecha, fecha de pago, fecha de creación, salgsdato, dato, data, 交易时间, 付款时间:.95, 交易创建时间, 取引日時, 日付`,
	Reference: `psp reference, transaction id, transaction identity, transaction reference, transaction number, transaction no, payment id, charge id:.95, payment reference:.9, txn id, txn ref, trade no, balance transaction id:.97, amazon transaction id, capture id:.95, amazon capture id:.95, payment intent id:.8, source id:.85, =reference:.95, reference id:.9, reference number:.9, =id:.95, id:.6, entity id:.9, external id:.7, external identifier:.6, external transaction reference:.7, dlocal transaction id:.98, payex transaction no:.8, receipt number:.6, =ref:.9, transfer id:.5, order id:.6, merchant reference:.55,
		transaktionscode, transaktionsnummer, transaktions id, transaksjons id, referenz, código de transacción, id de transacción, numéro de transaction, identifiant de transaction, referencia, 微信订单号, 交易号, 支付宝交易号, 交易单号, 订单号:.7, 取引id, 交易流水号:.9`,
	RefundRef: `refund reference, refund id, refund number, refund transaction id, modification reference, modification psp reference, amazon refund id, refund reference id:.9, 微信退款单号, 退款单号, 退款流水号:.9`,
	Original:  `original reference, original transaction id, parent transaction id, original payment reference, related transaction id, reference txn id, referenced transaction, paypal reference id, reference transaction id, original psp reference, parent id:.9, payment reference:.6, payment id:.6, transaction reference:.5, linked transaction:.9, ursprüngliche transaktion, zugehöriger transaktionscode, id de referencia de trans, código de referencia, numéro de transaction de référence`,
	Type: `transaction type, type, record type, reporting category, event code, transaction event code, event type, event, kind:.9, category:.7, entry type, row type, activity type, amount type:.6, operation type, operation, action:.8, movement type, refund type:.5,
		transaktionsart, transaktionstyp, typ, art:.8, tipo, tipo de transacción, type de transaction, nature:.7, transaksjonstype, 交易类型, 业务类型, 类型, 収支区分, 取引種別`,
	Status:   `transaction status, payment status, status, state:.9, trade status, refund status:.9, result:.6, estado, état, statut, zustand:.8, stand:.7, 交易状态, 当前状态, 状态, 資金状態, response code:.7, status description:.5`,
	Fee:      `fee, fees, fee amount, total fee, total fee amount, total fees, transaction fee, total transaction fee, processing fee, processing fee fc:.9, commission, commission amount:.9, service fee:.8, deduction:.9, deductions:.9, charges:.7, paypal fee, stripe fee, gebühr, gebuehr, entgelt, gebühren, provision:.7, gebyr, avgift, frais, commission nc:.8, comisión, tarifa, kosten, commissione, 手续费, 服务费, 手数料`,
	Net:      `net, net amount, net total, net transaction amount, net credit:.8, net credit nc:.8, payable sc:.7, payable:.7, payout amount:.8, amount net, settlement amount:.75, netto, nettobetrag, neto, importe neto, montant net, nettobeløp, nettobelopp, 实收金额, 净额`,
	Refunded: `refunded amount, refund amount, amount refunded, refund, refunded, refund total, total refunded, 退款金额, 申请退款金额:.9, 成功退款`,
	Description: `description, transaction description, label, memo, note:.9, notes:.9, narrative, details:.8, message:.8, subject:.8, purpose, item title:.9, product name:.9, title:.7, text:.8, remark, comment:.8,
		beschreibung, verwendungszweck, betreff, artikelbezeichnung, descripción, concepto, nombre del artículo, libellé, titre de l objet, melding, beskrivning, beskrivelse, omschrijving, descrizione, causale, 商品名称, 商品说明, 商品描述, 备注, 摘要, 取引内容`,
	Customer: `customer name, customer, payer name, payer, buyer name, buyer, shopper name, cardholder name, cardholder, card holder, client name, client, partner name, counterparty:.9, billing name, full name:.9, =name:.85, consumer name, contact name:.8,
		kunde, kundenname, auftraggeber:.9, cliente, =nombre, =nom, kundnavn, kundenavn, klant, =naam, 交易对方, 对方名称, 付款人`,
	Email: `customer email, email, e mail, email address, payer email, user email, user mail, from email address, buyer email, shopper email, billing details email address, billing email, customer email address, receipt email:.9, absender e mail adresse, correo electrónico, correo electrónico del remitente, adresse email, de l adresse email, e post, epost`,
	Phone: `phone, phone number, customer phone, telephone, mobile, mobile number, contact phone number, telefon, telefonnummer, teléfono, téléphone, 手机号`,
	Order: `order id, order number, order no, order code, =order, =reference:.6, merchant reference, merchant order reference:.9, merchant order id, merchant transaction id:.9, external reference:.9, order reference, seller order id, seller reference id:.8, order identity, invoice, invoice id, invoice number, invoice no, transaction invoice:.7, merchant order number, your reference:.9, custom number:.5, external identifier:.8, transaction id:.4,
		bestellnummer, rechnungsnummer, número de factura, numéro de facture, ordre id, ordrenummer, ordernummer, factura, 商户订单号, 商家订单号, 商户单号`,
	Zone: `timezone, time zone, tz, zeitzone, zona horaria, fuseau horaire, huso horario, tidszon, 时区`,
}

// roleOrder settles ties: earlier roles choose first.
var roleOrder = []Role{Reference, Date, Amount, Credit, Debit, Currency, Type, Status, Side, RefundRef, Original, Fee, Net, Refunded, Email, Order, Zone, Customer, Description, Phone}

// vetoes are words that a name must not have for a role, unless an alias has
// it whole.
var vetoes = map[Role]string{
	Amount:    "fee fees net tax vat refund refunded balance rate discount commission shipping fixed percentage tip insurance payout interchange markup per scheme stamp",
	Credit:    "net card balance gift type",
	Debit:     "net card balance type",
	Reference: "account merchant customer seller buyer company batch payout settlement deposit order invoice store shop bank item sku parent original referenced refund modification tracking user payer address status type mid unit sub public tracking metadata marketplace fulfillment shipment",
	Date:      "updated modified settlement payout disbursement available effective arrival expiry birth from until end timezone zone voided",
	Currency:  "fee net rate",
	Type:      "number no id name card payment method instrument adjustment reference address bank account vat funding ref",
	Status:    "payout address card 3d secure shipping review trace",
	Fee:       "rate credit tax fixed percentage side debit per",
	Net:       "rate debit tax",
	Refunded:  "currency date type id reference reason status",
	Customer:  "address status entity service account id company bank card merchant display seller store reference date",
	Order:     "item line batch",
	Original:  "amount sale currency",
	Email:     "to recipient seller merchant",
}

// A phrase is an alias, cut into words.
type phrase struct {
	words  []string
	joined string
	weight float64
	whole  bool // the whole name must be it, since the words say little behind others
}

// phrases are the aliases of a role.
func phrases(r Role) []phrase {
	var out []phrase
	for entry := range strings.SplitSeq(aliases[r], ",") {
		text, weight, found := strings.Cut(strings.TrimSpace(entry), ":")
		text, exact := strings.CutPrefix(text, "=")
		p := phrase{words: words(text), weight: 1, whole: exact}
		if found {
			if w, err := strconv.ParseFloat(weight, 64); err == nil {
				p.weight = w
			}
		}
		p.joined = strings.Join(p.words, "")
		out = append(out, p)
	}
	return out
}

// words are the words of a name in one form: singular, abbreviations written
// out.
func words(name string) []string {
	out := split(name)
	for i, w := range out {
		w = singular(w)
		if long := abbreviations[w]; long != "" {
			w = long
		}
		out[i] = w
	}
	return out
}

// abbreviations are common in names of columns.
var abbreviations = map[string]string{"trx": "transaction", "txn": "transaction", "tx": "transaction", "tran": "transaction", "no": "number", "nr": "number",
	"num": "number", "ref": "reference", "amt": "amount", "curr": "currency", "cur": "currency", "ccy": "currency", "desc": "description", "cust": "customer", "acct": "account", "pmt": "payment"}

// split cuts a name into lower-case words: at blanks and marks, and where
// small letters meet capitals ("TransactionID", "DLOCAL_ID").
func split(name string) []string {
	var out []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			out = append(out, strings.ToLower(string(word)))
			word = word[:0]
		}
	}
	runes := []rune(table.Normalize(name))
	original := []rune(strings.Join(strings.FieldsFunc(name, blankRune), " "))
	if len(original) == len(runes) {
		runes = original // with its capitals
	}
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush()
			continue
		case unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]) && unicode.IsUpper(runes[i-1])):
			flush()
		}
		if len(word) > 2 && unicode.IsDigit(r) && unicode.IsLetter(word[len(word)-1]) {
			flush() // "reference1"
		}
		word = append(word, r)
	}
	flush()
	return out
}

// singular takes the s off a word, so that "payments.id" is a payment's id.
func singular(w string) string {
	if len(w) > 3 && strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "ss") {
		return w[:len(w)-1]
	}
	return w
}

// likeness is how near a name is to an alias, from 0 to 1.
func likeness(name []string, p phrase) float64 {
	joined := strings.Join(name, "")
	switch {
	case joined == "" || p.joined == "":
		return 0
	case joined == p.joined:
		return 1
	case p.whole:
		return 0
	}
	if extra := len(name) - len(p.words); extra > 0 && len(p.words) > 0 {
		score := 0.0
		if slices.Equal(name[extra:], p.words) { // the last words say what it is
			score = 0.85
		} else if slices.Equal(name[:len(p.words)], p.words) {
			score = 0.75
		}
		if score > 0 && (utf8.RuneCountInString(p.joined) > 3 || extra == 1) {
			return max(0, score-0.08*float64(extra-1))
		}
	}
	if n := max(utf8.RuneCountInString(joined), utf8.RuneCountInString(p.joined)); n >= 5 {
		if d := distance(joined, p.joined); d*5 <= n {
			return 0.9 - float64(d)/float64(n)
		}
	}
	return 0
}

// distance is the edit distance of two texts.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 64 || len(y) > 64 {
		return 64
	}
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			change := diagonal
			if x[i] != y[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(y)]
}

// nameScore is how well a column's name fits a role.
func nameScore(header string, r Role, list []phrase) float64 {
	name := words(header)
	best, whole := 0.0, false
	for _, p := range list {
		like := likeness(name, p)
		if s := like * p.weight; s > best {
			best, whole = s, like == 1
		}
	}
	if whole {
		return best
	}
	for _, w := range name {
		if slices.ContainsFunc(strings.Fields(vetoes[r]), func(veto string) bool { return slices.Equal(words(veto), []string{w}) }) {
			return best * 0.4
		}
	}
	return best
}
