package table

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/payrec/payrec/internal/nameless"
)

// Open opens a file. It sees through gzip, zstd and a zip of one file, by
// content and in any nesting, and refuses what visibly is not what the dialect
// says. Errors are *[Error]; one about the file itself unwraps to its cause.
func Open(path string, d Dialect) (*Reader, error) {
	name := filepath.Base(path)
	f, err := os.Open(path)
	if err != nil {
		return nil, openError(name, err)
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = &fault{cell: -1, msg: "is a folder", hint: "name the files in it"}
	}
	if err != nil {
		f.Close()
		return nil, openError(name, err)
	}
	r := &Reader{name: name, closers: []io.Closer{f}}
	if !info.Mode().IsRegular() {
		return r.open(f, nil, d) // a pipe cannot be read at an offset
	}
	return r.open(f, f, d)
}

// NewReader reads a stream; name is what places call it. A workbook or a zip
// is spooled to a temporary file, within Limits.File. Closing the Reader does
// not close the stream.
func NewReader(name string, src io.Reader, d Dialect) (*Reader, error) {
	return (&Reader{name: name}).open(src, nil, d)
}

// openError makes an *Error of the whole file.
func openError(name string, err error) error {
	var f *fault
	if errors.As(err, &f) {
		return &Error{Pos: Pos{File: name, Line: f.at}, Value: f.value, Msg: f.msg, Hint: f.hint, err: f.cause}
	}
	msg := err.Error()
	var pe *os.PathError
	if errors.As(err, &pe) {
		msg = "cannot open the file: " + pe.Err.Error()
	}
	return &Error{Pos: Pos{File: name}, Msg: msg, err: err}
}

// open finishes a Reader on src; at is the same file where offsets can be read.
func (r *Reader) open(src io.Reader, at *os.File, d Dialect) (*Reader, error) {
	err := r.prepare(d)
	if err == nil {
		err = r.unwrap(src, at)
	}
	if err != nil {
		r.Close()
		return nil, openError(r.name, err)
	}
	return r, nil
}

// check refuses a dialect that makes no sense, and fills in its defaults.
func (d *Dialect) check() error {
	bad := func(format string, args ...any) error {
		return &fault{cell: -1, msg: "the dialect is wrong: " + fmt.Sprintf(format, args...)}
	}
	if d.Delimiter == 0 {
		d.Delimiter = ','
	}
	if d.Quote == 0 {
		d.Quote = '"'
	}
	if d.Format == "" {
		d.Format = CSV
	}
	d.Limits = d.Limits.withDefaults()
	h, f := d.Header, d.Footer
	switch {
	case d.Format != CSV && d.Format != XLSX:
		return bad("format %q is not known; use csv or xlsx", d.Format)
	case !usable(d.Delimiter):
		return bad("delimiter %q cannot be used", d.Delimiter)
	case d.Quote != NoQuote && (!usable(d.Quote) || d.Quote >= utf8.RuneSelf):
		return bad("quote %q cannot be used; it must be an ASCII character", d.Quote)
	case d.Quote == d.Delimiter:
		return bad("delimiter and quote are both %q", d.Quote)
	case h.Row < 0, h.Within < 0, f.Rows < 0, d.Records != nil && d.Records.Column < 0:
		return bad("a count or number is negative")
	case f.Rows > maxLookAhead:
		return bad("a footer of %d rows is more than %d", f.Rows, maxLookAhead)
	case h.None && (h.Row > 0 || len(h.Find) > 0), h.Row > 0 && len(h.Find) > 0:
		return bad("more than one way is given to find the header")
	case d.Records != nil && d.Records.Header != "" && (h.Row > 0 || h.None):
		return bad("a framed file's header is found by its kind, not by its row")
	}
	return d.checkTables(bad)
}

// usable says whether a character can separate or quote.
func usable(r rune) bool {
	return r > 0 && r != '\r' && r != '\n' && r != utf8.RuneError && r != '\uFEFF' && utf8.ValidRune(r)
}

