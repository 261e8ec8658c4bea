package importer

import (
	"encoding/binary"
	"slices"

	"github.com/payrec/payrec/internal/packed"
	"github.com/payrec/payrec/mapping"
	"github.com/payrec/payrec/record"
)

// contents makes what the content hashes of a draft are of. Most of a call's
// bytes are the paths of its fields, and calls of one kind have the same ones, so
// a hash stands for all the paths of a call. It belongs to one goroutine.
type contents struct {
	hasher hasher
	recent [4]knownPaths // files repeat few, one after the other
	next   int
	buf    []byte
}

type knownPaths struct {
	paths []string
	hash  [2]uint64
}

// append appends an event's content: equal bytes for equal contents only.
func (c *contents) append(b []byte, e *mapping.Event) []byte {
	paths := c.pathsOf(e.Params)
	b = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(b, paths[0]), paths[1])
	for i := range e.Params {
		b = packed.AppendText(b, e.Params[i].Value)
	}
	return appendMoney(appendMoney(packed.AppendText(b, e.Payment), e.Fee), e.Net)
}

// pathsOf is the hash of the parameters' paths, in their order.
func (c *contents) pathsOf(params record.Params) [2]uint64 {
	same := func(path string, p record.Param) bool { return path == p.Path }
	for i := range c.recent {
		if k := &c.recent[i]; len(k.paths) > 0 && slices.EqualFunc(k.paths, params, same) {
			return k.hash
		}
	}
	k := &c.recent[c.next%len(c.recent)]
	c.next++
	k.paths, c.buf = k.paths[:0], c.buf[:0]
	for _, p := range params {
		k.paths, c.buf = append(k.paths, p.Path), packed.AppendText(c.buf, p.Path)
	}
	k.hash = c.hasher.bytes(c.buf)
	return k.hash
}

// appendMoney tells amounts apart that their texts tell apart.
func appendMoney(b []byte, m *record.Money) []byte {
	if m == nil {
		return append(b, 0)
	}
	d := m.Amount
	if exp := m.Currency.Exponent(); m.Currency != "" && d.Scale() != exp { // see record.Money.Text
		d = d.Trim(exp).Pad(exp)
	}
	sign := byte(1)
	if d.IsNeg() {
		sign = 2
	}
	b = binary.LittleEndian.AppendUint64(append(b, sign, byte(d.Scale())), d.Coef())
	return packed.AppendText(b, string(m.Currency))
}
