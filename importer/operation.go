package importer

import (
	"fmt"
	"strings"

	"github.com/payrec/payrec/mapping"
	"github.com/payrec/payrec/record"
)

// operation makes the planned call of an event: its identity, its stamps and
// its bytes. scope names the account; see [record.OpID].
func operation(scope, source string, e mapping.Event) (op record.Op, err error) {
	m := &maker{scope: scope, source: source, forms: new(record.FormWriter)}
	return op, m.operation(&op, &e)
}

// operation is the same, without the check of what is sure to pass.
func (m *maker) operation(op *record.Op, e *mapping.Event) error {
	*op = record.Op{
		ID:      m.texts.of(record.AppendOpID(m.buf[:0], m.scope, m.source, e.Call, e.ID)),
		Source:  m.source,
		Payment: e.Payment,
		Natural: e.ID,
		Call:    e.Call,
		Order:   e.Order,
		Amount:  e.Amount,
		Class:   e.Class,
		File:    e.Pos.File,
		Line:    e.Pos.Line,
	}
	m.fee, m.net = m.money(e.Fee), m.money(e.Net)
	op.Content = m.texts.of(m.forms.AppendHash(m.buf[:0], m.read(e), e.Params))
	params := m.stamped(op, e)
	if !m.stampsFit(e) {
		if errs := record.SpecOf(e.Call).Check(params); len(errs) > 0 {
			return fmt.Errorf("with payrec's own metadata, %w", errs[0])
		}
	}
	m.buf = m.forms.AppendForm(m.buf[:0], params)
	op.Body = m.bodies.of(m.buf)
	return nil
}

// read is how the event reads beside its parameters, whatever file and line it was
// read from: two rows that ask for the same thing have the same content, an edited
// row has not. Its hash is an operation's content; journals keep it, so what is
// here, and in which order, does not change.
func (m *maker) read(e *mapping.Event) record.Params {
	p := m.beside[:0]
	if e.Fee != nil {
		p = append(p, record.Param{Path: " fee", Value: m.fee.whole}) // a blank begins no path of the API's
	}
	if e.Net != nil {
		p = append(p, record.Param{Path: " net", Value: m.net.whole})
	}
	return append(p, record.Param{Path: " payment", Value: e.Payment})
}

// Texts makes texts, and blocks copies of bytes: pieces of a few large blocks
// instead of many small ones. They stay for as long as somebody keeps a piece.
type (
	texts  struct{ block strings.Builder }
	blocks struct{ block []byte }
)

// How large the blocks are, unless a piece is larger.
const (
	textBlock = 4 << 10
	bodyBlock = 28 << 10
)

func (t *texts) of(b []byte) string {
	if t.block.Cap()-t.block.Len() < len(b) {
		t.block = strings.Builder{}
		t.block.Grow(max(len(b), textBlock))
	}
	at := t.block.Len()
	t.block.Write(b)
	return t.block.String()[at:]
}

func (k *blocks) of(b []byte) []byte {
	if cap(k.block)-len(k.block) < len(b) {
		k.block = make([]byte, 0, max(len(b), bodyBlock))
	}
	at := len(k.block)
	k.block = append(k.block, b...)
	return k.block[at:len(k.block):len(k.block)]
}
