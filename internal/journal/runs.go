package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The states of a run.
const (
	RunPlanned  = "planned"
	RunApplying = "applying"
	RunStopped  = "stopped"
	RunDone     = "done"
)

// Latest names the last run that was planned.
const Latest = "latest"

// A RunStatus is a run and how far it got.
type RunStatus struct {
	RunInfo
	State   string // RunPlanned, RunApplying, RunStopped or RunDone
	Changed time.Time
	Tallies []Tally
	// Account is what became of the rows of its files; nil when it was not kept:
	// for a run that read none, or was planned by an older payrec.
	Account *Account

	no, first, last int64
}

// sealed says that operation o is not of a run that is being planned: these may
// have been begun ahead, and nobody sees them yet.
const sealed = "o.no < (SELECT coalesce(min(first), 9223372036854775807) FROM run WHERE state = 'planning')"

// SetRunState moves a run on: planned to applying, applying to done or stopped,
// and stopped or done to applying again.
func (j *Journal) SetRunState(ctx context.Context, run, state string) error {
	if j.w == nil {
		return ErrReadOnly
	}
	now := j.clock().UnixMilli()
	return j.w.do(ctx, func(w *writer) error {
		var no int64
		var from string
		err := w.row("SELECT no, state FROM run WHERE id = ? AND state <> 'planning'", []any{run}, &no, &from)
		if errors.Is(err, sql.ErrNoRows) {
			return refusal{fmt.Errorf("the journal has no run %q", run)}
		}
		if err != nil {
			return err
		}
		if !follows(from, state) {
			return refusal{fmt.Errorf("run %q is %s and cannot become %q", run, from, state)}
		}
		_, err = w.exec("UPDATE run SET state = ?, changed = ? WHERE no = ?", state, now, no)
		return err
	})
}

func follows(from, to string) bool {
	switch to {
	case RunApplying:
		return true
	case RunDone, RunStopped:
		return from == RunApplying || from == to
	}
	return false
}

// Runs returns all runs with their tallies, the oldest first.
func (j *Journal) Runs(ctx context.Context) ([]RunStatus, error) {
	if err := j.settle(ctx); err != nil {
		return nil, err
	}
	runs, err := j.queryRuns(ctx, "state <> 'planning' ORDER BY no")
	for i := 0; i < len(runs) && err == nil; i++ {
		err = j.complete(ctx, &runs[i])
	}
	return runs, err
}

// RunIDs names all runs, the oldest first, and counts none of their calls.
func (j *Journal) RunIDs(ctx context.Context) (ids []string, err error) {
	if err := j.settle(ctx); err != nil {
		return nil, err
	}
	runs, err := j.queryRuns(ctx, "state <> 'planning' ORDER BY no")
	for _, r := range runs {
		ids = append(ids, r.ID)
	}
	return ids, err
}

// Run returns one run, by its id, by a beginning of it that no other run has,
// or by the name "latest".
func (j *Journal) Run(ctx context.Context, name string) (RunStatus, error) {
	r, err := j.settledRun(ctx, name)
	if err == nil {
		err = j.complete(ctx, &r)
	}
	return r, err
}

// complete adds what is kept in other tables.
func (j *Journal) complete(ctx context.Context, r *RunStatus) (err error) {
	rows, err := j.query(ctx, "SELECT name, path, sha256, size FROM run_file WHERE run = ? ORDER BY n", r.no)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var f FileInfo
		if err := rows.Scan(&f.Name, &f.Path, &f.SHA256, &f.Size); err != nil {
			return err
		}
		r.Files = append(r.Files, f)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if r.Tallies, err = j.outcome(ctx, *r); err == nil {
		r.Account, err = j.accountOf(ctx, r)
	}
	return err
}

// findRun finds a run by name, as Run does, without its files and tallies.
func (j *Journal) findRun(ctx context.Context, name string) (RunStatus, error) {
	where, args := "id = ? AND state <> 'planning'", []any{name}
	if name == Latest {
		where, args = "state <> 'planning' ORDER BY no DESC LIMIT 1", nil
	}
	runs, err := j.queryRuns(ctx, where, args...)
	if err != nil {
		return RunStatus{}, err
	}
	if len(runs) == 0 && name != "" && name != Latest {
		// As a beginning, with or without the "run_" that made-up ids share.
		runs, err = j.queryRuns(ctx, "state <> 'planning' AND (substr(id, 1, length(?1)) = ?1 OR substr(id, 1, 4 + length(?1)) = 'run_' || ?1) ORDER BY no", name)
		if err != nil {
			return RunStatus{}, err
		}
	}
	switch len(runs) {
	case 0:
		return RunStatus{}, fmt.Errorf("journal %q has no run %q; payrec status lists its runs", j.path, name)
	case 1:
		return runs[0], nil
	}
	var ids []string
	for _, r := range slices.Backward(runs) {
		if ids = append(ids, r.ID); len(ids) == 5 {
			break
		}
	}
	return RunStatus{}, fmt.Errorf("%q begins the names of %d runs, such as %s; give more of the name", name, len(runs), strings.Join(ids, ", "))
}

func (j *Journal) queryRuns(ctx context.Context, where string, args ...any) (runs []RunStatus, err error) {
	defer j.named(&err)
	rows, err := j.query(ctx, `SELECT no, id, state, source, mapping, mapping_hash, params, created, changed, first, last FROM run WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r RunStatus
		var created, changed sql.NullInt64
		var params string
		if err := rows.Scan(&r.no, &r.ID, &r.State, &r.Source, &r.Mapping, &r.MappingHash, &params, &created, &changed, &r.first, &r.last); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(params), &r.Params); err != nil {
			return nil, fmt.Errorf("run %s: its parameters cannot be read: %w", r.ID, err)
		}
		r.Created, r.Changed = timeOf(created), timeOf(changed)
		runs = append(runs, r)
	}
	return runs, rows.Err()
}

// settle waits for what is queued, so that a read sees it. A journal that
// cannot be written any more can still be read.
func (j *Journal) settle(ctx context.Context) error {
	if j.w == nil {
		return nil
	}
	var failed *WriteError
	if err := j.w.do(ctx, nil); err != nil && !errors.As(err, &failed) {
		return err
	}
	return nil
}

// settledRun is findRun after settle.
func (j *Journal) settledRun(ctx context.Context, name string) (RunStatus, error) {
	if err := j.settle(ctx); err != nil {
		return RunStatus{}, err
	}
	return j.findRun(ctx, name)
}

// HasHistory says whether any call of the journal is in another state than
// planned: something of it was sent, or found in the account.
func (j *Journal) HasHistory(ctx context.Context) (has bool, err error) {
	if err := j.settle(ctx); err != nil {
		return false, err
	}
	defer j.named(&err)
	err = j.read.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM op o WHERE "+stateNow+" <> 'planned' AND "+sealed+")").Scan(&has)
	return has, err
}
