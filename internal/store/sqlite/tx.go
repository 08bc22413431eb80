package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"stellwerk/internal/audit"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// tx is what the steps of one transaction work on. The rules are Go over loaded
// rows, and what is loaded stays in memory as long as it is in use: nobody else
// writes. So a step decides before it changes anything; where it returns an
// error of the store's words, it has written nothing that must be undone. After
// an error of SQLite broken is set, the transaction is rolled back and all of
// the memory is dropped with it.
type tx struct {
	c       *conn
	broken  error
	cases   recent
	tally   *tally
	keys    *keyIndex
	queues  *queues
	search  runs
	chain   audit.Head
	entries []hub.AuditEntry
	paused  map[string]string
	held    map[string]map[int64]bool // by order key or callbackLine: deliveries put off by Claim
	looked  map[string]bool           // systems that this process has claimed for
	claimed map[int64]bool            // leases that this process has given
	// Pages of the file that are corrupt are known here as long as the process runs:
	// submissions that cannot be read, and deliveries that claims pass over.
	unreadable map[int64]int
	corrupt    map[int64]bool
	passed     []int64 // to be added to corrupt with the commit
	start      savepoint
	log        *slog.Logger
	fresh      *fresh
	arrived    []arrival
}

// savepoint is what a rollback restores; the rest is dropped and read again.
type savepoint struct {
	keys, search runs
	chain        audit.Head
}

func newTx(keys *keyIndex, q *queues, t *tally, f *fresh, log *slog.Logger) *tx {
	return &tx{
		keys: keys, queues: q, search: runs{most: searchRun}, tally: t, fresh: f, log: log,
		held: make(map[string]map[int64]bool), looked: make(map[string]bool), claimed: make(map[int64]bool), corrupt: make(map[int64]bool),
		unreadable: make(map[int64]int),
	}
}

// open reads what is kept in memory.
func (t *tx) open(c *conn) error {
	t.c, t.broken = c, nil
	t.cases.drop()
	t.paused = nil
	if err := t.tally.load(c); err != nil {
		return fmt.Errorf("read the tally: %w", err)
	}
	if err := t.tally.recount(c, t.log); err != nil {
		return fmt.Errorf("count what is open: %w", err)
	}
	if err := t.keys.load(c); err != nil {
		return fmt.Errorf("read the idempotency keys: %w", err)
	}
	if err := t.queues.load(c); err != nil {
		return err
	}
	if err := t.search.load(c, "search"); err != nil {
		return fmt.Errorf("read the search hashes: %w", err)
	}
	head, err := auditHead(c)
	if err != nil {
		return fmt.Errorf("read the end of the audit trail: %w", err)
	}
	t.chain = head
	return nil
}

func (t *tx) begin() {
	t.broken = nil
	t.start = savepoint{t.keys.runs, t.search, t.chain}
	t.entries = t.entries[:0]
}

// finish writes what the steps have in common.
func (t *tx) finish() error {
	if err := t.writeAudit(); err != nil {
		return err
	}
	return t.tally.write(t)
}

func (t *tx) committed() {
	t.tally.commit()
	t.queues.commit()
	for _, key := range t.passed {
		t.corrupt[key] = true
	}
	t.passed = t.passed[:0]
	for _, a := range t.arrived {
		if c, ok := a.v.(*store.Case); ok {
			if f := t.cases.get(submissionKey(max(a.key, -a.key))); f == nil || f.version() != c.Submission.Version {
				continue // it has moved on within this transaction
			}
		}
		t.fresh.put(a.key, a.v, a.size)
	}
	t.arrived = t.arrived[:0]
}

func (t *tx) rollback() {
	t.keys.runs, t.search, t.chain = t.start.keys, t.start.search, t.start.chain
	t.entries = t.entries[:0]
	t.tally.rollback()
	t.queues.rollback()
	clear(t.looked)
	t.cases.drop()
	t.paused = nil
	t.broken = nil
	t.passed = t.passed[:0]
	t.arrived = t.arrived[:0]
}

// beat is a write without meaning, for Healthy.
func (t *tx) beat() error {
	return t.exec("INSERT INTO job (name, at) VALUES ('', 1) ON CONFLICT (name) DO UPDATE SET at = at + 1")
}

func (t *tx) exec(query string, args ...any) error {
	err := t.c.exec(query, args...)
	if err != nil {
		t.broken = err
	}
	return err
}

func (t *tx) changed(query string, args ...any) (int, error) {
	n, err := t.c.changed(query, args...)
	if err != nil {
		t.broken = err
	}
	return n, err
}

func (t *tx) query(query string, args []any, each func([]driver.Value) error) error {
	err := t.c.query(context.Background(), query, args, each)
	if code(err) != 0 {
		t.broken = err
	}
	return named(err)
}

