package flow

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/vault"
)

// callbackDocument is the name that a callback has in place of a mapping's.
const callbackDocument = "callback"

// lastOrdinal is the highest that an id can hold.
const lastOrdinal = 255

// tell plans a callback where the case's status is news to the portal, and reports
// whether it has written anything. The store makes the flow due in the transaction that
// changes the status, and keeps it so until Tell: a crash between the two loses nothing,
// and a status that has changed again meanwhile is told once, as it is now.
//
// A portal whose file names no callback any more is told nothing, from now on. What is not
// planned has nothing to tell, and does not speak for its bundle either: a callback is a
// delivery, and a submission that has one is not planned any more.
func (f *Flow) tell(ctx context.Context, c *store.Case, search [][]byte) (bool, error) {
	s := &c.Submission
	now := hub.StandingOf(s, c.Deliveries).Status
	if neverPlanned(c) && wantsCallbacks(f.Live.Get(), s) {
		s.Told = hub.CaseReceived // by the receipt
	}
	news := hub.News(s.Told, now)
	if s.State == hub.SubmissionErased || s.Unplanned() || !news && (s.Told == "" || s.Bundle.Zero()) {
		return false, nil
	}
	at := f.Now()
	tell := &store.Tell{At: at, Told: now, Search: search}
	body := hub.Callback{Type: hub.CallbackSubmission, Data: hub.CallbackData{ID: s.ID, Number: s.ID.Number(), Status: now}}
	tells := news
	if !s.Bundle.Zero() {
		b, err := f.tellBundle(ctx, s, news && now == hub.CaseActionRequired, &body)
		switch {
		case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrDamaged):
			f.Log.Error("a bundle cannot be read; its part speaks for itself", "submission", s.ID.String(), "bundle", s.Bundle.String())
		case err != nil:
			return false, err
		default:
			tell.Bundle, tells = b, b != nil
		}
		if !tells && !news {
			return false, nil
		}
	}
	portal := f.Live.Get().Portals[s.Portal]
	if !wantsCallbacks(f.Live.Get(), s) {
		tell.Told, tell.Bundle, tells = "", nil, false
	}
	if tells {
		callback, err := f.callback(ctx, c, portal, body, at)
		switch {
		case errors.Is(err, vault.ErrNoKey):
			return false, err
		case err != nil: // its key is gone or damaged: nothing of it can be written down any more
			f.Log.Warn("the portal is not told", "submission", s.ID.String(), "status", string(body.Data.Status), "error", err)
		}
		tell.Callback = callback
	}
	if err := f.Store.Tell(ctx, s.ID, s.Version, tell); err != nil {
		return false, fmt.Errorf("tell of submission %s: %w", s.ID, err)
	}
	if tell.Callback != nil {
		f.Wake(tell.Callback.System)
	}
	return true, nil
}

// tellBundle makes the callback one of the bundle, which speaks for its parts: when its
// own status is news, or one more of them needs something from the citizen. Nil where
// there is nothing to tell of it. The store refuses what another part has told meanwhile.
func (f *Flow) tellBundle(ctx context.Context, s *hub.Submission, asks bool, body *hub.Callback) (*store.TellBundle, error) {
	b, err := f.Store.Bundle(ctx, s.Bundle)
	if err != nil {
		return nil, fmt.Errorf("read bundle %s: %w", s.Bundle, err)
	}
	now := b.Standing().Status
	if !b.Bundle.News(now) && !asks {
		return nil, nil
	}
	*body = hub.Callback{Type: hub.CallbackBundle, Data: hub.CallbackData{ID: b.Bundle.ID, Number: b.Bundle.ID.Number(), Status: now}}
	return &store.TellBundle{Was: b.Bundle.Told, Told: now}, nil
}

// neverPlanned reports whether a case was withdrawn or closed before any step: nobody has
// noted whether its portal wants callbacks.
func neverPlanned(c *store.Case) bool {
	return c.Submission.Told == "" && c.Submission.State == hub.SubmissionSettled && len(c.Deliveries) == 0
}

// nothingToTell leaves the flow with nothing to do for a case that has ended, where the
// status had been news and is none any more.
func (f *Flow) nothingToTell(ctx context.Context, c *store.Case, search [][]byte) error {
	s := &c.Submission
	if s.Told == "" && !neverPlanned(c) && len(search) == 0 {
		return nil
	}
	if err := f.Store.Tell(ctx, s.ID, s.Version, &store.Tell{At: f.Now(), Told: s.Told, Search: search}); err != nil {
		return fmt.Errorf("tell of submission %s: %w", s.ID, err)
	}
	return nil
}

// wantsCallbacks reports whether a submission's portal names a callback.
func wantsCallbacks(snap *config.Snapshot, s *hub.Submission) bool {
	p := snap.Portals[s.Portal]
	return p != nil && p.Callback != nil
}

// callback is the delivery that tells the status.
func (f *Flow) callback(ctx context.Context, c *store.Case, portal *config.Portal, body hub.Callback, at time.Time) (*store.NewDelivery, error) {
	s, n := &c.Submission, 1
	for i := range c.Deliveries {
		n = max(n, c.Deliveries[i].ID.Ordinal()+1)
	}
	if n > lastOrdinal {
		return nil, errors.New("it has as many deliveries as it can have")
	}
	key, err := f.Vault.Unwrap(s.ID, s.Municipality, c.DataKey)
	if err != nil {
		return nil, err
	}
	if portal.Hub != nil && body.Type == hub.CallbackSubmission {
		if c.Meta == nil { // it was read without its content
			if c, err = f.Store.Case(ctx, s.ID); err != nil {
				return nil, err
			}
		}
		if body.Data.Reference, err = reference(key, c.Meta); err != nil {
			return nil, err
		}
	}
	d := hub.Delivery{
		ID: s.ID.Delivery(n), Role: hub.RolePortal, System: portal.Callback.Name, Document: callbackDocument,
		Optional: true, State: hub.DeliveryPending, NotBefore: at, UpdatedAt: at,
	}
	body.Timestamp = at.UTC().Truncate(time.Millisecond)
	return &store.NewDelivery{Delivery: d, Document: f.thin(key, d.ID, body)}, nil
}

// reference is what whoever handed the submission on calls it.
func reference(key *vault.Key, sealed []byte) (string, error) {
	plain, err := key.Open(hub.RecordMeta, sealed)
	if err != nil {
		return "", err
	}
	var meta hub.Meta
	err = json.Unmarshal(plain, &meta)
	return meta.Reference, err
}

// thin seals the body of a callback as the document of a delivery.
func (f *Flow) thin(key *vault.Key, id hub.ID, c hub.Callback) *store.Rendered {
	seal := func(name string, v any) (plain, sealed []byte) {
		plain, err := json.Marshal(v)
		if err != nil {
			panic("flow: " + err.Error()) // our own types always encode
		}
		return plain, key.Seal(name, plain)
	}
	_, head := seal(hub.RecordHead(id), hub.DocumentHead{Name: "status.json", ContentType: "application/json"})
	plain, body := seal(hub.RecordBody(id), c)
	sum := sha256.Sum256(plain)
	return &store.Rendered{Delivery: id, Head: head, Body: body, SHA256: hex.EncodeToString(sum[:]), Revision: f.Live.Get().Revision}
}
