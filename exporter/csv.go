package exporter

import (
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/record"
)

// csvBuffer is how much is handed on at once.
const csvBuffer = 128 << 10

// writeCSV writes a grid: lines ended by LF, and quotes around what holds the
// delimiter, a quote or a line break, only there. It appends cell after cell to one buffer: lines are what an export has
// millions of.
func writeCSV(w io.Writer, g grid, f Locale) error {
	if f.delimiter == 0 {
		f.delimiter = ','
	}
	b := make([]byte, 0, csvBuffer+csvBuffer/4)
	if f.bom {
		b = append(b, "\uFEFF"...)
	}
	for i, c := range g.columns {
		b = f.appendText(f.separate(b, i), c.name)
	}
	b = append(b, '\n')
	clocks := make([]clock, len(g.columns))
	for row, err := range g.rows {
		if err != nil {
			return err
		}
		for i := range row {
			b = f.appendCell(f.separate(b, i), &row[i], g.columns[i].zone, &clocks[i])
		}
		if b = append(b, '\n'); len(b) >= csvBuffer {
			if _, err := w.Write(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	_, err := w.Write(b)
	return err
}

// separate appends a delimiter before every column but the first.
func (f *Locale) separate(b []byte, column int) []byte {
	if column == 0 {
		return b
	}
	return append(b, byte(f.delimiter)) // all are ASCII
}

func (f *Locale) appendCell(b []byte, c *cell, zone *time.Location, clock *clock) []byte {
	switch c.kind {
	case kindText:
		return f.appendText(b, c.text)
	case kindMoney:
		return f.appendMoney(b, c.money)
	case kindMoment:
		return appendMoment(b, clock.wall(c.at, zone))
	case kindDay:
		return appendMoment(b, clock.wall(c.at, zone))[:len(b)+len(time.DateOnly)]
	case kindDecimal:
		return append(b, f.decimal(c.money.Amount.String())...)
	case kindNumber:
		return strconv.AppendInt(b, c.n, 10)
	case kindBool:
		return strconv.AppendBool(b, c.n != 0)
	}
	return b
}

// What a byte of a text can be to CSV and to spreadsheets.
const (
	csvPlain = iota
	csvOpens // may make a formula of a cell that begins with it
	csvLooks // may end a cell, here or in another spreadsheet
)

var csvBytes = func() (c [256]uint8) {
	for i := range c {
		switch {
		case strings.IndexByte(",;\t|\"\r\n", byte(i)) >= 0:
			c[i] = csvLooks
		case i <= ' ', i >= 0x7F, strings.IndexByte("=+-@'", byte(i)) >= 0:
			c[i] = csvOpens
		}
	}
	return c
}()

// appendText appends a text, guarded and quoted where it must be. Most begin
// with a letter or a digit and hold no delimiter of any kind.
func (f *Locale) appendText(b []byte, s string) []byte {
	if s == "" {
		return b
	}
	looks := csvBytes[s[0]] != csvPlain
	for i := 0; i < len(s) && !looks; i++ {
		looks = csvBytes[s[i]] == csvLooks
	}
	if !looks {
		return append(b, s...)
	}
	if !f.raw {
		s = table.GuardIn(f.delimiter, s)
	}
	if strings.IndexByte(s, byte(f.delimiter)) < 0 && !strings.ContainsAny(s, "\"\r\n") {
		return append(b, s...)
	}
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		if s[i] == '"' {
			b = append(b, '"')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}

// appendMoney appends an amount with the decimals its currency has, and more
// where it has more, as [record.Money.Text] does.
func (f *Locale) appendMoney(b []byte, m record.Money) []byte {
	if m.Currency == "" {
		return append(b, f.decimal(m.Text())...)
	}
	coef, scale, least := m.Amount.Coef(), m.Amount.Scale(), m.Currency.Exponent()
	for scale > least && coef%10 == 0 {
		coef, scale = coef/10, scale-1
	}
	if m.Amount.IsNeg() {
		b = append(b, '-')
	}
	var digits [20]byte
	d := strconv.AppendUint(digits[:0], coef, 10)
	if len(d) > scale {
		b = append(b, d[:len(d)-scale]...)
		d = d[len(d)-scale:]
	} else {
		b = append(b, '0')
	}
	if max(scale, least) == 0 {
		return b
	}
	mark := byte('.')
	if f.comma {
		mark = ','
	}
	b = append(b, mark)
	for range scale - len(d) {
		b = append(b, '0')
	}
	b = append(b, d...)
	for range least - scale {
		b = append(b, '0')
	}
	return b
}

// appendMoment appends what a wall clock shows.
func appendMoment(b []byte, wall int64) []byte {
	t := unix(wall)
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return t.AppendFormat(b, momentLayout)
	}
	hour, minute, second := t.Clock()
	b = appendTwo(appendTwo(b, year/100), year%100)
	b = appendTwo(append(b, '-'), int(month))
	b = appendTwo(append(b, '-'), day)
	b = appendTwo(append(b, ' '), hour)
	b = appendTwo(append(b, ':'), minute)
	return appendTwo(append(b, ':'), second)
}

func appendTwo(b []byte, n int) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }
