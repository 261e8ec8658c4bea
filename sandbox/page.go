package sandbox

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/payrec/payrec/record"
)

//go:embed page
var pageFiles embed.FS

// pageTemplate is read only. The file is our own: it parses, or no test passes.
var pageTemplate = template.Must(template.ParseFS(pageFiles, "page/page.html"))

// rowsPerPage is how many rows a table of the page has.
const rowsPerPage = 50

// What the template shows. Everything in it is text; the template escapes.
type (
	pageView struct {
		Title, Account, Clock string
		Nav                   []pageLink
		Search                *pageSearch
		Tables                []pageTable
		Pages                 *pagePages
		JSON                  []pageText
	}
	pageLink struct {
		Name, Href string
		Count      int
		Current    bool
	}
	pageSearch struct{ Action, Q, Hint string }
	pageTable  struct {
		Title   string
		Columns []string
		Rows    [][]pageCell
		None    string
	}
	pageCell  struct{ Text, Href, Class, Tag string }
	pagePages struct {
		Newer, Older    string
		From, To, Total int
	}
	pageText struct{ Title, Text string }
)

// A listing is one of the page's tables: what it has, newest first, and how a
// row is found and shown.
type listing struct {
	name, path, hint, none string
	columns                []string
	rows                   func(s *Server) []listed
}

// A listed row is shown only if it is on the page that is looked at, and found
// by the text that it is found by.
type listed struct {
	found func() []string
	cells func() []pageCell
}

// isPage says whether a path is one of the page's.
func isPage(path string) bool {
	if path == "/style.css" || strings.HasPrefix(path, "/records/") {
		return true
	}
	for _, l := range listings {
		if path == l.path {
			return true
		}
	}
	return false
}

// page answers a browser. It needs no key, because it changes nothing, and
// because no other site can read it: see [localHost].
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "the page is there to look at", http.StatusMethodNotAllowed)
		return
	}
	if r.URL.Path == "/style.css" {
		http.ServeFileFS(w, r, pageFiles, "page/style.css")
		return
	}
	status, view := http.StatusOK, pageView{Account: s.account, Clock: moment(s.clock().Unix())}
	if id, one := strings.CutPrefix(r.URL.Path, "/records/"); one {
		status = s.showRecord(&view, id)
	} else {
		s.showListing(&view, r)
	}
	view.Nav = s.navigation(r.URL.Path)
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, view); err != nil { // unreachable, unless the template is wrong
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(b.Bytes())
}

func (s *Server) navigation(path string) []pageLink {
	s.mu.RLock()
	counts := map[string]int{"Records": len(s.state.order), "Attempts": len(s.state.attempts), "Refunds": len(s.state.refunds), "Keys": len(s.keys.done)}
	s.mu.RUnlock()
	counts["Requests"] = len(s.Requests())
	var nav []pageLink
	for _, l := range listings {
		nav = append(nav, pageLink{l.name, l.path, counts[l.name], l.path == path})
	}
	return nav
}

// showListing shows the page of a table that the query asks for.
func (s *Server) showListing(view *pageView, r *http.Request) {
	var l listing
	for _, l = range listings {
		if l.path == r.URL.Path {
			break
		}
	}
	q := r.URL.Query().Get("q")
	rows := l.rows(s)
	if q != "" {
		rows = search(rows, q)
	}
	number, _ := strconv.Atoi(r.URL.Query().Get("page"))
	last := max((len(rows)-1)/rowsPerPage, 0)
	number = min(max(number, 0), last)
	from, to := number*rowsPerPage, min((number+1)*rowsPerPage, len(rows))
	table := pageTable{Columns: l.columns, None: l.none}
	if q != "" {
		table.None = "Nothing is found by that."
	}
	for _, row := range rows[from:to] {
		table.Rows = append(table.Rows, row.cells())
	}
	view.Title, view.Tables = l.name, []pageTable{table}
	view.Search = &pageSearch{l.path, q, l.hint}
	if len(rows) == 0 {
		return
	}
	at := func(n int) string {
		if n < 0 || n > last {
			return ""
		}
		query := url.Values{"page": {strconv.Itoa(n)}}
		if q != "" {
			query.Set("q", q)
		}
		return l.path + "?" + query.Encode()
	}
	view.Pages = &pagePages{at(number - 1), at(number + 1), from + 1, to, len(rows)}
}

// search keeps the rows that hold the text, whatever its case.
func search(rows []listed, q string) []listed {
	q = strings.ToLower(q)
	var kept []listed
	for _, row := range rows {
		for _, text := range row.found() {
			if strings.Contains(strings.ToLower(text), q) {
				kept = append(kept, row)
				break
			}
		}
	}
	return kept
}

// showRecord shows one record with all that belongs to it.
func (s *Server) showRecord(view *pageView, id string) (status int) {
	s.mu.RLock()
	p := s.state.find(id)
	if p == nil {
		s.mu.RUnlock()
		view.Title = "No such record"
		view.Tables = []pageTable{{None: "There is no " + visible(short(id)) + " in this sandbox."}}
		return http.StatusNotFound
	}
	rec := p.rec
	var attempts []*record.PaymentAttemptRecord
	for i := len(p.attempts) - 1; i >= 0; i-- {
		attempts = append(attempts, p.attempts[i].rec)
	}
	var refunds []refundMade
	for _, made := range s.state.refunds {
		if made.record == rec.ID {
			refunds = append(refunds, made)
		}
	}
	s.mu.RUnlock()
	view.Title = rec.ID
	one := pageTable{Columns: recordColumns, Rows: [][]pageCell{recordCells(rec)}}
	tries := pageTable{Title: "Attempts", Columns: attemptColumns}
	for _, a := range attempts {
		tries.Rows = append(tries.Rows, attemptCells(a))
	}
	back := pageTable{Title: "Refunds", Columns: refundColumns, None: "None was reported."}
	for _, made := range refunds {
		back.Rows = append(back.Rows, made.cells())
	}
	view.Tables = []pageTable{one, tries, back}
	view.JSON = []pageText{{"As the API answers it", indented(recordObject{rec}.appendTo(nil))}}
	return http.StatusOK
}

func indented(b []byte) string {
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		return visible(string(b))
	}
	return visible(out.String())
}

// visible makes characters that are not seen, or that turn the direction of
// what is beside them, substitutes that are.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == '\u2028', r == '\u2029':
			return '\ufffd'
		}
		return r
	}, s)
}

// moment is a time as the page writes it, in UTC.
func moment(unix int64) string { return time.Unix(unix, 0).UTC().Format("2006-01-02 15:04:05") }
