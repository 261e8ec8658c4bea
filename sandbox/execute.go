package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/payrec/payrec/record"
)

// keyed takes a call through the idempotency layer: a known key answers for
// itself, any other is held until the call has been executed, or given back
// if it was not.
func (s *Server) keyed(r *request) answer {
	now := s.clock().Unix()
	canonical, hash := "", ""
	if r.key != "" || s.store != nil {
		buf := encodings.Get().(*[]byte)
		*buf = appendForm((*buf)[:0], r.form.params)
		if s.store != nil {
			canonical = string(*buf)
		}
		if r.key != "" {
			*buf = appendOdd(*buf, r.form)
			hash = digest(*buf)
		}
		encodings.Put(buf)
	}
	if r.key != "" {
		s.mu.Lock()
		known, e := s.keys.claim(r.key, r.URL.Path, hash, now)
		s.mu.Unlock()
		if e != nil {
			return failure(e)
		}
		if known != nil {
			return answer{status: known.status, body: known.body, shows: known.shows, original: known.request, replayed: true}
		}
	}
	if e := validate(s.specs.spec(r.op, r.version), r.form); e != nil {
		s.release(r.key)
		return failure(e)
	}
	leave, e := s.limits.lock(r.subject())
	if e != nil {
		s.release(r.key)
		return failure(e)
	}
	defer leave()
	s.wait(r)
	ev := &event{op: r.op, at: now, key: r.key, params: r.form.params, form: canonical,
		saved: saved{path: r.URL.Path, hash: hash, request: r.reqID, at: now}}
	if r.fault.at(FaultDuring) {
		a := r.fault.strike(r.Context(), answer{})
		if a.done && !r.fault.saves() {
			s.release(r.key)
			return a
		}
		if a.done {
			ev.op, ev.saved.status, ev.saved.body = "", a.status, a.body
			s.execute(r, ev)
			return a
		}
	}
	return s.execute(r, ev)
}

// digest tells two requests with one key apart, by their canonical form: the
// order in which parameters were sent does not count.
func digest(canonical []byte) string {
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:16])
}

// appendOdd writes what has no place among the parameters.
func appendOdd(b []byte, f form) []byte {
	if len(f.expand)+len(f.odd) > 0 {
		b = append(b, "\x00"+strings.Join(f.expand, ",")+"\x00"+strings.Join(f.odd, ",")...)
	}
	return b
}

func (s *Server) release(key string) {
	if key == "" {
		return
	}
	s.mu.Lock()
	s.keys.release(key)
	s.mu.Unlock()
}

// execute decides, writes the event down, applies it, and only then answers.
// An event whose answer was made by a fault changes nothing but the key.
func (s *Server) execute(r *request, ev *event) answer {
	s.mu.Lock()
	var shows object
	var e *apiError
	if ev.op != "" {
		e = s.decide(r, ev)
	}
	switch {
	case e != nil:
		ev.op, ev.saved.status, ev.saved.body = "", e.status, e.body()
	case ev.op != "":
		ev.saved.status = http.StatusOK
	}
	if r.fault.saves() && r.fault.at(FaultAfter) {
		ev.saved.status, ev.saved.body, _ = r.fault.statusAnswer()
	}
	if ev.op != "" || ev.key != "" {
		if err := s.persist(ev); err != nil {
			s.keys.release(ev.key)
			s.mu.Unlock()
			return failure(&apiError{http.StatusInternalServerError, typeAPI, "", ownPrefix + "the state file cannot be written, so nothing was done: " + err.Error(), ""})
		}
		shows = s.commit(ev)
	}
	s.mu.Unlock()
	a := answer{status: ev.saved.status, body: ev.saved.body}
	if ev.key != "" {
		a.original = r.reqID
	}
	if a.body == nil {
		a.shows = shows
	}
	return a
}

// decide judges the call and completes the event: number and new ids.
func (s *Server) decide(r *request, ev *event) *apiError {
	if r.op == opAttach {
		if e := s.state.decideAttach(r.id, r.form.params); e != nil {
			return e
		}
		id, _ := attachable(r.form.params)
		ev.invoice, ev.record = r.id, s.state.find(id).rec.ID
	} else {
		call := record.CallName(r.op)
		if e := s.state.decide(call, r.id, r.form.params); e != nil {
			return e
		}
		if !call.Creates() {
			ev.record = s.state.find(r.id).rec.ID
		}
	}
	s.number(ev)
	return nil
}

// number gives the event its number and the ids of what it makes. A seed that
// was used before on the same state would give ids that are taken: those are
// passed over.
func (s *Server) number(ev *event) {
	for ev.seq = s.state.seq + 1; ; ev.seq++ {
		pr, par := s.ids.make("pr_", ev.seq, 24), s.ids.make("par_", ev.seq, 24)
		if s.state.records[pr] != nil || s.state.attempts[par] != nil {
			continue
		}
		switch ev.op {
		case string(record.ReportPayment), opSeed:
			ev.record, ev.attempt = pr, par
		case string(record.ReportPaymentAttempt):
			ev.attempt = par
		}
		return
	}
}

// persist puts the event into the state file, if there is one.
func (s *Server) persist(ev *event) error {
	if s.store == nil {
		return nil
	}
	return s.store.append(ev)
}

// commit makes an event's change and keeps its answer. Loading the state file
// goes through here as well.
func (s *Server) commit(ev *event) object {
	var shows object
	if ev.op != "" {
		s.state.seq = ev.seq
		shows = s.state.apply(ev)
		s.writes.Add(1)
		if ev.op == string(record.ReportPayment) || ev.op == opSeed {
			s.limits.made(time.Unix(ev.at, 0))
		}
	}
	if ev.key != "" {
		kept := ev.saved
		if kept.body == nil {
			kept.shows = shows
		}
		s.keys.save(ev.key, &kept)
	}
	return shows
}