// unwrap looks through containers until it stands before text or a workbook.
func (r *Reader) unwrap(src io.Reader, at *os.File) error {
	file := &counted{src: src}
	src = file
	for depth := 0; depth < 4; depth++ {
		if depth > 0 {
			src = &inflated{src: src, packed: file, ratio: r.d.Limits.Ratio}
		}
		br := bufio.NewReaderSize(src, readAhead)
		head, err := br.Peek(512)
		if err != nil && err != io.EOF && len(head) == 0 {
			return damaged(err) // behind a few bytes it comes again, with its line
		}
		k, what := identify(head)
		switch k {
		case kindGzip:
			zr, err := gzip.NewReader(br)
			if err != nil {
				return damaged(err)
			}
			src, at = zr, nil
		case kindZstd:
			zr, err := zstd.NewReader(br, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
			if err != nil {
				return damaged(err)
			}
			r.closers = append(r.closers, zr.IOReadCloser())
			src, at = zr, nil
		case kindZip:
			if at == nil {
				if at, err = r.spool(br); err != nil {
					return err
				}
			}
			book, entry, err := r.openZip(at, file)
			if err != nil || book != nil {
				return orSheet(r, book, err)
			}
			r.closers = append(r.closers, entry)
			src, at = entry, nil
		case kindOLE:
			data, _ := io.ReadAll(io.LimitReader(br, 8<<20))
			return isA(identifyOLE(data), "save it as .xlsx without a password, or as CSV")
		case kindOther:
			return isA(what, instead(what))
		default:
			return r.openText(br, head)
		}
	}
	return &fault{cell: -1, msg: "is an archive in an archive in an archive", hint: "unpack it first"}
}

// instead says what to do about a file of some kind.
func instead(what string) string {
	switch {
	case strings.HasSuffix(what, " archive"):
		return "unpack it first"
	case strings.HasSuffix(what, "PGP"):
		return "decrypt it first"
	case strings.Contains(what, "Git LFS"):
		return "git lfs pull fetches that"
	}
	return "export it again as CSV or as an XLSX workbook"
}

func isA(what, hint string) error {
	return &fault{cell: -1, msg: "the file is " + what, hint: hint}
}

// damaged is for errors of containers: they mean that the file is not whole.
func damaged(err error) *fault {
	var f *fault
	if errors.As(err, &f) {
		return f
	}
	return &fault{cell: -1, msg: "cannot be read: " + err.Error(), hint: "the file may be cut short or damaged; fetch it again", cause: err}
}

func orSheet(r *Reader, book *workbook, err error) error {
	if err != nil {
		return err
	}
	if r.d.Format != XLSX {
		return isA("an XLSX workbook, not CSV", "say format: xlsx")
	}
	return r.openSheet(book)
}

// openText makes a scanner the source.
func (r *Reader) openText(src io.Reader, head []byte) error {
	if r.d.Format == XLSX {
		if len(head) == 0 {
			return &fault{cell: -1, msg: "is empty, not an XLSX workbook"}
		}
		if what, _ := identifyText(head); strings.HasPrefix(what, "binary") {
			return isA("no XLSX workbook, nor text", "it may be damaged; fetch it again")
		}
		return isA("text, not an XLSX workbook", "say format: csv")
	}
	c, mark, err := resolveCharset(r.d.Encoding, head)
	if err != nil {
		return err
	}
	if c.enc == nil {
		if what, hint := identifyText(head); what != "" {
			return isA(what, hint)
		}
	}
	if _, err := io.CopyN(io.Discard, src, int64(len(mark))); err != nil {
		return damaged(err)
	}
	r.d.Encoding, r.d.BOM = c.name, mark != ""
	r.src = newScanner(c.decode(src), r.d, c.name, c.enc != nil)
	return nil
}

// spool copies a stream to a temporary file, because archives are read from
// their end. The file is gone once the Reader is closed.
func (r *Reader) spool(src io.Reader) (*os.File, error) {
	f, err := nameless.Create("payrec-*")
	if err != nil {
		return nil, err
	}
	r.closers = append(r.closers, f)
	n, err := io.Copy(f, io.LimitReader(src, r.d.Limits.File+1))
	if err != nil {
		return nil, damaged(err)
	}
	if n > r.d.Limits.File {
		return nil, tooLarge("the archive", n, r.d.Limits.File)
	}
	return f.File, nil
}

func tooLarge(what string, size, limit int64) error {
	return &fault{cell: -1, msg: fmt.Sprintf("%s is larger than %d MiB", what, limit>>20) + sized(size, limit),
		hint: "export it in parts, or as CSV, which has no such limit"}
}

// sized names a size where it is known to be more than just over the limit.
func sized(size, limit int64) string {
	if size <= limit+1 {
		return ""
	}
	return fmt.Sprintf(" (%d MiB)", size>>20)
}

// openZip reads an archive's directory and gives the workbook that it is, or
// the one file that it holds.
func (r *Reader) openZip(f *os.File, count *counted) (*workbook, io.ReadCloser, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if err := checkDirectory(f, info.Size(), r.d.Limits.Parts); err != nil {
		return nil, nil, err
	}
	count.at, count.n = f, 0 // from here on it is read at offsets
	z, err := zip.NewReader(count, info.Size())
	if err != nil {
		return nil, nil, damaged(err)
	}
	var files []*zip.File
	var names []string
	for _, e := range z.File {
		base := path.Base(e.Name)
		switch {
		case e.Name == "[Content_Types].xml", e.Name == "xl/workbook.xml", e.Name == "xl/workbook.bin":
			if info.Size() > r.d.Limits.File {
				return nil, nil, tooLarge("the workbook", info.Size(), r.d.Limits.File)
			}
			book, err := newWorkbook(z, r.d.Limits)
			return book, nil, err
		case strings.HasSuffix(e.Name, ".iwa"):
			return nil, nil, isA("a Numbers document", "export it as CSV or as an XLSX workbook")
		case e.Name == "content.xml":
			return nil, nil, isA("an OpenDocument spreadsheet", "save it as .xlsx or as CSV")
		case strings.HasSuffix(e.Name, "/"), strings.HasPrefix(e.Name, "__MACOSX/"), base == ".DS_Store":
		default:
			files, names = append(files, e), append(names, e.Name)
		}
	}
	switch {
	case len(files) == 0:
		return nil, nil, isA("an archive without files", "fetch it again")
	case len(files) > 1:
		return nil, nil, isA(fmt.Sprintf("an archive of %d files (%s)", len(files), cut(strings.Join(names, ", "))), "unpack it and name the files that are meant")
	case files[0].Flags&1 != 0:
		return nil, nil, isA("an encrypted archive", "unpack it first")
	case !files[0].Mode().IsRegular():
		return nil, nil, isA("an archive of a link or a device, not of a file", "pack the file itself")
	}
	entry, err := files[0].Open()
	if err != nil {
		return nil, nil, damaged(err)
	}
	return nil, entry, nil
}

// checkDirectory counts the entries of a zip's directory before archive/zip
// makes an object of each: the count it declares is not to be trusted.
func checkDirectory(f *os.File, size int64, limit int) error {
	const tail = 64 << 20 // a longer directory has more entries than the limit in any part of this size
	from := max(0, size-tail)
	src := bufio.NewReaderSize(io.NewSectionReader(f, from, size-from), 256<<10)
	entry := []byte("PK\x01\x02")
	n := 0
	for {
		b, err := src.Peek(256 << 10)
		n += bytes.Count(b, entry)
		if n > limit {
			return isA(fmt.Sprintf("an archive of more than %d parts", limit), "no table needs that many; it may be hostile")
		}
		if err != nil || len(b) <= len(entry) {
			return nil
		}
		// The last bytes stay: an entry may begin there.
		src.Discard(len(b) - len(entry) + 1)
	}
}
