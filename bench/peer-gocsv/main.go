// Command peer-gocsv sends a file with gocsv and stripe-go's typed calls, as
// their documentation shows them, from so many goroutines.
package main

import (
	"context"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gocarina/gocsv"
	"github.com/stripe/stripe-go/v85"
	"golang.org/x/sync/errgroup"
)

type row struct {
	ID       string `csv:"Transaction ID"`
	Order    string `csv:"Order"`
	Country  string `csv:"Country"`
	Created  string `csv:"Created at"`
	Settled  string `csv:"Settled on"`
	Currency string `csv:"Currency"`
	Gross    string `csv:"Gross"`
}

func main() {
	base, file := os.Args[1], os.Args[2]
	inFlight, err := strconv.Atoi(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		log.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL: stripe.String(base), LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelError}, MaxNetworkRetries: stripe.Int64(0),
	})
	client := stripe.NewClient("sk_test_bench", stripe.WithBackends(&stripe.Backends{API: backend}))
	rows := make(chan row)
	group, ctx := errgroup.WithContext(context.Background())
	group.Go(func() error { return gocsv.UnmarshalToChan(f, rows) })
	for range inFlight {
		group.Go(func() error {
			for r := range rows {
				if err := send(ctx, client, r, zone); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		log.Fatal(err)
	}
}

func send(ctx context.Context, client *stripe.Client, r row, zone *time.Location) error {
	at, err := time.ParseInLocation(time.DateTime, r.Created, zone)
	if err != nil {
		return err
	}
	value, err := strconv.ParseInt(strings.Replace(r.Gross, ".", "", 1), 10, 64)
	if err != nil {
		return err
	}
	params := &stripe.PaymentRecordReportPaymentParams{
		AmountRequested:      &stripe.PaymentRecordReportPaymentAmountRequestedParams{Value: stripe.Int64(value), Currency: stripe.String(strings.ToLower(r.Currency))},
		InitiatedAt:          stripe.Int64(at.Unix()),
		Outcome:              stripe.String("guaranteed"),
		Guaranteed:           &stripe.PaymentRecordReportPaymentGuaranteedParams{GuaranteedAt: stripe.Int64(at.Unix())},
		PaymentMethodDetails: &stripe.PaymentRecordReportPaymentPaymentMethodDetailsParams{Type: stripe.String("custom"), Custom: &stripe.PaymentRecordReportPaymentPaymentMethodDetailsCustomParams{DisplayName: stripe.String("Bench")}},
		ProcessorDetails:     &stripe.PaymentRecordReportPaymentProcessorDetailsParams{Type: stripe.String("custom"), Custom: &stripe.PaymentRecordReportPaymentProcessorDetailsCustomParams{PaymentReference: stripe.String(r.ID)}},
		Metadata:             map[string]string{"order": r.Country + "/" + r.Order, "settled_on": r.Settled},
	}
	params.SetIdempotencyKey(r.ID)
	_, err = client.V1PaymentRecords.ReportPayment(ctx, params)
	return err
}
