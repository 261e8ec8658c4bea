package journal

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/payrec/payrec/record"
)

// A plan's entries are written in batches of this size, whichever comes first:
// memory stays flat, and the sync of a batch is shared by many entries.
const (
	batchRows  = 4096
	batchBytes = 4 << 20
	insertRows = 64 // entries of one INSERT
	together   = 8  // batches of one commit: nothing of a plan need last before it is sealed
)

// A RunInfo says what a run is a plan of.
type RunInfo struct {
	ID          string // "" in NewRun: one is made
	Source      string
	Mapping     string
	MappingHash string
	Files       []FileInfo
	Created     time.Time         // zero in NewRun: now
	Params      map[string]string // of the mapping
}

// A FileInfo says what an input file was when it was read.
type FileInfo struct {
	Name   string
	Path   string // where it was read from; "" when it cannot be read again
	SHA256 string // lower-case hexadecimal
	Size   int64  // bytes
}

// A Plan is a run being made. It is used by one goroutine at a time. Until
// Seal, a crash makes all of it disappear. A journal makes one plan at a time,
// and not while one of its runs is being applied: sealing may replace the body
// of a call that was never sent.
type Plan struct {
	j     *Journal
	run   string
	no    int64 // of the run
	first int64
	next  int64 // number of the next entry

	ops      []Op    // waiting to be written
	writing  []Op    // of the batch being written; then room for the next
	size     int     // bytes of their bodies
	batches  int     // written
	packer   packer  // used by the writer
	args     []value // used by the writer: what a statement is given
	ahead    bool    // plain calls are sealed with their batches; see ahead.go
	bare     bool    // the indexes of op are gone until the plan is sealed
	back     int64   // where known calls are looked for first; see aheadItems
	blocks   []value // source, payment and reason of blocks waiting to be written
	files    []FileInfo
	fileNos  map[string]int64
	review   review
	account  account
	inFlight chan error // result of the batch being written; nil when there is none
	err      error      // first failure; final
	over     bool
}

// dropUnplanned removes the leftovers of runs whose planning never finished.
// Plans are made one at a time, so everything behind their first entry is theirs.
const dropUnplanned = `
	DELETE FROM body WHERE no >= (SELECT min(first) FROM run WHERE state = 'planning');
	DELETE FROM shape WHERE no >= (SELECT min(first) FROM run WHERE state = 'planning');
	DELETE FROM entry WHERE no >= (SELECT min(first) FROM run WHERE state = 'planning');
	DELETE FROM item WHERE no >= (SELECT min(first) FROM run WHERE state = 'planning');
	DELETE FROM op WHERE no >= (SELECT min(first) FROM run WHERE state = 'planning');
	DELETE FROM block WHERE run IN (SELECT no FROM run WHERE state = 'planning');
	DELETE FROM note WHERE no > (SELECT coalesce(max(last_note), 0) FROM run_rows);
	DELETE FROM run_file WHERE run IN (SELECT no FROM run WHERE state = 'planning');
	DELETE FROM run WHERE state = 'planning';
` + makeIndexes

