package mapping

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/payrec/payrec/record"
)

// marketplaceV2 is 23 rows in Amazon's own columns: four orders, one of them
// refunded and one in two shipments.
const marketplaceV2 = "amazon_marketplace/xieyi_settlement_v2_synthetic.txt"

func TestAmazonMarketplaceReal(t *testing.T) {
	got := importFile(t, mustLoad(t, "amazon-marketplace-v2", nil), realFile(t, marketplaceV2))
	want := map[string]int{"summary": 1, "payment": 13, "refund": 3, "fee": 4, "adjustment": 1, "reserve": 2}
	if fmt.Sprint(got.classes) != fmt.Sprint(want) || got.rows != 24 || len(got.problems) > 0 {
		t.Errorf("%d rows, classes %v, want %v; problems %v", got.rows, got.classes, want, got.problems)
	}
	if f := got.failed(); len(f) > 0 {
		t.Errorf("the rows come to the 582.89 that the file declares, but %+v", f)
	}
	// Added up by hand from the file.
	for _, w := range []struct{ id, amount, fee, net string }{
		{"114-8829371-4410258", "140.39 USD", "24.25 USD", "105.74 USD"}, // 129.99 and 10.40 of tax, which Amazon keeps
		{"113-2047718-9930613", "142.49 USD", "28.17 USD", "114.32 USD"}, // two shipments
		{"114-9930211-5567819", "210.00 USD", "31.50 USD", "178.50 USD"},
		{"112-5561209-7742044/28471003921", "129.99 USD", "-14.50 USD", "-115.49 USD"},
	} {
		if s := g2Event(got, w.id); s != w.amount+" "+w.fee+" "+w.net {
			t.Errorf("%s: %s, want %s %s %s", w.id, s, w.amount, w.fee, w.net)
		}
	}
	if got.calls[record.ReportPayment] != 3 || got.calls[record.ReportRefund] != 1 || got.by[Attached] != 12 {
		t.Errorf("calls %v, dispositions %v", got.calls, got.by)
	}
}

// g2Event is a call's amount, fee and net, by its id.
func g2Event(got *summary, id string) string {
	for _, e := range got.events {
		if e.ID == id {
			return fmt.Sprintf("%s %s %s", e.Amount.Money(), e.Fee, e.Net)
		}
	}
	return "no such call"
}

func TestAmazonMarketplacePerShipment(t *testing.T) {
	got := importFile(t, mustLoad(t, "amazon-marketplace-v2", map[string]string{"per": "shipment"}), realFile(t, marketplaceV2))
	if got.calls[record.ReportPayment] != 4 || got.sums["report_payment usd"] != 49288 {
		t.Errorf("calls %v, sums %v: want the same money in four shipments", got.calls, got.sums)
	}
	if s := g2Event(got, "113-2047718-9930613/DS7K9LM2R"); s != "45.50 USD 6.83 USD 38.67 USD" {
		t.Errorf("the second shipment is %s", s)
	}
}

// What must stop an import of the marketplace file stops it.
func TestAmazonMarketplaceRefused(t *testing.T) {
	data, err := os.ReadFile(realFile(t, marketplaceV2))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, old, new, check, problem string }{
		{"one cent less is declared", "\t582.89\t", "\t582.88\t", "the rows of a settlement come to the total that its summary row states", ""},
		{"a row is cut off", "\tStorage Fee\t-64.28\t\t2026-06-30 00:00:00 UTC\t2026-06-30 04:12:00 UTC\t\t\t\t\t\t", "\tStor", "the rows of a settlement come to the total", "ragged"},
		{"a row in another currency", "\t\t\t\t\tUSD\tTransfer", "\t\t\t\t\tCAD\tTransfer", "each row is in the settlement's currency", ""},
		{"no summary row", "\t582.89\tUSD\t", "\t\t\t", "the rows of a settlement come to the total", "has no currency"},
		{"an amount with a decimal comma", "\t129.99\t", "\t129,99\t", "the rows of a settlement come to the total", "the mapping declares decimal"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(string(data), tt.old) {
				t.Fatalf("%q is not in the file", tt.old)
			}
			got := importText(t, mustLoad(t, "amazon-marketplace-v2", nil), strings.Replace(string(data), tt.old, tt.new, 1))
			if !strings.Contains(fmt.Sprint(got.failed()), tt.check) {
				t.Errorf("failing checks %+v, want %q", got.failed(), tt.check)
			}
			if !strings.Contains(strings.Join(got.problems, "\n"), tt.problem) {
				t.Errorf("problems %v, want %q", got.problems, tt.problem)
			}
		})
	}
}

