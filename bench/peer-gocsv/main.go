// Command peer-gocsv sends the payments of a file with gocsv and stripe-go's
// typed calls, as their documentation shows them, from so many goroutines; other
// classes are counted and left. The first error ends it.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
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
	Original string `csv:"Original ID"`
	Order    string `csv:"Order"`
	Type     string `csv:"Type"`
	Created  string `csv:"Created at"`
	Settled  string `csv:"Settled on"`
	Currency string `csv:"Currency"`
	Gross    string `csv:"Gross"`
	Fee      string `csv:"Fee"`
	Net      string `csv:"Net"`
	Country  string `csv:"Country"`
	Batch    string `csv:"Batch"`
	line     int
}

func main() {
	inFlight, err := strconv.Atoi(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	if err := run(os.Args[1], os.Args[2], inFlight); err != nil {
		log.Fatal(err)
	}
}

func run(base, file string, inFlight int) error {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL: stripe.String(base), LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelError}, MaxNetworkRetries: stripe.Int64(0),
	})
	client := stripe.NewClient("sk_test_bench", stripe.WithBackends(&stripe.Backends{API: backend}))
	read, checked := make(chan row), make(chan row, inFlight)
	group, ctx := errgroup.WithContext(context.Background())
	group.Go(func() error { return gocsv.UnmarshalToChan(f, read) })
	group.Go(func() error { defer close(checked); return check(ctx, read, checked) })
	for range inFlight {
		group.Go(func() error {
			for r := range checked {
				if err := send(ctx, client, r, zone, file); err != nil {
					return fmt.Errorf("line %d: %w", r.line, err)
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// check lets payments through whose id did not come before.
func check(ctx context.Context, read <-chan row, checked chan<- row) error {
	seen, left, line := map[string]bool{}, 0, 1
	for r := range read {
		line++
		r.line, r.ID = line, strings.TrimSpace(r.ID)
		if r.ID == "" || seen[r.ID] {
			return fmt.Errorf("line %d: %q twice", line, r.ID)
		}
		seen[r.ID] = true
		if r.Type != "Payment" {
			left++
			continue
		}
		select {
		case checked <- r:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	fmt.Println(len(seen)-left, "sent,", left, "left")
	return nil
}

var decimals = map[string]int{"EUR": 2, "USD": 2, "GBP": 2, "CHF": 2, "JPY": 0, "KWD": 3}

// minor is text as an integer of minor units, exactly.
func minor(text, currency string) (int64, error) {
	places, known := decimals[currency]
	whole, part, _ := strings.Cut(text, ".")
	if !known || len(part) > places {
		return 0, fmt.Errorf("%q is no amount of %q", text, currency)
	}
	return strconv.ParseInt(whole+part+strings.Repeat("0", places-len(part)), 10, 64)
}

// moment is a local time, if the clock showed it just once.
func moment(text string, zone *time.Location) (int64, error) {
	at, err := time.ParseInLocation(time.DateTime, text, zone)
	if err != nil {
		return 0, err
	}
	_, before := at.AddDate(0, 0, -1).Zone()
	_, after := at.AddDate(0, 0, 1).Zone()
	if change := time.Duration(after-before) * time.Second; change != 0 {
		if at.Format(time.DateTime) != text || at.Add(change).Format(time.DateTime) == text || at.Add(-change).Format(time.DateTime) == text {
			return 0, fmt.Errorf("the clock showed %q twice or never", text)
		}
	}
	return at.Unix(), nil
}

func send(ctx context.Context, client *stripe.Client, r row, zone *time.Location, file string) error {
	at, err := moment(r.Created, zone)
	if err != nil {
		return err
	}
	if _, err := time.Parse(time.DateOnly, r.Settled); err != nil {
		return err
	}
	var amounts [3]int64
	for i, text := range []string{r.Gross, r.Fee, r.Net} {
		if amounts[i], err = minor(text, r.Currency); err != nil {
			return err
		}
	}
	if amounts[0]-amounts[1] != amounts[2] {
		return fmt.Errorf("%s less %s is not %s", r.Gross, r.Fee, r.Net)
	}
	params := &stripe.PaymentRecordReportPaymentParams{
		AmountRequested:      &stripe.PaymentRecordReportPaymentAmountRequestedParams{Value: stripe.Int64(amounts[0]), Currency: stripe.String(strings.ToLower(r.Currency))},
		InitiatedAt:          stripe.Int64(at),
		Outcome:              stripe.String("guaranteed"),
		Guaranteed:           &stripe.PaymentRecordReportPaymentGuaranteedParams{GuaranteedAt: stripe.Int64(at)},
		PaymentMethodDetails: &stripe.PaymentRecordReportPaymentPaymentMethodDetailsParams{Type: stripe.String("custom"), Custom: &stripe.PaymentRecordReportPaymentPaymentMethodDetailsCustomParams{DisplayName: stripe.String("Bench")}},
		ProcessorDetails:     &stripe.PaymentRecordReportPaymentProcessorDetailsParams{Type: stripe.String("custom"), Custom: &stripe.PaymentRecordReportPaymentProcessorDetailsCustomParams{PaymentReference: stripe.String(r.ID)}},
		Metadata: map[string]string{"order": r.Country + "/" + r.Order, "settled_on": r.Settled, "fee": r.Fee, "net": r.Net,
			"file": file, "line": strconv.Itoa(r.line)},
	}
	key := sha256.Sum256([]byte("bench-settlement/report_payment/" + r.ID))
	params.SetIdempotencyKey(hex.EncodeToString(key[:]))
	_, err = client.V1PaymentRecords.ReportPayment(ctx, params)
	return err
}
