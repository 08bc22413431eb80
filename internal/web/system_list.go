package web

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"stellwerk/internal/config"
	"stellwerk/internal/store"
)

// The states of a system, the strongest reason first.
const (
	systemPaused = "paused" // by a person
	systemWindow = "window" // a maintenance window
	systemBroken = "broken" // its breaker is open
	systemReady  = "ready"
)

// standing is a system as it stands now.
type standing struct {
	Name    string
	System  *config.System // nil where the configuration knows it no longer
	State   string
	Paused  string    // the reason
	Until   time.Time // end of the window
	Breaker string
	store.SystemFigures
}

// oldest is since when the delivery is under way that is so for the longest, zero where
// there is none.
func (s *standing) oldest() time.Time {
	if s.OldestWaiting.IsZero() || !s.OldestAsked.IsZero() && s.OldestAsked.Before(s.OldestWaiting) {
		return s.OldestAsked
	}
	return s.OldestWaiting
}

// systems gives every system the configuration knows, and those it knows no
// longer for which deliveries still wait, by name.
func (d *desk) systems(ctx context.Context) ([]standing, error) {
	figures, err := d.Store.Figures(ctx)
	if err != nil {
		return nil, fmt.Errorf("count open deliveries: %w", err)
	}
	paused, err := d.Store.Paused(ctx)
	if err != nil {
		return nil, fmt.Errorf("read paused systems: %w", err)
	}
	snap, breakers := d.Live.Get(), d.Breakers()
	names := map[string]bool{}
	for name := range snap.Systems {
		names[name] = true
	}
	for name, f := range figures.Systems {
		names[name] = names[name] || f.Pending+f.Sending+f.Awaiting+f.Parked > 0
	}
	var out []standing
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if names[name] {
			out = append(out, stands(name, snap.Systems[name], figures.Systems[name], paused, breakers[name], d.Now()))
		}
	}
	return out, nil
}

func stands(name string, sys *config.System, f store.SystemFigures, paused map[string]string, breaker string, now time.Time) standing {
	if breaker == "" {
		breaker = "closed" // nothing has been sent yet
	}
	s := standing{Name: name, System: sys, State: systemReady, Breaker: breaker, SystemFigures: f}
	if breaker == "open" {
		s.State = systemBroken
	}
	if sys != nil {
		if until, closed := sys.Closed(now); closed {
			s.State, s.Until = systemWindow, until
		}
	}
	if why, ok := paused[name]; ok {
		s.State, s.Paused = systemPaused, why
	}
	return s
}

// system gives one of them.
func (d *desk) system(ctx context.Context, name string) (*standing, error) {
	all, err := d.systems(ctx)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Name == name {
			return &all[i], nil
		}
	}
	return nil, d.noSystem(ctx, name)
}

// noSystem is the complaint about a name that no system of the configuration has.
func (d *desk) noSystem(ctx context.Context, name string) error {
	if err := d.known(ctx, store.Filter{System: name}); err != nil {
		return err
	}
	return store.ErrNotFound
}
