package expression

import (
	"fmt"
	"maps"
)

// A MissingPolicy says what lookup does with a key that its table lacks.
type MissingPolicy uint8

// The policies.
const (
	MissingError MissingPolicy = iota // the row is in error
	MissingPass                       // the key itself is the answer
	MissingEmpty                      // the answer is ""
)

// A Lookup is a table of texts by text, for lookup("table", key). Keys match
// exactly. It is immutable.
type Lookup struct {
	entries map[string]string
	missing MissingPolicy
}

// NewLookup makes a table of a copy of m.
func NewLookup(m map[string]string, missing MissingPolicy) *Lookup {
	return &Lookup{maps.Clone(m), missing}
}

// get answers for one key; table is the table's name, for the message.
func (l *Lookup) get(table, key string) (Value, error) {
	if v, ok := l.entries[key]; ok {
		return TextOf(v), nil
	}
	switch l.missing {
	case MissingPass:
		return TextOf(key), nil
	case MissingEmpty:
		return TextOf(""), nil
	}
	return Value{}, fmt.Errorf("lookup table %q has no entry for %q; add one, or say missing: pass or empty", table, key)
}
