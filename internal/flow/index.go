package flow

import (
	"errors"
	"fmt"
	"slices"

	"stellwerk/internal/hub"
	"stellwerk/internal/route"
	"stellwerk/internal/store"
)

// index has a submission found by what people search by: before anything may park it as
// a whole, since what waits for a person, or was ended by one, is searched for and
// erased by person like any other.
func (w *work) index() {
	s := &w.c.Submission
	if planned(w.c) {
		return // and indexed with its plan
	}
	var r *route.Route
	if b, ok := w.snapshot.Binding(s.Municipality, s.Service); ok {
		r = b.Route
	} else {
		r = w.snapshot.Routes[s.Service]
	}
	if r != nil { // a service that was taken away as a whole has no keys any more
		for name, values := range r.KeyValues(w.root) {
			for _, v := range values {
				w.step.Search = append(w.step.Search, w.Vault.Hash("search:"+name, s.Municipality, v))
			}
		}
	}
	if name := w.env.Meta.Account["surname"]; name != "" { // whose account it is may be somebody else
		w.step.Search = append(w.step.Search, w.Vault.Hash("search:name", s.Municipality, name))
	}
	if w.env.Submission.Reference != "" {
		w.step.Search = append(w.step.Search, w.Vault.Hash("search:reference", s.Municipality, w.env.Submission.Reference))
	}
}

// planned reports whether a case has deliveries of its own: a callback is none.
func planned(c *store.Case) bool {
	return slices.ContainsFunc(c.Deliveries, func(d hub.Delivery) bool { return d.Role != hub.RolePortal })
}

// searchEnded gives the hashes of a submission that has ended before it was planned:
// withdrawn or closed before anybody had it found. None where a step has noted already what
// its portal was told, for that one has made it found; and none where its content cannot be read,
// which may be why it was closed: what has ended is not set aside.
func (w *work) searchEnded() ([][]byte, error) {
	if s := &w.c.Submission; s.State != hub.SubmissionSettled || s.Told != "" || planned(w.c) || !s.Erased.Payload.IsZero() {
		return nil, nil
	}
	err := w.openEnded()
	if damaged := new(damagedError); errors.As(err, &damaged) || errors.Is(err, store.ErrDamaged) {
		w.Log.Warn("the submission has ended and cannot be read: it is not found by what people search by", "submission", w.c.Submission.ID.String())
		return nil, nil
	}
	if errors.Is(err, errDone) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read ended submission %s: %w", w.c.Submission.ID, err)
	}
	w.index()
	return w.step.Search, nil
}

func (w *work) openEnded() error {
	if w.c.Payload == nil && w.opened == nil {
		if err := w.content(); err != nil {
			return err
		}
	}
	return guarded("open", w, open)
}
