package exporter

import (
	"github.com/xuri/excelize/v2"
)

// A look is everything that a style depends on.
type look struct {
	kind     kind
	exponent int // of money
	role     role
}

// How many there are of each.
const (
	kinds     = int(kindDecimal) + 1
	roles     = int(roleBad) + 1
	exponents = 4
)

type role uint8

const (
	roleData role = iota
	roleHeader
	roleTitle
	roleNote
	roleTotal
	roleGood
	roleBad
)

const (
	inkDark   = "1F3A4D"
	inkPale   = "6B7780"
	fillTotal = "EEF2F5"
)

// style makes each look once: Excel takes 64,000 styles, and every call of
// NewStyle is a search through all of them.
func (b *book) style(l look) (int, error) {
	made := &b.styles[l.kind][l.role][l.exponent]
	if *made != 0 {
		return *made, nil
	}
	s := &excelize.Style{Font: &excelize.Font{Family: "Calibri", Size: 11}, Alignment: &excelize.Alignment{Vertical: "top"}}
	switch l.kind {
	case kindText, kindBool:
		s.NumFmt = 49 // "@": what is typed over it stays text as well
		s.Alignment.Horizontal, s.Alignment.Indent = "left", 1
	case kindMoney:
		s.CustomNumFmt = new(moneyFormat(l.exponent))
	case kindMoment:
		s.CustomNumFmt = new("yyyy-mm-dd hh:mm:ss")
		s.Alignment.Horizontal, s.Alignment.Indent = "left", 1
	case kindDay:
		s.CustomNumFmt = new("yyyy-mm-dd")
		s.Alignment.Horizontal, s.Alignment.Indent = "left", 1
	case kindNumber:
		s.NumFmt = 3 // #,##0
	case kindDecimal:
		if l.role == roleTotal {
			s.CustomNumFmt = new("#,##0.00#")
		}
	}
	switch l.role {
	case roleHeader:
		s.Font.Bold, s.Font.Color = true, "FFFFFF"
		s.Fill = excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{inkDark}}
		s.Alignment = &excelize.Alignment{Vertical: "center", WrapText: true}
		if l.kind == kindNumber {
			s.Alignment.Horizontal = "right"
		} else {
			s.Alignment.Horizontal, s.Alignment.Indent = "left", 1
		}
	case roleTitle:
		s.Font.Size, s.Font.Bold, s.Font.Color = 16, true, inkDark
		s.Alignment.Vertical = "center"
	case roleNote:
		s.Font.Color = inkPale
	case roleTotal:
		s.Font.Bold = true
		s.Fill = excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{fillTotal}}
		s.Border = []excelize.Border{{Type: "top", Style: 1, Color: inkDark}}
	case roleGood:
		s.Font.Color = "1B7A3D"
	case roleBad:
		s.Font.Color, s.Font.Bold = "C00000", true
	}
	id, err := b.f.NewStyle(s)
	if err == nil {
		*made = id
	}
	return id, err
}

// moneyFormat shows the decimals that the currency has.
func moneyFormat(exponent int) string {
	switch exponent {
	case 0:
		return "#,##0"
	case 3:
		return "#,##0.000"
	}
	return "#,##0.00"
}

// height is a role's row height in points; 0 leaves it to the program that
// shows the sheet. A row that is streamed is not made to fit by anyone else.
func (r role) height() float64 {
	switch r {
	case roleHeader:
		return 32 // two lines
	case roleTitle:
		return 26
	}
	return 0
}
