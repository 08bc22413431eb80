package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"log/slog"
	"maps"
	"sync"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// count is one number of the tally: submissions by state, parked by reason,
// deliveries of a system by state.
type count struct {
	what int64 // one of the blocks below, plus the state's number
	name string
}

const (
	countSubmissions = 0
	countParked      = 100
	countDeliveries  = 200
)

func (c count) String() string {
	switch {
	case c.what >= countDeliveries:
		return string(deliveryState(c.what-countDeliveries)) + " at " + c.name
	case c.what >= countParked:
		return "parked as " + c.name
	}
	return string(submissionState(c.what))
}

// tally counts along with the writer. What a transaction adds is in delta until
// it has committed.
type tally struct {
	mu    sync.RWMutex // guards n, which readers see
	n     map[count]int64
	delta map[count]int64
}

func newTally() *tally {
	return &tally{n: make(map[count]int64), delta: make(map[count]int64)}
}

// of is a number as the writer knows it, this transaction included.
func (t *tally) of(c count) int64 { return t.n[c] + t.delta[c] }

func (t *tally) add(c count, n int64) {
	if sum := t.delta[c] + n; sum != 0 {
		t.delta[c] = sum
	} else {
		delete(t.delta, c)
	}
}

// submission counts a row's way from what is stored to what it becomes.
func (t *tally) submission(s *submission) {
	if s.was != s.State {
		if s.was != "" {
			t.add(count{what: countSubmissions + submissionNumber(s.was)}, -1)
		}
		t.add(count{what: countSubmissions + submissionNumber(s.State)}, 1)
	}
	t.parked(s.was == hub.SubmissionParked, s.wasFor, -1)
	t.parked(s.State == hub.SubmissionParked, s.Reason, 1)
	s.was, s.wasFor = s.State, s.Reason
}

// delivery counts a row's way, too. Those of a damaged submission count with it, and
// not beside it: whoever has put back or closed all the others sees that nothing is left.
func (t *tally) delivery(d *delivery) {
	was, is := counted(d.was, d.wasAside), counted(d.State, d.aside)
	if was != is {
		t.open(d.System, was, -1)
		t.open(d.System, is, 1)
	}
	t.parked(was == hub.DeliveryParked, d.wasFor, -1)
	t.parked(is == hub.DeliveryParked, d.Reason, 1)
	d.was, d.wasFor, d.wasAside = d.State, d.Reason, d.aside
}

func counted(s hub.DeliveryState, aside bool) hub.DeliveryState {
	if aside && s != hub.DeliverySending {
		return ""
	}
	return s
}

func (t *tally) parked(is bool, reason hub.ParkReason, n int64) {
	if is && reason != "" {
		t.add(count{countParked, string(reason)}, n)
	}
}

func (t *tally) open(system string, state hub.DeliveryState, n int64) {
	switch state {
	case hub.DeliveryPending, hub.DeliverySending, hub.DeliveryAwaiting, hub.DeliveryParked:
		c := count{countDeliveries + deliveryNumber(state), system}
		if t.of(c)+n >= 0 { // the name in a damaged row need not be the one that was counted
			t.add(c, n)
		}
	}
}

func (t *tally) load(c *conn) error {
	n := make(map[count]int64)
	err := c.query(context.Background(), "SELECT what, name, n FROM tally", nil, func(row []driver.Value) error {
		n[count{asInt(row[0]), asString(row[1])}] = asInt(row[2])
		return nil
	})
	if err != nil {
		return err
	}
	t.mu.Lock()
	t.n = n
	t.mu.Unlock()
	clear(t.delta)
	return nil
}

// recount puts right what the table says of deliveries and of what is parked, by the rows:
// what a damaged row took with it is found at the next start. What is open or parked has
// an index; how many submissions there are is in step with their rows anyway.
func (t *tally) recount(c *conn, log *slog.Logger) error {
	is, err := counts(c)
	if err = named(err); errors.Is(err, store.ErrDamaged) {
		log.Error("what is open and parked cannot be counted anew; the counts of the last run go on", "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for was := range t.n {
		if _, there := is[was]; !there && was.what >= countParked {
			is[was] = 0
		}
	}
	for of, n := range is {
		if t.n[of] == n {
			continue
		}
		log.Warn("a count was not that of the rows; it is put right", "count", of.String(), "was", t.n[of], "is", n)
		t.n[of] = n
		// Where it cannot be written, the disk being full, the next start counts again.
		if err := c.exec("INSERT OR REPLACE INTO tally (what, name, n) VALUES (?, ?, ?)", of.what, of.name, n); err != nil {
			log.Error("write a count", "error", err)
		}
	}
	return nil
}

// counts reads from the rows what the tally should be.
func counts(c *conn) (map[count]int64, error) {
	n := make(map[count]int64)
	ctx := context.Background()
	err := c.query(ctx, "SELECT system, state, count(*) FROM delivery WHERE due IS NOT NULL AND state IN (2, 3, 4) GROUP BY system, state", nil, func(row []driver.Value) error {
		n[count{countDeliveries + asInt(row[1]), asString(row[0])}] = asInt(row[2])
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = c.query(ctx, "SELECT d.key, d.system, d.state, d.due, d.body FROM delivery d INDEXED BY delivery_parked JOIN submission s ON s.key = d.key & ~255 "+
		"WHERE d.state = 6 AND s.state <> 5", nil, func(row []driver.Value) error {
		d, _ := decodeDelivery(hub.ID{}, row) // one that fails its check was counted as well
		n[count{countDeliveries + stateParked, d.System}]++
		if d.wasFor != "" {
			n[count{countParked, string(d.wasFor)}]++
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = c.query(ctx, "SELECT "+submissionColumns+" FROM submission WHERE state IN (3, 5) AND state = 3", nil, func(row []driver.Value) error {
		if s, _ := decodeSubmission(row); s.wasFor != "" {
			n[count{countParked, string(s.wasFor)}]++
		}
		return nil
	})
	return n, err
}

func (t *tally) write(x *tx) error {
	for c, n := range t.delta {
		err := x.exec("INSERT INTO tally (what, name, n) VALUES (?, ?, ?) ON CONFLICT (what, name) DO UPDATE SET n = n + excluded.n", c.what, c.name, n)
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *tally) commit() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for c, n := range t.delta {
		t.n[c] += n
	}
	clear(t.delta)
}

func (t *tally) rollback() { clear(t.delta) }

// figures gives the numbers; the systems' oldest deliveries are not in them.
func (t *tally) figures() *store.Figures {
	t.mu.RLock()
	n := maps.Clone(t.n)
	t.mu.RUnlock()
	f := &store.Figures{
		Submissions: make(map[hub.SubmissionState]int64),
		Parked:      make(map[hub.ParkReason]int64),
		Systems:     make(map[string]store.SystemFigures),
	}
	for c, n := range n {
		switch {
		case c.what >= countDeliveries:
			s := f.Systems[c.name]
			switch c.what - countDeliveries {
			case statePending:
				s.Pending = n
			case stateSending:
				s.Sending = n
			case stateAwaiting:
				s.Awaiting = n
			case stateParked:
				s.Parked = n
			}
			f.Systems[c.name] = s
		case c.what >= countParked:
			if n != 0 {
				f.Parked[hub.ParkReason(c.name)] = n
			}
		case n != 0:
			f.Submissions[submissionState(c.what)] = n
		}
	}
	return f
}
