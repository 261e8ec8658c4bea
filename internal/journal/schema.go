package journal

import (
	"context"
	"fmt"
)

// applicationID marks the file as ours: "payr" in ASCII.
const applicationID = 0x70617972

// format is the version of the schema that this program writes. Columns may be
// added with a migration; none may be renamed or reused, because last year's
// journal must still open.
const format = 6

// schema makes the present format.
const schema = schema1 + schema2 + schema3 + schema5 + schema6

const schema1 = `
CREATE TABLE meta (
	name  TEXT PRIMARY KEY,
	value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE run (
	no           INTEGER PRIMARY KEY,
	id           TEXT NOT NULL UNIQUE,
	state        TEXT NOT NULL,            -- planning, planned, applying, done, stopped
	source       TEXT NOT NULL,
	mapping      TEXT NOT NULL,
	mapping_hash TEXT NOT NULL,
	params       TEXT NOT NULL,            -- of the mapping, as a JSON object
	created      INTEGER NOT NULL,         -- Unix milliseconds, like every time here
	changed      INTEGER NOT NULL,
	first        INTEGER NOT NULL,         -- its entries: first <= no <= last
	last         INTEGER NOT NULL
);
CREATE TABLE run_file (
	run    INTEGER NOT NULL,
	n      INTEGER NOT NULL,
	name   TEXT NOT NULL,
	path   TEXT NOT NULL,                  -- where it was read from, or ''
	sha256 TEXT NOT NULL,
	size   INTEGER NOT NULL,
	PRIMARY KEY (run, n)
) WITHOUT ROWID;

CREATE TABLE file (
	no   INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE
);
CREATE TABLE entry (
	no       INTEGER PRIMARY KEY,
	op_id    TEXT NOT NULL,
	source   TEXT NOT NULL,
	payment  TEXT NOT NULL,
	natural  TEXT NOT NULL,
	call     TEXT NOT NULL,
	rank     INTEGER NOT NULL,             -- 0 makes the record; then the order of calls that are equal in ord
	ord      TEXT NOT NULL,
	content  TEXT NOT NULL,
	currency TEXT NOT NULL,
	value    INTEGER NOT NULL,
	class    TEXT NOT NULL,
	file     INTEGER NOT NULL,
	line     INTEGER NOT NULL
);
CREATE TABLE body (
	no   INTEGER PRIMARY KEY,              -- of the entry
	form BLOB NOT NULL
);
CREATE TABLE block (
	run     INTEGER NOT NULL,
	source  TEXT NOT NULL,
	payment TEXT NOT NULL,
	reason  TEXT NOT NULL,
	PRIMARY KEY (run, source, payment)
) WITHOUT ROWID;
CREATE TABLE item (
	no          INTEGER PRIMARY KEY,       -- of the entry
	lane        INTEGER NOT NULL,          -- the payment's first entry in the run
	op          INTEGER NOT NULL,          -- op.no; no such row when no operation came of it
	home        INTEGER,                   -- the entry whose content the run expects the operation to have
	previous    INTEGER,                   -- the earlier entry that it is held against
	disposition TEXT NOT NULL,
	reason      TEXT
);
CREATE INDEX item_lane ON item (lane);
CREATE TABLE op (
	no          INTEGER PRIMARY KEY,       -- the entry that brought this epoch about
	id          TEXT NOT NULL,
	epoch       INTEGER NOT NULL,
	current     INTEGER NOT NULL,          -- 1 for the last epoch of the id
	source      TEXT NOT NULL,
	payment     TEXT NOT NULL,
	call        TEXT NOT NULL,
	home        INTEGER NOT NULL,          -- the entry whose body and content it has
	state       TEXT NOT NULL,
	doubt       INTEGER NOT NULL,          -- 1 once this epoch was in doubt
	attempts    INTEGER NOT NULL,
	first_sent  INTEGER,
	last_sent   INTEGER,
	finished    INTEGER,                   -- when the last answer was heard
	target      TEXT,                      -- the record that the call acts on
	record_id   TEXT,
	object_id   TEXT,
	request_id  TEXT,
	http_status INTEGER,
	code        TEXT,
	param       TEXT,
	message     TEXT
);
CREATE UNIQUE INDEX ` + opID + `;
CREATE INDEX op_payment ON op (source, payment) WHERE call = 'report_payment';
`

// What a large first plan makes anew; see [Plan.full].
const (
	opID      = "op_id ON op (id, epoch)"
	opPayment = "op_payment ON op (payment, source) WHERE call = 'report_payment'"
	opChild   = "op_child ON op (payment, source) WHERE call <> 'report_payment'"
)

const (
	makeIndexes = `
CREATE UNIQUE INDEX IF NOT EXISTS ` + opID + `;
CREATE INDEX IF NOT EXISTS ` + opPayment + `;
CREATE INDEX IF NOT EXISTS ` + opChild + `;
`
	dropIndexes = "DROP INDEX op_id; DROP INDEX op_payment; DROP INDEX op_child;"
)

// schema2 is what format 2 adds: how calls in doubt and in conflict were settled.
const schema2 = `
CREATE TABLE decision (
	no         INTEGER PRIMARY KEY,
	op_id      TEXT NOT NULL,
	epoch      INTEGER NOT NULL,
	at         INTEGER NOT NULL,
	who        TEXT NOT NULL,
	what       TEXT NOT NULL,             -- adopt, resend, skip, absent, conflict
	reason     TEXT NOT NULL,
	record_id  TEXT NOT NULL,
	from_state TEXT NOT NULL,
	first_sent INTEGER,                   -- of the epoch that was settled
	last_sent  INTEGER,
	attempts   INTEGER NOT NULL
);
CREATE INDEX decision_op ON decision (op_id);
CREATE INDEX op_child ON op (source, payment) WHERE call <> 'report_payment';
`

