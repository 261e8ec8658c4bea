package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// A sums is the file PATH.sums, which stands beside the journal while it is
// open: a note of how far its WAL reached when something was last promised, and
// a checksum of every page of the database file itself. With it a journal whose
// writer died is known to be as that left it, to the last bit.
//
// The note is written after each commit and not synced: it may fall behind when
// the power fails, but never runs ahead, and is exact when only the process
// died. Notes and checksums are synced when the WAL was moved into the database,
// before its next filling overwrites it.
type sums struct {
	disk disk
	path string // of the journal
	f    *os.File
	wal  *os.File // nil until there is one
	note walNote
	of   []uint32 // by page, from 0: of the page in the database file

	pages map[uint32]uint32  // in the WAL and not in of: the page, and the last of its frames
	ready map[uint32]pageSum // of such pages, as far as they were reckoned ahead
	size  uint32             // pages of the database, as the last commit in the WAL says; 0 before the first
}

// A walNote is what was promised.
type walNote struct {
	PageSize uint32
	walPoint
	Moved uint32 // 1: all of it is in the database
}

const (
	sumsMagic = "payrec sums 1\n\x00\x00"
	noteSize  = len(sumsMagic) + 5*4 + 4
	sumsStart = 512 // of the checksums: the note has a sector of its own
)

// castagnoli is the table of CRC-32C.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

func (n walNote) encode() []byte {
	b := append(make([]byte, 0, noteSize), sumsMagic...)
	for _, v := range []uint32{n.PageSize, n.Salts[0], n.Salts[1], n.Frames, n.Moved} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli()))
}

func decodeNote(b []byte) (n walNote, ok bool) {
	if len(b) < noteSize || string(b[:len(sumsMagic)]) != sumsMagic {
		return n, false
	}
	v := func(i int) uint32 { return binary.LittleEndian.Uint32(b[len(sumsMagic)+4*i:]) }
	n = walNote{v(0), walPoint{[2]uint32{v(1), v(2)}, v(3)}, v(4)}
	return n, v(5) == crc32.Checksum(b[:noteSize-4], castagnoli())
}

// readSums reads PATH.sums. There may be none, and then it returns nil.
func readSums(path string) (*sums, error) {
	name := path + ".sums"
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("journal %q: %w", path, err)
	}
	s := &sums{path: path}
	var ok bool
	if s.note, ok = decodeNote(text); !ok || len(text) < sumsStart || len(text)%4 != 0 {
		return nil, s.refuse("%q, by which it is checked, is damaged itself", filepath.Base(name))
	}
	for b := text[sumsStart:]; len(b) > 0; b = b[4:] {
		s.of = append(s.of, binary.LittleEndian.Uint32(b))
	}
	return s, nil
}

// refuse words what does not fit.
func (s *sums) refuse(format string, args ...any) error {
	return &FormatError{Path: s.path, Reason: fmt.Sprintf("is not as it was when payrec died or lost power: "+format+"; restore it together with its %q, or remove %q if you put this copy there and know that it is the latest",
		append(args, filepath.Base(s.path)+"-wal", filepath.Base(s.path)+".sums")...)}
}

