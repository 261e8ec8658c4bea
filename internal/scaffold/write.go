package scaffold

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/payrec/payrec/internal/table"
)

// A writer collects the lines of a mapping, and the checks in it.
type writer struct {
	b      strings.Builder
	lines  int
	checks []string
}

func (w *writer) line(format string, args ...any) {
	fmt.Fprintf(&w.b, format+"\n", args...)
	w.lines++
}

// check notes that the line to come needs an answer, and returns its comment.
func (w *writer) check(format string, args ...any) string {
	text := comment(fmt.Sprintf(format, args...))
	w.checks = append(w.checks, fmt.Sprintf("line %d: %s", w.lines+1, text))
	return "# CHECK: " + text
}

// Write writes the proposal as a mapping. Checks lists afterwards what needs
// an answer, with its line.
func (p *Proposal) Write(out io.Writer) error {
	w := &writer{}
	p.head(w)
	p.input(w)
	p.columns(w)
	p.rules(w)
	p.emit(w)
	p.Checks = w.checks
	_, err := io.WriteString(out, w.b.String())
	return err
}

// mappingName is a file's name as the name of a mapping.
func mappingName(file string) string {
	name := strings.TrimSuffix(file, filepath.Ext(file))
	name = strings.ReplaceAll(slug(name), "_", "-")
	if name == "" {
		return "my-mapping"
	}
	return name
}

func (p *Proposal) head(w *writer) {
	w.line("# yaml-language-server: $schema=%s", SchemaURL)
	w.line("# Written by payrec init for %s. Everything here is a guess until you have read it: the number behind a", comment(p.File))
	w.line("# guess says how sure it is, 1.00 is certain, and CHECK marks what only you can know. Next: payrec lint, then")
	w.line("# payrec import --dry-run, then payrec explain for a row that surprises you.")
	for _, n := range p.finding.Notes {
		w.line("# Note: %s", comment(n))
	}
	w.line("payrec: mapping/v1")
	w.line("name: %s   %s", mappingName(p.File), w.check("the processor's name; mappings of the same name share their payments, so never rename it later"))
	var headers []string
	for _, r := range []Role{Reference, Date, Amount, Credit, Debit, Type, Currency} {
		if c := p.role(r); c != nil && c.Header != "" {
			headers = append(headers, c.Header)
		}
	}
	if len(headers) > 0 {
		w.line("identify:")
		w.line("  columns: %s", list2(headers))
	}
	w.line("")
	p.params(w)
}

// list2 is list, always with brackets.
func list2(values []string) string {
	if len(values) == 1 {
		return "[" + quote(values[0]) + "]"
	}
	return list(values)
}

func (p *Proposal) params(w *writer) {
	w.line("params:")
	if p.needsCurrency() {
		if code := p.signCurrency(); code != "" {
			w.line("  currency: {doc: the currency of all amounts, default: %s}   %s", code, w.check("guessed from the sign in the amounts"))
		} else {
			w.line("  currency: {doc: 'the currency of all amounts, such as EUR', required: true}   %s", w.check("the file names no currency: give it with --param currency=…, or say default: instead of required: here"))
		}
	}
	w.line("  payment_method_type: {doc: id of your custom payment method type in Stripe (cpmt_…)}")
	w.line("  display_name: {doc: how the payment method is called in Stripe, default: Imported}")
	w.line("")
}

// needsCurrency says whether some amount has no column for its currency.
func (p *Proposal) needsCurrency() bool {
	return slices.ContainsFunc(p.Columns, func(c Column) bool { return c.Type == "money" && c.In == "" })
}

// signCurrency is the currency that the amounts' signs stand for, if all
// agree.
func (p *Proposal) signCurrency() string {
	code := ""
	for i := range p.Columns {
		c := &p.Columns[i]
		for sign := range c.facts.signs {
			one := currencySigns[sign]
			if c.Type != "money" {
				continue
			}
			if one == "" || code != "" && code != one {
				return ""
			}
			code = one
		}
	}
	return code
}

func (p *Proposal) input(w *writer) {
	f, d := p.finding, p.dialect
	w.line("input:")
	w.line("  format: %s", f.Format)
	if f.Format == table.CSV {
		if f.Encoding != "" {
			w.line("  encoding: %s", quote(f.Encoding))
		}
		w.line("  delimiter: %s", character(d.Delimiter))
		switch d.Quote {
		case table.NoQuote:
			w.line("  quote: none")
		case 0, '"':
		default:
			w.line("  quote: %s", character(d.Quote))
		}
	}
	p.numbers(w)
	if d.Sheet != "" {
		w.line("  sheet: %s", quote(d.Sheet))
	}
	switch {
	case d.Records != nil:
		p.records(w, d.Records)
		if d.Header.None {
			w.line("  header: none")
		} else if len(d.Header.Find) > 0 {
			w.line("  header: {find: %s}", list2(d.Header.Find))
		}
	case d.Header.None:
		w.line("  header: none   %s", w.check("no header was found, so columns go by number"))
	case len(d.Header.Find) > 0:
		w.line("  header: {find: %s}", list2(d.Header.Find))
	default:
		w.line("  header: {row: %d}", max(f.Header.Line, 1))
	}
	if tokens := p.emptyTokens(); len(tokens) > 0 {
		w.line("  empty: %s", list2(tokens))
	}
	p.zone(w)
	w.line("")
}

