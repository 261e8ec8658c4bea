package scaffold

import (
	"fmt"
	"slices"
	"strings"
)

// columns writes the columns that the calls need, then the others as comments:
// a column that nothing reads should not have to be there.
func (p *Proposal) columns(w *writer) {
	w.line("# Name in this mapping: {from: header, type}   # how sure the type is, what the column is for, how full, samples")
	if len(p.Columns) == 0 {
		w.line("columns: {}   %s", w.check("the file shows no columns"))
		w.line("")
		return
	}
	w.line("columns:")
	var rest []*Column
	for i := range p.Columns {
		c := &p.Columns[i]
		if c.Role == "" || c.Role == Zone {
			if !p.holdsCurrency(c) {
				rest = append(rest, c)
				continue
			}
		}
		p.doubts(w, c)
		w.line("  %s   # %s", p.declaration(c, c.Format), c.remark())
		if c.Other != "" {
			w.line("  # or: %s", p.declaration(c, c.Other))
		}
	}
	if len(rest) == len(p.Columns) && len(rest) > 0 { // a map needs a key
		w.line("  %s   # %s", p.declaration(rest[0], rest[0].Format), rest[0].remark())
		rest = rest[1:]
	}
	if len(rest) > 0 {
		w.line("  # Not used so far. Take the # away from what you need:")
	}
	for _, c := range rest {
		w.line("  # %s   # %s", p.declaration(c, c.Format), c.remark())
	}
	if p.role(Amount) == nil && p.role(Credit) != nil {
		w.line("")
		w.line("let:")
		w.line("  amount: =abs(%s) - abs(%s)", p.role(Credit).Name, p.role(Debit).Name)
	}
	w.line("")
}

// holdsCurrency says whether a column that is written out needs this one.
func (p *Proposal) holdsCurrency(c *Column) bool {
	return c.Type == "currency" && slices.ContainsFunc(p.Columns, func(o Column) bool { return o.Role != "" && o.In == c.Name && o.Type == "money" })
}

// doubts writes what is to be checked about a column, above it.
func (p *Proposal) doubts(w *writer, c *Column) {
	if c.Other != "" {
		w.line("  %s", w.check("the dates of %s can be read both ways: choose %s or %s", quote(c.Header), c.Format, c.Other))
	}
	if c.Label {
		w.line("  %s", w.check("behind the times of %s stands a zone's label, which is cut off here: one zone must do for all rows", quote(c.Header)))
	}
	for _, warning := range c.found.Warnings {
		if strings.HasPrefix(warning, "whole numbers only") {
			w.line("  %s", w.check("%s has whole numbers only: if it counts in cents, add unit: minor", quote(c.Header)))
		}
	}
}

// declaration is "name: {from: Header, type: money, in: ccy}".
func (p *Proposal) declaration(c *Column, format string) string {
	var parts []string
	add := func(key, value string) { parts = append(parts, key+": "+value) }
	if c.Header != "" {
		add("from", quote(c.Header))
	} else {
		add("from", itoa(c.Cell))
	}
	if c.Occurrence > 0 {
		add("occurrence", itoa(c.Occurrence))
	}
	if c.Type != "text" {
		add("type", c.Type)
	}
	switch c.Type {
	case "money":
		if c.In != "" {
			add("in", c.In)
		} else {
			add("in", "=params.currency")
		}
		if c.Role == Credit || c.Role == Debit || c.Role == Fee || c.Role == Net {
			add("default", "0")
		}
	case "date", "datetime":
		add("format", quote(format))
		if !zoned(format) && !p.statesZone() {
			add("timezone", "UTC")
		}
		if c.Label {
			add("extract", `'^(.+) \S+$'`)
		}
	}
	if strip := c.strip(); len(strip) > 0 {
		add("strip", list2(strip))
	}
	if c.Role == "" && slices.ContainsFunc(c.found.Warnings, func(w string) bool { return strings.Contains(w, "card numbers") }) {
		add("sensitive", "true")
	}
	return c.Name + ": {" + strings.Join(parts, ", ") + "}"
}

