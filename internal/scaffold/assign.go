package scaffold

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/payrec/payrec/record"
)

// leastScore is what a role must be worth to be given.
const leastScore = 0.5

// A claim is a role that a column could have.
type claim struct {
	role   Role
	column int
	score  float64
}

// assignRoles gives each role to the column that fits it best, the surest
// first.
func (p *Proposal) assignRoles() {
	var claims []claim
	for _, r := range roleOrder {
		list := phrases(r)
		for i := range p.Columns {
			c := &p.Columns[i]
			if c.facts.filled == 0 {
				continue
			}
			if score := fitness(c, r, nameScore(c.Header, r, list)); score >= leastScore {
				claims = append(claims, claim{r, i, score})
			}
		}
	}
	slices.SortStableFunc(claims, func(a, b claim) int { return cmp.Compare(b.score, a.score) })
	given := map[Role]bool{}
	for _, k := range claims {
		if c := &p.Columns[k.column]; c.Role == "" && !given[k.role] {
			c.Role, c.RoleScore, given[k.role] = k.role, round(k.score), true
		}
	}
	p.reconcile()
	p.ownCurrency()
	for i := range p.Columns {
		c := &p.Columns[i]
		switch c.Role {
		case Currency:
			c.Type = "currency"
		case Reference, RefundRef, Original, Order:
			c.Type = "id" // whatever its digits look like
		case Type, Status, Side, Zone, Description, Customer, Email, Phone:
			c.Type = "text"
		}
	}
}

// reconcile takes roles back that make no sense beside others.
func (p *Proposal) reconcile() {
	drop := func(c *Column) {
		if c != nil {
			c.Role, c.RoleScore = "", 0
		}
	}
	amount, credit, debit := p.role(Amount), p.role(Credit), p.role(Debit)
	switch {
	case credit == nil || debit == nil:
		drop(credit)
		drop(debit)
	case amount == nil:
	case amount.RoleScore >= min(credit.RoleScore, debit.RoleScore):
		drop(credit)
		drop(debit)
	default:
		drop(amount)
	}
	// A file of refunds only: its amounts are the refunds'.
	if refunded := p.role(Refunded); refunded != nil && p.role(Amount) == nil && p.role(Credit) == nil {
		refunded.Role = Amount
	}
	// Without a reference of the processor's, payments go by the order's number.
	if order := p.role(Order); order != nil && p.role(Reference) == nil && 10*order.found.Filled >= 9*(order.found.Filled+order.found.Empty) {
		order.Role = Reference
	}
	p.sameShape()
	// Where a status says which rows are refunds and the type does not, it is
	// the status that tells the kinds of row apart.
	kind, status := p.role(Type), p.role(Status)
	if status != nil && !tells(kind) && tells(status) && hasKind(status, refundKind) {
		drop(kind)
		status.Role = Type
	}
}

// sameShape moves the reference to the column whose values are written like
// those by which refunds name their payments: a file may have several numbers
// for one payment, and this is the one that the processor means.
func (p *Proposal) sameShape() {
	original, reference := p.role(Original), p.role(Reference)
	if original == nil || reference == nil || original.facts.shape == "" || original.facts.shape == reference.facts.shape {
		return
	}
	for i := range p.Columns {
		c := &p.Columns[i]
		whole := c.found.Empty == 0 && c.found.Distinct == c.found.Filled && c.facts.shape == original.facts.shape
		if c.Role == "" && c.Type == "id" && whole {
			c.Role, c.RoleScore = Reference, reference.RoleScore
			reference.Role, reference.RoleScore = "", 0
			return
		}
	}
}

// fitness is a name's score times how well the values fit the role; values
// that can be nothing else count without a name.
func fitness(c *Column, r Role, name float64) float64 {
	is := func(types ...string) bool { return slices.Contains(types, c.Type) }
	f := c.facts
	few := f.distinct != nil && len(f.order) > 0
	unique := float64(c.found.Distinct) / float64(max(c.found.Filled, 1))
	switch r {
	case Amount, Credit, Debit, Fee, Net, Refunded:
		if is("money") || is("int", "number") && f.numbers > 0 {
			return name
		}
		return 0
	case Currency:
		if is("currency") || name >= 0.9 && c.holdsCurrencies() {
			return max(name, 0.55)
		}
		return 0
	case Date:
		if is("date", "datetime") {
			return max(name, 0.52)
		}
		return 0
	case Reference, RefundRef, Original, Order:
		if !is("id", "int", "text", "number") || f.withAt > f.filled/2 {
			return 0
		}
		if r == Reference { // it is there in every row, and rarely twice
			name *= 0.4 + 0.6*float64(c.found.Filled)/float64(max(c.found.Filled+c.found.Empty, 1))
			if c.found.Filled > 3 && unique < 0.5 {
				name *= 0.7
			}
		}
		if is("number") {
			return name * 0.8
		}
		return name
	case Side:
		return sideFitness(c, name)
	case Type, Status, Zone:
		if !few || is("money", "date", "datetime", "currency") {
			return 0
		}
		if r == Zone {
			return name
		}
		return kindFitness(c, r, name)
	case Email:
		if 2*f.withAt > f.filled {
			return max(name, 0.6)
		}
		return 0
	case Description, Customer, Phone:
		if is("text", "id", "int") && f.withAt <= f.filled/2 && f.numbers < f.filled || r == Phone && is("int", "id") {
			return name
		}
	}
	return 0
}

