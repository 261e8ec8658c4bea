package table_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/payrec/payrec/internal/table"
)

// described are the rows of a text: line, role, kind, width, the header's first
// name, the row's error.
func described(t *testing.T, d table.Dialect, text string) []string {
	t.Helper()
	r, err := table.NewReader("f.csv", strings.NewReader(text), d)
	if err != nil {
		return []string{err.Error()}
	}
	defer r.Close()
	var out []string
	for {
		row, err := r.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			return append(out, err.Error())
		}
		s := fmt.Sprintf("%d %s %s", row.Pos.Line, row.Role, row.Kind)
		if row.Header != nil {
			s += " under " + row.Header.Names()[0]
		}
		if row.Err != nil {
			s += " " + row.Err.Error()
		}
		out = append(out, s)
	}
}

func TestTables(t *testing.T) {
	d := table.Dialect{Tables: []table.Table{
		{Name: "sum", Find: []string{"Kind", "Count"}, Role: table.Total, Blank: true},
		{Name: "rows", Find: []string{"Kind", "Id", "Sum"}},
		{Name: "fees", Find: []string{"Fee"}, Role: table.Ignored},
	}, Headings: []string{"section *"}}
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"stacked, interleaved with blanks and headings, and the block again",
			"Report,2026\nKind,Count\nall,2\n\nnote\nSection A\nKind,Id,Sum,x\nall,1,2,\nall,2,3,\nFee\n7,8,9,10\nkind,count\nall,1\nKIND,ID,SUM,X\nall,3,4\n",
			[]string{"1 preamble ", "2 header sum under Kind", "3 total sum under Kind", "4 blank  under Kind", "5 footer ", "6 context  under Kind", "7 header rows under Kind", "8 body rows under Kind",
				"9 body rows under Kind", "10 header fees under Fee", "11 ignored fees under Fee", "12 header sum under kind", "13 total sum under kind", "14 header rows under KIND",
				"15 body rows under KIND f.csv:15: row has 3 cells where its header has 4; a delimiter or a quote in a text may be the cause; say ragged: pad or allow if rows may differ"}},
		{"a row that could begin two tables begins the one that asks for more", "Kind,Count,Id,Sum\na,b,c,d\n", []string{"1 header rows under Kind", "2 body rows under Kind"}},
		{"no table with a body", "Kind,Count\nall,2\nKind,Idd,Sum\n", []string{"1 header sum under Kind", "2 total sum under Kind", "3 total sum under Kind",
			`f.csv: none of the 3 rows is the header of the table "rows" ("Kind", "Id", "Sum"); row 3 has its columns but for "Id" (did you mean "Idd"?)`}},
		{"an empty body is one", "Kind,Id,Sum\n", []string{"1 header rows under Kind"}},
		{"an empty file", "", []string{`f.csv: none of the 0 rows is the header of the table "rows" ("Kind", "Id", "Sum")`}},
	} {
		if diff := cmp.Diff(tt.want, described(t, d, tt.text)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestTablesRefused(t *testing.T) {
	a, b := table.Table{Name: "a", Find: []string{"A"}}, table.Table{Name: "b", Find: []string{"B"}, Role: table.Total}
	for want, d := range map[string]table.Dialect{
		"has no header or records besides theirs": {Tables: []table.Table{a}, Header: table.Header{Row: 1}},
		`two tables are called "a"`:               {Tables: []table.Table{a, a}},
		"says not by which names":                 {Tables: []table.Table{{Name: "x"}}},
		"cannot be blank":                         {Tables: []table.Table{{Name: "x", Find: []string{"X"}, Role: table.Blank}}},
		"no table is the body":                    {Tables: []table.Table{b}},
	} {
		if got := described(t, d, "A\n"); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("got %v, want %s", got, want)
		}
	}
}

// Records of different widths without any header row, and with one for a kind.
func TestLayouts(t *testing.T) {
	d := table.Dialect{Records: &table.Records{Header: "type", Body: []string{"T", "I"}, Totals: []string{"L"}, Ignore: []string{"H"},
		Layouts: map[string][]string{"T": {"type", "id", "amount"}, "L": {"type", "count"}}}}
	got := described(t, d, "H,x,y,z\nT,1,2\nT,1\nL,1\nI,5\ntype,name\nI,6\nT,1,2\n")
	want := []string{"1 ignored H", "2 body T under type",
		"3 body T under type f.csv:3: row has 2 cells where its header has 3; a delimiter or a quote in a text may be the cause; say ragged: pad or allow if rows may differ",
		"4 total L under type", `5 body I f.csv:5: row comes before any header row, whose kind is "type"; the file may be cut; fetch it again`,
		"6 header type under type", "7 body I under type", "8 body T under type"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Headings in a file of one table, before and within its body.
func TestHeadings(t *testing.T) {
	got := described(t, table.Dialect{Headings: []string{"Currency: ???"}, Header: table.Header{Find: []string{"A"}}}, "x\n,currency: EUR\nA,B\n1,2\nCurrency: USD\n3,4\n")
	want := []string{"1 preamble ", "2 context ", "3 header  under A", "4 body  under A", "5 context  under A", "6 body  under A"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