// statesZone says whether the mapping's input names a zone.
func (p *Proposal) statesZone() bool {
	if c := p.role(Zone); c != nil && c.Header != "" && c.Occurrence == 0 {
		return true
	}
	return slices.ContainsFunc(p.Columns, func(c Column) bool { return (c.Type == "date" || c.Type == "datetime") && !zoned(c.Format) })
}

// strip is what has to be taken off the cells: a mark in front of every one,
// signs and percent signs of numbers.
func (c *Column) strip() []string {
	var out []string
	if mark, n := most(c.facts.leading); 10*n >= 9*c.facts.filled && n > 0 {
		out = append(out, mark)
	}
	switch c.Type {
	case "money":
		out = append(out, sortedKeys(c.facts.signs)...)
	case "number":
		if slices.ContainsFunc(c.found.Samples, func(s string) bool { return strings.Contains(s, "%") }) {
			out = append(out, "%")
		}
	}
	return out
}

func sortedKeys(m map[string]int) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// remark says why the column is declared as it is.
func (c *Column) remark() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%.2f", c.Confidence)
	if c.Role != "" {
		fmt.Fprintf(&b, ", %s %.2f", strings.ReplaceAll(string(c.Role), "_", " "), c.RoleScore)
	}
	f := c.found
	distinct := fmt.Sprint(f.Distinct)
	if f.DistinctAtLeast {
		distinct += " or more"
	}
	fmt.Fprintf(&b, "; %d of %d filled, %s distinct", f.Filled, f.Filled+f.Empty, distinct)
	if len(f.Samples) > 0 {
		b.WriteString(": " + strings.Join(f.Samples, " · "))
	}
	for _, warning := range f.Warnings {
		if !strings.HasPrefix(warning, "ambiguous dates") {
			b.WriteString("; " + warning)
		}
	}
	return comment(b.String())
}

func (p *Proposal) rules(w *writer) {
	w.line("rows:   # the first rule that matches decides; hold keeps a row for a person")
	for _, r := range p.classes.rules {
		parts := []string{"is: " + quote(r.is)}
		var match []string
		for _, m := range r.match {
			match = append(match, m.column+": "+list(m.values))
		}
		if len(match) > 0 {
			parts = append(parts, "match: {"+strings.Join(match, ", ")+"}")
		}
		if r.when != "" {
			parts = append(parts, "when: "+r.when)
		}
		if r.fate != "" {
			parts = append(parts, r.fate+": "+quote(r.reason))
		}
		line := "  - {" + strings.Join(parts, ", ") + "}"
		if r.comment != "" {
			line += "   " + w.check("%s", r.comment)
		}
		w.line("%s", line)
	}
	w.line("")
}

// emit writes the payment's key and the calls; what cannot be said yet stands
// there as comments.
func (p *Proposal) emit(w *writer) {
	ref := p.role(Reference)
	if ref == nil {
		w.line("payment: {key: =line}   %s", w.check("which column tells payments apart? No reference was found, so every row is held"))
	} else {
		p.key(w, ref)
	}
	w.line("")
	if p.role(Amount) != nil || p.role(Credit) != nil {
		w.line("total: =%s   # of a row: what the summary adds up per class", p.amount())
		w.line("")
	}
	if !p.classes.payments && !p.classes.refund {
		if p.complete() {
			w.line("emit: []   %s", w.check("no rule says payment or refund yet; then these calls are to be made:"))
		} else {
			w.line("emit: []   %s", w.check("calls need %s; once the columns say so, these are to be made:", strings.Join(p.missing(), " and ")))
		}
		inner := &writer{}
		p.payment(inner)
		for line := range strings.Lines(inner.b.String()) {
			w.line("# %s", strings.TrimRight(line, "\n"))
		}
		return
	}
	w.line("emit:")
	if p.classes.payments {
		p.payment(w)
	}
	if p.classes.refund {
		p.refund(w)
	}
}

func (p *Proposal) missing() []string {
	var out []string
	for _, r := range []struct {
		has  bool
		name string
	}{{p.role(Reference) != nil, "a reference"}, {p.role(Amount) != nil || p.role(Credit) != nil, "an amount"}, {p.role(Date) != nil, "a date"}} {
		if !r.has {
			out = append(out, r.name)
		}
	}
	return out
}

