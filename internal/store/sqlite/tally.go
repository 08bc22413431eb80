package sqlite

import (
	"context"
	"database/sql/driver"
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

func (t *tally) delivery(d *delivery) {
	if d.was != d.State {
		t.open(d.System, d.was, -1)
		t.open(d.System, d.State, 1)
	}
	t.parked(d.was == hub.DeliveryParked, d.wasFor, -1)
	t.parked(d.State == hub.DeliveryParked, d.Reason, 1)
	d.was, d.wasFor = d.State, d.Reason
}

func (t *tally) parked(is bool, reason hub.ParkReason, n int64) {
	if is && reason != "" {
		t.add(count{countParked, string(reason)}, n)
	}
}

func (t *tally) open(system string, state hub.DeliveryState, n int64) {
	switch state {
	case hub.DeliveryPending, hub.DeliverySending, hub.DeliveryAwaiting, hub.DeliveryParked:
		t.add(count{countDeliveries + deliveryNumber(state), system}, n)
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