// numbers writes the marks in amounts.
func (p *Proposal) numbers(w *writer) {
	mark := p.finding.Decimal
	if mark == "" {
		mark = "."
	}
	if mark == "," {
		w.line("  decimal: ','")
	}
	best, n := "", 0
	for i, name := range groupMarks {
		sum := 0
		for j := range p.Columns {
			if p.Columns[j].Type == "money" || p.Columns[j].Type == "number" {
				sum += p.Columns[j].facts.groups[i]
			}
		}
		if name != mark && sum > n {
			best, n = name, sum
		}
	}
	if n > 0 {
		w.line("  thousands: %s", quote(best))
	}
}

// emptyTokens are the texts that stand for nothing in columns of values.
func (p *Proposal) emptyTokens() []string {
	var out []string
	for i := range p.Columns {
		for token, n := range p.Columns[i].facts.empties {
			if n > 0 && p.Columns[i].Type != "text" && !slices.Contains(out, token) {
				out = append(out, token)
			}
		}
	}
	slices.Sort(out)
	return out
}

func character(r rune) string {
	switch r {
	case '\t':
		return "tab"
	case ';':
		return "semicolon"
	case '|':
		return "pipe"
	case ',', 0:
		return "comma"
	}
	return quote(string(r))
}

func (p *Proposal) records(w *writer, r *table.Records) {
	w.line("  records:   # every row says by a cell what kind of row it is")
	w.line("    column: %d", max(r.Column, 1))
	if r.Header != "" {
		w.line("    header: %s", quote(r.Header))
	}
	w.line("    body: %s", list2(r.Body))
	for _, part := range []struct {
		key   string
		kinds []string
	}{{"totals", r.Totals}, {"context", r.Context}, {"ignore", r.Ignore}} {
		if len(part.kinds) > 0 {
			w.line("    %s: %s", part.key, list2(part.kinds))
		}
	}
}

// zoneLabels are what labels of time zones usually mean in reports.
var zoneLabels = map[string]string{"UTC": "UTC", "GMT": "Europe/London", "BST": "Europe/London", "CET": "Europe/Paris", "CEST": "Europe/Paris", "EET": "Europe/Helsinki",
	"EST": "America/New_York", "EDT": "America/New_York", "CST": "America/Chicago", "CDT": "America/Chicago", "MST": "America/Denver", "MDT": "America/Denver",
	"PST": "America/Los_Angeles", "PDT": "America/Los_Angeles", "JST": "Asia/Tokyo", "AEST": "Australia/Sydney", "AEDT": "Australia/Sydney", "SGT": "Asia/Singapore"}

func (p *Proposal) zone(w *writer) {
	if c := p.role(Zone); c != nil && c.Header != "" && c.Occurrence == 0 {
		var pairs []string
		unknown := false
		for _, label := range c.values() {
			zone := zoneLabels[strings.ToUpper(label)]
			if zone == "" {
				if strings.Contains(label, "/") {
					continue // an IANA name needs no entry
				}
				zone, unknown = "UTC", true
			}
			pairs = append(pairs, quote(label)+": "+zone)
		}
		text := "a label is taken for a place's clock, summer time included"
		if unknown {
			text = "a label that nobody knows was set to UTC: write the IANA name that it stands for"
		}
		note := w.check("%s", text)
		w.line("  timezone: {from: %s, names: {%s}}   %s", quote(c.Header), strings.Join(pairs, ", "), note)
		return
	}
	for i := range p.Columns {
		c := &p.Columns[i]
		if (c.Type != "date" && c.Type != "datetime") || zoned(c.Format) {
			continue
		}
		if says(c.Header, "utc gmt") || strings.HasSuffix(c.Format, " UTC") {
			w.line("  timezone: UTC   # so says the column %s", comment(quote(c.Header)))
		} else {
			w.line("  timezone: UTC   %s", w.check("in which zone are the times? An IANA name such as Europe/Berlin"))
		}
		return
	}
}

// zoned says whether times of the format know their own offset.
func zoned(format string) bool {
	return strings.Contains(format, "%z") || format == "unix" || format == "unix_ms" || format == "iso8601"
}
