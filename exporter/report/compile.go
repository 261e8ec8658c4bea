package report

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/payrec/payrec/exporter"
	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/internal/yamltree"
)

// version is the only one there is, and what every report begins with.
const version = "report/v1"

// The keys of the maps of the language; see schema.go for what they are for.
var (
	topKeys     = []string{"payrec", "name", "title", "doc", "source", "params", "period", "lookups", "where", "let", "refuse", "text", "split", "sheets"}
	paramKeys   = []string{"doc", "required", "default", "values", "pattern"}
	periodKeys  = []string{"by", "zone", "settled_at", "required"}
	lookupKeys  = []string{"map", "missing", "doc"}
	refusalKeys = []string{"when", "because"}
	splitKeys   = []string{"rows", "bytes", "by"}
)

// A compiler compiles one report.
type compiler struct {
	yamltree.Collector
	options Options
	lint    bool

	r         *Report
	params    map[string]expression.Value
	open      []name // lint: params that are required but not given, which stand for any text
	constants map[string]map[string]expression.Value
	tables    map[string]*expression.Lookup
	names     *names // of a payment, with the report's lets
	where     []*program
	refuse    []refusal
}

// A refusal is a condition under which the report must not be made.
type refusal struct {
	when    *program
	because string
}

// report compiles a whole report in the order of work.
func (c *compiler) report(root *node) *Report {
	c.r = &Report{}
	c.Keys(root, "a report", topKeys...)
	if v := root.Get("payrec"); v == nil {
		c.At(root, "add the line payrec: "+version, `the key "payrec" is missing`)
	} else if s, ok := c.Text(v); ok && s != version {
		c.At(v, "this program understands payrec: "+version, "unknown version %q", s)
	}
	if c.r.name = c.OptionalText(root, "name"); c.r.name == "" {
		c.At(root, "say name: my-report", "the report has no name")
	}
	c.r.title = c.OptionalText(root, "title")
	c.OptionalText(root, "doc")
	c.Texts(root.Get("source"))
	c.readParams(root)
	c.period(root.Get("period"))
	c.lookups(root.Get("lookups"))
	c.names = &names{nodes: map[string]*node{}}
	c.names.fixed(paymentNames())
	c.names.fixed(c.open)
	for _, key := range metadataKeys(root) {
		c.names.fixed([]name{metadataName(key)})
	}
	c.lets(c.names, root.Get("let"))
	if p := c.condition(c.names, root.Get("where")); p != nil {
		c.where = []*program{p}
	}
	c.refuse = c.refusals(c.names, root.Get("refuse"))
	c.r.base = &sheet{names: c.names, where: c.where, scope: expression.NewScope(c.names.list, c.tables, c.constants)}
	c.r.base.needed = c.names.needed(c.r.base.programs())
	c.textForm(root.Get("text"))
	c.split(root.Get("split"))
	c.sheets(root)
	return c.r
}

// readParams takes the values given for the declared params.
func (c *compiler) readParams(root *node) {
	n := root.Get("params")
	c.params = map[string]expression.Value{}
	for _, p := range c.Params(n, paramKeys...) {
		if err := expression.CheckName(p.Name); err != nil {
			c.At(p.At, "", "%v", err)
		}
		given := cmp.Or(c.options.Params[p.Name], c.options.Defaults[p.Name], p.Default)
		switch {
		case !p.Required || given != "":
		case c.lint:
			c.open = append(c.open, text(expression.MemberName("params", p.Name), "", func(*item) string { return "" }))
		default:
			c.Missing(p)
		}
		c.Allow(p, given)
		c.pattern(p, given)
		c.params[p.Name] = expression.TextOf(given)
	}
	if n == nil {
		n = root
	}
	yamltree.Undeclared(&c.Collector, n, c.options.Params, c.params)
}

// pattern holds a param's value against the regular expression of its whole.
func (c *compiler) pattern(p yamltree.Param, given string) {
	src := c.OptionalText(p.Decl, "pattern")
	if src == "" {
		return
	}
	if _, err := regexp.Compile(src); err != nil {
		c.At(p.Decl.Get("pattern"), "", "the pattern cannot be read: %v", err)
		return
	}
	re, err := regexp.Compile(`\A(?:` + src + `)\z`)
	if err == nil && given != "" && !re.MatchString(given) {
		c.At(p.At, p.Doc, "the param %q is %q, which is not of the form %s", p.Name, given, src)
	}
}

