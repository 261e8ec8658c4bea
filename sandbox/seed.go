package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/payrec/payrec/record"
)

// A StripePayment is an on-Stripe payment to put into the sandbox, so that
// exports that hold both kinds can be tried.
type StripePayment struct {
	PaymentIntent string                  `json:"payment_intent"` // pi_…; the record is retrieved by it as well
	Charge        string                  `json:"charge"`         // ch_…; the attempt is retrieved by it as well
	Amount        record.Amount           `json:"amount"`
	Created       int64                   `json:"created"`            // Unix seconds; 0 is the sandbox's clock
	Outcome       record.Status           `json:"outcome"`            // Initiated, Guaranteed, Failed or Canceled
	Refunded      int64                   `json:"refunded,omitempty"` // minor units
	Card          json.RawMessage         `json:"card,omitempty"`     // payment_method_details.card; nil is an empty one
	Customer      *record.CustomerDetails `json:"customer,omitempty"`
	Description   string                  `json:"description,omitempty"`
	Metadata      map[string]string       `json:"metadata,omitempty"`
}

// ErrSeeded says that a PaymentIntent or its Charge is there already.
var ErrSeeded = errors.New("it or its charge is in the sandbox already")

// ParseSeeds reads on-Stripe payments, one JSON object of [StripePayment] after
// another, and checks none of them but their form.
func ParseSeeds(r io.Reader) ([]StripePayment, error) {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	var seeds []StripePayment
	for {
		var p StripePayment
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			return seeds, nil
		case err != nil:
			return nil, fmt.Errorf("seed %d: %w", len(seeds)+1, err)
		}
		seeds = append(seeds, p)
	}
}

// SeedStripe puts an on-Stripe payment into the state, and returns the id of
// its record.
func (s *Server) SeedStripe(p StripePayment) (recordID string, err error) {
	switch {
	case !strings.HasPrefix(p.PaymentIntent, "pi_"):
		return "", fmt.Errorf("seed: %q is no PaymentIntent id (pi_…)", p.PaymentIntent)
	case p.Charge != "" && !strings.HasPrefix(p.Charge, "ch_"):
		return "", fmt.Errorf("seed: %q is no Charge id (ch_…)", p.Charge)
	case p.Amount.Value <= 0 || !p.Amount.Currency.Known():
		return "", fmt.Errorf("seed: %s needs a positive amount in a currency that the API takes, not %d %s", p.PaymentIntent, p.Amount.Value, p.Amount.Currency)
	case p.Refunded < 0 || p.Refunded > 0 && (p.Outcome != record.Guaranteed || p.Refunded > p.Amount.Value):
		return "", fmt.Errorf("seed: %s cannot be refunded by %d", p.PaymentIntent, p.Refunded)
	case !slices.Contains([]record.Status{"", record.Initiated, record.Guaranteed, record.Failed, record.Canceled}, p.Outcome):
		return "", fmt.Errorf("seed: %q is no outcome; use initiated, guaranteed, failed or canceled", p.Outcome)
	case p.Created < 0 || p.Created > 253_402_300_799: // the year 9999
		return "", fmt.Errorf("seed: %s was not created at %d; the time is in Unix seconds", p.PaymentIntent, p.Created)
	case p.Card != nil && !isObject(p.Card):
		return "", fmt.Errorf("seed: the card of %s is not a JSON object", p.PaymentIntent)
	}
	// Versions never change, so nothing in them may be the caller's.
	p.Metadata, p.Card = maps.Clone(p.Metadata), slices.Clone(p.Card)
	if p.Customer != nil {
		c := *p.Customer
		p.Customer = &c
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.aliases[p.PaymentIntent] != nil || p.Charge != "" && s.state.charges[p.Charge] != nil {
		return "", fmt.Errorf("seed: %s: %w", p.PaymentIntent, ErrSeeded)
	}
	ev := &event{op: opSeed, at: p.Created, seed: &p}
	if ev.at == 0 {
		ev.at = s.clock().Unix()
	}
	s.number(ev)
	if err := s.persist(ev); err != nil {
		return "", fmt.Errorf("seed: %w", err)
	}
	s.commit(ev)
	return ev.record, nil
}

func isObject(b json.RawMessage) bool {
	var fields map[string]json.RawMessage
	return json.Unmarshal(b, &fields) == nil && fields != nil
}

func (s *state) applySeed(e *event) *record.PaymentRecord {
	in, first := e.seed, e.attempt
	card := in.Card
	if card == nil {
		card = json.RawMessage(emptyCard)
	}
	r := &record.PaymentRecord{
		ID: e.record, Object: "payment_record", Created: e.at, ReportedBy: reportedByStripe,
		AmountRequested: in.Amount, CustomerDetails: in.Customer, Description: nonempty(in.Description),
		Metadata:                   mergeMetadata(in.Metadata, nil),
		PaymentMethodDetails:       &record.MethodDetails{Type: "card", Card: card},
		ProcessorDetails:           record.ProcessorDetails{Type: "custom", Custom: &record.CustomProcessor{}},
		LatestPaymentAttemptRecord: &first,
	}
	setOutcome(r, in.Outcome)
	r.AmountRefunded.Value = in.Refunded
	p := &payment{seq: e.seq, rec: r}
	s.add(p)
	s.addAttempt(p, attemptOf(r, e.attempt, e.at, r.Metadata))
	s.aliases[in.PaymentIntent] = p
	if in.Charge != "" {
		s.charges[in.Charge] = p.latest()
	}
	return r
}