// key writes which rows are one payment.
func (p *Proposal) key(w *writer, ref *Column) {
	order := ""
	if c := p.role(Date); c != nil {
		order = ", order: =" + c.Name
	}
	original := p.role(Original)
	switch {
	case original != nil && p.classes.refund && p.classes.payments:
		w.line(`payment: {key: '=is == "refund" ? coalesce(%s, %s) : %s'%s}`, original.Name, ref.Name, ref.Name, order)
	case original != nil && p.classes.refund:
		w.line("payment: {key: =%s%s}", original.Name, order)
	case p.classes.refund && p.role(RefundRef) == nil:
		w.line("payment: {key: =%s%s}   %s", ref.Name, order, w.check("no column was found by which a refund names its payment: do both have the same %s?", quote(ref.Header)))
	default:
		w.line("payment: {key: =%s%s}", ref.Name, order)
	}
}

// nameOf is the name of the column with the role, or a word to replace.
func (p *Proposal) nameOf(r Role) string {
	if c := p.role(r); c != nil {
		return c.Name
	}
	return strings.ToUpper(string(r))
}

func (p *Proposal) payment(w *writer) {
	w.line("  - on: payment")
	w.line("    call: report_payment")
	w.line("    id: =%s", p.nameOf(Reference))
	p.feeAndNet(w)
	w.line("    set:")
	if p.role(Amount) != nil || p.role(Credit) != nil {
		w.line("      amount_requested: =%s", p.amount())
	} else {
		w.line("      amount_requested: =AMOUNT")
	}
	w.line("      paid_at: =%s", p.nameOf(Date))
	w.line("      reference: =%s", p.nameOf(Reference))
	w.line("      method: {type: =params.payment_method_type, name: =params.display_name}")
	if c := p.role(Description); c != nil {
		w.line("      description: =%s", c.Name)
	}
	var customer []string
	for _, r := range []struct {
		role  Role
		field string
	}{{Customer, "name"}, {Email, "email"}, {Phone, "phone"}} {
		if c := p.role(r.role); c != nil {
			customer = append(customer, r.field+": ="+c.Name)
		}
	}
	if len(customer) > 0 {
		w.line("      customer_details: {%s}", strings.Join(customer, ", "))
	}
	p.metadata(w)
}

func (p *Proposal) metadata(w *writer) {
	if c := p.role(Order); c != nil {
		w.line("      metadata: {order: =%s}", c.Name)
	}
}

// feeAndNet writes both; a fee is positive when the processor took it.
func (p *Proposal) feeAndNet(w *writer) {
	if c := p.role(Fee); c != nil {
		if n := p.feeColumns(); n > 1 {
			w.line("    %s", w.check("%d columns speak of fees, and only %s is taken; if several count, add them up under let", n, quote(c.Header)))
		}
		if c.facts.negative > c.facts.positive {
			w.line("    fee: =-%s", c.Name)
		} else {
			w.line("    fee: =%s", c.Name)
		}
	}
	if c := p.role(Net); c != nil {
		w.line("    net: =%s", c.Name)
	}
}

// feeColumns counts the columns that hold fees by their names.
func (p *Proposal) feeColumns() int {
	n := 0
	for i := range p.Columns {
		if c := &p.Columns[i]; c.Type == "money" && says(c.Header, kindWords[feeKind]) && c.facts.numbers > 0 {
			n++
		}
	}
	return n
}

func (p *Proposal) refund(w *writer) {
	id := p.nameOf(Reference)
	if own := p.role(RefundRef); own != nil {
		id = "coalesce(" + own.Name + ", " + id + ")"
	}
	w.line("  - on: refund")
	w.line("    call: report_refund")
	w.line("    id: =%s", id)
	w.line("    needs: report_payment")
	p.feeAndNet(w)
	w.line("    set:")
	w.line("      amount: =abs(%s)", p.amount())
	w.line("      refunded_at: =%s", p.nameOf(Date))
	w.line("      reference: =%s", id)
	p.metadata(w)
}
