package sandbox

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	stripe "github.com/stripe/stripe-go/v85"
	"github.com/stripe/stripe-go/v85/rawrequest"

	"github.com/payrec/payrec/record"
)

// official is the official client, unmodified, pointed at the sandbox.
func official(t *testing.T, s *Server) *stripe.Client {
	t.Helper()
	return stripe.NewClient("sk_test_1", stripe.WithBackends(officialBackends(t, s)))
}

func officialBackends(t *testing.T, s *Server) *stripe.Backends {
	t.Helper()
	base, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return stripe.NewBackendsWithConfig(&stripe.BackendConfig{
		URL: stripe.String(base), EnableTelemetry: stripe.Bool(false), MaxNetworkRetries: stripe.Int64(2), LeveledLogger: &stripe.LeveledLogger{},
	})
}

func reportParams(reference string) *stripe.PaymentRecordReportPaymentParams {
	return &stripe.PaymentRecordReportPaymentParams{
		AmountRequested: &stripe.PaymentRecordReportPaymentAmountRequestedParams{Currency: stripe.String("usd"), Value: stripe.Int64(1000)},
		InitiatedAt:     stripe.Int64(1700000000),
		Metadata:        map[string]string{"order": "6735"},
		PaymentMethodDetails: &stripe.PaymentRecordReportPaymentPaymentMethodDetailsParams{
			Type:   stripe.String("custom"),
			Custom: &stripe.PaymentRecordReportPaymentPaymentMethodDetailsCustomParams{Type: stripe.String("cpmt_1")},
			BillingDetails: &stripe.PaymentRecordReportPaymentPaymentMethodDetailsBillingDetailsParams{
				Name: stripe.String("Jenny Rosen"), Address: &stripe.AddressParams{Country: stripe.String("DE")}},
		},
		ProcessorDetails: &stripe.PaymentRecordReportPaymentProcessorDetailsParams{Type: stripe.String("custom"),
			Custom: &stripe.PaymentRecordReportPaymentProcessorDetailsCustomParams{PaymentReference: stripe.String(reference)}},
		CustomerDetails: &stripe.PaymentRecordReportPaymentCustomerDetailsParams{Email: stripe.String("j@example.com")},
	}
}

// The guide's story, told by the official client: report, fail, retry,
// guarantee, refund in parts, retrieve, list the attempts.
func TestOfficialClient(t *testing.T) {
	s := newSandbox(t, Options{})
	c, ctx := official(t, s), t.Context()
	r, err := c.V1PaymentRecords.ReportPayment(ctx, reportParams("ref-1"))
	if err != nil {
		t.Fatal(err)
	}
	if r.Object != "payment_record" || r.AmountRequested.Value != 1000 || r.PaymentMethodDetails.BillingDetails.Address.Country != "DE" ||
		r.ProcessorDetails.Custom.PaymentReference != "ref-1" || r.Metadata["order"] != "6735" || r.CustomerDetails.Email != "j@example.com" || r.Livemode {
		t.Errorf("created: %+v", r)
	}
	first := r.LatestPaymentAttemptRecord
	if r, err = c.V1PaymentRecords.ReportPaymentAttemptFailed(ctx, r.ID, &stripe.PaymentRecordReportPaymentAttemptFailedParams{FailedAt: stripe.Int64(1700000001)}); err != nil || r.AmountFailed.Value != 1000 {
		t.Fatalf("failed: %+v, %v", r, err)
	}
	if r, err = c.V1PaymentRecords.ReportPaymentAttempt(ctx, r.ID, &stripe.PaymentRecordReportPaymentAttemptParams{InitiatedAt: stripe.Int64(1700000002),
		PaymentMethodDetails: &stripe.PaymentRecordReportPaymentAttemptPaymentMethodDetailsParams{Type: stripe.String("custom"),
			Custom: &stripe.PaymentRecordReportPaymentAttemptPaymentMethodDetailsCustomParams{DisplayName: stripe.String("Worldpay")}},
	}); err != nil || r.LatestPaymentAttemptRecord == first || r.PaymentMethodDetails.Custom.DisplayName != "Worldpay" {
		t.Fatalf("retried: %+v, %v", r, err)
	}
	if r, err = c.V1PaymentRecords.ReportPaymentAttemptGuaranteed(ctx, r.ID, &stripe.PaymentRecordReportPaymentAttemptGuaranteedParams{GuaranteedAt: stripe.Int64(1700000003)}); err != nil || r.AmountGuaranteed.Value != 1000 {
		t.Fatalf("guaranteed: %+v, %v", r, err)
	}
	for i, amount := range []int64{300, 700} {
		r, err = c.V1PaymentRecords.ReportRefund(ctx, r.ID, officialRefund([]string{"rf-1", "rf-2"}[i], amount))
		if err != nil {
			t.Fatal(err)
		}
	}
	if r.AmountRefunded.Value != 1000 {
		t.Errorf("refunded: %+v", r.AmountRefunded)
	}
	_, err = c.V1PaymentRecords.ReportRefund(ctx, r.ID, officialRefund("rf-3", 1))
	var se *stripe.Error
	if !errors.As(err, &se) || se.HTTPStatusCode != 400 || se.Type != stripe.ErrorTypeInvalidRequest || se.RequestID == "" {
		t.Errorf("over-refund: %v", err)
	}
	checkReads(t, c, r.ID, first)
}

