package flow

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/beevik/etree"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/mapping"
	"stellwerk/internal/store"
	"stellwerk/internal/vault"
)

// work is one run over one submission: what was read, and the step that is being
// decided.
type work struct {
	*Flow
	ctx      context.Context
	now      time.Time
	snapshot *config.Snapshot
	c        *store.Case

	opened      *opened // by the run before; nil where there is none
	key         *vault.Key
	binding     *config.Binding
	root        *etree.Element
	env         *mapping.Env
	attachments []store.SealedAttachment
	give        func() // the memory of a large payload; nil for others

	step     store.Advance
	due      []due
	unmapped int
}

// read gives the case: with its content where no earlier run has opened that. Of what has
// ended nothing is planned or rendered, and it may have been ended because its content is
// damaged.
func (w *work) read(id hub.ID) (err error) {
	if w.opened = w.warm.get(id); w.opened != nil {
		w.c, err = w.Store.Progress(w.ctx, id)
		return err
	}
	if w.c = w.ahead.take(id); w.c != nil {
		return nil
	}
	if w.c, err = w.Store.Progress(w.ctx, id); err != nil || w.c.Payload != nil || w.c.Submission.State == hub.SubmissionSettled {
		return err
	}
	return w.content()
}

// content reads the case with its content; a large one waits for memory.
func (w *work) content() (err error) {
	s := &w.c.Submission
	if s.Size > small {
		if w.give, err = w.memory.take(w.ctx, s.Size); err != nil {
			return err
		}
	}
	c, err := w.Store.Case(w.ctx, s.ID)
	if err == nil {
		w.c = c
	}
	return err
}

// due is a delivery that this run makes due, and the room that its system keeps for
// it, if it has some.
type due struct {
	delivery hub.ID
	system   string
	room     Room
}

// lease reserves room for a delivery that is about to be due.
func (w *work) lease(d *hub.Delivery) *store.Lease {
	one := due{delivery: d.ID, system: d.System}
	if w.Reserve != nil && !d.NotBefore.After(w.now) {
		one.room = w.Reserve(d.System)
	}
	w.due = append(w.due, one)
	if one.room == nil {
		return nil
	}
	lease := one.room.Lease()
	return &lease
}

// send begins with what was claimed and tells the systems of the rest.
func (w *work) send() {
	tasks := make(map[hub.ID]*store.Task, len(w.step.Claimed))
	for i := range w.step.Claimed {
		t := &w.step.Claimed[i]
		t.Attachments = w.attachments
		tasks[t.Delivery.ID] = t
	}
	for i := range w.due {
		one := &w.due[i]
		if t := tasks[one.delivery]; t != nil && one.room != nil {
			one.room.Use(*t)
			one.room = nil
			continue
		}
		w.Wake(one.system)
	}
}

// leave gives back the memory and the room that was not used.
func (w *work) leave() {
	if w.give != nil {
		w.give()
		w.give = nil
	}
	w.dismiss()
}

// dismiss forgets what was to be sent; its room is free again.
func (w *work) dismiss() {
	for _, one := range w.due {
		if one.room != nil {
			one.room.Leave()
		}
	}
	w.due = nil
}

// unseal opens a record and checks it; what fails is damage, except a key that
// the operator has not given.
func (w *work) unseal(name string, sealed []byte) ([]byte, error) {
	plain, err := w.key.Open(name, sealed)
	if err != nil {
		return nil, w.orDamage(name, err)
	}
	return plain, nil
}

func (w *work) orDamage(what string, err error) error {
	if errors.Is(err, vault.ErrNoKey) {
		return err
	}
	return &damagedError{what: what, err: err}
}

func (w *work) unsealJSON(name string, sealed []byte, into any) error {
	plain, err := w.unseal(name, sealed)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(plain, into); err != nil {
		return &damagedError{what: name, err: err}
	}
	return nil
}

// sealJSON seals a value of our own types, which always encode.
func (w *work) sealJSON(name string, v any) []byte {
	plain, err := json.Marshal(v)
	if err != nil {
		panic("flow: " + err.Error())
	}
	return w.key.Seal(name, plain)
}

// park sets the submission itself aside: it has no delivery that could be parked. Where
// it has some, those that are to be mapped now wait for a person, and the others go on.
func (w *work) park(code string) {
	if len(w.c.Deliveries) > 0 && w.key != nil {
		why := &mapping.Hold{Code: mapping.Code(code), Message: hub.TroubleOf(code).Means.En}
		for _, d := range w.toMap() {
			w.step.Unmapped = append(w.step.Unmapped, *w.hold(d, why))
		}
		return
	}
	w.step.Reason, w.step.Code = hub.ParkUnmapped, code
	w.step.Audit = append(w.step.Audit, hub.AuditEntry{At: w.now, Actor: "hub", Action: "parked", Object: w.c.Submission.ID.String(), Reason: code})
}

// state is where the submission stands after this step.
func (w *work) state() hub.SubmissionState {
	if w.step.Reason != "" {
		return hub.SubmissionParked
	}
	unmapped := map[hub.ID]bool{}
	for _, u := range w.step.Unmapped {
		unmapped[u.Delivery] = true
	}
	state := hub.SubmissionSettled
	look := func(d hub.Delivery) {
		if d.Role == hub.RolePortal {
			return // a callback is no part of the case
		}
		parked := d.State == hub.DeliveryParked || unmapped[d.ID]
		switch {
		case parked && !d.Optional:
			state = hub.SubmissionParked
		case !parked && !d.State.Settled() && state == hub.SubmissionSettled:
			state = hub.SubmissionRunning
		}
	}
	for _, d := range w.c.Deliveries {
		look(d)
	}
	for _, d := range w.step.Deliveries {
		look(d.Delivery)
	}
	return state
}

// keepWarm holds on to what was opened while a delivery still waits for another
// one's answer.
func (w *work) keepWarm() {
	rendered := map[hub.ID]bool{}
	for _, r := range w.step.Rendered {
		rendered[r.Delivery] = true
	}
	waits := func(d hub.Delivery) bool { return d.State == hub.DeliveryWaiting && !rendered[d.ID] }
	for _, d := range w.c.Deliveries {
		if waits(d) {
			return // it is warm already, and still needed
		}
	}
	for _, d := range w.step.Deliveries {
		if waits(d.Delivery) {
			env := *w.env
			env.Answers, env.Next, env.Original = nil, nil, nil
			w.warm.put(w.c.Submission.ID, &opened{key: w.key, root: w.root, env: env, attachments: w.attachments, size: w.c.Submission.Size})
			return
		}
	}
	w.warm.forget(w.c.Submission.ID)
}
