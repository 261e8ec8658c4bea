package journal

// A sieve tells which of many keys are certainly met for the first time, in some
// two bytes for each: a Bloom filter in blocks of a cache line, with more layers
// as it fills. A key that it has met is always known again; of the others, one in
// a thousand or so is taken for known.
type sieve struct {
	layers [][][8]uint64
	room   int // keys that the last layer still takes
}

const (
	sieveBlocks = 1 << 10 // of the first layer, and a power of two; each further layer has four times as many
	keysOfBlock = 32      // of its 512 bits, six are set for each key
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
	var bits [8]uint64 // of the key in its block, which the lower half of the hash chooses
	for more, i := (hash>>32)*0x9e3779b97f4a7c15, 0; i < 6; i++ {
		bit := more >> (55 - 9*i) & 511
		bits[bit>>6] |= 1 << (bit & 63)
	}
	for i := range s.layers {
		layer := s.layers[i]
		block := &layer[int(uint32(hash))&(len(layer)-1)]
		var missing uint64
		for k := range block {
			missing |= bits[k] &^ block[k]
		}
		if missing == 0 {
			return true
		}
	}
	last := s.layers[len(s.layers)-1]
	block := &last[int(uint32(hash))&(len(last)-1)]
	for k := range block {
		block[k] |= bits[k]
	}
	s.room--
	return false
}
