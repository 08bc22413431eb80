package sqlite

import (
	"fmt"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// partBack is called when a part that was set aside is there again, or given up. Its own
// status may be what the portal knows, and that of the bundle, which had to wait for it,
// news all the same. Nothing is told by one that was given up.
func (t *tx) partBack(f *file, givenUp bool, at time.Time) error {
	if f.Bundle.Zero() {
		return nil
	}
	b, err := t.bundle(f.Bundle)
	if t.broken != nil {
		return err
	}
	if err != nil || !b.Closed() {
		return nil // damaged, or more is to come
	}
	var not *file
	if givenUp {
		not = f
	}
	_, err = t.bundleNews(b, not, at)
	return err
}

// bundleNews makes the flow due for the last part whose portal wants callbacks, where
// the status of a bundle that has just been closed is news. A step of the flow that
// has seen it open is stale then.
func (t *tx) bundleNews(b *bundle, not *file, at time.Time) (hub.ID, error) {
	keys, err := t.partsOf(b.key)
	if err != nil {
		return hub.ID{}, err
	}
	var parts []hub.CaseStatus
	var teller *file
	for _, key := range keys {
		f, err := t.loadKey(key)
		switch {
		case t.broken != nil:
			return hub.ID{}, err
		case err != nil: // damaged or erased: neither has anything to tell
			continue
		}
		parts = append(parts, f.partStatus())
		if (not == nil || f.key != not.key) && f.Told != "" && f.State != hub.SubmissionDamaged && !f.Unplanned() && len(f.dataKey) > 0 {
			teller = f
		}
	}
	if teller == nil || !b.News(hub.BundleStanding(true, parts).Status) {
		return hub.ID{}, nil
	}
	if teller.flowDue == 0 {
		teller.flowDue = due(at)
	}
	teller.Version++
	return teller.ID, t.saveSubmission(teller.submission)
}

// tellBundle notes what the portal knows of the bundle of a part. A callback by it
// takes the place of those by other parts that have not left, and tells of all that
// need something from the citizen now.
func (t *tx) tellBundle(by *file, tell *store.TellBundle, callback bool, at time.Time) error {
	b, err := t.bundle(by.Bundle)
	if err != nil {
		return err
	}
	if b.Told != tell.Was {
		return fmt.Errorf("%w: the portal knows %q of bundle %s", store.ErrStale, b.Told, b.ID)
	}
	if callback {
		if err := t.speakForOthers(b, by, at); err != nil {
			return err
		}
	}
	if b.Told == tell.Told {
		return nil
	}
	b.Told = tell.Told
	return t.saveBundle(b)
}

func (t *tx) speakForOthers(b *bundle, by *file, at time.Time) error {
	keys, err := t.partsOf(b.key)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if key == by.key {
			continue
		}
		f, err := t.loadKey(key)
		if t.broken != nil {
			return err
		}
		if err != nil || f.State == hub.SubmissionDamaged {
			continue // nothing of it is sent
		}
		for _, d := range f.deliveries {
			if d.Role != hub.RolePortal {
				continue
			}
			if err := t.supersede(f, d, at); err != nil {
				return err
			}
		}
		if f.Told == "" || f.Told == hub.CaseActionRequired || f.standing() != hub.CaseActionRequired {
			continue
		}
		f.Told = hub.CaseActionRequired
		f.Version++ // a step that was about to tell it is stale
		if err := t.saveSubmission(f.submission); err != nil {
			return err
		}
	}
	return nil
}
