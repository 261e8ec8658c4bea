package sandbox

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"

	"github.com/payrec/payrec/record"
)

// Page sizes. Source: docs.stripe.com/api/pagination.
const (
	pageDefault = 10
	pageMax     = 100
)

// A page is the part of a list that is answered.
type page struct {
	url  string
	data []object
	more bool
}

func (p page) encode() []byte {
	b := make([]byte, 0, 1536*len(p.data)+128)
	b = append(b, `{"object":"list","data":[`...)
	for i, o := range p.data {
		if i > 0 {
			b = append(b, ',')
		}
		b = o.appendTo(b)
	}
	b = append(b, `],"has_more":`...)
	b = strconv.AppendBool(b, p.more)
	b = append(b, `,"url":`...)
	b = appendString(b, p.url)
	return append(b, '}')
}

// read answers the operations that change nothing. The lock is held to
// collect versions, not to encode them.
func (s *Server) read(r *request) ([]byte, *apiError) {
	switch r.op {
	case opRetrieveRecord:
		o := s.recordVersion(r.id)
		if o.PaymentRecord == nil {
			return nil, noSuch(http.StatusNotFound, "payment_record", r.id, "id")
		}
		return o.appendTo(make([]byte, 0, 2048)), nil
	case opRetrieveAttempt:
		o := s.attemptVersion(r.id)
		if o.PaymentAttemptRecord == nil {
			return nil, noSuch(http.StatusNotFound, "payment_attempt_record", r.id, "id")
		}
		return o.appendTo(make([]byte, 0, 2048)), nil
	}
	list := s.listRecords
	switch r.op {
	case opListAttempts:
		list = s.listAttempts
	case opInvoicePayments:
		list = s.listInvoicePayments
	}
	p, e := list(r.form.params)
	if e != nil {
		return nil, e
	}
	return p.encode(), nil
}

// recordVersion is a record as it is now, nil inside when there is none.
func (s *Server) recordVersion(id string) (o recordObject) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if p := s.state.find(id); p != nil {
		o.PaymentRecord = p.rec
	}
	return o
}

// attemptVersion is an attempt as it is now, nil inside when there is none.
func (s *Server) attemptVersion(id string) (o attemptObject) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	a := s.state.attempts[id]
	if a == nil {
		a = s.state.charges[id]
	}
	if a != nil {
		o.PaymentAttemptRecord = a.rec
	}
	return o
}

// listRecords pages the records, newest first.
func (s *Server) listRecords(params record.Params) (page, *apiError) {
	p := page{url: "/v1/payment_records"}
	limit, e := limitOf(params)
	if e != nil {
		return p, e
	}
	after, before, e := windowOf(params)
	if e != nil {
		return p, e
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	lo, hi := s.state.window(after, before) // the records asked for are order[lo:hi]
	if s.listLag > 0 {
		_, listed := s.state.window(-1, max(s.clock().Unix()-s.listLag+1, 0))
		hi = min(hi, listed)
	}
	older, isOlder := params.Get("starting_after")
	newer, isNewer := params.Get("ending_before")
	switch {
	case isOlder && isNewer:
		return p, invalid("", "ending_before", "You may only specify one of these parameters: ending_before, starting_after.")
	case isOlder:
		at, e := s.state.cursor(older, "starting_after")
		if e != nil {
			return p, e
		}
		hi = min(hi, at)
	case isNewer:
		at, e := s.state.cursor(newer, "ending_before")
		if e != nil {
			return p, e
		}
		lo = max(lo, at+1)
		p.more = hi-lo > limit
		hi = min(hi, lo+limit)
	}
	if !isNewer {
		p.more = hi-lo > limit
		lo = max(lo, hi-limit)
	}
	for i := hi - 1; i >= lo; i-- {
		p.data = append(p.data, recordObject{s.state.order[i].rec})
	}
	return p, nil
}

// window is the part of the order created after and before the given times,
// both exclusive. 0 ≤ lo, hi ≤ len(order); lo > hi when nothing can match.
func (s *state) window(after, before int64) (lo, hi int) {
	hi = len(s.order)
	from := func(created int64) int {
		i, _ := slices.BinarySearchFunc(s.order, created, func(p *payment, c int64) int { return cmp.Compare(p.rec.Created, c) })
		return i
	}
	if after >= 0 {
		lo = from(after + 1)
	}
	if before >= 0 {
		hi = from(before)
	}
	return lo, hi
}

func (s *state) cursor(id, param string) (int, *apiError) {
	p := s.find(id)
	if p == nil {
		return 0, noSuch(http.StatusBadRequest, "payment_record", id, param)
	}
	return s.place(p), nil
}

// listAttempts pages one record's attempts, newest first.
func (s *Server) listAttempts(params record.Params) (page, *apiError) {
	p := page{url: "/v1/payment_attempt_records"}
	limit, e := limitOf(params)
	if e != nil {
		return p, e
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	id, _ := params.Get("payment_record")
	of := s.state.find(id)
	if of == nil {
		return p, noSuch(http.StatusBadRequest, "payment_record", id, "payment_record")
	}
	hi := len(of.attempts)
	if cursor, ok := params.Get("starting_after"); ok {
		hi = slices.IndexFunc(of.attempts, func(a *attempt) bool { return a.rec.ID == cursor })
		if hi < 0 {
			return p, noSuch(http.StatusBadRequest, "payment_attempt_record", cursor, "starting_after")
		}
	}
	lo := max(0, hi-limit)
	p.more = lo > 0
	for i := hi - 1; i >= lo; i-- {
		p.data = append(p.data, attemptObject{of.attempts[i].rec})
	}
	return p, nil
}

func limitOf(params record.Params) (int, *apiError) {
	text, ok := params.Get("limit")
	if !ok {
		return pageDefault, nil
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		return 0, invalid("parameter_invalid_integer", "limit", "Invalid integer: %s", short(text))
	case n < 1:
		return 0, invalid("parameter_invalid_integer", "limit", "This value must be greater than or equal to 1.")
	case n > pageMax:
		return 0, invalid("parameter_invalid_integer", "limit", "This value must be less than or equal to %d (it currently is '%d').", pageMax, n)
	}
	return n, nil
}

// windowOf reads created_after and created_before; -1 when not given.
func windowOf(params record.Params) (after, before int64, e *apiError) {
	one := func(name string) int64 {
		text, ok := params.Get(name)
		if !ok {
			return -1
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 || n >= 1<<62 {
			e = invalid("parameter_invalid_integer", name, "Invalid integer: %s", short(text))
		}
		return n
	}
	after, before = one("created_after"), one("created_before")
	return after, before, e
}