// The two reports of Amazon Pay, and that their payments meet.
func TestAmazonPayReal(t *testing.T) {
	got := importFile(t, mustLoad(t, "amazon-pay-settlement", nil), realFile(t, "amazon_pay/smashpig_2015-10-01-SETTLEMENT_DATA_371273040777777.csv"))
	if got.rows != 2 || got.classes["payment"] != 1 || got.classes["payout"] != 1 || len(got.problems) > 0 || len(got.failed()) > 0 {
		t.Errorf("classes %v, problems %v, failing checks %+v", got.classes, got.problems, got.failed())
	}
	if s := g2Event(got, "P01-1488694-1234567-C034811"); s != "10.00 USD 0.59 USD 9.41 USD" {
		t.Errorf("the capture is %s", s)
	}
	if e := got.events[0]; e.Payment != "P01-1234567-2138100" || eventText(&e, "initiated_at") != "1443723034" { // 2015-10-01T18:10:34Z
		t.Errorf("payment %s at %s", e.Payment, eventText(&e, "initiated_at"))
	}

	got = importFile(t, mustLoad(t, "amazon-pay-refunds", nil), realFile(t, "amazon_pay/smashpig_2015-10-06-REFUND_DATA_414749300022222.csv"))
	if got.rows != 2 || got.classes["refund"] != 1 || got.by[Attached] != 1 || got.sums["report_refund usd"] != 100 || len(got.failed()) > 0 {
		t.Errorf("one refund in two states: classes %v, dispositions %v, sums %v", got.classes, got.by, got.sums)
	}
	if e := got.events[0]; e.ID != "P01-4968629-7654321-R017571" || e.Payment != "P01-4968629-7654321" {
		t.Errorf("refund %s of %s", e.ID, e.Payment)
	}
}

// g2Sample is a sample of the repository.
func g2Sample(t *testing.T, preset string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "samples", preset, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f, ".plan.jsonl") {
			return f
		}
	}
	t.Fatalf("%s has no sample", preset)
	return ""
}

// A refund must find its payment in the other report of Amazon Pay: the settlement and
// the refund report of one shop agree on keys, ids and amounts, in both ways to key.
func TestAmazonPayReportsAgree(t *testing.T) {
	for _, captures := range []string{"one", "several"} {
		t.Run(captures, func(t *testing.T) {
			params := map[string]string{"captures": captures, "refunds": "refund-report"}
			settled := importFile(t, mustLoad(t, "amazon-pay-settlement", params), g2Sample(t, "amazon-pay-settlement"))
			delete(params, "refunds")
			refunds := importFile(t, mustLoad(t, "amazon-pay-refunds", params), g2Sample(t, "amazon-pay-refunds"))
			paid := map[string]int64{}
			for _, e := range settled.events {
				if e.Call != record.ReportPayment {
					t.Errorf("%s: refunds come from the other report", e.Pos)
				}
				paid[e.Payment] += e.Amount.Value
			}
			if len(paid) != 10 || len(refunds.events) != 3 {
				t.Fatalf("%d payments, %d refunds; problems %v", len(paid), len(refunds.events), refunds.problems)
			}
			for _, e := range refunds.events {
				if paid[e.Payment] -= e.Amount.Value; paid[e.Payment] < 0 {
					t.Errorf("%s refunds %s of %s, of which less was paid", e.ID, e.Amount.Money(), e.Payment)
				}
			}
		})
	}
	// By default the settlement reports its refunds itself, under the same ids.
	settled := importFile(t, mustLoad(t, "amazon-pay-settlement", nil), g2Sample(t, "amazon-pay-settlement"))
	refunds := importFile(t, mustLoad(t, "amazon-pay-refunds", nil), g2Sample(t, "amazon-pay-refunds"))
	same := 0
	for _, a := range settled.events {
		for _, b := range refunds.events {
			if a.Call == b.Call && a.ID == b.ID && a.Amount == b.Amount && a.Payment == b.Payment {
				same++
			}
		}
	}
	if same != 2 || settled.calls[record.ReportRefund] != 2 {
		t.Errorf("%d of %d refunds of the settlement are in the refund report as well", same, settled.calls[record.ReportRefund])
	}
	m, n := mustLoad(t, "amazon-pay-settlement", nil), mustLoad(t, "amazon-pay-refunds", nil)
	if m.Source() != n.Source() {
		t.Errorf("sources %q and %q: their payments would never meet", m.Source(), n.Source())
	}
}

