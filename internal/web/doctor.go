package web

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/retention"
	"stellwerk/internal/store"
	"stellwerk/internal/vault"
)

// How a check came out.
const (
	checkOK      = "ok"
	checkWarning = "warning"
	checkBad     = "bad"
	checkSkipped = "skipped"
)

// check is one line of the doctor's report.
type check struct {
	Name, State, Detail, Remedy string
}

// overdue is how long a delivery may wait at a ready system before it is worth a
// look.
const overdue = time.Hour

// newestOne asks the store for the newest submission.
var newestOne = store.Filter{Limit: 1}

// doctor examines the hub: what it needs to work, and what lies waiting too long.
func (d *desk) doctor(ctx context.Context) []check {
	return []check{d.checkStore(ctx), d.checkDisk(), d.checkKeyring(ctx), d.checkClock(ctx), d.checkWork(ctx), d.checkParked(ctx), d.checkNumbers(ctx), d.checkRetention(ctx), d.checkConfig()}
}

func (d *desk) checkStore(ctx context.Context) check {
	start := time.Now()
	if err := d.Store.Healthy(ctx); err != nil {
		return check{"store", checkBad, "a synced write does not succeed: " + err.Error(), "look at the disk of the data folder and at the hub's log"}
	}
	took := time.Since(start)
	if took > time.Second {
		return check{"store", checkWarning, fmt.Sprintf("a synced write takes %s", took.Round(time.Millisecond)), "the disk of the data folder is slow or busy"}
	}
	return check{"store", checkOK, fmt.Sprintf("a synced write takes %s", took.Round(100*time.Microsecond)), ""}
}

