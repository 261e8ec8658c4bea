package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/payrec/payrec/record"
)

// A Deviation is one thing that another base answered differently than the
// sandbox does.
type Deviation struct {
	Choice  string `json:"choice"` // the [Choice] that the probe is about
	Probe   string `json:"probe"`
	Step    int    `json:"step"` // of the probe, from 1
	Request string `json:"request"`
	Field   string `json:"field"`   // status, or a path into the answer
	Sandbox string `json:"sandbox"` // what the sandbox has there, "" for nothing
	Other   string `json:"other"`   // what the base has
	Message string `json:"message,omitempty"`
}

// A Verification is what [Verify] found.
type Verification struct {
	Format     int         `json:"payrec_sandbox_verify"` // 1; fields may be added
	Base       string      `json:"base"`
	APIVersion string      `json:"api_version"`
	At         time.Time   `json:"at"`
	Probes     int         `json:"probes"`
	Requests   int         `json:"requests"`
	Deviations []Deviation `json:"deviations"`
}

// Verify replays the script of probes against a base and against a sandbox of
// its own, and compares the answers: statuses, codes, parameters and every
// field that does not name an object or a time. It makes some dozens of records
// that nobody can delete, so it takes test keys only. An error means that the
// base could not be asked; differences are none.
func Verify(ctx context.Context, base, key string) (*Verification, error) {
	if err := Verifiable(base, key); err != nil {
		return nil, err
	}
	own, err := New(Options{})
	if err != nil {
		return nil, err
	}
	defer own.Close()
	ownBase, err := own.Listen("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	v := &Verification{Format: 1, Base: base, APIVersion: record.APIVersion, At: time.Now().UTC(), Deviations: []Deviation{}}
	run := strconv.FormatInt(time.Now().UnixNano(), 36) // references must differ from those of earlier runs
	here := &prober{base: ownBase, key: "sk_test_sandbox", run: run, client: probeClient()}
	there := &prober{base: strings.TrimRight(base, "/"), key: key, run: run, client: probeClient()}
	for i := range probes {
		if err := v.replay(ctx, &probes[i], here, there); err != nil {
			return nil, err
		}
	}
	v.Requests = there.sent
	return v, nil
}

// Verifiable refuses what [Verify] must not ask: a base that is none, a key that
// would travel in the clear, a key that is no test key.
func Verifiable(base, key string) error {
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "":
		return fmt.Errorf("%q is no base; write it as https://api.stripe.com or http://127.0.0.1:12111", short(base))
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return fmt.Errorf("%q: a key goes over https only, except to this machine", short(base))
	case !strings.HasPrefix(key, "sk_test_") && !strings.HasPrefix(key, "rk_test_"):
		return errors.New("verify makes records that cannot be deleted, so it takes test keys only (sk_test_… or rk_test_…)")
	}
	return nil
}

func probeClient() *http.Client {
	return &http.Client{
		Timeout:       80 * time.Second, // as the official clients
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: 30 * time.Second}).DialContext, TLSHandshakeTimeout: 30 * time.Second},
	}
}

// replay runs one probe on both sides. A step whose predecessor left nothing to
// go on with is not taken: what went wrong is reported where it did.
func (v *Verification) replay(ctx context.Context, p *probe, here, there *prober) error {
	v.Probes++
	a, b := here.start(), there.start()
	for i, s := range p.steps {
		mine, err := a.take(ctx, s)
		if err != nil {
			return fmt.Errorf("the sandbox's own answer to %s: %w", p.name, err)
		}
		theirs, err := b.take(ctx, s)
		if err != nil {
			return fmt.Errorf("%s, step %d: %w", p.name, i+1, err)
		}
		if theirs.status == http.StatusUnauthorized && mine.status != theirs.status {
			return fmt.Errorf("the base does not take the key: %s", short(theirs.message))
		}
		v.compare(p, i, s, mine, theirs)
		if s.save != "" && (!a.saved(s.save, mine) || !b.saved(s.save, theirs)) {
			return nil
		}
	}
	return nil
}

