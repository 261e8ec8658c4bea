package journal

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// Answers of calls that were begun under claims are gathered, and written in the
// order of their calls by the hundred: calls that lie side by side are answered
// nearly at once, and written one by one as they come, each page of them would be
// changed, and written to the WAL, again and again. What is not written yet when the
// process dies is asked again, as is all that a claim covers. Whatever else is
// written or read finds the answers that came before it.

// answersAtOnce is how many answers are worth writing together with the next claim,
// mostAnswers how many are not kept waiting for one, and answersWait how long any
// of them waits at the most.
const (
	answersAtOnce = 512
	mostAnswers   = 1024
	answersWait   = 20 * time.Millisecond
)

// An answer is what a call came to, and when that was heard, in Unix milliseconds.
type answer struct {
	flight
	outcome Outcome
	heard   int64
}

// answers are those that wait to be written.
type answers struct {
	mu   sync.Mutex // guards the field below
	list []answer

	room []answer // owned by the writer's loop
}

// answered takes an answer to be written within answersWait, and returns at once
// unless the disk does not keep up.
func (w *writer) answered(a answer) error {
	n, err := w.gather(a)
	switch {
	case err != nil:
		return err
	case n == 1:
		time.AfterFunc(answersWait, func() { w.queue(&job{part: true}) }) // a closed writer has written them
	case n == mostAnswers:
		return w.queue(&job{part: true})
	}
	return nil
}

// gather says how many answers wait with this one.
func (w *writer) gather(a answer) (n int, err error) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if err := w.refuses(); err != nil {
		return 0, err
	}
	w.answers.mu.Lock()
	defer w.answers.mu.Unlock()
	w.answers.list = append(w.answers.list, a)
	return len(w.answers.list), nil
}

// writeAnswers writes down what was answered so far, unless there are fewer than
// least.
func (w *writer) writeAnswers(least int) error {
	q := &w.answers
	q.mu.Lock()
	if len(q.list) < least {
		q.mu.Unlock()
		return nil
	}
	list := q.list
	q.list = q.room[:0]
	q.mu.Unlock()
	err := w.begin()
	if err == nil {
		err = w.cache(true)
	}
	slices.SortFunc(list, func(a, b answer) int { return cmp.Compare(a.no, b.no) })
	for i := 0; i < len(list) && err == nil; i++ {
		err = finish(w, list[i].flight, list[i].outcome, list[i].heard)
	}
	clear(list)
	q.room = list
	return err
}
