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
	{"\xff\xd8\xff\xe0", kindOther, "a picture"},
}

// markup are beginnings of documents that some systems serve as "Excel", and
// of the login page that a browser saved in the file's place.
var markup = []struct{ head, what string }{
	{"<?xml", "an XML document"},
	{"<!doctype html", "a web page"},
	{"<html", "a web page"},
	{"<table", "a web page"},
}

// identify says what a file is by its first bytes; what is set for kindOther.
func identify(head []byte) (k kind, what string) {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.kind, m.what
		}
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