// load gives a submission with its deliveries. ErrNotFound where it is not
// there; ErrDamaged, with what could be read, where a row fails its check.
func (t *tx) load(id hub.ID) (*file, error) {
	id = id.Submission()
	f, err := t.loadKey(keyOf(id))
	if f != nil && f.ID != id {
		return nil, notFound(id)
	}
	return f, err
}

func notFound(id hub.ID) error {
	return fmt.Errorf("submission %s: %w", id.Submission(), store.ErrNotFound)
}

func (t *tx) loadKey(key int64) (*file, error) {
	if f := t.cases.get(key); f != nil {
		return f, nil
	}
	if t.unreadable[key] == unreadableWhole {
		return nil, fmt.Errorf("a submission: %w", store.ErrDamaged)
	}
	f, err := readFile(context.Background(), t.c, key, t.unreadable[key] == 0)
	if code(err) != 0 {
		// After a page that cannot be read SQLite refuses every write of the
		// transaction, so it begins anew, and this time leaves the page alone.
		t.broken = err
		if errors.Is(named(err), store.ErrDamaged) {
			t.unreadable[key] = unreadableWhole
			if f != nil {
				t.unreadable[key] = unreadableDeliveries
			}
		}
		return f, named(err)
	}
	if t.unreadable[key] != 0 {
		return f, fmt.Errorf("deliveries of %s: %w", f.ID, store.ErrDamaged)
	}
	if err == nil {
		t.cases.put(key, f)
	}
	return f, err
}

// corruption is how much is known to be corrupt; it only grows.
func (t *tx) corruption() int { return len(t.unreadable) + len(t.corrupt) }

// What cannot be read of a submission.
const (
	unreadableDeliveries = 1
	unreadableWhole      = 2
)

// find loads a delivery with its file. ErrNotFound where there is none.
func (t *tx) find(id hub.ID) (*file, *delivery, error) {
	f, err := t.load(id)
	if err != nil {
		return f, nil, err
	}
	d := f.delivery(keyOf(id))
	if d == nil && f.State == hub.SubmissionErased {
		return f, nil, store.ErrErased
	}
	if d == nil {
		return f, nil, fmt.Errorf("delivery %s: %w", id, store.ErrNotFound)
	}
	return f, d, nil
}

func (t *tx) saveSubmission(s *submission) error {
	t.tally.submission(s)
	t.fresh.drop(s.key, -s.key)
	return t.exec("UPDATE submission SET state = ?, flow_due = ?, body = ? WHERE key = ?",
		submissionNumber(s.State), null(s.flowDue), s.encode(), s.key)
}

func (t *tx) saveDelivery(d *delivery) error {
	t.tally.delivery(d)
	t.fresh.drop(-submissionKey(d.key))
	return t.exec("UPDATE delivery SET state = ?, due = ?, body = ? WHERE key = ?",
		deliveryNumber(d.State), null(d.due), d.encode(), d.key)
}

func submissionNumber(s hub.SubmissionState) int64 { return int64(slices.Index(submissionStates, s)) }
func deliveryNumber(s hub.DeliveryState) int64     { return int64(slices.Index(deliveryStates, s)) }

// insertRows writes rows of one table with as few statements as it takes. insert
// is the statement's beginning, args are the rows' values one behind the other.
func (t *tx) insertRows(insert string, columns int, args []any) error {
	const most = 8
	for len(args) > 0 {
		n := min(len(args)/columns, most)
		if err := t.exec(insert+values(columns, n), args[:n*columns]...); err != nil {
			return err
		}
		args = args[n*columns:]
	}
	return nil
}

// values is " VALUES (?,?),(?,?)".
func values(columns, rows int) string {
	row := "(?" + strings.Repeat(",?", columns-1) + ")"
	return " VALUES " + row + strings.Repeat(","+row, rows-1)
}

// event writes a line of the submission's story.
func (t *tx) event(key int64, e hub.Event) error {
	p := packer{}
	p.time(e.At)
	p.str(e.Type)
	p.int(int64(e.Delivery.Ordinal()))
	p.str(e.Role)
	p.str(e.System)
	p.str(e.Actor)
	p.str(e.Code)
	p.str(e.Text)
	return t.exec("INSERT INTO event (key, n, body) SELECT ?1, coalesce(max(n), 0) + 1, ?2 FROM event WHERE key = ?1",
		submissionKey(key), p.seal(submissionKey(key)))
}

// keep writes an attempt that is not, or no longer, the delivery's last.
func (t *tx) keep(key int64, a *attempt) error {
	p := packer{}
	a.pack(&p)
	return t.exec("INSERT INTO attempt (key, n, body) SELECT ?1, coalesce(max(n), 0) + 1, ?2 FROM attempt WHERE key = ?1",
		key, p.seal(key))
}

// audit adds an entry to the chain; it is written with the transaction.
func (t *tx) audit(e hub.AuditEntry) {
	t.chain.Append(&e)
	t.entries = append(t.entries, e)
}

// due is a time as it stands in the column: never 0, which is no time.
func due(at time.Time) int64 { return max(micros(at), 1) }
