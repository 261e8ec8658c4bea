package stripeapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/payrec/payrec/record"
)

// maxPageSize is the API's largest page.
const maxPageSize = 100

// A ListQuery chooses payment records by when they were reported. The API does
// not say whether its bounds are inclusive: who splits a span in two must let
// the parts overlap and merge by id.
type ListQuery struct {
	CreatedAfter, CreatedBefore int64 // Unix seconds; 0 is open
	PageSize                    int   // 1 to 100; 0 is 100
}

// Records iterates over payment records, newest first, page by page. After an
// error, which is yielded with a nil record, it ends.
func (c *Client) Records(ctx context.Context, q ListQuery) iter.Seq2[*record.PaymentRecord, error] {
	query := url.Values{}
	if q.CreatedAfter != 0 {
		query.Set("created_after", strconv.FormatInt(q.CreatedAfter, 10))
	}
	if q.CreatedBefore != 0 {
		query.Set("created_before", strconv.FormatInt(q.CreatedBefore, 10))
	}
	size := q.PageSize
	if size <= 0 || size > maxPageSize {
		size = maxPageSize
	}
	query.Set("limit", strconv.Itoa(size))
	return list(ctx, c, "/v1/payment_records", query, c.checkRecord, func(r *record.PaymentRecord) string { return r.ID })
}

// Attempts iterates over the attempts of one record, as the API orders them.
func (c *Client) Attempts(ctx context.Context, recordID string) iter.Seq2[*record.PaymentAttemptRecord, error] {
	if !isWord(recordID) {
		return func(yield func(*record.PaymentAttemptRecord, error) bool) { yield(nil, badID(recordID)) }
	}
	query := url.Values{"payment_record": {recordID}, "limit": {strconv.Itoa(maxPageSize)}}
	return list(ctx, c, "/v1/payment_attempt_records", query, c.checkAttempt, func(r *record.PaymentAttemptRecord) string { return r.ID })
}

// Record retrieves one payment record, by its id or by the id of an on-Stripe
// payment.
func (c *Client) Record(ctx context.Context, id string) (*record.PaymentRecord, error) {
	return retrieve(ctx, c, "/v1/payment_records/", id, c.checkRecord)
}

// Attempt retrieves one payment attempt record.
func (c *Client) Attempt(ctx context.Context, id string) (*record.PaymentAttemptRecord, error) {
	return retrieve(ctx, c, "/v1/payment_attempt_records/", id, c.checkAttempt)
}

// Attached says whether a payment record is among the payments of an invoice.
// Source: docs.stripe.com/api/invoice-payment/list.
func (c *Client) Attached(ctx context.Context, invoice, recordID string) (bool, error) {
	for _, id := range []string{invoice, recordID} {
		if !isWord(id) {
			return false, badID(id)
		}
	}
	type invoicePayment struct {
		ID, Object, Status string
		Livemode           bool
		Payment            struct {
			Record string `json:"payment_record"`
		}
	}
	check := func(p *invoicePayment) error { return c.checkObject("invoice_payment", p.Object, p.ID, p.Livemode) }
	query := url.Values{"invoice": {invoice}, "payment[type]": {"payment_record"}, "payment[payment_record]": {recordID}, "limit": {strconv.Itoa(maxPageSize)}}
	for p, err := range list(ctx, c, "/v1/invoice_payments", query, check, func(p *invoicePayment) string { return p.ID }) {
		if err != nil {
			return false, err
		}
		if p.Payment.Record == recordID && p.Status != "canceled" {
			return true, nil
		}
	}
	return false, nil
}

// AccountID asks once which account the key belongs to. It is "" when the key
// may not know, or nobody answers: then the first call will say what is wrong.
// An error means that the key is not taken at all.
func (c *Client) AccountID(ctx context.Context) (string, error) {
	u, err := c.url("/v1/account", nil)
	if err != nil {
		return "", err
	}
	var account struct{ ID string }
	_, _, err = c.getOnce(ctx, u, &account)
	var refused *Error
	if errors.As(err, &refused) && refused.Status == http.StatusUnauthorized {
		return "", err
	}
	if err != nil || !strings.HasPrefix(account.ID, "acct_") || !isWord(account.ID) {
		return "", nil
	}
	return account.ID, nil
}

func badID(id string) error { return fmt.Errorf("%q is no id of the API", Key{}.scrub(id)) }

func (c *Client) checkRecord(r *record.PaymentRecord) error {
	return c.checkObject("payment_record", r.Object, r.ID, r.Livemode)
}

func (c *Client) checkAttempt(r *record.PaymentAttemptRecord) error {
	return c.checkObject("payment_attempt_record", r.Object, r.ID, r.Livemode)
}