// Params that decide what becomes of disputes do, in every preset that has one.
func TestDisputesByParam(t *testing.T) {
	for _, tt := range []struct{ preset, param, text string }{
		{"amazon-pay-settlement", "chargebacks", "TransactionPostedDate,SettlementId,AmazonTransactionId,SellerReferenceId,TransactionType,AmazonOrderReferenceId,SellerOrderId,CurrencyCode,TransactionAmount,TransactionPercentageFee,TransactionFixedFee,TotalTransactionFee,NetTransactionAmount\n" +
			"2026-04-02T09:00:00 -0700,S1,T1,,Chargeback,P01-2,,USD,-20.00,0,0,0,-20.00\n"},
		{"amazon-marketplace-v2", "claims", "settlement-id\tsettlement-start-date\tsettlement-end-date\tdeposit-date\ttotal-amount\tcurrency\ttransaction-type\torder-id\tshipment-id\tamount-type\tamount-description\tamount\tposted-date-time\n" +
			"9\ta\tb\tc\t-20.00\tUSD\t\t\t\t\t\t\t\n9\t\t\t\t\t\tA-to-z Guarantee Refund\t111-1\t\tItemPrice\tPrincipal\t-20.00\t2026-04-02 09:00:00\n"},
		{"amazon-marketplace-v1", "claims", "settlement-id\tsettlement-start-date\tsettlement-end-date\tdeposit-date\ttotal-amount\tcurrency\ttransaction-type\torder-id\tshipment-id\tshipment-fee-amount\torder-fee-amount\tposted-date\tprice-type\tprice-amount\titem-related-fee-type\titem-related-fee-amount\n" +
			"9\ta\tb\tc\t-20.00\tUSD\t\t\t\t\t\t\t\t\t\t\n9\t\t\t\t\t\tChargeback Refund\t111-1\t\t\t\t2026-04-02T09:00:00+00:00\tPrincipal\t-20.00  \t\t\n"},
		{"shopify-payments", "chargebacks", "Transaction Date,Type,Order,Amount,Fee,Net,Currency\n2026-04-02 09:00:00 -0700,chargeback,#1,-20.00,0.00,-20.00,USD\n"},
	} {
		t.Run(tt.preset, func(t *testing.T) {
			if got := importText(t, mustLoad(t, tt.preset, nil), tt.text); got.by[Held] != 1 || len(got.events) > 0 {
				t.Errorf("dispositions %v, problems %v", got.by, got.problems)
			}
			got := importText(t, mustLoad(t, tt.preset, map[string]string{tt.param: "refund"}), tt.text)
			if got.sums["report_refund usd"] != 2000 || len(got.failed()) > 0 {
				t.Errorf("sums %v, problems %v, failing checks %+v", got.sums, got.problems, got.failed())
			}
		})
	}
}

// A European marketplace file has decimal commas and days first.
func TestAmazonMarketplaceEuropean(t *testing.T) {
	text := "settlement-id\tsettlement-start-date\tsettlement-end-date\tdeposit-date\ttotal-amount\tcurrency\ttransaction-type\torder-id\tshipment-id\tamount-type\tamount-description\tamount\tposted-date-time\n" +
		"9\t01.04.2026 00:00:00 UTC\tb\tc\t8,49\tEUR\t\t\t\t\t\t\t\n" +
		"9\t\t\t\t\t\tOrder\t302-1\tS1\tItemPrice\tPrincipal\t9,99\t02.04.2026 09:00:00 UTC\n" +
		"9\t\t\t\t\t\tOrder\t302-1\tS1\tItemFees\tCommission\t-1,50\t02.04.2026 09:00:00 UTC\n"
	got := importText(t, mustLoad(t, "amazon-marketplace-v2", map[string]string{"decimal": ","}), text)
	if s := g2Event(got, "302-1"); s != "9.99 EUR 1.50 EUR 8.49 EUR" || len(got.failed()) > 0 {
		t.Errorf("%s, problems %v, failing checks %+v", s, got.problems, got.failed())
	}
	if at := eventText(&got.events[0], "initiated_at"); at != "1775120400" { // 2026-04-02T09:00:00Z
		t.Errorf("at %s", at)
	}
}

