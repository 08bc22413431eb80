package app

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"stellwerk/internal/deliver"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// run lets a number of things happen, then peace come, and looks what is left.
func (c *chaos) run(steps int) {
	c.Helper()
	defer func() {
		if c.Failed() {
			c.mu.Lock()
			c.Log("\n" + strings.Join(c.history, "\n"))
			c.mu.Unlock()
		}
	}()
	for range 3 {
		c.submit()
	}
	for range steps {
		for range 1 + c.pick(2) { // often two at once
			c.happen()
		}
		if len(c.broken) > 0 {
			break
		}
		time.Sleep([]time.Duration{0, 3 * time.Millisecond, time.Second, 20 * time.Second, 3 * time.Minute}[c.pick(5)]) // moved time
	}
	c.peace()
	c.stop("stopped")
	for _, wrong := range c.broken {
		c.Error(wrong)
	}
}

var systems = []string{"kasse-a", "kasse-b", "akte", "ordnung", "bezahlen", "klingel"}

// happen is one thing that somebody or something does.
func (c *chaos) happen() {
	ctx, p, now := context.Background(), c.life, c.now()
	switch c.pick(26) {
	case 0, 1, 2, 3:
		c.submit()
	case 4, 5:
		if id := c.any(); !id.Zero() {
			r := store.Replay{Anew: c.dice(2), Force: c.dice(3), Actor: "operator:x", Reason: "y", At: now}
			c.touch(id)
			c.mu.Lock()
			c.again[id.String()]++
			c.passed[id] = c.passed[id] || r.Force && !r.Anew // of the earlier case that holds it back
			c.mu.Unlock()
			if c.tried("replay", id, p.Replay(ctx, id, r)) {
				c.wakeAll()
				c.ring(p, id.Submission())
			}
		}
	case 6:
		id := c.any()
		if c.dice(3) {
			id = id.Submission()
		}
		if !id.Zero() {
			c.touch(id)
			_, err := p.CloseDelivery(ctx, id, "operator:x", "y", now)
			if c.tried("close", id, err) && id.Ordinal() == 0 {
				c.given[id] = true
			}
			c.ring(p, id.Submission())
		}
	case 7:
		id, _ := c.some()
		c.tried("withdraw", id, p.Withdraw(ctx, id, "portal:portal", "", now))
		c.ring(p, id)
	case 8:
		id, _ := c.some()
		c.touch(id)
		c.tried("damage", id, p.Store.Damage(ctx, id, "payload", now))
	case 9, 10:
		id, _ := c.some()
		c.touch(id)
		c.tried("mend", id, p.Mend(ctx, id, "operator:x", "y", now))
		c.ring(p, id)
	case 11:
		id, _ := c.some()
		c.tried("reopen", id, p.Reopen(ctx, id, "operator:x", "y", now))
		c.touch(id)
		c.ring(p, id)
	case 12:
		id, _ := c.some()
		if c.dice(2) {
			c.tried("hold", id, p.Hold(ctx, id, hub.Hold{Since: now, By: "operator:x", Reason: "y"}))
		} else {
			c.tried("release", id, p.Release(ctx, id, "operator:x", "y", now))
		}
	case 13:
		c.erase()
	case 14, 15:
		system := systems[c.pick(len(systems))]
		if c.dice(2) {
			c.must(p.Pause(ctx, system, "operator:x", "y", now))
		} else {
			c.must(p.Resume(ctx, system, "operator:x", now))
			p.deliver.Wake(system)
		}
	case 16, 17:
		if id := c.any(); !id.Zero() {
			c.touch(id)
			if c.tried("notice", id, p.Notice(ctx, id, now)) {
				c.wakeAll()
			}
		}
	case 18, 19:
		c.reload()
	case 20, 21:
		c.stop([]string{"stopped", "cut off", "killed", "killed"}[c.pick(4)])
		c.start()
		c.whole()
	case 22:
		if !c.late {
			c.ahead.Add(int64([]time.Duration{time.Hour, -time.Hour, 26 * time.Hour, -30 * time.Minute, time.Minute}[c.pick(5)]))
			c.note("the clock jumps")
		}
	case 23:
		n, err := p.Rewrap(ctx, 3, func(id hub.ID, ags string, wrapped []byte) ([]byte, error) {
			return p.flow.Vault.Rewrap(id, ags, wrapped)
		})
		c.must(err)
		c.note("%d keys wrapped anew", n)
	case 24, 25:
		c.bundle()
	}
}

func (c *chaos) wakeAll() {
	for _, s := range systems {
		c.life.deliver.Wake(s)
	}
}

