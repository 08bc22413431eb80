package deliver

import (
	"context"
	"time"

	"github.com/sony/gobreaker/v2"
)

// A system that is full has room again within milliseconds, or it is slow. Whoever
// waits for it waits for the former only.
const (
	moment = 200 * time.Millisecond // one wait at most; all the flow's workers may be in line
	slow   = 2 * time.Second        // full for so long: nobody waits
)

// Wait returns as soon as there is room at all these systems, and after a moment at the
// latest. What is planned then is sent at once. What is planned ahead of the systems has
// to be claimed, its document read, and its submission opened again for what comes of it:
// under load that costs a third of all processor time. Nobody waits for a system that is
// slow, broken or closed, so it holds up no other one.
func (d *Deliverer) Wait(ctx context.Context, systems []string) {
	var timer *time.Timer
	for i := 0; i < len(systems); {
		d.mu.Lock()
		l := d.lanes[systems[i]]
		d.mu.Unlock()
		if l == nil || !l.fullForAMoment() {
			i++
			continue
		}
		if timer == nil {
			timer = time.NewTimer(moment)
			defer timer.Stop()
		}
		select {
		case <-l.seat:
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (l *lane) fullForAMoment() bool {
	now := l.d.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full.IsZero() || now.Sub(l.full) >= slow || l.closed || l.now.breaker.State() != gobreaker.StateClosed {
		return false
	}
	_, shut := l.now.system.Closed(now)
	return !shut
}

// changed notes since when there is no room, or tells whoever waits that there is some. It
// is called with mu held after every change of busy and behind.
func (l *lane) changed(now time.Time) {
	if l.behind || l.busy >= max(1, l.now.system.Limits.Concurrency) {
		if l.full.IsZero() {
			l.full = now
		}
		return
	}
	l.full = time.Time{}
	select {
	case l.seat <- struct{}{}:
	default:
	}
}