// What an order comes to does not depend on how its rows are mixed with others.
func TestAmazonMarketplaceAnyOrder(t *testing.T) {
	for _, preset := range []string{"amazon-marketplace-v1", "amazon-marketplace-v2"} {
		data, err := os.ReadFile(g2Sample(t, preset))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
		m := mustLoad(t, preset, nil)
		calls := func(lines []string) map[string]string {
			got, out := importText(t, m, strings.Join(lines, "\n")+"\n"), map[string]string{}
			if len(got.problems) > 0 || len(got.failed()) > 0 {
				t.Fatalf("problems %v, failing checks %+v", got.problems, got.failed())
			}
			for _, e := range got.events {
				out[e.ID] = g2Event(got, e.ID) + " " + eventText(&e, "initiated_at") + eventText(&e, "refunded.refunded_at")
			}
			return out
		}
		want := calls(lines)
		rapid.Check(t, func(rt *rapid.T) {
			body := rapid.Permutation(lines[2:]).Draw(rt, "rows")
			if d := cmp.Diff(want, calls(append(slices.Clone(lines[:2]), body...))); d != "" {
				rt.Fatalf("%s: -in the file's order +in another\n%s", preset, d)
			}
		})
	}
}

// Square's export of 2018: fewer columns, amounts that a spreadsheet has
// padded and put in parentheses, dates with the month first.
func TestSquareOldColumns(t *testing.T) {
	const header = "Date,Time,Time Zone,Gross Sales,Discounts,Net Sales,Gift Card Sales,Tax,Tip,Partial Refunds,Total Collected,Source,Card,Card Entry Methods," +
		"Cash,Square Gift Card,Installment,Other Tender,Other Tender Type,Other Tender Note,Fees,Net Total,Transaction ID,Payment ID,Event Type\n"
	row := func(total, card, fee, net, id string) string {
		return fmt.Sprintf(`12/27/2018,2:30:00 PM,Eastern Time (US & Canada),%[1]s,$0.00 ,%[1]s,$0.00 ,$0.00 ,$0.00 ,$0.00 ,%[1]s,,%[2]s,,$0.00 ,$0.00 ,$0.00 ,$0.00 ,,,%[3]s,%[4]s,%[5]s,P-%[5]s,Payment`+"\n", total, card, fee, net, id)
	}
	m := mustLoad(t, "square", nil)
	if !m.Identify("x.csv", strings.Split(strings.TrimSpace(header), ",")) {
		t.Error("the old columns are not recognised")
	}
	got := importText(t, m, header+row(`"$1,149.00 "`, `"$1,149.00 "`, "($33.62)", `"$1,115.38 "`, "T1")+row(`$150.00 `, `$150.00 `, "($5.40)", "$144.60 ", "T2"))
	if s := g2Event(got, "T1"); s != "1149.00 USD 33.62 USD 1115.38 USD" || len(got.failed()) > 0 || len(got.problems) > 0 {
		t.Errorf("%s, problems %v, failing checks %+v", s, got.problems, got.failed())
	}
	// Half past two in the afternoon of 27 December in New York.
	if at := eventText(&got.events[0], "initiated_at"); at != "1545939000" {
		t.Errorf("at %s", at)
	}
	got = importText(t, m, header+row("$10.00", "$9.00", "($0.40)", "$9.70", "T3"))
	if len(got.failed()) != 2 || got.failed()[0].Severity != "warn" {
		t.Errorf("neither tender nor net add up: failing checks %+v", got.failed())
	}
	got = importText(t, mustLoad(t, "square", map[string]string{"currency": "JPY"}), header+row(`"¥1,500"`, `"¥1,500"`, "-¥54", `"¥1,446"`, "T4"))
	if s := g2Event(got, "T4"); got.sums["report_payment jpy"] != 1500 || s != "1500 JPY 54 JPY 1446 JPY" || len(got.failed()) > 0 {
		t.Errorf("%s, sums %v, problems %v, failing checks %+v", s, got.sums, got.problems, got.failed())
	}
}

// The same row exported in another time zone is the same call.
func TestShopifyZonesAgree(t *testing.T) {
	const header = "Transaction Date,Type,Order,Payout Status,Payout ID,Amount,Fee,Net,Checkout,Presentment Amount,Presentment Currency,Currency\n"
	m := mustLoad(t, "shopify-payments", nil)
	var seen []string
	for _, at := range []string{"2026-08-24 22:01:24 +0400", "2026-08-24 14:01:24 -0400", "2026-08-24T18:01:24Z"} {
		for _, payout := range []string{"pending,", "paid,90001"} {
			got := importText(t, m, header+at+",refund,#7,"+payout+",-5.00,0.00,-5.00,#70,5.00,EUR,EUR\n")
			if len(got.events) != 1 {
				t.Fatalf("problems %v", got.problems)
			}
			seen = append(seen, got.events[0].ID)
		}
	}
	if slices.Sort(seen); seen[0] != seen[len(seen)-1] {
		t.Errorf("one refund has the ids %v", seen)
	}
}

