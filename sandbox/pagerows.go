package sandbox

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/payrec/payrec/record"
)

// listings are the page's tables; nothing writes to them.
var listings = [...]listing{
	{"Records", "/", "Search ids, references, customers, metadata", "No payment was reported yet.", recordColumns, (*Server).recordRows},
	{"Attempts", "/attempts", "Search ids, references, states", "No payment was reported yet.", attemptColumns, (*Server).attemptRows},
	{"Refunds", "/refunds", "Search references and records", "No refund was reported yet.", refundColumns, (*Server).refundRows},
	{"Requests", "/requests", "Search paths, keys, request ids, statuses", "Nothing was asked yet.",
		[]string{"At", "Method", "Path", "Status", "Notes", "Idempotency key", "Request-Id"}, (*Server).requestRows},
	{"Keys", "/keys", "Search keys and paths", "No idempotency key was used yet.",
		[]string{"Saved at", "Idempotency key", "Path", "Status", "First request"}, (*Server).keyRows},
}

var (
	recordColumns  = []string{"Created", "Record", "Reference", "State", "Amount", "Guaranteed", "Refunded", "Customer", "Description"}
	attemptColumns = []string{"Created", "Attempt", "Record", "Reference", "State", "Amount"}
	refundColumns  = []string{"Reported", "Refund reference", "Record", "Amount"}
)

// refundMade is a refund that was reported, which the API shows nowhere.
type refundMade struct {
	reference, record string
	amount            record.Amount
	at                int64
}

func (r refundMade) cells() []pageCell {
	return []pageCell{timeCell(r.at), textCell(r.reference), recordCell(r.record), moneyCell(r.amount)}
}

func (s *Server) recordRows() []listed {
	s.mu.RLock()
	recs := make([]*record.PaymentRecord, 0, len(s.state.order))
	for _, p := range s.state.order {
		recs = append(recs, p.rec)
	}
	s.mu.RUnlock()
	rows := make([]listed, 0, len(recs))
	for _, r := range slices.Backward(recs) {
		rows = append(rows, listed{
			func() []string {
				found := []string{r.ID, r.ProcessorDetails.Reference(), string(r.Status()), r.ReportedBy, text0(r.Description), text0(r.LatestPaymentAttemptRecord)}
				if c := r.CustomerDetails; c != nil {
					found = append(found, text0(c.Customer), text0(c.Email), text0(c.Name), text0(c.Phone))
				}
				for key, value := range r.Metadata {
					found = append(found, key, value)
				}
				return found
			},
			func() []pageCell { return recordCells(r) },
		})
	}
	return rows
}

func recordCells(r *record.PaymentRecord) []pageCell {
	customer := ""
	if c := r.CustomerDetails; c != nil {
		for _, v := range []*string{c.Name, c.Email, c.Customer, c.Phone} {
			if customer == "" {
				customer = text0(v)
			}
		}
	}
	reference := r.ProcessorDetails.Reference()
	if reference == "" && r.ReportedBy == reportedByStripe {
		reference = "on Stripe"
	}
	return []pageCell{timeCell(r.Created), recordCell(r.ID), textCell(reference), stateCell(r.Status()),
		moneyCell(r.AmountRequested), moneyCell(r.AmountGuaranteed), moneyCell(r.AmountRefunded), textCell(customer), textCell(text0(r.Description))}
}

func (s *Server) attemptRows() []listed {
	s.mu.RLock()
	all := make([]*record.PaymentAttemptRecord, 0, len(s.state.attempts))
	for _, p := range s.state.order {
		for _, a := range p.attempts {
			all = append(all, a.rec)
		}
	}
	s.mu.RUnlock()
	slices.Reverse(all)
	slices.SortStableFunc(all, func(a, b *record.PaymentAttemptRecord) int { return cmp.Compare(b.Created, a.Created) })
	rows := make([]listed, 0, len(all))
	for _, a := range all {
		rows = append(rows, listed{
			func() []string {
				return []string{a.ID, text0(a.PaymentRecord), a.ProcessorDetails.Reference(), string(a.Status())}
			},
			func() []pageCell { return attemptCells(a) },
		})
	}
	return rows
}