func officialRefund(reference string, amount int64) *stripe.PaymentRecordReportRefundParams {
	return &stripe.PaymentRecordReportRefundParams{
		Amount:   &stripe.PaymentRecordReportRefundAmountParams{Currency: stripe.String("usd"), Value: stripe.Int64(amount)},
		Outcome:  stripe.String("refunded"),
		Refunded: &stripe.PaymentRecordReportRefundRefundedParams{RefundedAt: stripe.Int64(1700000004)},
		ProcessorDetails: &stripe.PaymentRecordReportRefundProcessorDetailsParams{Type: stripe.String("custom"),
			Custom: &stripe.PaymentRecordReportRefundProcessorDetailsCustomParams{RefundReference: stripe.String(reference)}},
	}
}

func checkReads(t *testing.T, c *stripe.Client, id, first string) {
	t.Helper()
	ctx := t.Context()
	r, err := c.V1PaymentRecords.Retrieve(ctx, id, nil)
	if err != nil || r.AmountRefunded.Value != 1000 || r.ReportedBy != "self" {
		t.Errorf("retrieved: %+v, %v", r, err)
	}
	a, err := c.V1PaymentAttemptRecords.Retrieve(ctx, first, nil)
	if err != nil || a.PaymentRecord != id || a.AmountFailed.Value != 1000 {
		t.Errorf("attempt: %+v, %v", a, err)
	}
	var attempts []string
	list := &stripe.PaymentAttemptRecordListParams{PaymentRecord: stripe.String(id)}
	list.Limit = stripe.Int64(1) // one a page, so that the client has to page
	for a, err := range c.V1PaymentAttemptRecords.List(ctx, list).All(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		attempts = append(attempts, a.ID)
	}
	if len(attempts) != 2 || attempts[1] != first {
		t.Errorf("attempts: %v", attempts)
	}
	_, err = c.V1PaymentRecords.Retrieve(ctx, "pr_none", nil)
	var se *stripe.Error
	if !errors.As(err, &se) || se.HTTPStatusCode != 404 || se.Code != stripe.ErrorCodeResourceMissing {
		t.Errorf("missing: %v", err)
	}
}

// v85 has no typed list of records: its raw call pages them, with a version
// that has the list.
func TestOfficialClientListsRecords(t *testing.T) {
	s := newSandbox(t, Options{})
	c := rawrequest.Client{B: officialBackends(t, s).API.(stripe.RawRequestBackend), Key: "sk_test_1"}
	want := map[string]bool{}
	for range 7 {
		want[inState(t, s, "guaranteed")] = true
	}
	for cursor, more := "", true; more; {
		params := &stripe.RawParams{Params: stripe.Params{Headers: http.Header{"Stripe-Version": {record.APIVersion}}}}
		path := "/v1/payment_records?limit=3" + cursor
		res, err := c.RawRequest(http.MethodGet, path, "", params)
		if err != nil {
			t.Fatal(err)
		}
		var page struct {
			Data    []stripe.PaymentRecord
			HasMore bool `json:"has_more"`
		}
		if err := json.Unmarshal(res.RawJSON, &page); err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Data {
			if !want[r.ID] {
				t.Errorf("%s is listed twice, or was never made", r.ID)
			}
			delete(want, r.ID)
			cursor = "&starting_after=" + r.ID
		}
		more = page.HasMore
	}
	if len(want) > 0 {
		t.Errorf("not listed: %v", want)
	}
}

// The official client asks again after a reset and after a lock timeout; the
// sandbox must make one record of it.
func TestOfficialClientRetries(t *testing.T) {
	s := newSandbox(t, Options{})
	c := official(t, s)
	s.Inject(Fault{Call: "report_payment", Kind: FaultReset}, Fault{Call: "report_payment", Kind: FaultStatus, At: FaultBefore, Status: 429,
		Body: `{"error":{"type":"invalid_request_error","code":"lock_timeout","message":"busy"}}`})
	params := reportParams("ref-1")
	params.IdempotencyKey = stripe.String("k")
	if _, err := c.V1PaymentRecords.ReportPayment(t.Context(), params); err != nil {
		t.Fatalf("%v; the sandbox saw %+v", err, s.Requests())
	}
	if got := s.Totals(); got.Records != 1 || got.Writes != 1 {
		t.Errorf("got %+v", got)
	}
}