// schema3 is what format 3 adds: the account of a run's rows. A run that was
// planned in an older format has none.
const schema3 = `
CREATE TABLE run_rows (
	run        INTEGER PRIMARY KEY,
	total      INTEGER NOT NULL,           -- when the plan was sealed
	emitted    INTEGER NOT NULL,
	attached   INTEGER NOT NULL,
	ignored    INTEGER NOT NULL,
	held       INTEGER NOT NULL,
	rejected   INTEGER NOT NULL,
	lines      TEXT NOT NULL,              -- other lines by role, as a JSON object
	first_note INTEGER NOT NULL,           -- its notes: first_note <= no <= last_note
	last_note  INTEGER NOT NULL
);
CREATE TABLE run_class (                  -- as the mapping had the rows, before the plan was sealed
	run         INTEGER NOT NULL,
	n           INTEGER NOT NULL,
	file        TEXT NOT NULL,
	class       TEXT NOT NULL,
	disposition TEXT NOT NULL,
	reason      TEXT NOT NULL,
	rows        INTEGER NOT NULL,
	currency    TEXT NOT NULL,
	total       TEXT,                      -- exact, in major units; NULL where the mapping has none
	PRIMARY KEY (run, n)
) WITHOUT ROWID;
CREATE TABLE run_called (                 -- rows of a file that the run's entries came from
	run  INTEGER NOT NULL,
	file TEXT NOT NULL,
	rows INTEGER NOT NULL,
	PRIMARY KEY (run, file)
) WITHOUT ROWID;
CREATE TABLE note (                       -- why a row became no call
	no       INTEGER PRIMARY KEY,
	run      INTEGER NOT NULL,
	file     INTEGER NOT NULL,
	sheet    TEXT NOT NULL,
	line     INTEGER NOT NULL,
	held     INTEGER NOT NULL,             -- 1: it waits; 0: it is rejected
	class    TEXT NOT NULL,
	payment  TEXT NOT NULL,
	op_id    TEXT NOT NULL,                -- of the call that it was to become, or ''
	currency TEXT NOT NULL,
	total    TEXT NOT NULL,                -- of the row, or ''
	code     TEXT NOT NULL,
	field    TEXT NOT NULL,                -- the header to blame
	message  TEXT NOT NULL,
	hint     TEXT NOT NULL
);
CREATE INDEX note_op ON note (op_id, run) WHERE op_id <> '';
CREATE INDEX note_payment ON note (payment, run) WHERE op_id = '' AND payment <> '';
` + againIndex

// againIndex finds the calls that a later run has again. It is empty as long as
// every run brings new calls only.
const againIndex = `
CREATE INDEX item_again ON item (op) WHERE op < no;
`

// schema4 is what format 4 takes away: an index of the calls in doubt that no
// query could use, and that cost a call two changes of it and, for its condition
// with IN, four tables in memory.
const schema4 = `
DROP INDEX IF EXISTS op_doubt;
`

// schema5 is what format 5 adds: bodies are packed.
const schema5 = `
CREATE TABLE shape (                      -- what bodies have in common; see pack.go
	no   INTEGER PRIMARY KEY,              -- the entry that brought it about
	form BLOB NOT NULL
);
`

// schema6 is what format 6 adds: intents of calls that lie side by side. The index
// of lanes has only what is not where its lane is. Those of payments begin with the
// key: the source is the same in most, and comparing is most of what sorting takes.
const schema6 = `
CREATE TABLE claim (                      -- see claim.go
	no    INTEGER PRIMARY KEY,
	first INTEGER NOT NULL,                -- its operations: first <= op.no <= last
	last  INTEGER NOT NULL,
	at    INTEGER NOT NULL
);
DROP INDEX IF EXISTS item_lane;
CREATE INDEX item_lane ON item (lane) WHERE lane <> no;
DROP INDEX IF EXISTS op_payment;
CREATE INDEX ` + opPayment + `;
DROP INDEX IF EXISTS op_child;
CREATE INDEX ` + opChild + `;
`

const opDoubt = "CREATE INDEX op_doubt ON op (state) WHERE state IN ('sending', 'unknown', 'reconciling')"

// migrations[n] turns format n+1 into format n+2, in one transaction with the
// new version number.
func migrations() []string { return []string{schema2, schema3, schema4, schema5, schema6} }

// migrate brings an older journal to the present format. Only before start.
func (w *writer) migrate(ctx context.Context, from int) error {
	steps := migrations()
	for v := from; v < format; v++ {
		if v < 1 || v > len(steps) {
			return fmt.Errorf("no way leads from format %d to format %d", v, v+1)
		}
		script := fmt.Sprintf("BEGIN IMMEDIATE; %s; PRAGMA user_version = %d; COMMIT", steps[v-1], v+1)
		if _, err := w.conn.ExecContext(ctx, script); err != nil {
			w.conn.ExecContext(ctx, "ROLLBACK") // nothing can be done about its failure
			return fmt.Errorf("bringing format %d to format %d: %w", v, v+1, err)
		}
		if err := w.sums.committed(); err != nil {
			return err
		}
	}
	return nil
}
