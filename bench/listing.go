package main

import (
	"fmt"
	"net/url"
	"sort"
	"strconv"
	"strings"
)

// A listing is the list of an account's payment records, newest first, each as
// the API writes it and as payrec's import of the generated file stamped it. It
// is made once: while something is measured, pages are only put together.
type listing []string

// perSecond is how many records of a listing were made in a second, ending at
// newest: as a back-fill under the API's limit leaves them.
const (
	perSecond = 20
	newest    = 1_772_353_800
)

func newListing(n int) listing {
	all := make(listing, n)
	for i := range all {
		all[i] = listedRecord(i)
	}
	return all
}

func listedRecord(i int) string {
	cells := row(i, true)
	gross := strings.ReplaceAll(cells[7], ".", "")
	at := strings.Replace(cells[4], " ", "T", 1) + "Z"
	r := strings.NewReplacer(
		"pr_bench0000000000000001", fmt.Sprintf("pr_bench%016d", i), "par_bench000000000000001", fmt.Sprintf("par_bench%015d", i),
		`"value":1990`, `"value":`+gross, `"created":1772353800`, `"created":`+strconv.Itoa(newest-i/perSecond), "TX000000000001", cells[0],
		`"metadata":{"order":"DE/ORD-0000001","settled_on":"2026-03-03"}`, fmt.Sprintf(`"metadata":{"order":"%s/%s","payrec_fee":%q,"payrec_file":"settlement.csv",`+
			`"payrec_guaranteed_at":%q,"payrec_h":"71414ed2ff5d","payrec_initiated_at":%q,"payrec_line":"%d","payrec_net":%q,"payrec_net_currency":"eur",`+
			`"payrec_op":"op%024d","payrec_source":"bench-settlement","settled_on":%q}`, cells[10], cells[2], cells[8], at, at, i+2, cells[9], i, cells[5]))
	return r.Replace(fixedRecord)
}

// page answers GET /v1/payment_records: limit, starting_after, created_after and
// created_before, the latter two with the second they name.
func (l listing) page(q url.Values) []byte {
	first, end := 0, len(l)
	if before, err := strconv.Atoi(q.Get("created_before")); err == nil {
		first = sort.Search(len(l), func(i int) bool { return newest-i/perSecond <= before })
	}
	if after, err := strconv.Atoi(q.Get("created_after")); err == nil {
		end = sort.Search(len(l), func(i int) bool { return newest-i/perSecond < after })
	}
	if i, err := strconv.Atoi(strings.TrimPrefix(q.Get("starting_after"), "pr_bench")); err == nil {
		first = min(max(first, i+1), len(l))
	}
	limit, err := strconv.Atoi(q.Get("limit"))
	if err != nil {
		limit = 10
	}
	last := max(first, min(end, first+limit))
	b := make([]byte, 0, 256+2048*(last-first))
	b = fmt.Appendf(b, `{"object":"list","url":"/v1/payment_records","has_more":%t,"data":[`, last < end)
	for i, record := range l[first:last] {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, record...)
	}
	return append(b, "]}"...)
}