// sideFitness wants values that say credit or debit, and nothing else.
func sideFitness(c *Column, name float64) float64 {
	values := c.values()
	if len(values) == 0 || len(values) > 4 {
		return 0
	}
	credit, debit := false, false
	for _, v := range values {
		switch sideOf(v) {
		case 0:
			return 0
		case 1:
			credit = true
		default:
			debit = true
		}
	}
	if credit && debit && !says(c.Header, "card funding") { // there are credit cards
		return max(name, 0.6)
	}
	return name
}

// kindFitness lets values that read like kinds of row, or states, speak for
// their column.
func kindFitness(c *Column, r Role, name float64) float64 {
	known := 0
	for _, v := range c.values() {
		if r == Type && kindOf(v) != unknownKind || r == Status && stateOf(v) != unknownState {
			known++
		}
	}
	if known == 0 && name < 0.9 {
		return name * 0.7
	}
	if r == Type && hasKind(c, paymentKind) && hasKind(c, refundKind) {
		return max(name, 0.55)
	}
	return name
}

// findCurrencies gives every money column its currency's: the one whose name
// has most in common with its own and fewest words besides. The amount's is the
// currency of the row.
func (p *Proposal) findCurrencies() {
	for i := range p.Columns {
		if c := &p.Columns[i]; c.isMoney() {
			c.Type = "money"
			if k := p.currencyOf(c); k != nil {
				c.In = k.Name
			}
		}
	}
}

// currencyOf is the column of a money column's currency, or nil.
func (p *Proposal) currencyOf(c *Column) *Column {
	var best *Column
	most := 0
	for i := range p.Columns {
		k := &p.Columns[i]
		if k.Type != "currency" {
			continue
		}
		same, other := shared(words(c.Header), words(k.Header))
		score := 100 + 8*same - 2*other
		if k.Role == Currency {
			score++
		}
		if 2*k.found.Filled < c.found.Filled {
			score -= 50 // it leaves most amounts without one
		}
		if score > most {
			best, most = k, score
		}
	}
	return best
}

// ownCurrency moves the role to the currency that the amounts are in.
func (p *Proposal) ownCurrency() {
	amount, now := p.role(Amount), p.role(Currency)
	if amount == nil {
		amount = p.role(Credit)
	}
	if amount == nil || now == nil {
		return
	}
	// "Local Currency" beside "Gross Amount" and "Local Amount": the amount that
	// the currency is named for.
	if _, other := shared(words(amount.Header), words(now.Header)); other > 0 && amount.Role == Amount && p.currencyOf(amount) == now {
		list := phrases(Amount)
		for i := range p.Columns {
			c := &p.Columns[i]
			same, _ := shared(words(c.Header), words(now.Header))
			if c.Role == "" && c.Type == "money" && same > 0 && nameScore(c.Header, Amount, list) >= 0.8 {
				c.Role, c.RoleScore = Amount, amount.RoleScore
				amount.Role, amount.RoleScore = "", 0
				amount = c
				break
			}
		}
	}
	if k := p.currencyOf(amount); k != nil && k != now {
		k.Role, k.RoleScore = Currency, now.RoleScore
		now.Role, now.RoleScore = "", 0
	}
}

// holdsCurrencies says whether every value is the code of a currency.
func (c *Column) holdsCurrencies() bool {
	return len(c.values()) > 0 && !slices.ContainsFunc(c.values(), func(v string) bool {
		_, err := record.ParseCurrency(v)
		return err != nil
	})
}

func (c *Column) isMoney() bool {
	switch c.Role {
	case Amount, Credit, Debit, Fee, Net, Refunded:
		return true
	}
	return c.Type == "money"
}

// shared counts the words of b that a has, and those that it has not; words
// that every such name has do not count.
func shared(a, b []string) (same, other int) {
	for _, w := range b {
		switch {
		case slices.Contains(currencyWords, w):
		case slices.Contains(a, w):
			same++
		default:
			other++
		}
	}
	return same, other
}

// currencyWords say nothing about whose currency it is.
var currencyWords = []string{"currency", "amount", "transaction", "code", "in"}

// slug makes a header into a name of small letters, digits and _.
func slug(header string) string {
	var b strings.Builder
	for _, r := range strings.Join(split(header), "_") {
		switch {
		case r == '_', r >= '0' && r <= '9', r >= 'a' && r <= 'z':
			b.WriteRune(r)
		case plainLetters[r] != "":
			b.WriteString(plainLetters[r])
		case unicode.IsLetter(r):
			return "" // another script: the number says more than half a word
		}
		if b.Len() > 40 {
			break
		}
	}
	s := strings.Trim(b.String(), "_")
	if s == "" || s[0] >= '0' && s[0] <= '9' {
		return ""
	}
	return s
}

// plainLetters are letters of Latin scripts as ASCII.
var plainLetters = map[rune]string{'ä': "ae", 'ö': "oe", 'ü': "ue", 'ß': "ss", 'å': "a", 'ø': "o", 'æ': "ae", 'á': "a", 'à': "a", 'â': "a", 'ã': "a", 'é': "e",
	'è': "e", 'ê': "e", 'ë': "e", 'í': "i", 'ì': "i", 'î': "i", 'ï': "i", 'ó': "o", 'ò': "o", 'ô': "o", 'õ': "o", 'ú': "u", 'ù': "u", 'û': "u", 'ñ': "n", 'ç': "c"}

func itoa(n int) string { return strconv.Itoa(n) }

func round(x float64) float64 { return float64(int(x*100+0.5)) / 100 }
