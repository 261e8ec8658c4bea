package main

import (
	"bufio"
	"context"
	"database/sql"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/payrec/payrec/internal/journal"
)

// giant is a text of a head, one piece so often that it comes to a size, and a tail.
func giant(name, head, piece, tail string, size int) hostile {
	return hostile{name: "giant/" + name, big: true, make: func(path string) error {
		return writeGiant(path, func(w io.Writer) (io.WriteCloser, error) { return nil, nil }, head, piece, tail, size)
	}}
}

// packedGiant likewise, packed.
func packedGiant(name, head, piece, tail string, size int, pack func(w io.Writer) (io.WriteCloser, error)) hostile {
	return hostile{name: "giant/" + name, big: true, make: func(path string) error { return writeGiant(path, pack, head, piece, tail, size) }}
}

func writeGiant(path string, pack func(w io.Writer) (io.WriteCloser, error), head, piece, tail string, size int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	packer, err := pack(f)
	if err != nil {
		return err
	}
	var to io.Writer = f
	if packer != nil {
		to = packer
	}
	w := bufio.NewWriterSize(to, 1<<20)
	w.WriteString(head)
	block := strings.Repeat(piece, 1+(1<<16)/len(piece))
	for n := 0; n < size; n += len(block) {
		if _, err := w.WriteString(block); err != nil {
			return err
		}
	}
	w.WriteString(tail)
	if err := w.Flush(); err != nil {
		return err
	}
	if packer != nil {
		if err := packer.Close(); err != nil {
			return err
		}
	}
	return f.Close()
}

func withGzip(w io.Writer) (io.WriteCloser, error) {
	return gzip.NewWriterLevel(w, gzip.BestCompression)
}

func withZstd(w io.Writer) (io.WriteCloser, error) {
	return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault))
}

func hostileGiants() []hostile {
	const header = "date,amount,currency,reference\n"
	const row = "2026-03-01,1.00,EUR,"
	return []hostile{
		giant("cell-of-100-mib.csv", header+row, "M", "\n", 100<<20),
		giant("quoted-cell-of-100-mib.csv", header+row+`"`, "M", "\"\n", 100<<20),
		giant("quote-never-closed.csv", header+row+`"`, row+"X\n", "", 100<<20),
		giant("doubled-quotes.csv", header+row+`"`, `""`, "\"\n", 60<<20),
		giant("a-million-columns.csv", header+row, ",", "\n", 1<<20),
		giant("sixteen-million-columns.csv", header+row, ",", "\n", 16<<20),
		giant("header-of-a-million-columns.csv", "date,amount,currency,reference", ",x", "\n"+row+"\n", 2<<20),
		giant("no-line-end.csv", "", "\x01a", "", 100<<20),
		giant("zeros.csv", "", "\x00", "", 100<<20),
		giant("blank-lines.csv", header, "\n", "", 4<<20),
		giant("carriage-returns.csv", header, "\r", "", 20<<20),
		giant("headers-all-over.csv", header, "reference,currency,amount,date\n"+header, "", 4<<20),
		giant("bad-rows.csv", header, "2026-03-01,oops,EUR,M\n", "", 2<<20),
		giant("unknown-kinds.csv", "date,amount,currency,reference,type\n", row+"M,gift\n", "", 2<<20),
		packedGiant("bomb-rows.csv.gz", header, row+"M\n", "", 128<<20, withGzip),
		packedGiant("bomb-zeros.csv.gz", "", "\x00", "", 128<<20, withGzip),
		packedGiant("bomb-blank-lines.csv.gz", header, "\n", "", 128<<20, withGzip),
		packedGiant("bomb-rows.csv.zst", header, row+"M\n", "", 128<<20, withZstd),
		packedGiant("bomb-in-bomb.csv.gz", "", "\x00", "", 128<<20, func(w io.Writer) (io.WriteCloser, error) {
			outer, err := withGzip(w)
			if err != nil {
				return nil, err
			}
			inner, err := withGzip(outer)
			return twoClosers{inner, outer}, err
		}),
	}
}

// twoClosers closes a packer and the one that it writes to.
type twoClosers struct {
	io.WriteCloser
	outer io.Closer
}

func (c twoClosers) Close() error {
	if err := c.WriteCloser.Close(); err != nil {
		return err
	}
	return c.outer.Close()
}

func hostileJournals() []hostile {
	journalOf := func(name string, make func(path string) error) hostile {
		return hostile{name: "journal/" + name, make: make}
	}
	text := func(s string) func(string) error {
		return func(path string) error { return os.WriteFile(path, []byte(s), 0o600) }
	}
	database := func(statements ...string) func(string) error {
		return func(path string) error {
			db, err := sql.Open("sqlite", path)
			if err != nil {
				return err
			}
			defer db.Close()
			for _, s := range statements {
				if _, err := db.Exec(s); err != nil {
					return err
				}
			}
			return db.Close()
		}
	}
	changed := func(statements ...string) func(string) error {
		return func(path string) error {
			j, err := journal.Open(context.Background(), path, journal.Identity{Account: "x", Endpoint: "y"}, journal.Options{Command: "test"})
			if err != nil {
				return err
			}
			if err := j.Close(); err != nil {
				return err
			}
			return database(statements...)(path)
		}
	}
	return []hostile{
		journalOf("absent", func(string) error { return nil }),
		journalOf("empty", text("")),
		journalOf("text", text("this is no journal\n")),
		journalOf("zeros", text(strings.Repeat("\x00", 8192))),
		journalOf("header-of-sqlite-only", text("SQLite format 3\x00")),
		journalOf("other-database", database("CREATE TABLE songs (title TEXT)")),
		journalOf("newer-format", changed("PRAGMA user_version = 9999")),
		journalOf("another-account", changed()),
		journalOf("folder", func(path string) error { return os.Mkdir(path, 0o700) }),
		journalOf("truncated", func(path string) error {
			if err := changed()(path); err != nil {
				return err
			}
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			return os.Truncate(path, info.Size()/2)
		}),
	}
}