// period reads the report's, lets whoever loads it have the last word, and
// declares its values.
func (c *compiler) period(n *node) {
	p := exporter.Period{By: exporter.ByPaid, Zone: time.UTC, SettledKey: exporter.SettledKey}
	if n != nil && c.Keys(n, "period", periodKeys...) {
		p.By = c.Choice(n.Get("by"), exporter.ByPaid, exporter.ByPaid, exporter.ByReported, exporter.BySettled, exporter.ByRefunded)
		if s := c.OptionalText(n, "settled_at"); s != "" {
			p.SettledKey = s
		}
		if at := n.Get("zone"); at != nil {
			p.Zone = c.zone(at)
		} else {
			p.Zone = nil // whoever loads it knows a better one than UTC
		}
	} else {
		p.Zone = nil
	}
	if c.options.Period != nil {
		asked, err := c.options.Period(p)
		if err != nil {
			at := n
			if at == nil {
				at = &node{}
			}
			c.At(at, "", "%v", err)
		}
		p = asked
	}
	if p.Zone == nil {
		p.Zone = time.UTC
	}
	standIn := c.lint && p.From.IsZero()
	if at := n.Get("required"); at != nil && c.Yes(at) && !c.lint && (p.From.IsZero() || p.To.IsZero()) {
		c.At(at, "give --month 2026-06, or --from and --to", "the report needs a period with a beginning and an end")
		standIn = true // so that nothing else is wrong for the same reason
	}
	if standIn { // so that what needs a period can be checked
		p.From, p.To = time.Date(2026, 1, 1, 0, 0, 0, 0, p.Zone), time.Date(2026, 2, 1, 0, 0, 0, 0, p.Zone)
	}
	c.r.period = p
	bound := func(t time.Time) expression.Value {
		if t.IsZero() {
			return expression.EmptyOf(expression.Time)
		}
		return expression.TimeOf(t.In(p.Zone))
	}
	last := expression.EmptyOf(expression.Time)
	if !p.To.IsZero() {
		last = expression.TimeOf(p.To.In(p.Zone).Add(-time.Second))
	}
	c.constants = map[string]map[string]expression.Value{"params": c.params, "period": {
		"from": bound(p.From), "to": bound(p.To), "last": last,
		"zone": expression.TextOf(p.Zone.String()), "by": expression.TextOf(p.By),
	}}
}

// lookups reads tables of texts; a value may be a param.
func (c *compiler) lookups(n *node) {
	c.tables = map[string]*expression.Lookup{}
	policies := map[string]expression.MissingPolicy{"error": expression.MissingError, "pass": expression.MissingPass, "empty": expression.MissingEmpty}
	c.Pairs(n, "lookups", func(name, decl *node) {
		if !c.Keys(decl, fmt.Sprintf("lookup %q", name.Text), lookupKeys...) {
			return
		}
		if decl.Get("map") == nil {
			c.At(decl, "say map: {key: value}", "the lookup %q has no entries", name.Text)
		}
		entries := map[string]string{}
		c.Pairs(decl.Get("map"), "map", func(key, at *node) {
			v, ok := c.constant(at)
			if ok && v.Kind() != expression.Text {
				c.At(at, "text(x) makes text of anything", "an entry is text, not %s", v.Kind())
			}
			entries[key.Text] = v.Text()
		})
		c.OptionalText(decl, "doc")
		c.tables[name.Text] = expression.NewLookup(entries, policies[c.Choice(decl.Get("missing"), "error", "error", "pass", "empty")])
	})
}

// zone reads the name of a time zone; a param may say it.
func (c *compiler) zone(at *node) *time.Location {
	s, ok := c.Text(at)
	if !ok {
		return time.UTC
	}
	if param, found := strings.CutPrefix(s, "=params."); found {
		if s = c.params[param].Text(); s == "" {
			if _, known := c.params[param]; !known {
				c.At(at, yamltree.DidYouMeanOr(param, slices.Sorted(maps.Keys(c.params))), "unknown param %q", param)
			}
			return time.UTC
		}
	}
	loc, err := time.LoadLocation(s)
	if err != nil || s == "" || s == "Local" {
		c.At(at, "write an IANA name such as Europe/Berlin, or UTC", "%q is no time zone", s)
		return time.UTC
	}
	return loc
}

