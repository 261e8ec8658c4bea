package sandbox

import (
	"slices"

	"github.com/payrec/payrec/record"
)

// A Cell is one of the state machine: what a call does when the latest attempt
// is in a state.
type Cell struct {
	Call   string `json:"call"`
	State  string `json:"state"` // none, initiated, guaranteed, failed or canceled
	Status int    `json:"status"`
	Does   string `json:"does"`
	Basis  string `json:"basis"`            // documented or choice
	Choice string `json:"choice,omitempty"` // id of the [Choice], if it is one
}

// Differences is everything that the sandbox decided for itself, as
// `payrec sandbox --semantics` prints it.
type Differences struct {
	Format     int      `json:"payrec_sandbox_semantics"` // 1; fields may be added
	APIVersion string   `json:"api_version"`
	Prefix     string   `json:"refusal_prefix"` // opens each message that is not Stripe's; such a refusal has no code
	Cells      []Cell   `json:"cells"`
	Choices    []Choice `json:"choices"`
}

// AllDifferences lists the state machine cell by cell, and every choice.
func AllDifferences() Differences {
	return Differences{1, record.APIVersion, ownPrefix, Cells(), Semantics()}
}

const (
	documented = "documented"
	chosen     = "choice"
)

// Cells is the state machine, every call in every state.
// Source: the reference pages of the calls, and the guide.
func Cells() []Cell {
	var all []Cell
	add := func(call, state string, status int, does, choice string) {
		basis := documented
		if choice != "" {
			basis = chosen
		}
		all = append(all, Cell{call, state, status, does, basis, choice})
	}
	add("report_payment", "none", 200, "makes a record and its first attempt: initiated, or the outcome given", "")
	const attempt = "report_payment_attempt"
	add(attempt, "none", 404, "resource_missing", "")
	add(attempt, "initiated", 400, "refused: an earlier attempt is neither failed nor canceled", "")
	add(attempt, "guaranteed", 400, "refused: funds are guaranteed", "")
	add(attempt, "failed", 200, "makes a new attempt, which becomes the latest", "")
	add(attempt, "canceled", 200, "makes a new attempt, which becomes the latest", "")
	for _, outcome := range []string{"guaranteed", "failed", "canceled"} {
		call := attempt + "_" + outcome
		add(call, "none", 404, "resource_missing", "")
		add(call, "initiated", 200, "amount_"+outcome+" becomes what was requested", "")
		add(call, "guaranteed", 400, "refused: the latest attempt is guaranteed", "")
		add(call, "failed", 400, "refused: the latest attempt is over", "attempt-after-terminal")
		add(call, "canceled", 400, "refused: the latest attempt is over", "attempt-after-terminal")
	}
	const informational = attempt + "_informational"
	add(informational, "none", 404, "resource_missing", "")
	add(informational, "initiated", 200, "merges details", "")
	add(informational, "guaranteed", 200, "merges details", "")
	add(informational, "failed", 200, "merges details", "informational-merge")
	add(informational, "canceled", 200, "merges details", "informational-merge")
	const refund = "report_refund"
	add(refund, "none", 404, "resource_missing", "")
	add(refund, "initiated", 400, "refused: nothing is guaranteed", "refund-not-guaranteed")
	add(refund, "guaranteed", 200, "amount_refunded grows; more than the rest, or a refund_reference used before, is 400", "")
	add(refund, "failed", 400, "refused: nothing is guaranteed", "refund-not-guaranteed")
	add(refund, "canceled", 400, "refused: nothing is guaranteed", "refund-not-guaranteed")
	return slices.Clip(all)
}
