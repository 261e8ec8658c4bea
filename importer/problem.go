package importer

import (
	"errors"
	"fmt"

	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/mapping"
	"github.com/payrec/payrec/record"
)

// A Problem is why a row, a file or a call cannot be imported as it stands.
type Problem struct {
	Place  string `json:"place"`            // march.csv:118
	Code   string `json:"code"`             // stable, for programs
	Column string `json:"column,omitempty"` // the header that is to blame
	Value  string `json:"value,omitempty"`
	Msg    string `json:"message"`
	Hint   string `json:"hint,omitempty"` // what to do next
	Fatal  bool   `json:"fatal,omitempty"`
}

func (p Problem) String() string {
	s := p.Place + ": "
	if p.Column != "" {
		s += fmt.Sprintf("column %q: ", p.Column)
	}
	s += p.Msg
	if p.Value != "" {
		s += fmt.Sprintf(": %q", p.Value)
	}
	return s
}

// Problems counts all problems of a plan by their code and keeps the first of
// them: a file with a million bad rows must not fill the memory.
type Problems struct {
	First  []Problem
	Counts map[string]int64 // by code
	Total  int64
	Fatal  int64 // problems that let nothing of the plan be sent
}

const keptProblems = 50

func (p *Problems) add(problem Problem) {
	if p.Counts == nil {
		p.Counts = map[string]int64{}
	}
	problem = problem.masked()
	p.Counts[problem.Code]++
	p.Total++
	if problem.Fatal {
		p.Fatal++
	}
	switch {
	case len(p.First) < keptProblems:
		p.First = append(p.First, problem)
	case problem.Fatal:
		// What stops the run must be among those shown.
		for i := len(p.First) - 1; i >= 0; i-- {
			if !p.First[i].Fatal {
				copy(p.First[i:], p.First[i+1:])
				p.First[len(p.First)-1] = problem
				return
			}
		}
	}
}

// problemOf turns an error of reading a file into a problem.
func problemOf(err error) Problem {
	var e *table.Error
	if errors.As(err, &e) {
		return Problem{Place: e.Pos.String(), Code: "unreadable", Column: e.Column, Value: e.Value, Msg: e.Msg, Hint: e.Hint, Fatal: true}
	}
	return Problem{Code: "unreadable", Msg: err.Error(), Fatal: true}
}

func rowProblem(pos table.Pos, p mapping.RowProblem) Problem {
	return Problem{Place: pos.String(), Code: p.Code, Column: p.Column, Value: p.Value, Msg: p.Msg, Hint: p.Hint, Fatal: p.Fatal}
}

func conflictProblem(e record.Entry) Problem {
	return Problem{
		Place: fmt.Sprintf("%s:%d", e.File, e.Line), Code: "conflict", Value: e.Natural,
		Msg:  fmt.Sprintf("another row asks for %s under the same id with other values", e.Call),
		Hint: "correct the file, or let the mapping's id tell the two apart",
	}
}