// NewRun starts the plan of a run.
func (j *Journal) NewRun(ctx context.Context, info RunInfo) (*Plan, error) {
	if j.w == nil {
		return nil, ErrReadOnly
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.planning {
		return nil, errors.New("another run is being planned in this journal; seal or discard it first")
	}
	if info.Created.IsZero() {
		info.Created = j.clock()
	}
	if info.ID == "" {
		info.ID = newRunID(info.Created)
	}
	p := &Plan{j: j, run: info.ID, files: info.Files, fileNos: make(map[string]int64), review: newReview()}
	if err := j.w.do(ctx, func(w *writer) error { return p.start(w, info) }); err != nil {
		return nil, err
	}
	j.planning = true
	return p, nil
}

// newRunID makes an id that sorts by time and reads well aloud.
func newRunID(t time.Time) string {
	return "run_" + t.UTC().Format("20060102-150405") + "-" + strings.ToLower(rand.Text()[:4])
}

func (p *Plan) start(w *writer, info RunInfo) error {
	var taken bool
	err := w.row("SELECT EXISTS (SELECT 1 FROM run WHERE id = ? AND state <> 'planning')", []any{p.run}, &taken)
	if err != nil {
		return err
	}
	if taken {
		return refusal{fmt.Errorf("run %q is in the journal already; choose another name", p.run)}
	}
	if _, err := w.exec("PRAGMA " + planCache + ";" + dropUnplanned); err != nil {
		return err
	}
	if err := w.row("SELECT coalesce(max(no), 0) + 1 FROM entry", nil, &p.first); err != nil {
		return err
	}
	p.next = p.first
	if err := w.row("SELECT NOT EXISTS (SELECT 1 FROM op)", nil, &p.review.fresh); err != nil {
		return err
	}
	if _, err := w.exec(reviewTables); err != nil {
		return err
	}
	if err := w.row("SELECT coalesce(max(no), 0) + 1 FROM run", nil, &p.no); err != nil {
		return err
	}
	if err := w.row("SELECT coalesce(max(no), 0) + 1 FROM note", nil, &p.account.firstNote); err != nil {
		return err
	}
	p.account.nextNote = p.account.firstNote
	params, err := json.Marshal(info.Params)
	if err != nil {
		return refusal{err}
	}
	now := info.Created.UnixMilli()
	if _, err := w.exec(`INSERT INTO run (no, id, state, source, mapping, mapping_hash, params, created, changed, first, last)
		VALUES (?, ?, 'planning', ?, ?, ?, ?, ?, ?, ?, ?)`,
		p.no, p.run, info.Source, info.Mapping, info.MappingHash, string(params), now, now, p.first, p.first-1); err != nil {
		return err
	}
	return nil
}

// Files says what the input files were, where that was not known when the plan was
// begun. It is kept when the plan is sealed.
func (p *Plan) Files(files []FileInfo) { p.files = files }

// writeFiles runs in the writer.
func (p *Plan) writeFiles(w *writer) error {
	for i, f := range p.files {
		if _, err := w.exec("INSERT INTO run_file (run, n, name, path, sha256, size) VALUES (?, ?, ?, ?, ?, ?)", p.no, i, f.Name, f.Path, f.SHA256, f.Size); err != nil {
			return err
		}
	}
	return nil
}

// Run is the id of the run.
func (p *Plan) Run() string { return p.run }

// Entries is [Journal.Entries] of the sealed plan.
func (p *Plan) Entries(ctx context.Context, dispositions ...Disposition) iter.Seq2[Entry, error] {
	return p.j.Entries(ctx, p.run, dispositions...)
}

// Add plans a call. Calls are added in file order; their bodies must not be
// changed afterwards. Some of them are held back
// and written together, so an error may concern an earlier call; after one the
// plan can only be discarded.
func (p *Plan) Add(ctx context.Context, op Op) error {
	if err := p.usable(); err != nil {
		return err
	}
	if rankOf(op.Call) < 0 {
		return fmt.Errorf("%s:%d: %q is no call of the API", op.File, op.Line, op.Call)
	}
	if op.ID == "" || op.Content == "" {
		return fmt.Errorf("%s:%d: %s has no operation id or no content hash", op.File, op.Line, op.Call)
	}
	p.review.see(op, len(p.ops))
	p.account.see(op)
	p.ops = append(p.ops, op)
	p.size += len(op.Body)
	if len(p.ops) >= p.j.batchRows || p.size >= batchBytes {
		p.full()
		return p.flush(ctx, true)
	}
	return nil
}

// rankOf orders the calls of a payment that are equal in Order; -1 for none.
func rankOf(call record.CallName) int { return slices.Index(ranks, call) }

var ranks = record.Writes() // never changed

// Block says that a row of the payment could not be read: all its calls of this
// run are parked for that reason. It is held back as calls are.
func (p *Plan) Block(ctx context.Context, source, payment, reason string) error {
	if err := p.usable(); err != nil {
		return err
	}
	p.review.blocked = true
	if p.blocks = append(p.blocks, str(source), str(payment), str(reason)); len(p.blocks) < 3*batchRows {
		return nil
	}
	return p.flushBlocks(ctx)
}

// flushBlocks writes the waiting blocks. One by one, each would wait for a sync.
func (p *Plan) flushBlocks(ctx context.Context) error {
	if len(p.blocks) == 0 {
		return nil
	}
	err := p.j.w.do(ctx, func(w *writer) error {
		for b := p.blocks; len(b) > 0; b = b[3:] {
			if _, err := w.jobsOn.execValues(insertBlock, []value{num(p.no), b[0], b[1], b[2]}); err != nil {
				return err
			}
		}
		return nil
	})
	p.blocks = p.blocks[:0]
	if err != nil && p.err == nil {
		p.err = err
	}
	return err
}

const insertBlock = "INSERT OR IGNORE INTO block (run, source, payment, reason) VALUES (?, ?, ?, ?)"

// Discard drops the plan and everything it wrote.
func (p *Plan) Discard(ctx context.Context) error {
	if p.over {
		return nil
	}
	p.wait() // its failure does not matter any more
	err := p.j.w.do(ctx, func(w *writer) error {
		_, err := w.exec(dropUnplanned)
		return err
	})
	p.end()
	return err
}

// end lets the journal make another plan.
func (p *Plan) end() {
	p.over = true
	p.j.mu.Lock()
	p.j.planning = false
	p.j.mu.Unlock()
}

func (p *Plan) usable() error {
	if p.over {
		return fmt.Errorf("run %q is not being planned any more", p.run)
	}
	return p.err
}

// flush hands the waiting calls to the writer, and waits for the batch before
// them: reading rows and writing them overlap, with two batches in memory.
func (p *Plan) flush(ctx context.Context, full bool) error {
	if err := p.wait(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(p.ops) == 0 {
		return nil
	}
	b := &batch{ops: p.ops, first: p.next, suspects: p.review.suspects, full: full, ahead: p.ahead, strip: p.bare && p.batches == 0}
	p.ops, p.writing = p.writing[:0], p.ops // room of the batch that was waited for
	p.size, p.review.suspects = 0, nil
	p.next += int64(len(b.ops))
	p.batches++
	done := make(chan error, 1)
	if err := p.j.w.queue(&job{run: func(w *writer) error { return p.write(w, b) }, loose: p.batches%together != 0, done: done}); err != nil {
		p.err = err
		return err
	}
	p.inFlight = done
	return nil
}

// wait returns the result of the batch being written.
func (p *Plan) wait() error {
	if p.inFlight != nil {
		p.err = <-p.inFlight
		p.inFlight = nil
	}
	return p.err
}

const (
	insertEntry = "INSERT INTO entry (no, op_id, source, payment, natural, call, rank, ord, content, currency, value, class, file, line) VALUES "
	insertBody  = "INSERT INTO body (no, form) VALUES "
	entryRow    = "(?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
	bodyRow     = "(?,?)"
)

// A batch is calls that are written together.
type batch struct {
	ops      []Op
	first    int64 // number of the first
	suspects []suspect
	full     bool // there are more behind it
	ahead    bool // its plain calls are sealed with it
	strip    bool // it is the first of a plan that makes the indexes anew
}

// write runs in the writer.
func (p *Plan) write(w *writer, b *batch) error {
	if b.strip {
		if _, err := w.exec(dropIndexes + " PRAGMA " + firstCache); err != nil {
			return err
		}
	}
	if err := noteSuspects(w, b); err != nil {
		return err
	}
	if err := p.writeEntries(w, b); err != nil {
		return err
	}
	var needless map[int64]bool
	if b.ahead {
		var err error
		if needless, err = p.sealAhead(w, b); err != nil {
			return err
		}
	}
	if b.full {
		if err := p.packer.learn(w, b); err != nil {
			return err
		}
	}
	return p.writeBodies(w, b, needless)
}

func (p *Plan) writeEntries(w *writer, b *batch) error {
	args := p.args
	no := b.first
	for ops := b.ops; len(ops) > 0; {
		n := insertRows
		if len(ops) < n {
			n = 1
		}
		args = args[:0]
		for i := range ops[:n] {
			op := &ops[i]
			file, err := p.fileNo(w, op.File)
			if err != nil {
				return err
			}
			args = append(args, num(no), str(op.ID), str(op.Source), str(op.Payment), str(op.Natural), str(string(op.Call)), num(int64(rankOf(op.Call))), str(op.Order),
				str(op.Content), str(string(op.Amount.Currency)), num(op.Amount.Value), str(op.Class), num(file), num(int64(op.Line)))
			no++
		}
		if _, err := w.jobsOn.execValues(insertEntry+rows(entryRow, n), args); err != nil {
			return err
		}
		ops = ops[n:]
	}
	p.args = args
	return nil
}

// writeBodies writes the bodies of a batch, but for those that nothing needs.
func (p *Plan) writeBodies(w *writer, b *batch, needless map[int64]bool) error {
	args := p.args[:0]
	p.packer.buf = p.packer.buf[:0]
	for i := range b.ops {
		if no := b.first + int64(i); !needless[no] {
			args = append(args, num(no), bytesOf(p.packer.stored(&b.ops[i])))
		}
	}
	p.args = args
	for len(args) > 0 {
		n := insertRows
		if len(args) < 2*n {
			n = 1
		}
		if _, err := w.jobsOn.execValues(insertBody+rows(bodyRow, n), args[:2*n]); err != nil {
			return err
		}
		args = args[2*n:]
	}
	return nil
}

func rows(row string, n int) string { return strings.Repeat(row+",", n-1) + row }

// fileNo is the number under which the journal knows a file's name.
func (p *Plan) fileNo(w *writer, name string) (no int64, err error) {
	if no, ok := p.fileNos[name]; ok {
		return no, nil
	}
	if _, err := w.exec("INSERT OR IGNORE INTO file (name) VALUES (?)", name); err != nil {
		return 0, err
	}
	if err := w.row("SELECT no FROM file WHERE name = ?", []any{name}, &no); err != nil {
		return 0, err
	}
	p.fileNos[name] = no
	return no, nil
}