func (c *Client) checkObject(want, object, id string, livemode bool) error {
	if object != want || !isWord(id) {
		return fmt.Errorf("the API answered with object %q, id %q where a %s belongs", c.clean(object), c.clean(id), want)
	}
	if livemode != c.key.Livemode() {
		return fmt.Errorf("%s has livemode %t, but the key is %s", id, livemode, c.key)
	}
	return nil
}

func retrieve[T any](ctx context.Context, c *Client, path, id string, check func(*T) error) (*T, error) {
	if !isWord(id) {
		return nil, badID(id)
	}
	v := new(T)
	if err := c.get(ctx, path+id, nil, v); err != nil {
		return nil, err
	}
	if err := check(v); err != nil {
		return nil, err
	}
	return v, nil
}

// list pages by cursor. It refuses to go round in circles: a server that
// promises more must also give more.
func list[T any](ctx context.Context, c *Client, path string, query url.Values, check func(*T) error, id func(*T) string) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		cursor := ""
		for {
			var page page[T]
			q := query
			if cursor != "" {
				q = url.Values{"starting_after": {cursor}}
				for k, v := range query {
					q[k] = v
				}
			}
			err := c.get(ctx, path, q, &page)
			if err == nil && page.HasMore == nil {
				err = errors.New("the API's answer is no list")
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for _, v := range page.Data {
				if v == nil {
					err = errors.New("the API's list holds a null")
				} else {
					err = check(v)
				}
				if err != nil {
					yield(nil, err)
					return
				}
				if !yield(v, nil) {
					return
				}
			}
			if !*page.HasMore {
				return
			}
			last := cursor
			if n := len(page.Data); n > 0 {
				cursor = id(page.Data[n-1])
			}
			if cursor == last {
				yield(nil, fmt.Errorf("the API says that its list goes on after %q, but gives nothing more", cursor))
				return
			}
		}
	}
}

// get reads one JSON answer into v, trying again while that may help.
func (c *Client) get(ctx context.Context, path string, query url.Values, v any) error {
	u, err := c.url(path, query)
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		wait, again, err := c.getOnce(ctx, u, v)
		if err == nil || !again || try >= c.backoff.tries {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var unanswered *failedError
		if try == sayUnreached && c.unreached != nil && errors.As(err, &unanswered) {
			c.unreached(err)
		}
		if err := c.backoff.wait(ctx, try, wait); err != nil {
			return err
		}
	}
}

// sayUnreached is after how many tries without an answer somebody is told.
const sayUnreached = 3

// getOnce also says whether trying again may help and how long the API wants
// us to wait before.
func (c *Client) getOnce(ctx context.Context, u *url.URL, v any) (wait time.Duration, again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	resp, err := c.transport.RoundTrip(c.request(ctx, http.MethodGet, u, c.prepared.reading.Clone()))
	if err != nil {
		return 0, true, c.failure("no answer", ctx, err)
	}
	defer resp.Body.Close()
	page, ok := c.prepared.pages.Get().(*bytes.Buffer)
	if !ok {
		page = new(bytes.Buffer)
	}
	page.Reset()
	defer c.prepared.pages.Put(page) // nothing that was decoded is part of it
	body, err := readBody(resp, page, maxPage)
	if err != nil {
		return 0, !errors.Is(err, errTooLong), c.failure(fmt.Sprintf("the answer with status %d broke off", resp.StatusCode), ctx, err)
	}
	if resp.StatusCode == http.StatusOK {
		if err := decodePage(body, v); err != nil {
			var wrongType *json.UnmarshalTypeError
			return 0, !errors.As(err, &wrongType), fmt.Errorf("the API's answer cannot be read: %s", c.clean(err.Error()))
		}
		return 0, false, nil
	}
	a := c.judge(replyOf(resp, body), expected{})
	again = resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500 || resp.StatusCode == http.StatusFailedDependency || resp.StatusCode == http.StatusConflict
	if a.ShouldRetry || a.ShouldNotRetry {
		again = a.ShouldRetry
	}
	return a.RetryAfter, again, a.apiError()
}

// backoff is full jitter: before try n+1 a random part of base·2ⁿ⁻¹, at most most.
type backoff struct {
	tries      int // in all
	base, most time.Duration
	random     func(n int64) int64 // in [0,n)
	sleep      func(context.Context, time.Duration) error
}

func (b backoff) wait(ctx context.Context, try int, atLeast time.Duration) error {
	span := min(b.base<<(try-1), b.most)
	return b.sleep(ctx, max(atLeast, time.Duration(b.random(int64(span)+1))))
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
