package expression

import (
	"fmt"
	"iter"
	"strings"
)

// suggest returns a hint that names the candidate nearest to a misspelt word,
// or "" when none is near: at most a third of its letters may differ, and one always may.
func suggest(word string, candidates iter.Seq[string]) string {
	// Counted in halves: among equally near words one with the same first
	// letter is nearer, because people seldom miss that one.
	best, found := "", 2*max(1, len([]rune(word))/3)+1
	word = strings.ToLower(word)
	for c := range candidates {
		low := strings.ToLower(c)
		d := 2 * distance(word, low)
		if word != "" && low != "" && word[0] != low[0] {
			d++
		}
		// Then the first in the alphabet, so that the message does not
		// depend on a map's order.
		if d < found || d == found && (best == "" || c < best) {
			best, found = c, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", best)
}

// distance is how many letters must be put in, left out, changed or swapped
// with their neighbour to make b of a. Long words are never near.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 100 || len(y) > 100 {
		return len(x) + len(y)
	}
	rows := [3][]int{make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)}
	before, last, row := rows[0], rows[1], rows[2]
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		for j := 1; j <= len(y); j++ {
			change := 1
			if x[i-1] == y[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}
