package journal

// A sieve tells which of many keys are certainly met for the first time, in some
// two bytes for each: a Bloom filter in blocks of a cache line, with more layers
// as it fills. A key that it has met is always known again; of the others, one in
// a few hundred is taken for known.
type sieve struct {
	layers [][][8]uint64
	room   int // keys that the last layer still takes
}

const (
	sieveBlocks = 1 << 10 // of the first layer, and a power of two; each further layer has four times as many
	keysOfBlock = 40      // of its 512 bits, four are set for each key
)

// met enters the hash of a key and says whether it may have been entered before.
func (s *sieve) met(hash uint64) (maybe bool) {
	if s.room == 0 {
		n := sieveBlocks
		if len(s.layers) > 0 {
			n = 4 * len(s.layers[len(s.layers)-1])
		}
		s.layers = append(s.layers, make([][8]uint64, n))
		s.room = n * keysOfBlock
	}
	bits := hash >> 28 // the block is chosen by the others
	for _, layer := range s.layers[:len(s.layers)-1] {
		block := &layer[int(hash)&(len(layer)-1)]
		known := true
		for i := range 4 {
			bit := bits >> (9 * i) & 511
			known = known && block[bit>>6]&(1<<(bit&63)) != 0
		}
		if known {
			return true
		}
	}
	last := s.layers[len(s.layers)-1]
	block := &last[int(hash)&(len(last)-1)]
	maybe = true
	for i := range 4 {
		bit := bits >> (9 * i) & 511
		maybe = maybe && block[bit>>6]&(1<<(bit&63)) != 0
		block[bit>>6] |= 1 << (bit & 63)
	}
	if !maybe {
		s.room--
	}
	return maybe
}
