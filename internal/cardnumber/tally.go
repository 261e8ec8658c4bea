package cardnumber

import "hash/maphash"

// A Tally counts, over the distinct values of a column, how many could be card
// numbers and how many are. The zero value is empty. It keeps no values, only keyed hashes,
// which leave the process nowhere (PCI DSS 3.5.1.1).
type Tally struct {
	Candidates int // distinct values with a candidate
	Cards      int // of these, with a card number
	Grouped    int // of these, written in groups

	// length is that of the cells with a candidate, -1 once two differ. Ids made
	// by a program are alike; what people type is not.
	length int
	seen   map[uint64]struct{}
}

// mostTallied bounds what telling values apart costs. So many say what a
// column is.
const mostTallied = 4096

// seed makes hashes of one process comparable.
var seed = maphash.MakeSeed()

// Look counts a cell.
func (t *Tally) Look(cell string) {
	if !likely(cell) || t.Candidates == mostTallied {
		return
	}
	candidate, card, grouped := false, false, false
	var s scanner
	s.scan(cell, func(n Number, is bool) bool {
		candidate = true
		card = card || is
		grouped = grouped || is && n.Grouped
		return !grouped
	})
	if !candidate {
		return
	}
	h := maphash.String(seed, cell)
	if _, ok := t.seen[h]; ok {
		return
	}
	if t.seen == nil {
		t.seen = map[uint64]struct{}{}
	}
	t.seen[h] = struct{}{}
	t.Candidates++
	switch {
	case t.Candidates == 1:
		t.length = len(cell)
	case t.length != len(cell):
		t.length = -1
	}
	if card {
		t.Cards++
	}
	if grouped {
		t.Grouped++
	}
}

// Cards are known by five values at least of which half or more pass. Of sixteen random
// digits one in thirty passes, of those that begin as cards do one in ten: that
// three of five pass by chance is one case in a hundred thousand, or a hundred.
const (
	enough = 5
	share  = 2
)

// IsCards says whether the column is one of card numbers. The header counts:
// under a name such as "card number" fewer values are enough.
func (t *Tally) IsCards(header string) bool {
	few := t.Candidates < enough && !IsHeader(header)
	return t.Cards > 0 && !few && share*t.Cards >= t.Candidates
}

// References are known by so many values of which few pass; by fewer where all
// are of one length.
const (
	enoughReferences = 20
	enoughAlike      = 5
)

// IsReferences says whether the column is one of long numbers that are no card
// numbers, as far as anybody can tell: there are many, or some that are alike,
// none is grouped as cards are, and those that pass are no more than chance
// makes pass, one in ten at the worst.
func (t *Tally) IsReferences() bool {
	many := t.Candidates >= enoughReferences || t.Candidates >= enoughAlike && t.length > 0
	return many && t.Grouped == 0 && t.Cards <= 1+t.Candidates/5
}