// compare notes every field that differs.
func (v *Verification) compare(p *probe, i int, s step, mine, theirs probed) {
	note := func(field, a, b string) {
		v.Deviations = append(v.Deviations, Deviation{p.choice, p.name, i + 1, s.method + " " + s.path, field, a, b, theirs.message})
	}
	if mine.status != theirs.status {
		note("status", strconv.Itoa(mine.status), strconv.Itoa(theirs.status))
	}
	if (mine.status == http.StatusOK) != (theirs.status == http.StatusOK) {
		return // an object and a refusal have no field in common
	}
	names := slices.Collect(maps.Keys(mine.fields))
	for name := range theirs.fields {
		if _, both := mine.fields[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if a, b := mine.fields[name], theirs.fields[name]; a != b {
			note(name, a, b)
		}
	}
}

// A prober asks one base.
type prober struct {
	base, key, run string
	client         *http.Client
	sent           int
}

// A walk is one probe on one base, with what it saved on its way.
type walk struct {
	*prober
	number int
	vars   map[string]string // "record" → "pr_…"
}

func (p *prober) start() *walk {
	return &walk{p, p.sent, map[string]string{"run": p.run + strconv.Itoa(p.sent)}}
}

// probed is an answer taken apart.
type probed struct {
	status  int
	message string
	body    map[string]any
	fields  map[string]string
}

func (w *walk) take(ctx context.Context, s step) (probed, error) {
	pairs := []string{}
	for name, value := range w.vars {
		pairs = append(pairs, "{"+name+"}", value)
	}
	fill := strings.NewReplacer(pairs...)
	var body io.Reader
	if s.method == http.MethodPost {
		body = strings.NewReader(fill.Replace(s.form))
	}
	r, err := http.NewRequestWithContext(ctx, s.method, w.base+fill.Replace(s.path), body)
	if err != nil {
		return probed{}, err
	}
	r.Header.Set("Authorization", "Bearer "+w.key)
	r.Header.Set("Stripe-Version", cmp.Or(s.version, record.APIVersion))
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if s.key != "" {
		r.Header.Set("Idempotency-Key", fill.Replace(s.key))
	}
	w.sent++
	res, err := w.client.Do(r)
	if err != nil {
		return probed{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil {
		return probed{}, err
	}
	return w.probed(s, res, text)
}

// probed flattens the answer and gives what differs from run to run the name
// that it has here.
func (w *walk) probed(s step, res *http.Response, text []byte) (probed, error) {
	p := probed{status: res.StatusCode, fields: map[string]string{}}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&p.body); err != nil {
		return p, fmt.Errorf("%d with a body that is not JSON: %w", res.StatusCode, err)
	}
	if s.key != "" {
		p.fields["Idempotent-Replayed"] = res.Header.Get("Idempotent-Replayed")
	}
	if e, ok := p.body["error"].(map[string]any); ok {
		p.message, _ = e["message"].(string)
		for _, name := range []string{"type", "code", "param"} {
			if text, ok := e[name].(string); ok {
				p.fields["error."+name] = text
			}
		}
		return p, nil
	}
	if s.only == nil {
		flatten(p.fields, "", p.body)
		for name, value := range p.fields {
			p.fields[name] = w.name(name, value)
		}
	}
	for _, name := range s.only {
		all := map[string]string{}
		flatten(all, "", p.body)
		p.fields[name] = w.name(name, all[name])
	}
	return p, nil
}

// name stands for a value that cannot be the same on two bases.
func (w *walk) name(field, value string) string {
	for _, name := range slices.Sorted(maps.Keys(w.vars)) {
		value = strings.ReplaceAll(value, w.vars[name], "{"+name+"}")
	}
	last := field[strings.LastIndexByte(field, '.')+1:]
	switch {
	case last == "created" && value != "":
		return "{time}"
	case strings.HasPrefix(value, "pr_"):
		return "{a record}"
	case strings.HasPrefix(value, "par_"):
		return "{an attempt}"
	}
	return value
}

// saved keeps the id of the answer, and of its latest attempt.
func (w *walk) saved(name string, p probed) bool {
	id, _ := p.body["id"].(string)
	if id == "" {
		return false
	}
	w.vars[name] = id
	if latest, _ := p.body["latest_payment_attempt_record"].(string); latest != "" {
		w.vars[name+".attempt"] = latest
	}
	return true
}

func flatten(into map[string]string, prefix string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, below := range v {
			flatten(into, strings.TrimPrefix(prefix+"."+name, "."), below)
		}
		if len(v) == 0 {
			into[prefix] = "{}"
		}
	case []any:
		into[prefix+".length"] = strconv.Itoa(len(v))
		for i, below := range v {
			flatten(into, prefix+"."+strconv.Itoa(i), below)
		}
	case nil:
		into[prefix] = "null"
	default:
		into[prefix] = fmt.Sprint(v)
	}
}
