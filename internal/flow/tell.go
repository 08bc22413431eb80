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
// A portal whose file names no callback any more is told nothing, from now on.
func (f *Flow) tell(ctx context.Context, c *store.Case) (bool, error) {
	s := &c.Submission
	now := hub.StandingOf(s, c.Deliveries).Status
	if s.State == hub.SubmissionDamaged || !hub.News(s.Told, now) {
		return false, nil
	}
	at := f.Now()
	tell := &store.Tell{At: at, Told: now}
	system := callbackOf(f.Live.Get(), s)
	switch callback, err := f.callback(c, system, now, at); {
	case errors.Is(err, vault.ErrNoKey):
		return false, err
	case err != nil: // its key is gone or damaged: nothing of it can be written down any more
		f.Log.Warn("the portal is not told", "submission", s.ID.String(), "status", string(now), "error", err)
	case callback == nil:
		tell.Told = ""
	default:
		tell.Callback = callback
	}
	if err := f.Store.Tell(ctx, s.ID, s.Version, tell); err != nil {
		return false, fmt.Errorf("tell of submission %s: %w", s.ID, err)
	}
	if tell.Callback != nil {
		f.Wake(system.Name)
	}
	return true, nil
}

// nothingToTell leaves the flow with nothing to do for a case that has ended, where the
// status had been news and is none any more.
func (f *Flow) nothingToTell(ctx context.Context, s *hub.Submission) error {
	if s.Told == "" {
		return nil
	}
	if err := f.Store.Tell(ctx, s.ID, s.Version, &store.Tell{At: f.Now(), Told: s.Told}); err != nil {
		return fmt.Errorf("tell of submission %s: %w", s.ID, err)
	}
	return nil
}

// callbackOf is the system by which a submission's portal is called back; nil where it
// wants no callbacks.
func callbackOf(snap *config.Snapshot, s *hub.Submission) *config.System {
	if p := snap.Portals[s.Portal]; p != nil {
		return p.Callback
	}
	return nil
}

// callback is the delivery that tells the status; nil where nobody is to be told.
func (f *Flow) callback(c *store.Case, system *config.System, status hub.CaseStatus, at time.Time) (*store.NewDelivery, error) {
	if system == nil {
		return nil, nil
	}
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
	d := hub.Delivery{
		ID: s.ID.Delivery(n), Role: hub.RolePortal, System: system.Name, Document: callbackDocument,
		Optional: true, State: hub.DeliveryPending, NotBefore: at, UpdatedAt: at,
	}
	doc := f.thin(key, d.ID, hub.Callback{
		Type: hub.CallbackSubmission, Timestamp: at.UTC().Truncate(time.Millisecond),
		Data: hub.CallbackData{ID: s.ID, Number: s.ID.Number(), Status: status},
	})
	return &store.NewDelivery{Delivery: d, Document: doc}, nil
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
