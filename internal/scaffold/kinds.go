package scaffold

import (
	"slices"
	"strings"
)

// kind is what a value of a type column says a row is.
type kind uint8

const (
	unknownKind kind = iota
	paymentKind
	refundKind
	feeKind
	payoutKind
	disputeKind
)

// kindWords are words of type columns. Chinese and Japanese ones are looked for
// anywhere in the value.
var kindWords = map[kind]string{
	disputeKind: "chargeback chargebacks dispute disputed reversal reversed retrieval representment inquiry claim rückbuchung contracargo litige rétrofacturation 拒付",
	refundKind:  "refund refunded refunds return returned rückzahlung erstattung reembolso devolución remboursement refundering tilbakebetaling retur återbetalning terugbetaling rimborso 退款 返金",
	feeKind:     "fee fees commission costs deduction gebühr gebühren gebyr avgift frais comisión tarifa tax kosten 手续费 服务费 手数料",
	payoutKind:  "payout payouts transfer withdrawal disbursement withdraw auszahlung abbuchung utbetaling utbetalning retiro virement uitbetaling merchantpayout 提现 出金",
	paymentKind: "payment payments sale sales charge capture captured settled purchase order donation checkout received collected authcap zahlung verkauf einkauf venta pago compra paiement vente achat salg betaling betalning köp verkoop vendita pagamento 支付 消费 支払い 在线支付",
}

// kindOf reads a value of a type column. A value that says two things, such
// as a refund of a fee, is for a person.
func kindOf(value string) kind {
	var found []kind
	for _, k := range []kind{disputeKind, refundKind, feeKind, payoutKind, paymentKind} {
		if says(value, kindWords[k]) {
			found = append(found, k)
		}
	}
	switch {
	case len(found) == 0:
		return unknownKind
	case found[0] == disputeKind, len(found) == 1:
		return found[0]
	case len(found) == 2 && found[1] == paymentKind && found[0] != payoutKind: // "payment refund", "payment fee"
		return found[0]
	}
	return unknownKind
}

// says whether a value has one of the words.
func says(value, list string) bool {
	has := split(value)
	for w := range strings.FieldsSeq(list) {
		if slices.Contains(has, w) || w[0] >= 0x80 && !isLatin(w) && strings.Contains(value, w) {
			return true
		}
	}
	return false
}

func isLatin(w string) bool {
	for _, r := range w {
		if r > 0x24f {
			return false
		}
	}
	return true
}

// state is what a value of a status column says became of a row.
type state uint8

const (
	unknownState state = iota
	finalState
	failedState
	openState
)

var stateWords = map[state]string{
	failedState: "failed failure declined denied refused rejected canceled cancelled cancelado expired voided void error abgelehnt storniert fallido rechazado échoué annulé 关闭 失败 closed",
	openState:   "pending open processing authorized authorised hold held created initiated unclaimed ausstehend offen pendiente attente 等待 处理中",
	finalState:  "completed complete succeeded success successful settled paid captured cleared processed approved done ok available abgeschlossen bezahlt completado pagado terminé effectué aprobado 成功 完成",
}

// stateOf reads a value of a status column; the worst word decides.
func stateOf(value string) state {
	for _, s := range []state{failedState, openState, finalState} {
		if says(value, stateWords[s]) {
			return s
		}
	}
	return unknownState
}

// sideOf is 1 for a value that says credit, -1 for debit, 0 for anything else.
func sideOf(value string) int {
	switch strings.ToLower(strings.Trim(value, ". ")) {
	case "c", "cr", "credit", "cred", "h", "haben", "+", "in", "incoming", "kredit", "crédit", "crédito", "收入", "memo credit":
		return 1
	case "d", "dr", "dt", "debit", "deb", "s", "soll", "-", "out", "outgoing", "debet", "débit", "débito", "支出", "memo debit":
		return -1
	}
	return 0
}

// tells says whether a column's values tell kinds of row apart.
func tells(c *Column) bool {
	return slices.ContainsFunc(c.values(), func(v string) bool { return kindOf(v) != unknownKind })
}

func hasKind(c *Column, k kind) bool {
	return slices.ContainsFunc(c.values(), func(v string) bool { return kindOf(v) == k })
}

// A rule is a proposed rule of the mapping.
type rule struct {
	is      string
	match   []condition
	when    string
	fate    string // "", or ignore, hold
	reason  string
	comment string
}

// A condition is one column of a match, by its name, and the values.
type condition struct {
	column string
	values []string
}

// classes are the rules, and which of the calls they lead to.
type classes struct {
	rules            []rule
	payments, refund bool
}

// classify makes the rules out of the distinct values of type, status and
// side, or out of the amount's sign.
func (p *Proposal) classify() classes {
	var out classes
	if !p.complete() {
		out.rules = []rule{{is: "undecided", fate: "hold", reason: "decide: the mapping does not say yet what such a row is"}}
		return out
	}
	final := p.statusRules(&out)
	if c := p.role(Type); c != nil && len(c.values()) > 0 {
		p.typeRules(&out, c, final)
		p.openEnds(&out, final)
		return out
	}
	if c := p.role(Side); c != nil {
		p.sideRules(&out, c, final)
		p.openEnds(&out, final)
		return out
	}
	if p.refundsOnly() {
		out.refund = true
		out.rules = append(out.rules, rule{is: "refund", match: final})
		p.openEnds(&out, final)
		return out
	}
	out.payments = true
	r := rule{is: "payment", match: final, when: p.amount() + " > 0"}
	if c := p.role(Original); c != nil {
		out.refund = true
		r.match = append(slices.Clone(final), condition{c.Name, []string{""}})
		out.rules = append(out.rules, r, rule{is: "refund", match: final, when: p.amount() + " < 0"})
	} else {
		out.rules = append(out.rules, r)
	}
	out.rules = append(out.rules, rule{is: "undecided", match: final, fate: "hold", reason: "decide: a refund, a fee, or money paid out?"})
	p.openEnds(&out, final)
	return out
}

