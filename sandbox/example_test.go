package sandbox_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/payrec/payrec/sandbox"
)

// Report a payment whose answer gets lost, and ask again under the same key.
func Example() {
	s, err := sandbox.New(sandbox.Options{Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	base, err := s.Listen("127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	s.Inject(sandbox.Fault{Call: "report_payment", Kind: sandbox.FaultStatus, Status: 503})

	for range 2 {
		res, err := report(base, "order-1")
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%d, replayed: %t\n", res.StatusCode, res.Header.Get("Idempotent-Replayed") == "true")
	}
	t := s.Totals()
	fmt.Println(t.Records, "record,", t.RecordSums["usd"].Guaranteed, "guaranteed")
	// Output:
	// 503, replayed: false
	// 200, replayed: true
	// 1 record, 1050 guaranteed
}

func report(base, key string) (*http.Response, error) {
	form := url.Values{
		"amount_requested[value]":                      {"1050"},
		"amount_requested[currency]":                   {"usd"},
		"initiated_at":                                 {"1700000000"},
		"outcome":                                      {"guaranteed"},
		"guaranteed[guaranteed_at]":                    {"1700000000"},
		"payment_method_details[type]":                 {"custom"},
		"payment_method_details[custom][display_name]": {"Adyen"},
		"processor_details[type]":                      {"custom"},
		"processor_details[custom][payment_reference]": {"8815658961765250"},
	}
	req, err := http.NewRequest("POST", base+"/v1/payment_records/report_payment?"+form.Encode(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer sk_test_any")
	req.Header.Set("Idempotency-Key", key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res, err
}