// erase deletes a case that has settled, as retention and the erase command do.
func (c *chaos) erase() {
	id, _ := c.some()
	o := store.Erase{ID: id, Payload: true, Metadata: c.dice(2), Order: c.ids.New(), Actor: "hub", Rule: "r", At: c.now()}
	done, err := c.life.Erase(context.Background(), []store.Erase{o})
	c.must(err)
	if c.tried("erase", id, done[0].Err) {
		c.mu.Lock()
		c.erased[id] = true
		c.mu.Unlock()
		c.life.flow.Forget(id)
		if _, err := c.life.Store.Case(context.Background(), id); err == nil {
			c.wrong("%s is there though it was erased", id)
		}
	}
}

// reload changes the operator's folder.
func (c *chaos) reload() {
	s := usual()
	if c.dice(2) {
		s.finance = "kasse-b"
	}
	if c.dice(4) {
		s.gone = []string{"kasse-a", "kasse-b", "ordnung"}[c.pick(3)]
	}
	s.order = s.gone != "ordnung" && !c.dice(4)
	if s.gone == s.finance {
		s.finance = map[string]string{"kasse-a": "kasse-b", "kasse-b": "kasse-a"}[s.gone]
	}
	s.callback = !c.dice(5)
	if c.dice(5) {
		s.services = s.services[:1]
	}
	if c.dice(5) {
		s.traits["ordnung"] = []string{"", "repeatable", "askable notices", "repeatable askable notices"}[c.pick(4)]
	}
	c.set = s
	c.put()
}

func (c *chaos) put() {
	c.write()
	_, found := c.live.Reload(c.life.deliver.Apply)
	c.note("reload: finance %s, gone %q, order %t, services %v, callback %t: %v", c.set.finance, c.set.gone, c.set.order, c.set.services, c.set.callback, found.HasErrors())
}

// whole looks whether everything that was accepted is there.
func (c *chaos) whole() {
	for _, id := range c.cases {
		if _, err := c.life.Submission(context.Background(), id); err != nil {
			c.wrong("%s was accepted and is lost: %v", id, err)
		}
	}
	c.audited()
}

// peace lets everybody answer as they should, and demands that everything ends.
func (c *chaos) peace() {
	ctx := context.Background()
	time.Sleep(time.Minute) // what finishes late
	c.calm.Store(true)
	time.Sleep(time.Hour)
	c.rests(2) // what is paused, gone, damaged or held back costs nothing either
	c.set = usual()
	c.put()
	for _, s := range systems {
		c.must(c.life.Resume(ctx, s, "operator:x", c.now()))
	}
	for _, id := range c.cases {
		err := c.life.Mend(ctx, id, "operator:x", "y", c.now())
		c.tried("mend", id, err)
	}
	time.Sleep(2 * time.Hour)
	synctest.Wait()
	c.figures("by itself")
	for range 4 { // what waits for a parked one is parked in its turn
		c.putBack()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
	}
	c.figures("by a person")
	for _, id := range c.cases {
		c.ended(id)
	}
	due, err := c.life.Due(ctx, c.now().Add(1000*time.Hour), store.Due{}, 100)
	c.must(err)
	for _, d := range due {
		c.wrong("the flow has something to do for %s since %s", d.ID, d.Since)
	}
	for _, id := range c.bundles {
		c.bundleTold(id)
	}
	c.idle()
	c.whole()
}

// bundleTold demands that the portal knows how a bundle stands.
func (c *chaos) bundleTold(id hub.ID) {
	b, err := c.life.Bundle(context.Background(), id)
	c.must(err)
	for i := range b.Parts {
		p := &b.Parts[i].Submission
		if p.Told == "" || c.given[p.ID] || c.erased[p.ID] {
			return // nobody wants to know, or there is nothing left to tell with
		}
	}
	if now := b.Standing().Status; len(b.Parts) > 0 && b.Bundle.News(now) {
		c.wrong("the portal was told that bundle %s is %q, and it is %s", id, b.Bundle.Told, now)
		for i := range b.Parts {
			c.note("part %s: %s, told %s", b.Parts[i].Submission.ID, b.Parts[i].Submission.State, b.Parts[i].Submission.Told)
		}
	}
}

// putBack is a person who goes through what is parked.
func (c *chaos) putBack() {
	ctx := context.Background()
	for _, id := range c.cases {
		s, err := c.life.Submission(ctx, id)
		c.must(err)
		for _, d := range s.Deliveries {
			if d.State != hub.DeliveryParked {
				continue
			}
			c.mu.Lock()
			c.again[d.ID.String()]++
			c.mu.Unlock()
			if !c.tried("replay", d.ID, c.life.Replay(ctx, d.ID, store.Replay{Anew: true, Actor: "operator:x", Reason: "y", At: c.now()})) {
				_, err := c.life.CloseDelivery(ctx, d.ID, "operator:x", "y", c.now())
				c.tried("close", d.ID, err)
			}
		}
		if s.Submission.State == hub.SubmissionParked && len(s.Deliveries) == 0 {
			c.tried("reopen", id, c.life.Reopen(ctx, id, "operator:x", "y", c.now()))
		}
	}
}

