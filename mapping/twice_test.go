package mapping

import (
	"io"
	"strings"
	"testing"

	"github.com/payrec/payrec/internal/table"
)

// TestHeaderTwice: of two columns with one name, none is taken by chance.
func TestHeaderTwice(t *testing.T) {
	m, err := Load("generic-csv", Options{})
	if err != nil {
		t.Fatal(err)
	}
	const file = "date,amount,currency,reference,amount\n2026-03-01,10,EUR,A,12\n"
	r, err := table.NewReader("a.csv", strings.NewReader(file), m.Dialect())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s := m.NewSession()
	defer s.Close()
	for {
		row, err := r.Next()
		if err == io.EOF {
			t.Fatal("the file was read to its end")
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Row(row); err != nil {
			if !strings.Contains(err.Error(), `more than one column "amount"`) || !strings.Contains(err.Error(), "occurrence") {
				t.Errorf("%v", err)
			}
			return
		}
	}
}
