package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// Sizes in a WAL. Source: https://www.sqlite.org/fileformat2.html#walformat
const (
	walHeader   = 32
	frameHeader = 24
)

// A walPoint is a place in a WAL: behind a number of its frames. The salts tell
// one filling of the file from the next; the first of them grows by one with
// each.
type walPoint struct {
	Salts  [2]uint32
	Frames uint32
}

// A walScan is what a WAL holds, read without SQLite.
type walScan struct {
	end    walPoint          // behind the last commit
	pages  map[uint32]uint32 // of the frames up to there: the page, and the last of its frames, from 1
	size   uint32            // pages of the database after it
	bare   bool              // there is no header, so nothing was ever written or all was taken away
	damage string            // what the end of an interrupted write cannot explain; "" when there is none
}

// A walFrame is the header of a frame.
type walFrame struct {
	page   uint32
	commit uint32 // pages of the database after a commit; 0 in other frames
	salts  [2]uint32
	sums   [2]uint32
}

func parseFrame(b []byte) walFrame {
	n := func(i int) uint32 { return binary.BigEndian.Uint32(b[i:]) }
	return walFrame{n(0), n(4), [2]uint32{n(8), n(12)}, [2]uint32{n(16), n(20)}}
}

// scanWAL reads a WAL through as SQLite's recovery does, and goes on where that
// stops. A missing file is a bare one.
//
// A write that was interrupted leaves the frames of one transaction, in any
// state, behind the last commit: that one's sync had not returned, or the next
// had not begun. So a commit behind the first bad frame that has further frames
// of this filling behind it was durable once, and is damaged.
func scanWAL(path string, pageSize int) (s walScan, err error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return walScan{bare: true}, nil
	}
	if err != nil {
		return s, err
	}
	defer f.Close()
	r := &walReader{r: io.NewSectionReader(f, 0, 1<<62), frame: make([]byte, frameHeader+pageSize)}
	header, err := r.header(pageSize)
	if err != nil || header.bare || header.damage != "" {
		return header, err
	}
	s = header
	s.pages = make(map[uint32]uint32)
	pending := make(map[uint32]uint32)
	var good, bad uint32 // frames that hold; the first that does not
	committed := false   // a frame of this filling at or behind the bad one is a commit
	for n := uint32(1); ; n++ {
		h, whole, err := r.next()
		if err == io.EOF {
			return s, nil
		}
		if err != nil {
			return s, err
		}
		switch ours := h.salts == s.end.Salts; {
		case bad == 0 && whole && ours && h.page != 0 && r.holds(h):
			good = n
			pending[h.page] = n
			if h.commit != 0 {
				for page, frame := range pending {
					s.pages[page] = frame
				}
				clear(pending)
				s.end.Frames, s.size = good, h.commit
			}
		case !ours && bad != 0:
		case committed:
			s.damage = fmt.Sprintf("frame %d does not hold, although later ones were committed", bad)
			return s, nil
		default:
			if bad == 0 {
				bad = n
			}
			committed = ours && h.commit != 0
		}
	}
}

// A walReader reads frames one after another.
type walReader struct {
	r     io.Reader
	order binary.ByteOrder // of the words that are summed
	sums  [2]uint32        // up to the last frame that holds
	frame []byte
}

// header reads the WAL's own header; of the result only what concerns it is set.
func (r *walReader) header(pageSize int) (s walScan, err error) {
	var b [walHeader]byte
	n, err := io.ReadFull(r.r, b[:])
	switch {
	case err == io.EOF:
		return walScan{bare: true}, nil
	case err == io.ErrUnexpectedEOF:
		return walScan{bare: true, damage: fmt.Sprintf("its header is cut after %d bytes", n)}, nil
	case err != nil:
		return s, err
	}
	word := func(i int) uint32 { return binary.BigEndian.Uint32(b[i:]) }
	switch word(0) {
	case 0x377f0682:
		r.order = binary.LittleEndian
	case 0x377f0683:
		r.order = binary.BigEndian
	default:
		return walScan{damage: "its header is not that of a WAL"}, nil
	}
	r.add(b[:24])
	if r.sums != [2]uint32{word(24), word(28)} || word(4) != 3007000 || word(8) != uint32(pageSize) {
		return walScan{damage: "its header does not hold"}, nil
	}
	s.end.Salts = [2]uint32{word(16), word(20)}
	return s, nil
}

// next reads a frame; at the end of the file there may be a part of one.
func (r *walReader) next() (h walFrame, whole bool, err error) {
	n, err := io.ReadFull(r.r, r.frame)
	if err == io.ErrUnexpectedEOF {
		clear(r.frame[n:])
		return parseFrame(r.frame), false, nil
	}
	return parseFrame(r.frame), err == nil, err
}

// holds checks the frame that was read last against its checksum, which goes on
// from the frame before.
func (r *walReader) holds(h walFrame) bool {
	before := r.sums
	r.add(r.frame[:8])
	r.add(r.frame[frameHeader:])
	if r.sums == h.sums {
		return true
	}
	r.sums = before
	return false
}

func (r *walReader) add(b []byte) {
	s0, s1 := r.sums[0], r.sums[1]
	if r.order == binary.LittleEndian {
		for ; len(b) >= 8; b = b[8:] {
			s0 += binary.LittleEndian.Uint32(b) + s1
			s1 += binary.LittleEndian.Uint32(b[4:]) + s0
		}
	} else {
		for ; len(b) >= 8; b = b[8:] {
			s0 += binary.BigEndian.Uint32(b) + s1
			s1 += binary.BigEndian.Uint32(b[4:]) + s0
		}
	}
	r.sums = [2]uint32{s0, s1}
}
