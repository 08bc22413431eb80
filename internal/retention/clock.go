package retention

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stellwerk/internal/hub"
)

// What is deleted by the clock is deleted early where the clock jumps ahead: a wrong
// year deletes everything, for good. So the hub keeps when it last deleted by the
// clock, which is every hour. Where that is longer ago than a hub stands still, nothing
// is deleted until a person has said that today is today.

// leap is how far the clock may have moved since without anybody's word.
const leap = 14 * 24 * time.Hour

// ClockJob is the name under which the store keeps when the clock was last trusted.
const ClockJob = "clock"

// Jumped says that the clock is not trusted.
type Jumped struct{ Last, Now time.Time }

// Error says what a person can do.
func (j *Jumped) Error() string {
	return fmt.Sprintf("the clock says %s, %d days after %s, when it was last gone by: nothing is deleted until the clock is right, or somebody says it is: stellwerk retention run --today %s",
		j.Now.UTC().Format(time.RFC3339), int(j.Now.Sub(j.Last).Hours()/24), j.Last.UTC().Format(time.RFC3339), j.Now.UTC().Format(time.DateOnly))
}

// CheckClock gives a *Jumped where nothing may be deleted by the clock.
func (r *Runner) CheckClock(ctx context.Context) error {
	now, last := r.Now(), time.Time{}
	for _, job := range []string{ClockJob, Job} {
		at, err := r.Store.LastRun(ctx, job)
		if err != nil {
			return fmt.Errorf("check the clock: %w", err)
		}
		if at.After(last) {
			last = at
		}
	}
	if last.IsZero() { // nothing has run yet: the hub is as old as what it holds
		oldest, err := r.Store.Walk(ctx, hub.ID{}, 1)
		if err != nil {
			return fmt.Errorf("check the clock: %w", err)
		}
		if len(oldest) == 0 {
			return nil
		}
		last = oldest[0].ReceivedAt
	}
	if now.Sub(last) > leap {
		return &Jumped{Last: last, Now: now}
	}
	return nil
}

// TrustClock notes a time at which the clock was right: it was gone by, or a person said
// so. It is the one that was checked: the clock may have jumped since.
func (r *Runner) TrustClock(ctx context.Context, at time.Time) error {
	if err := r.Store.SetLastRun(ctx, ClockJob, at); err != nil {
		return fmt.Errorf("trust the clock: %w", err)
	}
	return nil
}

// ErrOtherDay is what Confirm gives for a day that is not the clock's.
var ErrOtherDay = errors.New("that is not the day of the hub's clock")

// Confirm trusts the clock where a person names its day. Wherever the person is, their day
// is at most one beside that of UTC.
func (r *Runner) Confirm(ctx context.Context, day time.Time) error {
	now := r.Now()
	if noon := day.UTC().Truncate(24 * time.Hour).Add(12 * time.Hour); now.Sub(noon).Abs() > 36*time.Hour {
		return fmt.Errorf("%w: it says %s", ErrOtherDay, now.UTC().Format(time.RFC3339))
	}
	return r.TrustClock(ctx, now)
}