// An export that is made again when the money is paid out knows more, and must not
// contradict the one that was imported before.
func TestLaterExportsAgree(t *testing.T) {
	const shopify = "Transaction Date,Type,Order,Payout Status,Payout ID,Amount,Fee,Net,Checkout,Currency\n2026-08-24 22:01:24 +0400,charge,#7,%s,5.00,0.20,4.80,#70,EUR\n"
	const square = "Date,Time,Time Zone,Total Collected,Card,Cash,Other Tender,Fees,Net Total,Transaction ID,Payment ID,Event Type,Gross Sales,Deposit ID\n2026-03-02,16:50:48,UTC,$5.00,$5.00,$0.00,$0.00,-$0.20,$4.80,TX1,PM1,Payment,$5.00,%s\n"
	for _, tt := range []struct{ preset, file, before, after, param, id string }{
		{"shopify-payments", shopify, "pending,", "paid,90001", "payouts", "70/payout/2026-08-24T18:01:24Z"},
		{"square", square, "", "DEP1", "deposits", "TX1/deposit"},
	} {
		t.Run(tt.preset, func(t *testing.T) {
			early := importText(t, mustLoad(t, tt.preset, nil), fmt.Sprintf(tt.file, tt.before))
			late := importText(t, mustLoad(t, tt.preset, nil), fmt.Sprintf(tt.file, tt.after))
			if len(early.events) != 1 || len(late.events) != 1 {
				t.Fatalf("problems %v, %v", early.problems, late.problems)
			}
			if d := cmp.Diff(early.events[0].Params, late.events[0].Params); d != "" {
				t.Errorf("-before the payout +after\n%s", d)
			}
			add := map[string]string{tt.param: "add"}
			if got := importText(t, mustLoad(t, tt.preset, add), fmt.Sprintf(tt.file, tt.before)); len(got.events) != 1 {
				t.Errorf("%d calls before the payout, problems %v", len(got.events), got.problems)
			}
			got := importText(t, mustLoad(t, tt.preset, add), fmt.Sprintf(tt.file, tt.after))
			if len(got.events) != 2 || got.events[1].Call != record.ReportPaymentAttemptInformational || got.events[1].ID != tt.id {
				t.Errorf("calls %+v, problems %v", got.events, got.problems)
			}
		})
	}
}

// A settlement in its two forms is the same calls under the same ids, so that
// whoever imports both reports nothing twice.
func TestAmazonMarketplaceFormsAgree(t *testing.T) {
	data, err := os.ReadFile(g2Sample(t, "amazon-marketplace-v2"))
	if err != nil {
		t.Fatal(err)
	}
	var wide strings.Builder
	for i, line := range strings.Split(strings.TrimRight(string(data), "\n"), "\n") {
		c := strings.Split(line, "\t") // 13 type, 14 description, 15 amount, 18 time, as the report numbers them from 1
		if i == 0 {
			wide.WriteString(strings.Join(c[:12], "\t") + "\tshipment-fee-amount\torder-fee-amount\tposted-date\tprice-type\tprice-amount\titem-related-fee-type\titem-related-fee-amount\tmisc-fee-amount\tpromotion-amount\n")
			continue
		}
		price, fee, misc, promotion := "\t", "\t", "", ""
		switch c[12] {
		case "ItemPrice":
			price = c[13] + "\t" + c[14]
		case "ItemFees", "ItemWithheldTax":
			fee = c[13] + "\t" + c[14]
		case "Promotion":
			promotion = c[14]
		default:
			misc = c[14]
		}
		at := strings.Replace(strings.Replace(c[17], " UTC", "+00:00", 1), " ", "T", 1)
		wide.WriteString(strings.Join(c[:12], "\t") + "\t\t\t" + at + "\t" + price + "\t" + fee + "\t" + misc + "\t" + promotion + "\n")
	}
	long := importText(t, mustLoad(t, "amazon-marketplace-v2", nil), string(data))
	got := importText(t, mustLoad(t, "amazon-marketplace-v1", nil), wide.String())
	if len(got.events) != 4 || len(got.failed()) > 0 {
		t.Fatalf("%d calls, problems %v, failing checks %+v", len(got.events), got.problems, got.failed())
	}
	if d := cmp.Diff(long.events, got.events, cmp.Transformer("money", func(m *record.Money) string { return m.String() }),
		cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Pos" }, cmp.Ignore())); d != "" {
		t.Errorf("-V2 +V1\n%s", d)
	}
}