func attemptCells(a *record.PaymentAttemptRecord) []pageCell {
	return []pageCell{timeCell(a.Created), {Text: a.ID, Class: "id"}, recordCell(text0(a.PaymentRecord)),
		textCell(a.ProcessorDetails.Reference()), stateCell(a.Status()), moneyCell(a.AmountRequested)}
}

func (s *Server) refundRows() []listed {
	s.mu.RLock()
	all := slices.Clone(s.state.refunds)
	s.mu.RUnlock()
	rows := make([]listed, 0, len(all))
	for _, made := range slices.Backward(all) {
		rows = append(rows, listed{func() []string { return []string{made.reference, made.record} }, made.cells})
	}
	return rows
}

func (s *Server) requestRows() []listed {
	all := s.Requests()
	rows := make([]listed, 0, len(all))
	for _, r := range slices.Backward(all) {
		var notes []string
		if r.Replayed {
			notes = append(notes, "replayed")
		}
		if r.Fault {
			notes = append(notes, "fault")
		}
		status := strconv.Itoa(r.Status)
		if r.Status == 0 {
			status = "cut off"
		}
		rows = append(rows, listed{
			func() []string { return append([]string{r.Path, r.Key, r.RequestID, status, r.Method}, notes...) },
			func() []pageCell {
				return []pageCell{timeCell(r.At.Unix()), textCell(r.Method), textCell(r.Path), statusCell(r.Status, status),
					textCell(strings.Join(notes, ", ")), textCell(r.Key), {Text: r.RequestID, Class: "id"}}
			},
		})
	}
	return rows
}

func (s *Server) keyRows() []listed {
	type named struct {
		key string
		*saved
	}
	var all []named
	s.mu.RLock()
	for _, a := range slices.Backward(s.keys.ages[s.keys.gone:]) {
		if kept := s.keys.done[a.key]; kept != nil && kept.at == a.at {
			all = append(all, named{a.key, kept})
		}
	}
	s.mu.RUnlock()
	rows := make([]listed, 0, len(all))
	for _, k := range all {
		status := strconv.Itoa(k.status)
		rows = append(rows, listed{
			func() []string { return []string{k.key, k.path, k.request, status} },
			func() []pageCell {
				return []pageCell{timeCell(k.at), textCell(k.key), textCell(k.path), statusCell(k.status, status), {Text: visible(k.request), Class: "id"}}
			},
		})
	}
	return rows
}

func timeCell(unix int64) pageCell { return pageCell{Text: moment(unix), Class: "time"} }

// textCell shows text that came from outside, and not all of very long text.
func textCell(s string) pageCell {
	const most = 300
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return pageCell{Text: visible(s)}
}

func recordCell(id string) pageCell {
	return pageCell{Text: visible(id), Href: "/records/" + url.PathEscape(id), Class: "id"}
}

func moneyCell(a record.Amount) pageCell {
	if a.Value == 0 {
		return pageCell{Text: "–", Class: "money"}
	}
	return pageCell{Text: a.Money().String(), Class: "money"}
}

func stateCell(s record.Status) pageCell {
	tag := map[record.Status]string{record.Guaranteed: "good", record.Failed: "bad", record.Canceled: "bad"}[s]
	if tag == "" {
		tag = "open"
	}
	return pageCell{Text: strings.ReplaceAll(string(s), "_", " "), Tag: tag}
}

func statusCell(status int, text string) pageCell {
	switch {
	case status == 200:
		return pageCell{Text: text, Tag: "good"}
	case status == 429:
		return pageCell{Text: text, Tag: "open"}
	}
	return pageCell{Text: text, Tag: "bad"}
}

// text0 is the text, "" for none.
func text0(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
