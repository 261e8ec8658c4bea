package mapping

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/record"
)

// stops fails the test for every check that would stop an import.
func (s *summary) stops(t *testing.T) {
	t.Helper()
	for _, c := range s.failed() {
		if c.Severity == "stop" {
			t.Errorf("%s, group %q: %s", c.Name, c.Group, c.Msg)
		}
	}
}

// is holds an import against what is known of a file.
func (s *summary) is(t *testing.T, classes, sums string) {
	t.Helper()
	if got := fmt.Sprint(s.classes); got != "map["+classes+"]" {
		t.Errorf("classes %s, want %s", got, classes)
	}
	if got := fmt.Sprint(s.sums); got != "map["+sums+"]" {
		t.Errorf("sums %s, want %s", got, sums)
	}
	if len(s.problems) > 0 {
		t.Errorf("problems: %s", strings.Join(s.problems, "\n"))
	}
}

// recognised says which presets take a file for their own by its header.
func recognised(t *testing.T, path string) string {
	t.Helper()
	var names []string
	for _, p := range Presets() {
		m := mustLoad(t, p.Name, nil)
		r, err := table.Open(path, m.Dialect())
		if err != nil {
			continue
		}
		for {
			row, err := r.Next()
			if err != nil {
				break
			}
			if row.Role == table.HeaderRow && row.Header != nil {
				if m.Identify(path, row.Header.Names()) {
					names = append(names, p.Name)
				}
				break
			}
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	return strings.Join(names, " ")
}

func TestRealRecognised(t *testing.T) {
	for path, want := range map[string]string{
		"adyen/oca_settlement_detail_report_batch_380.csv":         "adyen-settlement-detail",
		"adyen/smashpig_payments_accounting_report_nyce.csv":       "adyen-payment-accounting",
		"adyen/oca_adyen_test.xlsx":                                "adyen-settlement-detail-xlsx",
		"adyen/oca_adyen_test_invalid.xls":                         "",
		"paypal/smashpig_stl.csv":                                  "paypal-settlement",
		"paypal/smashpig_stl_currency_convert.csv":                 "paypal-settlement",
		"paypal/smashpig_trr_express_checkout_donation.csv":        "paypal-transaction",
		"paypal/smashpig_trr_express_checkout_donation_denied.csv": "paypal-transaction",
		"paypal/oca_activity_en.csv":                               "paypal-activity",
		"paypal/ledger-autosync_paypal.csv":                        "paypal-activity",
		"paypal/oca_statement_es.csv":                              "paypal-activity-es",
		"stripe/smashpig_settlement_report.csv":                    "stripe-balance",
		"stripe/hledger_stripe.csv":                                "stripe-balance",
		"braintree/oca_pull_report.csv":                            "braintree",
	} {
		t.Run(path, func(t *testing.T) {
			if got := recognised(t, realFile(t, path)); got != want {
				t.Errorf("recognised by %q, want %q", got, want)
			}
		})
	}
}

// Four rows in no order of time are one payment.
func TestRealAdyenPaymentAccounting(t *testing.T) {
	path := realFile(t, "adyen/smashpig_payments_accounting_report_nyce.csv")
	got := importFile(t, mustLoad(t, "adyen-payment-accounting", nil), path)
	got.is(t, "payment:1 step:3", "report_payment usd:1040")
	if f := got.failed(); len(f) > 0 {
		t.Errorf("failing checks %+v", f)
	}
	if len(got.events) != 1 {
		t.Fatalf("%d calls, want 1", len(got.events))
	}
	e := got.events[0]
	if at, _ := e.Params.Get("guaranteed.guaranteed_at"); e.Fee.String() != "0.38 USD" || e.Net.String() != "10.02 USD" || at != "1694088654" {
		t.Errorf("fee %s, net %s, guaranteed at %s; want 0.38, 10.02 and 05:10:54 on the Pacific coast", e.Fee, e.Net, at)
	}

	// Reported from its authorisation on, the payment is two calls, whose
	// order is that of the booking dates and not of the rows.
	got = importFile(t, mustLoad(t, "adyen-payment-accounting", map[string]string{"report": "authorised"}), path)
	got.is(t, "authorised:1 payment:1 step:2", "report_payment usd:1040 report_payment_attempt_guaranteed :0")
	got.stops(t)
	if len(got.events) != 2 || got.events[0].Call != record.ReportPaymentAttemptGuaranteed || got.events[0].Order <= got.events[1].Order {
		t.Errorf("calls %+v", got.events)
	}
}

// A capture of less than was authorised cannot be said by a guarantee.
func TestAdyenPartialCapture(t *testing.T) {
	const text = "Merchant Account,Psp Reference,Merchant Reference,Booking Date,TimeZone,Record Type,Modification Psp Reference,Payment Currency,Received (PC),Authorised (PC),Captured (PC),Settlement Currency,Payable (SC),Settlement Currency\n" +
		"Shop,P1,O1,2026-03-02 10:00:00,CET,Authorised,,EUR,-10,10,,,,\n" +
		"Shop,P1,O1,2026-03-03 10:00:00,CET,Settled,M1,EUR,,0,-6,EUR,6,JPY\n"
	got := importText(t, mustLoad(t, "adyen-payment-accounting", nil), text)
	got.is(t, "payment:1 step:1", "report_payment eur:600") // and the first of two columns of one name is taken
	got.stops(t)
	if net := got.events[0].Net.String(); net != "6.00 EUR" {
		t.Errorf("net %s, want 6.00 EUR by the first of the columns called Settlement Currency", net)
	}
	failed := importText(t, mustLoad(t, "adyen-payment-accounting", map[string]string{"report": "authorised"}), text).failed()
	if len(failed) != 1 || failed[0].Severity != "stop" || failed[0].Group != "P1" {
		t.Errorf("failing checks %+v", failed)
	}
}

// The table begins at B4, and 19 payments share 3 references: every one is
// refused, with the reason, and nothing is sent.
func TestRealAdyenWorkbookPreset(t *testing.T) {
	got := importFile(t, mustLoad(t, "adyen-settlement-detail-xlsx", nil), realFile(t, "adyen/oca_adyen_test.xlsx"))
	if len(got.events) > 0 || got.classes["payment"] != 19 {
		t.Errorf("%d calls, classes %v", len(got.events), got.classes)
	}
	references := map[string]bool{}
	for _, p := range got.problems {
		if _, rest, ok := strings.Cut(p, "spoiled_id "); ok && strings.Contains(rest, "only 15 digits can be trusted") {
			reference, _, _ := strings.Cut(rest, ":")
			references[reference] = true
		}
	}
	if len(references) != 3 {
		t.Errorf("%d different references were refused, want 3: %v", len(references), references)
	}
}

func TestRealPayPalTransactions(t *testing.T) {
	m := mustLoad(t, "paypal-transaction", nil)
	got := importFile(t, m, realFile(t, "paypal/smashpig_trr_express_checkout_donation.csv"))
	got.is(t, "payment:1", "report_payment jpy:150") // 15000, as hundredths of a yen
	got.stops(t)
	if e := got.events[0]; e.Fee.String() != "43 JPY" || e.Net.String() != "107 JPY" {
		t.Errorf("fee %s, net %s", e.Fee, e.Net)
	}
	// The same code, side and amount, with state D.
	got = importFile(t, m, realFile(t, "paypal/smashpig_trr_express_checkout_donation_denied.csv"))
	got.is(t, "failed:1", "report_payment jpy:150")
	if outcome, _ := got.events[0].Params.Get("outcome"); outcome != "failed" {
		t.Errorf("outcome %q, want failed", outcome)
	}
}

// A payment that stands in both of PayPal's daily reports is one event: same
// id, same content.
func TestPayPalReportsAgree(t *testing.T) {
	columns := "Transaction ID,Invoice ID,PayPal Reference ID,PayPal Reference ID Type,Transaction Event Code,Transaction Initiation Date,Transaction Completion Date,Transaction Debit or Credit," +
		"Gross Transaction Amount,Gross Transaction Currency,Fee Debit or Credit,Fee Amount,Fee Currency,Custom Field"
	row := "T1,I1,,,T0006,2026/03/02 09:59:55 -0800,2026/03/02 09:59:56 -0800,CR,15000,EUR,DR,430,EUR,"
	settlement := importText(t, mustLoad(t, "paypal-settlement", nil), "CH,"+columns+"\nSB,"+row+"\n")
	transaction := importText(t, mustLoad(t, "paypal-transaction", nil), "CH,"+columns+",Transactional Status,First Name,Last Name\nSB,"+row+",S,Ada,Muster\n")
	a, b := settlement.events[0], transaction.events[0]
	if a.ID != b.ID || a.Payment != b.Payment || a.Params.Hash() != b.Params.Hash() {
		t.Errorf("the settlement report says %s %+v, the transaction report %s %+v", a.ID, a.Params, b.ID, b.Params)
	}
}

// 76 rows: 28 payments in or out, 32 conversions, 14 withdrawals, a hold and
// its release. The balance moves as the rows say, in three currencies.
func TestRealPayPalActivity(t *testing.T) {
	path := realFile(t, "paypal/oca_activity_en.csv")
	m := mustLoad(t, "paypal-activity", map[string]string{"date_format": "%d/%m/%Y"})
	got := importFile(t, m, path)
	got.is(t, "account conversion:2 conversion:30 hold:2 money sent:2 payment:26 withdrawal:14", "report_payment usd:7066080")
	if f := got.failed(); len(f) > 0 {
		t.Errorf("failing checks %+v", f)
	}
	if got.rows != 76 || len(got.checks) != 4 || got.checks[3].Msg != "3 groups" {
		t.Errorf("%d rows, checks %+v", got.rows, got.checks)
	}
	// Read with the month first, the day's place is in doubt: nothing is sent.
	got = importFile(t, mustLoad(t, "paypal-activity", nil), path)
	stopped := false
	for _, c := range got.failed() {
		stopped = stopped || c.Severity == "stop" && strings.Contains(c.Msg, "could not be read")
	}
	if !stopped {
		t.Errorf("dates of the other order must stop the import: %+v", got.failed())
	}
}

func TestRealPayPalStatementSpanish(t *testing.T) {
	got := importFile(t, mustLoad(t, "paypal-activity-es", nil), realFile(t, "paypal/oca_statement_es.csv"))
	got.is(t, "payment:4", "report_payment eur:13644")
	if f := got.failed(); len(f) > 0 {
		t.Errorf("failing checks %+v", f)
	}
	if at, _ := got.events[3].Params.Get("initiated_at"); at != "1578041064" {
		t.Errorf("3/1/2020 was read as %s, want 09:44:24 on the third of January in Berlin", at)
	}
	// With English numbers every amount is refused rather than misread.
	got = importFile(t, mustLoad(t, "paypal-activity", map[string]string{"date_format": "%d/%m/%Y"}), realFile(t, "paypal/oca_statement_es.csv"))
	if len(got.events) > 0 || got.by[Rejected] != 4 {
		t.Errorf("dispositions %v, calls %v", got.by, got.calls)
	}
}

// Names with a leading blank and a nameless last column. Its balances were
// edited by hand, which is why that check only warns.
func TestRealPayPalLedgerAutosync(t *testing.T) {
	got := importFile(t, mustLoad(t, "paypal-activity", nil), realFile(t, "paypal/ledger-autosync_paypal.csv"))
	got.is(t, "deposit:1 money sent:1", "")
	got.stops(t)
}

func TestRealStripe(t *testing.T) {
	m := mustLoad(t, "stripe-balance", nil)
	got := importFile(t, m, realFile(t, "stripe/smashpig_settlement_report.csv"))
	got.is(t, "dispute reversal:1 fee:2 payment:2 payout:1 refund:1", "report_payment usd:3500 report_refund usd:1000")
	got.stops(t)
	if got.events[0].Payment != "ch_123" || got.events[1].Payment != "ch_123" || got.events[2].Payment != "Re_1234" {
		t.Errorf("payments %s, %s, %s", got.events[0].Payment, got.events[1].Payment, got.events[2].Payment)
	}
	// A report without charge_id: the charge is a payment, the refund waits.
	got = importFile(t, m, realFile(t, "stripe/hledger_stripe.csv"))
	got.is(t, "payment:1 refund without payment:1", "report_payment usd:1200")
	got.stops(t)
	if at, _ := got.events[0].Params.Get("initiated_at"); at != "1579767989" {
		t.Errorf("created_utc was read as %s", at)
	}
}

func TestRealBraintree(t *testing.T) {
	path := realFile(t, "braintree/oca_pull_report.csv")
	m := mustLoad(t, "braintree", nil)
	got := importFile(t, m, path)
	got.is(t, "payment:2", "report_payment usd:353300")
	if f := got.failed(); len(f) > 0 {
		t.Errorf("failing checks %+v", f)
	}
	if e := got.events[0]; e.Fee.String() != "29.10 EUR" || e.Net.String() != "964.43 EUR" {
		t.Errorf("fee %s, net %s", e.Fee, e.Net)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	digits := strings.Split(strings.Split(string(data), "\n")[1], ",")[15]
	for _, e := range got.events {
		for _, p := range e.Params {
			if strings.Contains(p.Value, digits) {
				t.Errorf("%s holds the card's digits", p.Path)
			}
		}
	}
	if got := strings.Join(m.Sensitive(), " "); got != "First 6 of CC" {
		t.Errorf("sensitive columns %q", got)
	}
}

func param(t *testing.T, e Event, path string) string {
	t.Helper()
	s, _ := e.Params.Get(path)
	return s
}

// Params that change what is reported, each against its default.
func TestPresetParams(t *testing.T) {
	const stripe = "balance_transaction_id,created,currency,gross,fee,net,reporting_category,charge_id,source_id,customer_facing_amount,customer_facing_currency\n" +
		"txn_1,2026-03-02 10:00:00,eur,5.00,0.30,4.70,charge,ch_1,ch_1,800,jpy\n" +
		"txn_2,2026-03-03 10:00:00,eur,-5.00,20.00,-25.00,dispute,ch_1,du_1,-800,jpy\n"
	got := importText(t, mustLoad(t, "stripe-balance", nil), stripe)
	got.is(t, "dispute held:1 payment:1", "report_payment jpy:800")
	got = importText(t, mustLoad(t, "stripe-balance", map[string]string{"amount": "settlement", "chargebacks": "refund", "zone": "Asia/Tokyo"}), stripe)
	got.is(t, "dispute:1 payment:1", "report_payment eur:500 report_refund eur:500")
	if at := param(t, got.events[0], "initiated_at"); at != "1772413200" {
		t.Errorf("10:00 in Tokyo is %s", at)
	}
	if e := got.events[1]; e.Payment != "ch_1" || param(t, e, "processor_details.custom.refund_reference") != "du_1" || param(t, e, "metadata.reason") != "chargeback" {
		t.Errorf("dispute %+v", e)
	}

	const activity = "Date,Time,TimeZone,Name,Type,Status,Currency,Gross,Fee,Net,From Email Address,Transaction ID,Reference Txn ID\n" +
		"03/14/2026,10:00:00,PDT,Ada Muster,Website Payment,Completed,USD,8.00,-0.30,7.70,ada@example.com,T1,\n" +
		"03/15/2026,10:00:00,PDT,,Chargeback,Completed,USD,-8.00,0.00,-8.00,,T2,T1\n"
	got = importText(t, mustLoad(t, "paypal-activity", nil), activity)
	got.is(t, "chargeback held:1 payment:1", "report_payment usd:800")
	if email := param(t, got.events[0], "customer_details.email"); email != "" {
		t.Errorf("nobody asked for the payer's address %q", email)
	}
	got = importText(t, mustLoad(t, "paypal-activity", map[string]string{"chargebacks": "refund", "payers": "report"}), activity)
	got.is(t, "chargeback:1 payment:1", "report_payment usd:800 report_refund usd:800")
	if e := got.events[0]; param(t, e, "customer_details.email") != "ada@example.com" || param(t, e, "customer_details.name") != "Ada Muster" {
		t.Errorf("payer %+v", e.Params)
	}

	const transactions = "CH,Transaction ID,Invoice ID,PayPal Reference ID,PayPal Reference ID Type,Transaction Event Code,Transaction Initiation Date,Transaction Completion Date,Transaction Debit or Credit," +
		"Gross Transaction Amount,Gross Transaction Currency,Transactional Status,Payer's Account ID,First Name,Last Name\n" +
		"SB,T1,I1,,,T0006,2026/03/02 09:59:55 -0800,2026/03/02 09:59:56 -0800,CR,800,EUR,S,ada@example.com,Ada,Muster\n" +
		"SB,T2,I1,T1,TXN,T1201,2026/03/03 09:59:55 -0800,2026/03/03 09:59:56 -0800,DR,800,EUR,S,,,\n"
	got = importText(t, mustLoad(t, "paypal-transaction", map[string]string{"chargebacks": "refund", "payers": "report"}), transactions)
	got.is(t, "chargeback:1 payment:1", "report_payment eur:800 report_refund eur:800")
	if e := got.events[0]; param(t, e, "customer_details.email") != "ada@example.com" || param(t, e, "customer_details.name") != "Ada Muster" {
		t.Errorf("payer %+v", e.Params)
	}
}

// A mapping of somebody's own adds the words that the preset does not know.
func TestPayPalActivityExtended(t *testing.T) {
	const rows = "Date,Time,TimeZone,Type,Status,Currency,Gross,Fee,Net,Transaction ID\n03/14/2026,10:00:00,PDT,Mystery Payment,Wonderful,USD,8.00,0.00,8.00,T1\n"
	if got := importText(t, mustLoad(t, "paypal-activity", nil), rows); got.by[Rejected] != 1 || !strings.Contains(got.problems[0], `"Mystery Payment"`) {
		t.Errorf("dispositions %v, problems %v", got.by, got.problems)
	}
	m := mustParse(t, "extends: preset:paypal-activity\nname: mine\nlookups: {kinds: {map: {mystery payment: payment}}, states: {map: {wonderful: done}}}\n", Options{})
	importText(t, m, rows).is(t, "payment:1", "report_payment usd:800")
}
