package deliver

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/sony/gobreaker/v2"

	"stellwerk/connectors"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/vault"
)

// attempt is one try: open the document, send or ask, record the outcome.
func (d *Deliverer) attempt(s *settings, t *store.Task) {
	d.leases.Store(t.Delivery.ID, t.Fence)
	defer d.leases.CompareAndDelete(t.Delivery.ID, t.Fence) // the next attempt may have begun
	log := attemptLog{d.Log, s, t}
	o := d.ready(log, s, t)
	if o == nil {
		return
	}
	kind := sendOrAsk(&t.Delivery, s.traits)
	end := func(string) {}
	if d.Trace != nil {
		o.message.Trace, end = d.Trace(d.hurry, t.Submission.Trace, s.system.Name)
	}
	start := d.Now()
	receipt, err := s.breaker.Execute(func() (connectors.Receipt, error) {
		r := d.try(s, kind, o.message)
		if r.Fault {
			return r, errFault
		}
		return r, nil
	})
	took := d.Now().Sub(start)
	end(receipt.Outcome.String())
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		d.putBack(t, "breaker-open", start)
		return
	}
	if damage := o.damage.Load(); damage != nil && receipt.Outcome != connectors.Delivered {
		d.setAside(log, t, *damage)
		return
	}
	if o.notNow.Load() && receipt.Outcome != connectors.Delivered && receipt.Outcome != connectors.Unknown {
		log.Error("an attachment cannot be read; the delivery waits")
		d.putBack(t, "unreadable", d.Now().Add(mending))
		return
	}
	d.record(s, t, o, kind, receipt, start, took)
	log.outcome(receipt, took)
	if d.Attempted != nil {
		d.Attempted(s.system.Name, receipt.Outcome.String(), took)
	}
}

// mending is how long a delivery waits for what the operator has to mend first.
const mending = time.Minute

// ready opens a task; nil where it cannot be tried now, or never, and that is recorded.
func (d *Deliverer) ready(log attemptLog, s *settings, t *store.Task) *opened {
	o, err := d.open(s, t)
	switch {
	case errors.Is(err, vault.ErrNoKey):
		log.Error("the keyring lacks the key of this submission; it waits", "error", err)
		d.putBack(t, "no-key", d.Now().Add(mending))
	case errors.Is(err, errNotNow):
		log.Error("a stored record cannot be read; the delivery waits", "error", err)
		d.putBack(t, "unreadable", d.Now().Add(mending))
	case err != nil:
		d.setAside(log, t, err)
	case t.Delivery.Uncertain && !s.traits.Repeatable && !s.traits.Askable:
		log.Error("the system has changed: what may have arrived can neither be repeated nor asked for any more")
		d.leaveToPerson(t)
	default:
		return o
	}
	return nil
}

// sendOrAsk is the kind of the attempt: what awaits its end is asked for, and so is what
// may have arrived at a system that does not recognise it; ready leaves none that cannot
// be asked.
func sendOrAsk(d *hub.Delivery, traits connectors.Traits) string {
	if d.State == hub.DeliveryAwaiting || d.Uncertain && !traits.Repeatable {
		return "ask"
	}
	return "send"
}

// attemptLog writes lines with the keys of an attempt, and makes them only for a line
// that is written.
type attemptLog struct {
	to *slog.Logger
	s  *settings
	t  *store.Task
}

func (l attemptLog) log(level slog.Level, msg string, args ...any) {
	if !l.to.Enabled(context.Background(), level) {
		return
	}
	l.to.Log(context.Background(), level, msg, append([]any{
		"submission", l.t.Submission.ID.String(), "delivery", l.t.Delivery.ID.String(), "system", l.s.system.Name,
		"municipality", l.t.Submission.Municipality, "attempt", l.t.Delivery.Attempts,
	}, args...)...)
}

// outcome writes what became of an attempt.
func (l attemptLog) outcome(r connectors.Receipt, took time.Duration) {
	switch r.Outcome {
	case connectors.Delivered:
		l.log(slog.LevelInfo, "delivered", "code", r.Code, "took", took)
	case connectors.Awaiting: // as it should be: a citizen may take days to pay
		l.log(slog.LevelInfo, "awaiting", "code", r.Code, "took", took)
	default:
		l.log(slog.LevelWarn, "not delivered", "outcome", r.Outcome.String(), "code", r.Code, "took", took)
	}
}

// Error writes what an operator must see.
func (l attemptLog) Error(msg string, args ...any) { l.log(slog.LevelError, msg, args...) }

// setAside keeps a submission with a damaged record from being sent; its
// neighbours go on.
func (d *Deliverer) setAside(log attemptLog, t *store.Task, cause error) {
	log.Error("a stored record is damaged; the submission is set aside", "error", cause)
	if d.Alert != nil {
		d.Alert("damaged", t.Submission.ID, cause)
	}
	if err := d.Damage(context.Background(), t.Submission.ID, "delivery "+t.Delivery.ID.String(), d.Now()); err != nil {
		log.Error("set submission aside", "error", err)
	}
}

