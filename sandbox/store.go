package sandbox

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/payrec/payrec/record"
)

// errHeld says that the state's lock is taken.
var errHeld = errors.New("another process has this state open; wait for it, end it, or name another file")

// A StateError is a state file that cannot be used as it is.
type StateError struct {
	Path string
	Line int    // counted from 1; 0 when it is not about one line
	Msg  string // what is wrong, and what to do
}

func (e *StateError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d: %s", e.Path, e.Line, e.Msg)
	}
	return fmt.Sprintf("%s: %s", e.Path, e.Msg)
}

// A store appends events to the state file. The server's lock guards it.
//
// A line is {"crc":"XXXXXXXX","e":ENTRY}, the checksum CRC-32C over ENTRY's
// bytes; the first ENTRY is a headerV1, every other an entryV1. A line is
// written in one write before the answer leaves, which survives the death of
// the process; it is not synced, so the loss of power may cost the last ones.
type store struct {
	f    *os.File
	lock *os.File // held for life; the lock dies with the process
	size int64    // of the whole lines
	err  error    // the first failure; sticky, because what follows it could not be read back
}

// headerV1 opens the file.
type headerV1 struct {
	Format  int    `json:"payrec_sandbox"` // 1
	Account string `json:"account"`
	Created int64  `json:"created"`
}

// entryV1 is an event as it is written to disk. Fields may be added; none may
// be renamed, retyped or removed: last month's state must still open.
type entryV1 struct {
	N       uint64         `json:"n,omitempty"`
	At      int64          `json:"at"`
	Op      string         `json:"op,omitempty"`
	Record  string         `json:"record,omitempty"`
	Attempt string         `json:"attempt,omitempty"`
	Form    string         `json:"form,omitempty"` // form-encoded, canonical order
	Invoice string         `json:"invoice,omitempty"`
	Seed    *StripePayment `json:"seed,omitempty"`
	Key     string         `json:"key,omitempty"`
	Path    string         `json:"path,omitempty"`
	Hash    string         `json:"hash,omitempty"`
	Request string         `json:"request,omitempty"`
	Status  int            `json:"status,omitempty"`
	Body    string         `json:"body,omitempty"` // the answer, unless it is the object
	Raw     []byte         `json:"raw,omitempty"`  // Body when that is not text
}

const (
	linePrefix = `{"crc":"`
	lineMiddle = `","e":`
	payloadAt  = len(linePrefix) + 8 + len(lineMiddle)
	maxLine    = 16 << 20
)

// crcTable is read only.
var crcTable = crc32.MakeTable(crc32.Castagnoli)

func lineOf(payload []byte) []byte {
	b := make([]byte, 0, len(payload)+payloadAt+2)
	b = append(b, linePrefix...)
	b = fmt.Appendf(b, "%08x", crc32.Checksum(payload, crcTable))
	b = append(b, lineMiddle...)
	b = append(b, payload...)
	return append(b, "}\n"...)
}

// payloadOf checks a line, newline and all, and returns its entry.
func payloadOf(line []byte) ([]byte, bool) {
	end := len(line) - len("}\n")
	if end < payloadAt || string(line[:len(linePrefix)]) != linePrefix || string(line[end:]) != "}\n" ||
		string(line[len(linePrefix)+8:payloadAt]) != lineMiddle {
		return nil, false
	}
	var crc [4]byte
	if _, err := hex.Decode(crc[:], line[len(linePrefix):len(linePrefix)+8]); err != nil {
		return nil, false
	}
	payload := line[payloadAt:end]
	sum := uint32(crc[0])<<24 | uint32(crc[1])<<16 | uint32(crc[2])<<8 | uint32(crc[3])
	return payload, sum == crc32.Checksum(payload, crcTable)
}

// openStore locks and loads a state file, making it when there is none, and
// gives each of its events to apply.
func openStore(path, account string, now time.Time, ttl time.Duration, apply func(*event) error) (*store, string, []string, error) {
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, "", nil, &StateError{path, 0, err.Error()}
	}
	s := &store{lock: lock}
	if s.f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600); err != nil {
		lock.Close()
		return nil, "", nil, &StateError{path, 0, err.Error()}
	}
	kept, notes, err := s.read(path, account, now, ttl, apply)
	if err != nil {
		s.f.Close()
		lock.Close()
		return nil, "", nil, err
	}
	return s, kept, notes, nil
}

