package mapping

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"slices"

	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/record"
)

// Plans, for golden files.
//
// A written plan is all that a mapping makes of some files, as JSON Lines that
// compare as text: one line per body row, in order, then the checks, the
// classes, the calls' sums and the rows' fates. Nothing of the machine gets
// in: no folder, clock, zone or order of a map. What an import would do with
// it (ask the journal, send) is not its business.
//
//	{"row":"march.csv:2","class":"payment","is":"emitted","payment":"A-1","calls":[{"call":"report_payment","id":"A-1","params":{…}}]}
//	{"row":"march.csv:3","class":"fee","is":"ignored","reason":"a fee of the account"}
//	{"check":"each batch comes to zero","ok":true,"otherwise":"stop","message":"3 groups"}
//	{"class":"fee","is":"ignored","rows":1,"total":["-0.30 EUR"]}
//	{"sum":"report_payment","currency":"eur","calls":1,"value":1050}
//	{"rows":2,"emitted":1,"attached":0,"ignored":1,"held":0,"rejected":0}
//
// A file that cannot be read to its end has one line more, {"refused": why},
// and nothing after it.

// A PlanFile is one input of a plan. Open starts reading it from its first
// row, and may be called twice.
type PlanFile struct {
	Name string
	Open func() (*table.Reader, error)
}

// PlanFile is the file at a path, written as the mapping says.
func (m *Mapping) PlanFile(path string) PlanFile {
	return PlanFile{path, func() (*table.Reader, error) { return table.Open(path, m.dialect) }}
}

// WritePlan writes what the mapping makes of the files, taken as one import.
// Its error is about w, or about a file that cannot be opened at all; a file
// that is read and refused is a line of the plan.
func (m *Mapping) WritePlan(w io.Writer, files []PlanFile) error {
	p := &planWriter{m: m, json: json.NewEncoder(w), fates: map[Disposition]int64{}}
	p.json.SetEscapeHTML(false)
	p.session = m.NewSession()
	open := make([]func() (*table.Reader, error), len(files))
	for i, file := range files {
		open[i] = file.Open
	}
	p.session.JudgeCards(NewCensus(context.Background(), RowsOf(open...)).Judge)
	err := p.write(files)
	var refused *refusal
	if errors.As(err, &refused) {
		err = p.json.Encode(map[string]string{"refused": refused.Error()})
	}
	return errors.Join(err, p.session.Close())
}

// A refusal is a problem with a file's content, which the plan tells.
type refusal struct{ error }

type planWriter struct {
	m       *Mapping
	session *Session
	json    *json.Encoder

	fates   map[Disposition]int64
	classes []*classLine // in the order of the file
	sums    []*sumLine
}

// The lines of a plan, as they are written.
type (
	rowLine struct {
		Row      string        `json:"row"`
		Class    string        `json:"class,omitempty"`
		Is       string        `json:"is"`
		Reason   string        `json:"reason,omitempty"`
		Payment  string        `json:"payment,omitempty"`
		Total    string        `json:"total,omitempty"`
		Calls    []callLine    `json:"calls,omitempty"`
		Problems []problemLine `json:"problems,omitempty"`
	}
	callLine struct {
		Call   record.CallName   `json:"call"`
		ID     string            `json:"id"`
		Order  string            `json:"order,omitempty"`
		Params map[string]string `json:"params"`
		Fee    string            `json:"fee,omitempty"`
		Net    string            `json:"net,omitempty"`
	}
	problemLine struct {
		Code    string `json:"code"`
		Column  string `json:"column,omitempty"`
		Value   string `json:"value,omitempty"`
		Message string `json:"message"`
		Hint    string `json:"hint,omitempty"`
		Fatal   bool   `json:"fatal,omitempty"`
	}
	checkLine struct {
		Check     string `json:"check"`
		Group     string `json:"group,omitempty"`
		OK        bool   `json:"ok"`
		Otherwise string `json:"otherwise"`
		Message   string `json:"message"`
	}
	classLine struct {
		Class  string   `json:"class"`
		Is     string   `json:"is"`
		Reason string   `json:"reason,omitempty"`
		Rows   int64    `json:"rows"`
		Total  []string `json:"total,omitempty"` // one per currency, in the order of the file

		totals []record.Money
	}
	sumLine struct {
		Sum      record.CallName `json:"sum"`
		Currency record.Currency `json:"currency,omitempty"`
		Calls    int64           `json:"calls"`
		Value    int64           `json:"value"`
	}
	fateLine struct {
		Rows     int64 `json:"rows"`
		Emitted  int64 `json:"emitted"`
		Attached int64 `json:"attached"`
		Ignored  int64 `json:"ignored"`
		Held     int64 `json:"held"`
		Rejected int64 `json:"rejected"`
	}
)

