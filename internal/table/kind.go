package table

import (
	"bytes"
	"encoding/binary"
)

// A kind is what a file really is, by its first bytes. Names are not looked
// at: exports called .xls or .csv are often something else.
type kind uint8

const (
	kindText kind = iota // nothing known: taken for text
	kindGzip
	kindZstd
	kindZip
	kindOLE   // the container of .xls, and of encrypted workbooks
	kindOther // known, and of no use to us
)

// magics are the first bytes of the kinds of file that people take for tables.
// Sources: the formats' own specifications, and file(1)'s magic.
var magics = []struct {
	magic string
	kind  kind
	what  string
}{
	{"\x1f\x8b\x08", kindGzip, ""},
	{"\x28\xb5\x2f\xfd", kindZstd, ""},
	{"PK\x03\x04", kindZip, ""},
	{"PK\x05\x06", kindZip, ""}, // with no entries
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", kindOLE, ""},
	{"\xfd7zXZ\x00", kindOther, "an xz archive"},
	{"7z\xbc\xaf\x27\x1c", kindOther, "a 7-Zip archive"},
	{"Rar!\x1a\x07", kindOther, "a RAR archive"},
	{"%PDF-", kindOther, "a PDF document"},
	{"PAR1\x15", kindOther, "a Parquet file"},
	{"SQLite format 3\x00", kindOther, "an SQLite database"},
	{"\x89PNG\r\n\x1a\n", kindOther, "a picture"},
	{"\xff\xd8\xff", kindOther, "a picture"},
	{"GIF8", kindOther, "a picture"},
	{"\x7fELF", kindOther, "a program"},
	{"MZ\x90\x00", kindOther, "a program"},                            // a self-extracting archive as well
	{"\x09\x08\x08\x00\x00\x05", kindOther, "a legacy .xls workbook"}, // [MS-XLS] 2.4.21, BOF without a container
	{"\x09\x08\x10\x00\x00\x06", kindOther, "a legacy .xls workbook"},
	{"{\\rtf", kindOther, "an RTF document"},
	{"%!PS", kindOther, "a PostScript document"},
	{"-----BEGIN PGP", kindOther, "encrypted with PGP"},
	{"version https://git-lfs", kindOther, "a pointer of Git LFS, not the file itself"},
	{"\xff\xfe\x00\x00", kindOther, "text in UTF-32"},
	{"\x00\x00\xfe\xff", kindOther, "text in UTF-32"},
}

// markup are beginnings of documents that some systems serve as "Excel", and
// of the login page that a browser saved in the file's place.
var markup = []struct{ head, what string }{
	{"<?xml", "an XML document"},
	{"<!doctype html", "a web page"},
	{"<html", "a web page"},
	{"<table", "a web page"},
	{"<!--", "a web page"},
	{`{"`, "JSON"},
	{`[{"`, "JSON"},
}

// identify says what a file is by its first bytes; what is set for kindOther.
func identify(head []byte) (k kind, what string) {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.kind, m.what
		}
	}
	if len(head) > 262 && bytes.HasPrefix(head[257:], []byte("ustar")) { // POSIX pax, ustar header block
		return kindOther, "a tar archive"
	}
	if len(head) > 9 && bytes.HasPrefix(head, []byte("BZh")) && bytes.HasPrefix(head[4:], []byte("1AY&SY")) {
		return kindOther, "a bzip2 archive"
	}
	mark, _ := markOf(head)
	text := bytes.ToLower(bytes.TrimLeft(head[len(mark):], " \t\r\n"))
	for _, m := range markup {
		if bytes.HasPrefix(text, []byte(m.head)) {
			return kindOther, m.what
		}
	}
	return kindText, ""
}

// identifyText says what is wrong with a file that is to be UTF-8 text, by its
// first bytes: "" when it may be such. Text has neither NULs nor, but for blanks,
// line ends, an escape or the end-of-file of DOS, control characters; a few of
// them are errors of their rows.
func identifyText(head []byte) (what, hint string) {
	whole := len(head)
	head = bytes.TrimRight(head, "\x00") // as padding they are the last row's error
	switch {
	case whole == 0:
		return "", ""
	case len(head) == 0:
		return "nothing but NUL bytes", "a disk was full or a copy broke off; fetch it again"
	}
	nuls := [2]int{}
	controls := 0
	for i, c := range head {
		switch {
		case c == 0:
			nuls[i%2]++
		case c < ' ' && !bytes.ContainsRune([]byte("\t\n\v\f\r\x1a\x1b"), rune(c)):
			controls++
		}
	}
	switch n := len(head); {
	case 3*nuls[1] > n && nuls[0] == 0:
		return "UTF-16 text without a byte order mark", "say encoding: utf-16le"
	case 3*nuls[0] > n && nuls[1] == 0:
		return "UTF-16 text without a byte order mark", "say encoding: utf-16be"
	case controls+nuls[0]+nuls[1] > 4 && 20*(controls+nuls[0]+nuls[1]) > n:
		return "binary data, not text", "export it again as CSV or as an XLSX workbook"
	}
	return "", ""
}

// identifyOLE tells a password-protected workbook from a legacy one by the
// names in the compound file's directory, which are UTF-16.
// Source: [MS-OFFCRYPTO] 2.3.4.1 (EncryptedPackage), [MS-XLS] 2.1.2 (Workbook).
func identifyOLE(data []byte) string {
	switch {
	case bytes.Contains(data, utf16Name("EncryptedPackage")):
		return "an encrypted workbook"
	case bytes.Contains(data, utf16Name("Workbook")), bytes.Contains(data, utf16Name("Book")):
		return "a legacy .xls workbook"
	}
	return "a legacy Office document"
}

func utf16Name(s string) []byte {
	var b []byte
	for _, r := range s {
		b = binary.LittleEndian.AppendUint16(b, uint16(r))
	}
	return b
}