// read loads the whole file and leaves the store ready to append.
func (s *store) read(path, account string, now time.Time, ttl time.Duration, apply func(*event) error) (string, []string, error) {
	var notes []string
	var stale int64 // bytes of saved answers that no request can ask for any more
	old := func(e *event) bool { return e.op == "" && now.Unix()-e.at >= int64(ttl/time.Second) }
	header, torn, err := s.scan(path, func(e *event, size int) error {
		if old(e) {
			stale += int64(size)
		}
		return apply(e)
	})
	if err != nil {
		return "", nil, err
	}
	if torn > 0 {
		if err := s.f.Truncate(s.size); err != nil {
			return "", nil, &StateError{path, 0, "its torn last line cannot be cut: " + err.Error()}
		}
		notes = append(notes, fmt.Sprintf("%s: cut a last line of %d bytes that was never finished; its call was not answered", path, torn))
	}
	if header == nil {
		header = &headerV1{1, account, now.Unix()}
		payload, err := json.Marshal(header)
		if err == nil {
			err = s.write(lineOf(payload))
		}
		if err != nil {
			return "", nil, &StateError{path, 0, err.Error()}
		}
		return account, notes, nil
	}
	if stale > 1<<20 && stale > s.size/2 {
		if err := s.compact(path, old); err != nil {
			return "", nil, &StateError{path, 0, "it cannot be made smaller: " + err.Error()}
		}
	}
	return header.Account, notes, nil
}

// scan reads the lines. header is nil for a file without one whole line; torn
// is the length of an unfinished last line. s.size becomes the end of the
// last whole line.
func (s *store) scan(path string, each func(e *event, size int) error) (header *headerV1, torn int, err error) {
	lines := bufio.NewScanner(s.f)
	lines.Buffer(make([]byte, 1<<20), maxLine)
	lines.Split(wholeLines)
	for n := 1; lines.Scan(); n++ {
		line := lines.Bytes()
		if line[len(line)-1] != '\n' {
			if header == nil && !bytes.HasPrefix(line, []byte(linePrefix)[:min(len(line), len(linePrefix))]) {
				return nil, 0, &StateError{path, 0, "not a state file of the sandbox; name another file"}
			}
			return header, len(line), nil
		}
		payload, ok := payloadOf(line)
		switch {
		case !ok && header == nil:
			return nil, 0, &StateError{path, n, "not a state file of the sandbox; name another file"}
		case !ok:
			return nil, 0, &StateError{path, n, "the line is damaged; restore the file from a copy, or start with a new one"}
		case header == nil:
			if err := json.Unmarshal(payload, &header); err != nil || header.Format != 1 || header.Account == "" {
				return nil, 0, &StateError{path, n, "a state file of another version of the sandbox; name another file"}
			}
		default:
			e, err := decodeEvent(payload)
			if err != nil {
				return nil, 0, &StateError{path, n, "not an entry that this version knows: " + err.Error()}
			}
			if err := each(e, len(line)); err != nil {
				return nil, 0, &StateError{path, n, "it does not follow from the lines before: " + err.Error() + "; lines are missing or out of order, restore the file from a copy"}
			}
		}
		s.size += int64(len(line))
	}
	if err := lines.Err(); err != nil {
		return nil, 0, &StateError{path, 0, err.Error()}
	}
	return header, 0, nil
}

// wholeLines splits into lines with their newlines; the last may have none.
func wholeLines(data []byte, atEOF bool) (int, []byte, error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i+1], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

func (s *store) append(e *event) error {
	if s.err != nil {
		return s.err
	}
	payload, err := appendEntry(make([]byte, 0, 2048), e)
	if err != nil {
		return err
	}
	return s.write(lineOf(payload))
}