// complete says whether calls can be made: there is what they all need.
func (p *Proposal) complete() bool {
	return p.role(Reference) != nil && p.role(Date) != nil && (p.role(Amount) != nil || p.role(Credit) != nil)
}

// refundsOnly says whether the amount column is one of refunds.
func (p *Proposal) refundsOnly() bool {
	c := p.role(Amount)
	return c != nil && slices.ContainsFunc(words(c.Header), func(w string) bool { return w == "refund" || w == "refunded" })
}

// amount is the expression for the row's amount: a column or a let.
func (p *Proposal) amount() string {
	if c := p.role(Amount); c != nil {
		return c.Name
	}
	return "amount"
}

// statusRules hold what is not final and return the condition for what is.
func (p *Proposal) statusRules(out *classes) []condition {
	c := p.role(Status)
	if len(c.values()) == 0 {
		return nil
	}
	by := map[state][]string{}
	for _, v := range c.values() {
		by[stateOf(v)] = append(by[stateOf(v)], v)
	}
	if len(by[finalState]) == 0 {
		return nil // it speaks of something else
	}
	for _, s := range []struct {
		state      state
		is, reason string
	}{
		{failedState, "failed", "decide: leave it out with ignore:, or report it with outcome: failed"},
		{openState, "not final", "decide: it is not final, and perhaps comes again when it is"},
		{unknownState, "undecided status", "decide: is such a row final?"},
	} {
		if values := by[s.state]; len(values) > 0 {
			out.rules = append(out.rules, rule{is: s.is, match: []condition{{c.Name, values}}, fate: "hold", reason: s.reason})
		}
	}
	return []condition{{c.Name, by[finalState]}}
}

// typeRules give every distinct value of the type column a class.
func (p *Proposal) typeRules(out *classes, c *Column, final []condition) {
	by := map[kind][]string{}
	for _, v := range c.values() {
		by[kindOf(v)] = append(by[kindOf(v)], v)
	}
	add := func(k kind, r rule, final []condition) bool {
		if len(by[k]) == 0 {
			return false
		}
		r.match = append([]condition{{c.Name, by[k]}}, final...)
		out.rules = append(out.rules, r)
		return true
	}
	// A payment that a person sent, or took back, is of the same type.
	out.payments = add(paymentKind, rule{is: "payment", when: p.amount() + " > 0"}, final)
	add(paymentKind, rule{is: "money the other way", fate: "hold", reason: "decide: sent, taken back, or nothing"}, final)
	out.refund = add(refundKind, rule{is: "refund"}, final)
	add(disputeKind, rule{is: "chargeback or reversal", fate: "hold", reason: "decide: Stripe has no call for a dispute"}, nil)
	add(feeKind, rule{is: "fee", fate: "ignore", reason: "a fee of the account", comment: "are these fees of the account, with no payment of their own?"}, nil)
	add(payoutKind, rule{is: "payout", fate: "ignore", reason: "money moved between your own accounts", comment: "is this money moved between your own accounts?"}, nil)
	if values := by[unknownKind]; len(values) > 0 {
		out.rules = append(out.rules, rule{is: "undecided", match: []condition{{c.Name, values}}, fate: "hold", reason: "decide: what are rows of this type?", comment: "sort these values into rules, payment and refund first"})
	}
	if c.facts.filled < int(p.finding.Rows) {
		out.rules = append(out.rules, rule{is: "no type", match: []condition{{c.Name, []string{""}}}, fate: "hold", reason: "decide: the row has no type", comment: "what are rows without a type?"})
	}
}

// openEnds holds rows without a status, which the rules for final ones leave.
func (p *Proposal) openEnds(out *classes, final []condition) {
	if c := p.role(Status); len(final) > 0 && c.facts.filled < int(p.finding.Rows) {
		out.rules = append(out.rules, rule{is: "no status", match: []condition{{c.Name, []string{""}}}, fate: "hold", reason: "decide: is a row without a status final?"})
	}
}

// sideRules take credits for payments and hold debits.
func (p *Proposal) sideRules(out *classes, c *Column, final []condition) {
	var credit, debit []string
	for _, v := range c.values() {
		if sideOf(v) > 0 {
			credit = append(credit, v)
		} else {
			debit = append(debit, v)
		}
	}
	if len(credit) > 0 {
		out.payments = true
		out.rules = append(out.rules, rule{is: "payment", match: append([]condition{{c.Name, credit}}, final...), comment: "is all money that came in a payment?"})
	}
	if len(debit) > 0 {
		out.rules = append(out.rules, rule{is: "undecided", match: append([]condition{{c.Name, debit}}, final...), fate: "hold", reason: "decide: a refund, a fee, or money paid out?"})
	}
}
