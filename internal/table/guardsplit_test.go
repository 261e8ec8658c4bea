package table_test

import (
	"testing"

	. "github.com/payrec/payrec/internal/table"
	"pgregory.net/rapid"
)

func TestGuardIn(t *testing.T) {
	for _, tt := range []struct {
		delimiter  rune
		cell, want string
	}{
		{',', "=1+1", "'=1+1"},
		{',', "a;=1+1", "a;'=1+1"},
		{',', "a,=1+1", "a,=1+1"}, // quoted in the file: never split
		{';', "a,=1+1", "a,'=1+1"},
		{';', "a;=1+1", "a;=1+1"},
		{',', `a;"=1+1"`, `a;'"=1+1"`},
		{',', "a;-1.50;+49 30", "a;-1.50;'+49 30"},
		{',', "a\n=1+1", "a\n'=1+1"},
		{',', "a\r\n=1+1", "a\r\n'=1+1"},
		{'\t', "a;=1\t=2", "a;'=1\t=2"},
		{',', "a;b; c", "a;b; c"},
		{',', "a; =1", "a;' =1"},
		{',', "a;＝1", "a;'＝1"},
	} {
		if got := GuardIn(tt.delimiter, tt.cell); got != tt.want {
			t.Errorf("%q in %q: %q, want %q", tt.cell, tt.delimiter, got, tt.want)
		}
	}
}

func TestUnguardInUndoesGuardIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		delimiter := rapid.SampledFrom([]rune(",;\t|")).Draw(t, "delimiter")
		cell := rapid.StringOfN(rapid.OneOf(rapid.SampledFrom([]rune(`'"=+-@,;|`+" \t\r\n＝1a")), rapid.Rune()), 0, 30, -1).Draw(t, "cell")
		if got := UnguardIn(delimiter, GuardIn(delimiter, cell)); got != cell {
			t.Fatalf("%q became %q", cell, got)
		}
	})
}