// try calls the connector; a panic in one has an unknown outcome.
func (d *Deliverer) try(s *settings, kind string, m *connectors.Message) (r connectors.Receipt) {
	defer func() {
		if p := recover(); p != nil {
			d.Log.Error("a connector panicked", "system", s.system.Name, "kind", s.system.Kind, "delivery", m.ID, "panic", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			r = connectors.Receipt{Outcome: connectors.Unknown, Code: "connector-panic", Fault: true}
		}
	}()
	ctx, cancel := context.WithTimeout(d.hurry, s.system.Limits.Timeout)
	defer cancel()
	if kind == "ask" {
		if asker, ok := s.conn.(connectors.Asker); ok {
			return asker.Ask(ctx, m)
		}
		return connectors.Receipt{Outcome: connectors.Unknown, Code: "cannot-ask"}
	}
	return s.conn.Deliver(ctx, m)
}

// record writes the outcome and rings whoever can go on now. The store is asked
// even while the hub stops: an outcome that is known must not be lost.
func (d *Deliverer) record(s *settings, t *store.Task, o *opened, kind string, r connectors.Receipt, start time.Time, took time.Duration) {
	now := d.Now()
	decision := Decide(r, &t.Delivery, s.system.Retry, s.traits, now)
	rec := &store.Record{
		Attempt: hub.Attempt{
			Delivery: t.Delivery.ID, N: t.Delivery.Attempts, At: start, Took: took, Node: d.Node,
			Kind: kind, Outcome: r.Outcome.String(), Code: r.Code,
		},
		Owner: d.Node, Fence: t.Fence,
		State: decision.State, Reason: decision.Reason, NotBefore: decision.NotBefore, Uncertain: decision.Uncertain, KeepCode: decision.KeepCode,
	}
	if r.Detail != "" {
		rec.Detail = o.key.Seal(hub.RecordDetail(t.Delivery.ID, t.Delivery.Attempts), []byte(r.Detail))
	}
	if len(r.Answer) > 0 {
		answer, err := json.Marshal(r.Answer)
		if err != nil {
			panic("deliver: " + err.Error()) // a map of strings always encodes
		}
		rec.Answer = o.key.Seal(hub.RecordAnswer(t.Delivery.ID), answer)
		rec.Same = o.answered(t, r.Answer)
	}
	rec.KeepToken = s.traits.Notices
	rec.Token = t.Token // kept unless there is a newer one
	if r.Token != "" {
		rec.Token = o.key.Seal(hub.RecordToken(t.Delivery.ID), []byte(r.Token))
	}
	open := rec.State == hub.DeliveryPending || rec.State == hub.DeliveryAwaiting
	late := open && d.late(s)
	if late { // the old way says nothing about the new one
		if rec.NotBefore = now; rec.Uncertain {
			rec.NotBefore = now.Add(store.Settle)
		}
	}
	d.write(t, rec)
	if open && !late && d.late(s) { // meanwhile
		d.tryNow(s.system.Name)
	}
}

// putBack returns a delivery that was never tried: nothing counts.
func (d *Deliverer) putBack(t *store.Task, code string, notBefore time.Time) {
	state := hub.DeliveryPending
	if t.Delivery.State == hub.DeliveryAwaiting {
		state = hub.DeliveryAwaiting
	}
	d.write(t, &store.Record{
		Attempt: hub.Attempt{Delivery: t.Delivery.ID, N: t.Delivery.Attempts, At: d.Now(), Node: d.Node, Kind: "send", Outcome: "retry", Code: code},
		Owner:   d.Node, Fence: t.Fence, State: state, NotBefore: notBefore, Uncertain: t.Delivery.Uncertain, NotCounted: true,
		KeepCode: mayBeAtWork(&t.Delivery), Token: t.Token,
	})
}

// leaveToPerson parks a delivery whose earlier attempt may have arrived, untried.
func (d *Deliverer) leaveToPerson(t *store.Task) {
	d.write(t, &store.Record{
		Attempt: hub.Attempt{Delivery: t.Delivery.ID, N: t.Delivery.Attempts, At: d.Now(), Node: d.Node, Kind: "rescue", Outcome: "unknown", Code: t.Delivery.Code},
		Owner:   d.Node, Fence: t.Fence, State: hub.DeliveryParked, Reason: hub.ParkUnclear, Uncertain: true, NotCounted: true,
		Token: t.Token,
	})
}

func (d *Deliverer) write(t *store.Task, rec *store.Record) {
	effect, err := d.Store.Record(context.Background(), rec)
	switch {
	case errors.Is(err, store.ErrStale):
		d.Log.Warn("the lease was lost; the attempt is kept for the story", "delivery", t.Delivery.ID.String(), "system", t.Delivery.System)
		return
	case err != nil:
		// The lease ends and the rescue decides: whatever was sent is not forgotten.
		d.Log.Error("record attempt", "delivery", t.Delivery.ID.String(), "system", t.Delivery.System, "error", err)
		return
	}
	if rec.State == hub.DeliveryPending || rec.State == hub.DeliveryAwaiting {
		d.Wake(t.Delivery.System) // the lane must learn when it is due again
	}
	if rec.State == hub.DeliveryParked && rec.Reason == hub.ParkUnclear && d.Alert != nil {
		d.Alert("unclear", t.Delivery.ID, nil)
	}
	if effect.FlowDue && (!effect.Settled || effect.News) { // a settled submission has nothing left to render
		d.Ring(t.Submission.ID)
	}
	if effect.Next != "" {
		d.Wake(effect.Next)
	}
}

// checkSum compares a document with what was rendered.
func checkSum(body []byte, want string) error {
	sum := sha256.Sum256(body)
	got := make([]byte, hex.EncodedLen(len(sum)))
	hex.Encode(got, sum[:])
	if want != "" && !bytes.Equal(got, []byte(want)) {
		return errors.New("the document's SHA-256 is not the rendered one's")
	}
	return nil
}
