package web

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stellwerk/internal/store"
)

// pause stops deliveries to a system until resume. What is being sent comes to
// its end.
func (d *desk) pause(ctx context.Context, actor, name, why string) (*standing, error) {
	if _, err := d.system(ctx, name); err != nil {
		return nil, err
	}
	why, err := reason(why)
	if err != nil {
		return nil, err
	}
	if err := d.Store.Pause(ctx, name, actor, why, d.Now()); err != nil {
		return nil, fmt.Errorf("pause system %s: %w", name, err)
	}
	return d.system(ctx, name)
}

// resume lets deliveries to a system go on: also where nobody has paused it, a person
// says that it works again.
func (d *desk) resume(ctx context.Context, actor, name string) (*standing, error) {
	if _, err := d.system(ctx, name); err != nil {
		return nil, err
	}
	if err := d.Store.Resume(ctx, name, actor, d.Now()); err != nil {
		return nil, fmt.Errorf("resume system %s: %w", name, err)
	}
	if err := d.Again(ctx, name, actor); err != nil && !errors.Is(err, store.ErrNotFound) { // one that is gone has nothing to go on with
		return nil, fmt.Errorf("resume system %s: %w", name, err)
	}
	d.Wake(name)
	return d.system(ctx, name)
}

// probeTime bounds a probe, whatever the system's own time-out is.
const probeTime = 30 * time.Second

// probe looks at a system without delivering anything. failed is what the look
// found wrong; err is why there was no look.
func (d *desk) probe(ctx context.Context, actor, name string) (took time.Duration, failed, err error) {
	if _, ok := d.Live.Get().Systems[name]; !ok {
		return 0, nil, d.noSystem(ctx, name)
	}
	if err := d.audit(ctx, actor, "probed", name, ""); err != nil {
		return 0, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	start := d.Now()
	failed = d.Probe(ctx, name)
	return d.Now().Sub(start), failed, nil
}