func (c *compiler) lets(n *names, at *node) {
	c.Pairs(at, "let", func(key, value *node) {
		p := c.expression(n, value)
		kind := expression.Text // so that uses of a broken let are no faults of their own
		if p != nil {
			kind = p.Kind()
		}
		if err := expression.CheckName(key.Text); err != nil {
			c.At(key, "", "%v", err)
		}
		if first := n.nodes[key.Text]; first != nil {
			c.At(key, "choose another name", "%q is already the name of a value, declared on line %d", key.Text, first.Line)
		} else if n.has(key.Text) || slices.Contains([]string{"params", "period", "metadata", "count"}, key.Text) {
			c.At(key, "choose another name", "%q already has a meaning in expressions", key.Text)
		}
		n.nodes[key.Text] = key
		n.list = append(n.list, expression.Name{Name: key.Text, Kind: kind})
		n.gets = append(n.gets, nil)
		n.lets = append(n.lets, p)
	})
}

func (c *compiler) refusals(n *names, at *node) (all []refusal) {
	c.Each(at, "refuse", func(item *node) {
		if !c.Keys(item, "an entry of refuse", refusalKeys...) {
			return
		}
		r := refusal{c.condition(n, item.Get("when")), c.OptionalText(item, "because")}
		if item.Get("when") == nil || r.because == "" {
			c.At(item, "write {when: =currency != \"EUR\", because: the bank account is in euros}", "an entry of refuse needs when and because")
		}
		if r.when != nil {
			all = append(all, r)
		}
	})
	return all
}

// A split says how files are cut.
type split struct {
	rows  int   // at most in one file or sheet; 0: any number
	bytes int   // at most in one file of text; 0: any number
	at    *node // of `by`, which each sheet compiles in its own scope
	head  int   // bytes of what stands above the lines
}

func (c *compiler) split(n *node) {
	if n == nil || !c.Keys(n, "split", splitKeys...) {
		return
	}
	if at := n.Get("rows"); at != nil {
		c.r.split.rows, _ = c.Whole(at, 1, 10_000_000)
	}
	if at := n.Get("bytes"); at != nil {
		c.r.split.bytes, _ = c.Whole(at, 1000, 1_000_000_000)
	}
	c.r.split.at = n.Get("by")
	if c.r.split.rows == 0 && c.r.split.bytes == 0 && c.r.split.at == nil {
		c.At(n, "say rows: 1000 or by: =currency", "split does not say how")
	}
}

func (c *compiler) sheets(root *node) {
	n := root.Get("sheets")
	if n == nil || n.Kind == yamltree.List && len(n.Items) == 0 {
		c.At(root, "say sheets: [{each: payment, columns: […]}]", "the report has no sheets")
		return
	}
	seen := map[string]*node{}
	c.Each(n, "sheets", func(item *node) {
		s := c.sheet(item)
		if s == nil {
			return
		}
		key := strings.ToLower(s.name)
		if first := seen[key]; first != nil {
			c.At(item, "choose another name", "the sheet %q stands twice, first on line %d", s.name, first.Line)
		}
		seen[key] = item
		c.r.sheets = append(c.r.sheets, s)
	})
	if len(seen) > maxSheets {
		c.At(n, "", "the report has more than %d sheets", maxSheets)
	}
	c.checkSheets(n)
}

// maxSheets is more than anybody looks at.
const maxSheets = 50

// checkSheets looks at the sheets together.
func (c *compiler) checkSheets(n *node) {
	var payments, moves bool
	for _, s := range c.r.sheets {
		moves = moves || s.moves()
		if s.builtin == "control" && !payments {
			c.At(n, "put {builtin: payments} before it", "the builtin control holds the account against the builtin payments, which does not stand before it")
		}
		payments = payments || s.builtin == "payments"
	}
	if moves && c.r.WorkbookOnly() {
		c.At(n, "make two reports of it", "builtin sheets show the payments of the period, but movements need those of other periods as well")
	}
	if by := c.r.period.By; moves && by != exporter.ByPaid && by != exporter.ByRefunded {
		c.At(n, "say by: paid", "a movement is dated by when the money moved; it cannot go by when it was %s", by)
	}
}