// checkWAL says whether the WAL holds what was promised.
func (s *sums) checkWAL(scan walScan) error {
	wal := filepath.Base(s.path) + "-wal"
	n := s.note
	nothing := n.Frames == 0 || n.Moved == 1 // promised that is not in the database
	switch {
	case scan.bare || scan.damage != "" && scan.end.Salts == [2]uint32{}:
		if nothing {
			return nil // the first write into the file, or into its next filling, was interrupted
		}
		return s.refuse("%q held %d frames, and now %s", wal, n.Frames, either(scan.damage, "holds nothing"))
	case scan.damage != "":
		return s.refuse("in %q %s", wal, scan.damage)
	case n.Salts == scan.end.Salts:
		if scan.end.Frames < n.Frames {
			return s.refuse("%q held %d frames, and now %d", wal, n.Frames, scan.end.Frames)
		}
	case n.Salts == [2]uint32{}: // there was none
	case n.Salts[0]+1 != scan.end.Salts[0] || !nothing:
		return s.refuse("%q is another one", wal)
	}
	return nil
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// checkPages holds the pages of the database file against their checksums. Those
// that the WAL has are read from there, and may be half moved.
func (s *sums) checkPages(img image, scan walScan) error {
	for i := range max(len(s.of), len(img.sums)) {
		page := uint32(i + 1)
		if _, ok := scan.pages[page]; ok {
			continue
		}
		switch {
		case i >= len(img.sums):
			return s.refuse("it has %d of %d pages", len(img.sums), len(s.of))
		case i >= len(s.of) && img.sums[i] == s.unwritten(): // on the way to one that was
		case i >= len(s.of):
			return s.refuse("it has %d pages instead of %d", len(img.sums), len(s.of))
		case s.of[i] != img.sums[i]:
			return s.refuse("page %d was changed", page)
		}
	}
	return nil
}

// start opens the file for writing, once it was checked, and takes off the WAL
// what an interrupted write left behind its last commit.
func (s *sums) start(scan walScan) (err error) {
	if s.pages = scan.pages; s.pages == nil {
		s.pages = make(map[uint32]uint32)
	}
	s.size = scan.size
	if len(s.pages) > 0 { // what was committed and not promised any more is as good as what was
		s.note.walPoint, s.note.Moved = scan.end, 0
	}
	if err := s.cutWAL(scan); err != nil {
		return err
	}
	if s.f == nil {
		s.f, err = s.disk.open(s.path+".sums", os.O_RDWR)
	}
	return err
}

func (s *sums) cutWAL(scan walScan) error {
	end := int64(0)
	if scan.end.Salts != [2]uint32{} {
		end = walHeader + int64(scan.end.Frames)*int64(frameHeader+s.note.PageSize)
	}
	info, err := os.Stat(s.path + "-wal")
	if err != nil || info.Size() <= end {
		return nil // none, or nothing to take off
	}
	f, err := s.disk.open(s.path+"-wal", os.O_RDWR)
	if err != nil {
		return err
	}
	defer f.Close()
	return s.disk.truncate(f, end)
}

// makeSums writes the file anew and opens it.
func makeSums(d disk, path string, img image, scan walScan) (s *sums, err error) {
	s = &sums{disk: d, path: path, of: img.sums, note: walNote{PageSize: uint32(img.pageSize), walPoint: scan.end}}
	b := append(s.note.encode(), make([]byte, sumsStart-noteSize)...)
	for _, sum := range s.of {
		b = binary.LittleEndian.AppendUint32(b, sum)
	}
	name := path + ".sums"
	if s.f, err = d.open(name+".new", os.O_RDWR|os.O_CREATE|os.O_TRUNC); err != nil {
		return nil, err
	}
	if err = d.writeAt(s.f, b, 0); err == nil {
		err = d.sync(s.f)
	}
	if err == nil {
		err = d.rename(name+".new", name)
	}
	if err == nil {
		err = d.syncDir(filepath.Dir(path))
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, s.start(scan)
}

// committed takes note of what one commit added to the WAL. What was committed
// may be promised only after it.
func (s *sums) committed() error {
	if err := s.openWAL(); errors.Is(err, os.ErrNotExist) {
		return nil // nothing was ever committed
	} else if err != nil {
		return err
	}
	var b [walHeader]byte
	if _, err := s.wal.ReadAt(b[:], 0); err == io.EOF {
		return nil
	} else if err != nil {
		return err
	}
	if salts := [2]uint32{binary.BigEndian.Uint32(b[16:]), binary.BigEndian.Uint32(b[20:])}; salts != s.note.Salts {
		if len(s.pages) > 0 {
			return errors.New("another program wrote to it while it was in use")
		}
		s.note.walPoint = walPoint{Salts: salts}
	}
	frame := int64(frameHeader + s.note.PageSize)
	var pages []uint32
	for n := s.note.Frames; ; n++ {
		if _, err := s.wal.ReadAt(b[:frameHeader], walHeader+int64(n)*frame); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		h := parseFrame(b[:])
		if h.salts != s.note.Salts {
			break
		}
		pages = append(pages, h.page)
		if h.commit != 0 { // frames behind it are of a transaction that was given up
			for i, page := range pages {
				s.pages[page] = s.note.Frames + uint32(i) + 1
			}
			s.note.Frames, s.size = n+1, h.commit
			break
		}
	}
	s.note.Moved = 0
	return s.disk.writeAt(s.f, s.note.encode(), 0)
}

// unwritten is the checksum of a page that was never written: a hole in the file,
// which reads as zeros. SQLite leaves out the page at the first gigabyte, where it
// locks the file, and those that were free again before they were written.
func (s *sums) unwritten() uint32 {
	return crc32.Checksum(make([]byte, s.note.PageSize), castagnoli())
}

// A pageSum is the checksum of a page as a frame of the WAL has it.
type pageSum struct{ frame, sum uint32 }

// reckoning returns what reckons the checksums of pages that are in the WAL now and
// not ready. It may run beside whatever writes to the WAL, but not when that begins
// anew.
func (s *sums) reckoning() func() (map[uint32]pageSum, error) {
	wal, size, todo := s.wal, s.note.PageSize, make(map[uint32]pageSum)
	for no, frame := range s.pages {
		if s.ready[no].frame != frame {
			todo[no] = pageSum{frame: frame}
		}
	}
	return func() (map[uint32]pageSum, error) {
		page := make([]byte, size)
		for no, p := range todo {
			var err error
			if p.sum, err = sumInWAL(wal, p.frame, page); err != nil {
				return nil, err
			}
			todo[no] = p
		}
		return todo, nil
	}
}

// take keeps what was reckoned ahead.
func (s *sums) take(ready map[uint32]pageSum) {
	if s.ready == nil {
		s.ready = ready
	} else {
		maps.Copy(s.ready, ready)
	}
}

// sumInWAL is the checksum of the page that a frame of the WAL has. It is read into
// page, which is as long.
func sumInWAL(wal *os.File, frame uint32, page []byte) (uint32, error) {
	if _, err := wal.ReadAt(page, walHeader+int64(frame-1)*int64(frameHeader+len(page))+frameHeader); err != nil {
		return 0, err
	}
	return crc32.Checksum(page, castagnoli()), nil
}

// moved takes note that all of the WAL is in the database.
func (s *sums) moved() error {
	if err := s.openWAL(); err != nil {
		return err
	}
	size := s.size
	for no := range s.pages {
		size = max(size, no)
	}
	unwritten := s.unwritten()
	for no := uint32(len(s.of)) + 1; no <= size; no++ {
		s.of = append(s.of, unwritten)
		if _, ok := s.pages[no]; !ok {
			s.pages[no] = 0
		}
	}
	list := slices.Sorted(maps.Keys(s.pages))
	page := make([]byte, s.note.PageSize)
	for _, no := range list {
		frame := s.pages[no]
		if frame == 0 {
			continue
		}
		p := s.ready[no]
		if p.frame != frame {
			var err error
			if p.sum, err = sumInWAL(s.wal, frame, page); err != nil {
				return err
			}
		}
		s.of[no-1] = p.sum
	}
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n] == list[0]+uint32(n) {
			n++
		}
		var b []byte
		for _, sum := range s.of[list[0]-1:][:n] {
			b = binary.LittleEndian.AppendUint32(b, sum)
		}
		if err := s.disk.writeAt(s.f, b, sumsStart+4*int64(list[0]-1)); err != nil {
			return err
		}
		list = list[n:]
	}
	clear(s.pages)
	s.ready = nil
	s.note.Moved = 1
	if err := s.disk.writeAt(s.f, s.note.encode(), 0); err != nil {
		return err
	}
	return s.disk.sync(s.f)
}

// close closes what is open, and leaves the file.
func (s *sums) close() {
	if s.f != nil {
		s.f.Close()
	}
	s.closeWAL()
}

func (s *sums) openWAL() (err error) {
	if s.wal == nil {
		s.wal, err = os.Open(s.path + "-wal")
	}
	return err
}

// closeWAL lets go of the WAL before it is taken away.
func (s *sums) closeWAL() {
	if s.wal != nil {
		s.wal.Close()
		s.wal = nil
	}
}

// checkPromised holds the WAL of a journal that is not closed against what was
// promised. It may be called beside the writer, who changes both.
func checkPromised(path string) error {
	for {
		s, err := readSums(path)
		if err != nil || s == nil {
			return err
		}
		scan, err := scanWAL(path+"-wal", int(s.note.PageSize))
		if err != nil {
			return fmt.Errorf("journal %q: %w", path, err)
		}
		wrong := s.checkWAL(scan)
		if wrong == nil {
			return nil
		}
		now, err := readSums(path)
		if err != nil || now == nil {
			return err
		}
		if now.note == s.note {
			return wrong
		}
	}
}