func (p *planWriter) write(files []PlanFile) error {
	if p.m.Gathers() {
		if err := p.each(files, p.session.Gather); err != nil {
			return err
		}
	}
	if err := p.each(files, p.row); err != nil {
		return err
	}
	checks, err := p.session.Finish()
	if err != nil {
		return err // of the disk that groups spill to: content cannot cause it
	}
	for _, c := range checks {
		if err := p.json.Encode(checkLine{c.Name, c.Group, c.OK, c.Severity, c.Msg}); err != nil {
			return err
		}
	}
	return p.closing()
}

// each calls do with every row of every file.
func (p *planWriter) each(files []PlanFile, do func(*table.Row) error) error {
	for _, f := range files {
		if err := p.file(f, do); err != nil {
			return err
		}
	}
	return nil
}

func (p *planWriter) file(f PlanFile, do func(*table.Row) error) error {
	r, err := f.Open()
	if err != nil {
		return contentOr(err)
	}
	defer r.Close()
	p.session.Date1904(r.Date1904())
	for {
		row, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = do(row)
		}
		if err != nil {
			return contentOr(err)
		}
	}
}

// contentOr tells what is wrong with a file's content, which belongs into the
// plan, from a file that is not there and a plan that cannot be written.
func contentOr(err error) error {
	var content *table.Error
	var missing *fs.PathError
	if errors.As(err, &content) && !errors.As(err, &missing) {
		return &refusal{err}
	}
	return err
}

func (p *planWriter) row(row *table.Row) error {
	res, err := p.session.Row(row)
	if err != nil || res == nil {
		return err
	}
	line := rowLine{Row: res.Pos.String(), Class: res.Class, Is: res.Disposition.String(), Reason: res.Reason, Payment: res.Payment, Total: moneyText(res.Total)}
	for i := range res.Events {
		e := &res.Events[i]
		call := callLine{Call: e.Call, ID: e.ID, Order: e.Order, Params: map[string]string{}, Fee: moneyText(e.Fee), Net: moneyText(e.Net)}
		for _, param := range e.Params {
			call.Params[param.Path] = param.Value
		}
		line.Calls = append(line.Calls, call)
	}
	for _, problem := range res.Problems {
		line.Problems = append(line.Problems, problemLine{problem.Code, problem.Column, problem.Value, problem.Msg, problem.Hint, problem.Fatal})
	}
	p.count(res)
	return p.json.Encode(line)
}

func moneyText(m *record.Money) string {
	if m == nil {
		return ""
	}
	return m.String()
}

// count enters a row into the closing lines.
func (p *planWriter) count(res *Result) {
	p.fates[res.Disposition]++
	class := p.class(res)
	class.Rows++
	if res.Total != nil {
		class.add(*res.Total)
	}
	for i := range res.Events {
		e := &res.Events[i]
		at := slices.IndexFunc(p.sums, func(s *sumLine) bool { return s.Sum == e.Call && s.Currency == e.Amount.Currency })
		if at < 0 {
			at = len(p.sums)
			p.sums = append(p.sums, &sumLine{Sum: e.Call, Currency: e.Amount.Currency})
		}
		p.sums[at].Calls++
		p.sums[at].Value += e.Amount.Value
	}
}

func (p *planWriter) class(res *Result) *classLine {
	is := res.Disposition.String()
	for _, c := range p.classes {
		if c.Class == res.Class && c.Is == is && c.Reason == res.Reason {
			return c
		}
	}
	c := &classLine{Class: res.Class, Is: is, Reason: res.Reason}
	p.classes = append(p.classes, c)
	return c
}

// add adds money to its currency's sum. A sum that is too long to be computed
// is left as it is: the rows show it.
func (c *classLine) add(m record.Money) {
	for i := range c.totals {
		if c.totals[i].Currency == m.Currency {
			if sum, err := c.totals[i].Add(m); err == nil {
				c.totals[i] = sum
			}
			return
		}
	}
	c.totals = append(c.totals, m)
}

func (p *planWriter) closing() error {
	for _, c := range p.classes {
		for _, m := range c.totals {
			c.Total = append(c.Total, m.String())
		}
		if err := p.json.Encode(c); err != nil {
			return err
		}
	}
	for _, s := range p.sums {
		if err := p.json.Encode(s); err != nil {
			return err
		}
	}
	f := fateLine{Emitted: p.fates[Emitted], Attached: p.fates[Attached], Ignored: p.fates[Ignored], Held: p.fates[Held], Rejected: p.fates[Rejected]}
	f.Rows = f.Emitted + f.Attached + f.Ignored + f.Held + f.Rejected
	return p.json.Encode(f)
}
