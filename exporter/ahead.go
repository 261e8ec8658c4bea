package exporter

import (
	"iter"
	"runtime"
	"sync"
)

// A parsed payment is one whose memory can be used again, with all that it
// points at.
type parsed struct {
	payment
	record decoded
}

// parse reads an encoded payment, the one of this number in the order. Its texts
// are parts of text.
func (d *Dataset) parse(into *parsed, no int, text string) error {
	if err := into.record.read(text); err != nil {
		return err
	}
	into.payment.read(&into.record.PaymentRecord)
	d.options.Lock.apply(&into.payment)
	if no >= len(d.triesAt) || d.triesAt[no].length <= 0 {
		return nil
	}
	tries, err := d.tries.getBytes(d.triesAt[no])
	if err == nil {
		into.attempts, err = decodeAttempts(tries)
	}
	return err
}

// lotSize is how many payments go from one goroutine to the other at once.
const lotSize = 128

// A lot is some payments that follow each other.
type lot struct {
	first    int // number of the first one in the order
	n        int
	raw      []byte
	ends     [lotSize]int // in raw
	payments [lotSize]parsed
	err      error         // ends the iteration after the n payments
	done     chan struct{} // takes one value when the lot is parsed
}

func (l *lot) parse(d *Dataset) {
	text, from := string(l.raw), 0
	for i := range l.n {
		to := l.ends[i]
		if err := d.parse(&l.payments[i], l.first+i, text[from:to]); err != nil {
			l.n, l.err = i, err
			break
		}
		l.payments[i].encoded = l.raw[from:to]
		from = to
	}
	l.done <- struct{}{}
}

// ahead iterates over the payments of these numbers, from and up to but without
// to, in order: while one is looked at, the next ones are parsed on all cores.
// Each is borrowed until the next step. When the consumer stops, all goroutines
// have ended.
func (d *Dataset) ahead(from, to int) iter.Seq2[*payment, error] {
	return func(yield func(*payment, error) bool) {
		cores := runtime.GOMAXPROCS(0)
		// Each lot is in one of these at the most, so only taking a free one blocks.
		free, todo, next := make(chan *lot, 2*cores), make(chan *lot, 2*cores), make(chan *lot, 2*cores)
		for range cap(free) {
			free <- &lot{done: make(chan struct{}, 1)}
		}
		stop := make(chan struct{})
		var running sync.WaitGroup
		defer running.Wait()
		defer close(stop)
		running.Go(func() {
			defer close(todo)
			defer close(next)
			for l := range d.shelf.lots(from, to, free, stop) {
				todo <- l
				next <- l
			}
		})
		for range cores {
			running.Go(func() {
				for l := range todo {
					l.parse(d)
				}
			})
		}
		for l := range next {
			<-l.done
			for i := range l.n {
				if !yield(&l.payments[i].payment, nil) {
					return
				}
			}
			if l.err != nil {
				yield(nil, l.err)
				return
			}
			free <- l
		}
	}
}
