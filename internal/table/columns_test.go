package table_test

import (
	"testing"

	. "github.com/payrec/payrec/internal/table"
	"pgregory.net/rapid"
)

func TestNormalize(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "psp": "psp", "Psp Reference": "psp reference", " Fee ": "fee", "\ufeffDate": "date",
		"\u00a0Amount\u00a0\u00a0(GC)\t": "amount (gc)", "Transaction  Debit or Credit": "transaction debit or credit",
		"\u3000交易时间            ": "交易时间", "ÉTAT": "état",
	} {
		if got := Normalize(in); got != want {
			t.Errorf("Normalize(%q) = %q, want %q", in, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		n := Normalize(rapid.String().Draw(t, "name"))
		if again := Normalize(n); again != n {
			t.Fatalf("Normalize is not stable: %q, then %q", n, again)
		}
	})
}

func TestColumns(t *testing.T) {
	c := NewColumns([]string{"Psp Reference", "Settlement Currency", "", "settlement  currency", "Fee ", ""})
	for _, tt := range []struct {
		name string
		nth  int
		want int
	}{
		{"psp reference", 1, 0}, {"PSP REFERENCE", 2, -1}, {"Settlement Currency", 1, 1}, {"Settlement Currency", 2, 3},
		{"Settlement Currency", 0, -1}, {"fee", 1, 4}, {"", 1, -1}, {"net", 1, -1},
	} {
		if got := c.Index(tt.name, tt.nth); got != tt.want {
			t.Errorf("Index(%q, %d) = %d, want %d", tt.name, tt.nth, got, tt.want)
		}
	}
	if c.Len() != 6 || len(c.Names()) != 6 || c.Names()[4] != "Fee " {
		t.Errorf("names are %q", c.Names())
	}
	if c.FromRejects() || NewColumns([]string{"payrec_line"}).FromRejects() || !NewColumns([]string{"a", "payrec_message", "Payrec_Line"}).FromRejects() {
		t.Error("rejects are not recognised by both of their columns")
	}
}

func TestSuggest(t *testing.T) {
	c := NewColumns([]string{"Psp Reference", "Gross Debit (GC)", "Amount (EUR)", "Type", "Net", "交易状态"})
	for name, want := range map[string]string{
		"Psp Referense": "Psp Reference", "psp_reference": "Psp Reference", "Gross Credit (GC)": "Gross Debit (GC)",
		"Amount": "Amount (EUR)", "Typ": "Type", "交易状": "交易状态",
		"type": "", "Booking Date": "", "": "", "—": "",
	} {
		if got := c.Suggest(name); got != want {
			t.Errorf("Suggest(%q) = %q, want %q", name, got, want)
		}
	}
}
