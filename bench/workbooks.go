package main

import (
	"fmt"
	"path/filepath"
	"strconv"
)

// xlsxOut writes a workbook of 15 columns.
func (b *bench) xlsxOut() error {
	rows := b.size(300_000)
	peer, err := b.build("peer-excelize")
	if err != nil {
		return err
	}
	ours, err := b.build("sheet")
	if err != nil {
		return err
	}
	n := strconv.Itoa(rows)
	c := comparison{title: fmt.Sprintf("Writing %d rows of 15 cells as XLSX", rows), rows: rows}
	return b.compare(c,
		&contender{name: "payrec's sheet writer", command: []string{ours, n, b.path("ours.xlsx")}},
		&contender{name: "excelize, as documented", command: []string{peer, "write", n, b.path("excelize.xlsx")}},
		&contender{name: "exceljs, streaming", command: []string{"node", "node/xlsx.mjs", n, b.path("exceljs.xlsx")}},
	)
}

// xlsxIn checks the rows of a workbook.
func (b *bench) xlsxIn() error {
	rows := b.size(100_000)
	file, _, err := generate(b.work, rows, true)
	if err != nil {
		return err
	}
	peer, err := b.build("peer-excelize")
	if err != nil {
		return err
	}
	book := filepath.Join(b.work, fmt.Sprintf("settlement-%d.xlsx", rows))
	if !exists(book) {
		if _, err := (&contender{command: []string{peer, "convert", file, book}}).run(nil); err != nil {
			return err
		}
	}
	c := comparison{title: fmt.Sprintf("Reading a workbook of %d rows of 20 cells (payrec maps and checks them as well)", rows), rows: rows}
	return b.compare(c,
		&contender{name: "payrec import --dry-run", command: b.dry(book, "settlement-xlsx.yaml")},
		&contender{name: "excelize, as documented", command: []string{peer, "read", book}},
		&contender{name: "excelize, raw cells", command: []string{peer, "raw", book}},
	)
}