// figures demands that the counts are those of the rows.
func (c *chaos) figures(how string) {
	want := map[string]store.SystemFigures{}
	for _, id := range c.cases {
		s, err := c.life.Submission(context.Background(), id)
		c.must(err)
		for _, d := range s.Deliveries {
			f := want[d.System]
			switch d.State {
			case hub.DeliveryPending:
				f.Pending++
			case hub.DeliverySending:
				f.Sending++
			case hub.DeliveryAwaiting:
				f.Awaiting++
			case hub.DeliveryParked:
				f.Parked++
			}
			want[d.System] = f
		}
	}
	figures, err := c.life.Figures(context.Background())
	c.must(err)
	for name, f := range figures.Systems {
		if f.OldestWaiting, f.OldestAsked = (time.Time{}), (time.Time{}); f != want[name] {
			c.wrong("%s: the figures of %s are %+v, the rows are %+v", how, name, f, want[name])
		}
	}
}

// ended demands that a case has come to its end, and that its portal knows.
func (c *chaos) ended(id hub.ID) {
	s, err := c.life.Submission(context.Background(), id)
	c.must(err)
	sub := &s.Submission
	if sub.State != hub.SubmissionSettled && sub.State != hub.SubmissionErased {
		c.wrong("%s is %s (%s %s) though a person has gone through all that was parked", id, sub.State, sub.Reason, sub.Code)
	}
	for _, d := range s.Deliveries {
		if !d.State.Settled() && (!d.Optional || d.State != hub.DeliveryParked) {
			c.wrong("%s to %s is %s (%s %s, not before %s) still", d.ID, d.System, d.State, d.Reason, d.Code, d.NotBefore)
		}
	}
	told, is := sub.Told, hub.StandingOf(sub, s.Deliveries).Status
	if sub.State != hub.SubmissionErased && sub.Erased.Payload.IsZero() && !c.given[id] && hub.News(told, is) {
		c.wrong("the portal was told that %s is %s, and it is %s", id, told, is)
	}
	c.heard("at last", id, s)
}

// heard looks at what the portal has taken: the newest callback, at last.
func (c *chaos) heard(how string, id hub.ID, s *store.Status) {
	var last *hub.Delivery
	for i := range s.Deliveries {
		if d := &s.Deliveries[i]; d.Role == hub.RolePortal {
			last = d
		}
	}
	c.mu.Lock()
	told := slices.Clone(c.told[id.String()])
	byHand := func(n int) bool { return c.again[id.Delivery(n).String()] > 0 } // sent again, whenever that is
	told = slices.DeleteFunc(told, func(t toldOf) bool { return byHand(t.ordinal) })
	lastByHand := last != nil && byHand(last.ID.Ordinal())
	c.mu.Unlock()
	if last == nil || lastByHand || last.State != hub.DeliveryDelivered || len(told) == 0 {
		return
	}
	if end := told[len(told)-1]; end.ordinal != last.ID.Ordinal() {
		c.wrong("%s: the portal has heard callback %d of %s last, and not %d: %v", how, end.ordinal, id, last.ID.Ordinal(), told)
	}
}

// rests demands that a hub that can do nothing does next to nothing.
func (c *chaos) rests(times int64) {
	synctest.Wait()
	before := c.life.calls.Load()
	time.Sleep(time.Hour)
	synctest.Wait()
	// At every scan: a look of the sweep, one for what a crash has left, one for systems that
	// are gone, and twice a claim and a look ahead of each system.
	if n, most := c.life.calls.Load()-before, times*int64(time.Hour/scan)*int64(3+4*len(systems))+100; n > most {
		c.wrong("%d calls of the store in an idle hour, %d at most", n, most)
	}
}

// idle demands the same where nothing is left, and that no room is taken.
func (c *chaos) idle() {
	c.rests(1)
	for name := range maps.Keys(c.live.Get().Systems) {
		var rooms []*deliver.Room
		for {
			r := c.life.deliver.Reserve(name)
			if r == nil {
				break
			}
			rooms = append(rooms, r)
		}
		if want := c.live.Get().Systems[name].Limits.Concurrency; len(rooms) != want {
			c.wrong("%d rooms of %d are free at %s", len(rooms), want, name)
		}
		for _, r := range rooms {
			r.Leave()
		}
	}
}
