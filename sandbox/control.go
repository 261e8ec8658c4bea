package sandbox

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// controlPath is where the control API is, outside of /v1.
const controlPath = "/__payrec/"

// TokenHeader carries [Options.Token] to the control API. A browser cannot
// send it to another site unasked, which a form or a link could be made to.
const TokenHeader = "Payrec-Sandbox-Token"

// control answers a request of the control API:
//
//	GET    /__payrec/totals     what was made, as Totals
//	GET    /__payrec/semantics  the sandbox's choices, as Differences
//	GET    /__payrec/clock      {"now": UNIX}
//	POST   /__payrec/clock      {"advance": "25h"} or {"set": UNIX}
//	POST   /__payrec/faults     a script of faults, as ParseFaults reads it
//	DELETE /__payrec/faults     removes every fault
//	POST   /__payrec/seed       on-Stripe payments, as ParseSeeds reads them
//	GET    /__payrec/requests   the last requests, oldest first
//
// None of it counts among the requests or is limited.
func (s *Server) control(w http.ResponseWriter, r *http.Request) {
	status, v := s.controlled(r)
	if e, failed := v.(error); failed {
		v = map[string]string{"error": e.Error()}
	}
	b, err := json.Marshal(v)
	if err != nil { // unreachable: these values have a JSON form
		status, b = http.StatusInternalServerError, []byte(`{}`)
	}
	h := w.Header()
	h["Content-Type"] = jsonType
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(append(b, '\n'))
}

func (s *Server) controlled(r *http.Request) (status int, v any) {
	if s.token == "" {
		return http.StatusForbidden, errors.New("the control API is closed; start the sandbox with a token")
	}
	// Digests, so that the time taken says nothing about the token, not even its length.
	got, want := sha256.Sum256([]byte(r.Header.Get(TokenHeader))), sha256.Sum256([]byte(s.token))
	if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
		return http.StatusUnauthorized, errors.New("send the sandbox's token in the header " + TokenHeader)
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, 16*maxBody))
	if err != nil {
		return http.StatusBadRequest, fmt.Errorf("the body did not arrive: %w", err)
	}
	switch r.Method + " " + strings.TrimPrefix(r.URL.Path, controlPath) {
	case "GET totals":
		return http.StatusOK, s.Totals()
	case "GET semantics":
		return http.StatusOK, AllDifferences()
	case "GET requests":
		return http.StatusOK, s.Requests()
	case "GET clock":
	case "POST clock":
		err = s.moveClock(body)
	case "POST faults":
		var faults []Fault
		if faults, err = ParseFaults(body); err == nil {
			s.Inject(faults...)
			return http.StatusOK, map[string]int{"injected": len(faults)}
		}
	case "DELETE faults":
		s.ClearFaults()
		return http.StatusOK, map[string]bool{"cleared": true}
	case "POST seed":
		return s.controlSeed(body)
	default:
		return http.StatusNotFound, fmt.Errorf("%s %s is not in the control API; it has totals, semantics, requests, clock, faults and seed", short(r.Method), short(r.URL.Path))
	}
	if err != nil {
		return http.StatusBadRequest, err
	}
	return http.StatusOK, map[string]int64{"now": s.clock().Unix()}
}

func (s *Server) moveClock(body []byte) error {
	var in struct {
		Advance string `json:"advance"`
		Set     int64  `json:"set"`
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return fmt.Errorf("clock: %w", err)
	}
	if (in.Advance == "") == (in.Set == 0) || in.Set < 0 {
		return errors.New(`clock: write {"advance": "25h"} or {"set": UNIX SECONDS}`)
	}
	by := time.Unix(in.Set, 0).Sub(s.clock())
	if in.Advance != "" {
		var err error
		if by, err = time.ParseDuration(in.Advance); err != nil {
			return fmt.Errorf("clock: %q is no duration; write it as 25h", short(in.Advance))
		}
	}
	// A century either way is enough for any test, and cannot overflow.
	if most := 100 * 366 * 24 * time.Hour; by > most || by < -most || s.clock().Add(by).Unix() < 0 {
		return errors.New("clock: that is too far")
	}
	s.Advance(by)
	return nil
}

func (s *Server) controlSeed(body []byte) (status int, v any) {
	seeds, err := ParseSeeds(bytes.NewReader(body))
	if err != nil {
		return http.StatusBadRequest, err
	}
	ids := make([]string, 0, len(seeds))
	for _, p := range seeds {
		id, err := s.SeedStripe(p)
		if err != nil {
			return http.StatusBadRequest, fmt.Errorf("%d of %d are in; %w", len(ids), len(seeds), err)
		}
		ids = append(ids, id)
	}
	return http.StatusOK, map[string][]string{"payment_records": ids}
}
