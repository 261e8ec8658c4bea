package journal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"
	"os"
)

// An image is what a database file looks like.
type image struct {
	seal     seal
	pageSize int      // as its header says; 0 when that is no page size
	pages    int64    // likewise
	wal      bool     // its header says that it is written by way of a WAL
	sums     []uint32 // of its pages, CRC-32C; the last may be a part of one
}

// measure reads a database file through. SQLite must not have it open in this
// process: closing any handle of a file drops all POSIX locks on it.
func measure(path string) (m image, err error) {
	f, err := os.Open(path)
	if err != nil {
		return m, err
	}
	defer f.Close()
	var header [100]byte // https://www.sqlite.org/fileformat2.html#the_database_header
	if n, err := f.ReadAt(header[:], 0); err != nil && err != io.EOF {
		return m, err
	} else if n >= 20 {
		m.pageSize = int(binary.BigEndian.Uint16(header[16:]))
		m.wal = header[18] == 2 && header[19] == 2
		m.pages = int64(binary.BigEndian.Uint32(header[28:]))
	}
	if m.pageSize == 1 {
		m.pageSize = 1 << 16
	}
	if m.pageSize < 512 || m.pageSize&(m.pageSize-1) != 0 {
		m.pageSize = 0
	}
	table := castagnoli()
	buf := make([]byte, 1<<18) // a multiple of every page size
	for off := int64(0); ; off += int64(len(buf)) {
		n, err := io.ReadFull(io.NewSectionReader(f, off, int64(len(buf))), buf)
		m.seal.Size += int64(n)
		m.seal.CRC32C = crc32.Update(m.seal.CRC32C, table, buf[:n])
		for b := buf[:n]; len(b) > 0 && m.pageSize > 0; {
			page := b[:min(m.pageSize, len(b))]
			m.sums = append(m.sums, crc32.Checksum(page, table))
			b = b[len(page):]
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return m, nil
		}
		if err != nil {
			return m, fmt.Errorf("at byte %d: %w", off, err)
		}
	}
}

// sealOf is the seal of a file that consists of pages of this size, a power of two,
// with these checksums, without reading it: the checksum of a whole is that of its
// beginning, moved by as many zeros as the rest is long, and the rest's on top.
func sealOf(pageSize int, sums []uint32) seal {
	// A linear map of 32 bits, by what becomes of each: at first what one zero
	// bit more does to a checksum, then, squared again and again, those of a page.
	var zeros [32]uint32
	zeros[0] = crc32.Castagnoli
	for i := 1; i < len(zeros); i++ {
		zeros[i] = 1 << (i - 1)
	}
	move := func(sum uint32) (moved uint32) {
		for ; sum != 0; sum &= sum - 1 {
			moved ^= zeros[bits.TrailingZeros32(sum)]
		}
		return moved
	}
	for n := 1; n < 8*pageSize; n *= 2 {
		var twice [32]uint32
		for i, bit := range zeros {
			twice[i] = move(bit)
		}
		zeros = twice
	}
	whole := seal{Size: int64(pageSize) * int64(len(sums))}
	for _, sum := range sums {
		whole.CRC32C = move(whole.CRC32C) ^ sum
	}
	return whole
}
