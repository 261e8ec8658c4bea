package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"

	"github.com/payrec/payrec/exporter"
	"github.com/payrec/payrec/importer"
	"github.com/payrec/payrec/internal/journal"
	"github.com/payrec/payrec/internal/stripeapi"
	"github.com/payrec/payrec/record"
)

// The packages meet here: each owns its interfaces, none knows the others.
var (
	_ importer.Book      = (*journal.Plan)(nil)
	_ importer.Adopter   = (*journal.Plan)(nil)
	_ importer.RowKeeper = (*journal.Plan)(nil)
	_ importer.Ledger    = (*journal.Journal)(nil)
	_ importer.Docket    = (*journal.Journal)(nil)
	_ importer.Reader    = source{}
	_ importer.Sender    = sender{}
	_ exporter.Source    = source{}
)

// sender sends for the importer.
type sender struct{ client *stripeapi.Client }

func (s sender) Send(ctx context.Context, r importer.Request) importer.Answer {
	a := s.client.Send(ctx, stripeapi.Request{Path: r.Path, IdempotencyKey: r.Key, Body: r.Body})
	return importer.Answer{
		Verdict: importer.Verdict(a.Verdict), // the same words
		Outcome: record.Outcome{
			RecordID: a.RecordID, ObjectID: a.ObjectID, RequestID: a.RequestID, HTTPStatus: a.Status,
			Code: a.Code, Param: a.Param, Message: a.Message,
		},
		MayHaveRun: a.MayHaveRun(),
		// A saved 500 is replayed for as long as the key lives.
		Final:      a.ShouldNotRetry || a.Replayed && a.Verdict == stripeapi.ServerError,
		Limit:      a.LimitReason,
		Replayed:   a.Replayed,
		Date:       a.Date,
		RetryAfter: a.RetryAfter,
		Err:        a.Err,
	}
}

// source reads for the exporter, and for the importer what is in doubt.
type source struct{ client *stripeapi.Client }

func (s source) Records(ctx context.Context, after, before int64) iter.Seq2[*record.PaymentRecord, error] {
	return s.client.Records(ctx, stripeapi.ListQuery{CreatedAfter: after, CreatedBefore: before, PageSize: 100})
}

func (s source) Record(ctx context.Context, id string) (*record.PaymentRecord, error) {
	r, err := s.client.Record(ctx, id)
	var refused *stripeapi.Error
	if errors.As(err, &refused) && refused.Status == http.StatusNotFound {
		return nil, fmt.Errorf("%w (%s)", importer.ErrNoRecord, id)
	}
	return r, err
}

func (s source) Attached(ctx context.Context, invoice, recordID string) (bool, error) {
	return s.client.Attached(ctx, invoice, recordID)
}

func (s source) Attempts(ctx context.Context, recordID string) iter.Seq2[*record.PaymentAttemptRecord, error] {
	return s.client.Attempts(ctx, recordID)
}