// bytesText writes a size in the largest unit that leaves something to see.
func bytesText(n uint64) string {
	if n < 1e9 {
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}

func (d *desk) checkDisk() check {
	dir, free, total, ok := d.Disk()
	if !ok {
		return check{"disk", checkBad, fmt.Sprintf("the data folder %s cannot be looked at", dir), "see that the folder exists and belongs to the hub"}
	}
	text := fmt.Sprintf("%s of %s free for %s", bytesText(free), bytesText(total), dir)
	switch {
	case free < 200<<20:
		return check{"disk", checkBad, text, "make room: intake refuses when the disk is full"}
	case free < 2<<30 || free < total/20:
		return check{"disk", checkWarning, text, "make room soon"}
	}
	return check{"disk", checkOK, text, ""}
}

// checkKeyring opens the newest and the oldest submission's key: a hub that starts
// with the wrong keyring accepts happily and can deliver nothing of what it had,
// and from then on only the old ones show it.
func (d *desk) checkKeyring(ctx context.Context) check {
	rows, err := d.Store.List(ctx, newestOne)
	if err != nil {
		return check{"keyring", checkBad, "the newest submission cannot be read", "see the check of the store"}
	}
	if len(rows) == 0 {
		return check{"keyring", checkOK, "loaded; there is no submission yet to try it on", ""}
	}
	id := rows[0].Submission.ID
	c, err := d.Store.Case(ctx, id)
	if errors.Is(err, store.ErrErased) {
		return d.checkOldest(ctx, "the newest submission "+id.Number()+" was deleted")
	}
	if errors.Is(err, store.ErrDamaged) || err == nil && len(c.DataKey) == 0 { // which says nothing about the keyring
		return d.checkOldest(ctx, "the newest submission "+id.Number()+" is or was damaged")
	}
	if err != nil {
		return check{"keyring", checkBad, "the newest submission cannot be read", "see the check of the store"}
	}
	if _, err := d.Vault.Unwrap(id, c.Submission.Municipality, c.DataKey); err != nil {
		return unopened("newest", id, err)
	}
	return d.checkOldest(ctx, "opens the newest submission "+id.Number())
}

// checkOldest opens the oldest one that has a key; so far is what is known.
func (d *desk) checkOldest(ctx context.Context, soFar string) check {
	oldest, err := d.openOldest(ctx)
	switch {
	case err == nil && oldest.Zero():
		return check{"keyring", checkOK, soFar + "; no other is left to try it on", ""}
	case errors.Is(err, errUnopened):
		return unopened("oldest", oldest, err)
	case err != nil:
		return check{"keyring", checkBad, "the oldest submission cannot be read", "see the check of the store"}
	}
	return check{"keyring", checkOK, soFar + " and the oldest " + oldest.Number(), ""}
}

func unopened(which string, id hub.ID, err error) check {
	remedy := "restore the old key beside the new one: the keyring in force is not the one the journal was written with, or, where others do open, the record is damaged"
	if errors.Is(err, vault.ErrNoKey) {
		remedy = "restore the old key beside the new one: the keyring in force is not the one the journal was written with"
	}
	return check{"keyring", checkBad, "the " + which + " submission " + id.Number() + " cannot be opened", remedy}
}

// How looking at the oldest submission ends: opened, or not.
var (
	errOpened   = errors.New("the key was opened")
	errUnopened = errors.New("the key cannot be opened")
)

// openOldest tries the key of the oldest submission that has one. Rewrap goes from
// the oldest on; it is ended at the first and changes nothing.
func (d *desk) openOldest(ctx context.Context) (oldest hub.ID, err error) {
	_, err = d.Store.Rewrap(ctx, 1, func(id hub.ID, municipality string, wrapped []byte) ([]byte, error) {
		oldest = id
		if _, err := d.Vault.Unwrap(id, municipality, wrapped); err != nil {
			return nil, fmt.Errorf("%w: %w", errUnopened, err)
		}
		return nil, errOpened
	})
	if errors.Is(err, errOpened) || errors.Is(err, store.ErrDamaged) && !errors.Is(err, errUnopened) { // damage has a check of its own
		err = nil
	}
	return oldest, err
}

// checkClock compares with the journal: a clock that runs behind it has been set back.
func (d *desk) checkClock(ctx context.Context) check {
	var jumped *retention.Jumped
	if d.Retention != nil && errors.As(d.Retention.CheckClock(ctx), &jumped) {
		return check{"clock", checkBad, fmt.Sprintf("it says %s, %d days after it was last gone by: nothing is deleted meanwhile", jumped.Now.UTC().Format(time.RFC3339), int(jumped.Now.Sub(jumped.Last).Hours()/24)),
			"if it is wrong, synchronise it; if the hub stood still for so long: stellwerk retention run --today " + jumped.Now.UTC().Format(time.DateOnly)}
	}
	rows, err := d.Store.List(ctx, newestOne)
	if err != nil || len(rows) == 0 {
		return check{"clock", checkOK, d.Now().UTC().Format(time.RFC3339), ""}
	}
	if ahead := rows[0].Submission.ReceivedAt.Sub(d.Now()); ahead > time.Minute {
		return check{"clock", checkBad, fmt.Sprintf("the newest submission is %s in the future", ahead.Round(time.Second)), "the clock was set back: synchronise it"}
	}
	return check{"clock", checkOK, d.Now().UTC().Format(time.RFC3339), ""}
}

func (d *desk) checkWork(ctx context.Context) check {
	systems, err := d.systems(ctx)
	if err != nil {
		return check{"work", checkBad, "open deliveries cannot be counted", "see the check of the store"}
	}
	var late []string
	for _, s := range systems {
		age := d.Now().Sub(s.OldestWaiting)
		if !s.OldestWaiting.IsZero() && age > overdue && s.State != systemPaused && s.State != systemWindow {
			late = append(late, fmt.Sprintf("%s since %s (%s)", s.Name, age.Round(time.Minute), s.State))
		}
	}
	if len(late) > 0 {
		return check{"work", checkWarning, "deliveries wait too long: " + strings.Join(late, ", "), "stellwerk systems probe NAME says what is wrong with a system"}
	}
	return check{"work", checkOK, "no ready system keeps a delivery waiting for more than an hour", ""}
}

func (d *desk) checkParked(ctx context.Context) check {
	figures, err := d.Store.Figures(ctx)
	if err != nil {
		return check{"parked", checkBad, "what is parked cannot be counted", "see the check of the store"}
	}
	var n int64
	for _, c := range figures.Parked {
		n += c
	}
	damaged := figures.Submissions[hub.SubmissionDamaged]
	switch {
	case damaged > 0:
		return check{"parked", checkBad, fmt.Sprintf("%d damaged, %d parked", damaged, n), "stellwerk parked --reason damaged shows them; compare the disk and the backup"}
	case n > 0:
		return check{"parked", checkWarning, fmt.Sprintf("%d wait for a person", n), "stellwerk parked shows why"}
	}
	return check{"parked", checkOK, "nothing waits for a person", ""}
}

func (d *desk) checkConfig() check {
	if d.Check == nil {
		return check{"configuration", checkSkipped, "revision " + d.Live.Get().Revision + " is in force; the folder was not read anew", "stellwerk check reads it"}
	}
	findings := d.Check()
	switch {
	case findings.HasErrors():
		return check{"configuration", checkBad, fmt.Sprintf("revision %s is in force; the folder as it is now would not load (%s)", d.Live.Get().Revision, count(len(findings), "finding")), "stellwerk check names them"}
	case len(findings) > 0:
		return check{"configuration", checkWarning, count(len(findings), "warning"), "stellwerk check names them"}
	}
	return check{"configuration", checkOK, "revision " + d.Live.Get().Revision + " is in force", ""}
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
