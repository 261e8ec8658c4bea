package exporter

import "iter"

// aheadBatch is how many values go from one goroutine to the other at once, and
// aheadBatches how many such batches may wait.
const (
	aheadBatch   = 128
	aheadBatches = 4
)

// A bunch is some values, and the error that ends them.
type bunch[T any] struct {
	values []T
	err    error
}

// ahead runs an iteration in a goroutine of its own, a little ahead of its
// consumer: while one decodes payments, the other writes their lines. The
// values must be the consumer's to keep. When the consumer stops, the goroutine
// has ended.
func ahead[T any](seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		batches := make(chan bunch[T], aheadBatches)
		stop := make(chan struct{})
		go produce(seq, batches, stop)
		defer func() {
			close(stop)
			for range batches { // until produce has closed it
			}
		}()
		for b := range batches {
			for _, v := range b.values {
				if !yield(v, nil) {
					return
				}
			}
			if b.err != nil {
				var none T
				yield(none, b.err)
				return
			}
		}
	}
}

func produce[T any](seq iter.Seq2[T, error], to chan<- bunch[T], stop <-chan struct{}) {
	defer close(to)
	b := bunch[T]{values: make([]T, 0, aheadBatch)}
	send := func() bool {
		select {
		case to <- b:
			b = bunch[T]{values: make([]T, 0, aheadBatch)}
			return true
		case <-stop:
			return false
		}
	}
	for v, err := range seq {
		if err != nil {
			b.err = err
			break
		}
		if b.values = append(b.values, v); len(b.values) == aheadBatch && !send() {
			return
		}
	}
	send()
}
