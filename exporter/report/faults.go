package report

import (
	"fmt"
	"strings"
)

// A Fault is an item that the report cannot be made with.
type Fault struct {
	Sheet, Column string // Column is "" when it is about the item as a whole
	Item          string // the payment, and the line that it is from
	Err           error
}

func (f *Fault) Error() string {
	where := fmt.Sprintf("sheet %q", f.Sheet)
	if f.Column != "" {
		where += fmt.Sprintf(", column %q", f.Column)
	}
	return fmt.Sprintf("%s, %s: %v", where, f.Item, f.Err)
}

// Unwrap is what is wrong with it.
func (f *Fault) Unwrap() error { return f.Err }

// Faults are those that a report was stopped by: the first ten, and how many
// there are.
type Faults struct {
	First []*Fault
	Total int
}

func (f *Faults) Error() string {
	var lines []string
	for _, one := range f.First {
		lines = append(lines, one.Error())
	}
	if more := f.Total - len(f.First); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}

// Unwrap makes errors.As find what is wrong with each.
func (f *Faults) Unwrap() []error {
	var out []error
	for _, one := range f.First {
		out = append(out, one)
	}
	return out
}

const (
	shownFaults = 10
	maxFaults   = 1000 // after so many nobody learns anything by going on
)

// add takes a fault in; it says whether to go on.
func (f *Faults) add(one *Fault) bool {
	if f.Total++; len(f.First) < shownFaults {
		f.First = append(f.First, one)
	}
	return f.Total < maxFaults
}
