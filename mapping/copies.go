package mapping

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"github.com/payrec/payrec/internal/table"
)

// copies knows a file that is given twice, under whatever name. Calls of single
// rows come out the same then, and count once; sums over rows would double.
// It looks at the cells, so that a copy that was compressed or quoted in
// another way is known too.
type copies struct {
	seen map[[sha256.Size]byte]string // files by what they hold
	file string                       // the one being read
	rows int                          // of its body
	sum  hash.Hash
	buf  []byte
}

// begin ends the file before and starts another.
func (c *copies) begin(file string) error {
	if c.rows > 0 {
		var sum [sha256.Size]byte
		c.sum.Sum(sum[:0])
		if first, ok := c.seen[sum]; ok {
			return &table.Error{Pos: table.Pos{File: c.file}, Msg: "has the same rows as " + quote(first) + ", and the mapping adds up over rows: every amount would be doubled",
				Hint: "name each file once"}
		}
		if c.seen == nil {
			c.seen = map[[sha256.Size]byte]string{}
		}
		c.seen[sum] = c.file
	}
	c.file, c.rows, c.sum = file, 0, sha256.New()
	return nil
}

// add takes a row of the body.
func (c *copies) add(row *table.Row) {
	c.rows++
	c.buf = binary.AppendUvarint(c.buf[:0], uint64(len(row.Cells)))
	for _, cell := range row.Cells {
		c.buf = binary.AppendUvarint(c.buf, uint64(len(cell)))
		c.buf = append(c.buf, cell...)
	}
	c.sum.Write(c.buf)
}