func (s *store) write(line []byte) error {
	if _, err := s.f.Write(line); err != nil {
		s.err = err
		s.f.Truncate(s.size) // if this fails too, the next load cuts the tail
		return err
	}
	s.size += int64(len(line))
	return nil
}

// compact writes the file anew without the lines that drop names.
func (s *store) compact(path string, drop func(*event) bool) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // fails, as it should, once renamed
	size, err := s.copyTo(tmp, drop)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	syncDir(filepath.Dir(path))
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	s.f.Close()
	s.f, s.size = f, size
	return nil
}

func (s *store) copyTo(w io.Writer, drop func(*event) bool) (size int64, err error) {
	if _, err := s.f.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	out := bufio.NewWriter(w)
	lines := bufio.NewScanner(s.f)
	lines.Buffer(make([]byte, 1<<20), maxLine)
	lines.Split(wholeLines)
	for first := true; lines.Scan(); first = false {
		line := lines.Bytes()
		if payload, ok := payloadOf(line); ok && !first {
			if e, err := decodeEvent(payload); err == nil && drop(e) {
				continue
			}
		}
		size += int64(len(line))
		out.Write(line) // its error is sticky: Flush reports it
	}
	return size, errors.Join(lines.Err(), out.Flush())
}

// syncDir makes a rename last. Not every file system can.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		d.Sync()
		d.Close()
	}
}

func (s *store) close() error {
	err := s.err
	if s.f != nil {
		err = errors.Join(err, s.f.Sync(), s.f.Close(), s.lock.Close())
		s.f = nil
	}
	if s.err == nil {
		s.err = errors.New("the sandbox is closed")
	}
	return err
}

// appendEntry writes an event as an entryV1, which is how it is read. By hand,
// because it happens under the server's lock, and because encoding/json would
// write every & of the form as six bytes.
func appendEntry(b []byte, e *event) ([]byte, error) {
	text := func(name, v string) {
		if v != "" {
			b = append(b, `,"`...)
			b = append(b, name...)
			b = append(b, `":`...)
			b = appendString(b, v)
		}
	}
	b = append(b, `{"at":`...)
	b = strconv.AppendInt(b, e.at, 10)
	if e.op != "" {
		b = append(b, `,"n":`...)
		b = strconv.AppendUint(b, e.seq, 10)
		text("op", e.op)
		text("record", e.record)
		text("attempt", e.attempt)
		text("form", e.form)
		text("invoice", e.invoice)
	}
	if e.seed != nil {
		seed, err := json.Marshal(e.seed)
		if err != nil {
			return nil, err
		}
		b = append(b, `,"seed":`...)
		b = append(b, seed...)
	}
	if e.key != "" {
		text("key", e.key)
		text("path", e.saved.path)
		text("hash", e.saved.hash)
		text("request", e.saved.request)
		b = appendNumber(b, "status", int64(e.saved.status))
		if body := e.saved.body; utf8.Valid(body) {
			text("body", string(body))
		} else {
			text("raw", base64.StdEncoding.EncodeToString(body))
		}
	}
	return append(b, '}'), nil
}

func decodeEvent(payload []byte) (*event, error) {
	var v entryV1
	if err := json.Unmarshal(payload, &v); err != nil {
		return nil, err
	}
	if !knownOp(v.Op) || v.Op == opSeed && v.Seed == nil {
		return nil, fmt.Errorf("operation %q", v.Op)
	}
	f, err := parseForm(v.Form)
	if err != nil {
		return nil, err
	}
	e := &event{seq: v.N, at: v.At, op: v.Op, record: v.Record, attempt: v.Attempt, form: v.Form, params: f.params, invoice: v.Invoice, seed: v.Seed, key: v.Key}
	if v.Key != "" {
		e.saved = saved{path: v.Path, hash: v.Hash, status: v.Status, request: v.Request, at: v.At}
		if v.Raw != nil {
			e.saved.body = v.Raw
		} else if v.Body != "" {
			e.saved.body = []byte(v.Body)
		}
	}
	return e, nil
}

func knownOp(op string) bool {
	return op == "" || op == opSeed || op == opAttach || isCall(op)
}

func isCall(op string) bool { return slices.Contains(record.Calls(), record.CallName(op)) }
