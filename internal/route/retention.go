package route

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Retention says how long each part of a submission is kept. A submission that has
// not settled is kept in any case, and so is one under a legal hold.
//
//	retention:
//	  payload:     30 days after settled     # with documents, answers and details
//	  attachments: 30 days after settled
//	  metadata:    1 year after settled      # what it is found by, deliveries, their story
//	  audit:       10 years after year-end   # its lines in the audit trail
//
// The events are received, settled, and year-end: the end of the calendar year in
// which it has settled, in Germany. The units are days, weeks, months and years;
// never keeps for good.
type Retention struct {
	Payload     Keep `yaml:"payload"`
	Attachments Keep `yaml:"attachments"`
	Metadata    Keep `yaml:"metadata"`
	Audit       Keep `yaml:"audit"`
}

// DefaultRetention holds where nobody says anything else.
var DefaultRetention = Retention{
	Payload:     Keep{30, days, settled},
	Attachments: Keep{30, days, settled},
	Metadata:    Keep{1, years, settled},
	Audit:       Keep{10, years, yearEnd},
}

// Keep is how long, and after what. The zero value says nothing.
type Keep struct {
	n     int
	unit  string
	event string
}

const (
	days, weeks, months, years = "days", "weeks", "months", "years"
	received, settled, yearEnd = "received", "settled", "year-end"
	never                      = "never"
)

// longest is more than anybody keeps, in years.
const longest = 100

var keepForm = regexp.MustCompile(`^([0-9]{1,5}) (day|week|month|year)(s?) after (received|settled|year-end)$`)

// UnmarshalText reads a rule as it is written.
func (k *Keep) UnmarshalText(text []byte) error {
	s := string(text)
	if s == never {
		*k = Keep{unit: never}
		return nil
	}
	m := keepForm.FindStringSubmatch(s)
	if m == nil {
		return errors.New(`a period is like "30 days after settled", "1 year after received", "10 years after year-end", or "never"`)
	}
	n, _ := strconv.Atoi(m[1])
	if n == 0 {
		return errors.New("a period is at least one day")
	}
	got := Keep{n, m[2] + "s", m[4]}
	if got.from(time.Unix(0, 0)).After(time.Unix(0, 0).AddDate(longest, 0, 0)) {
		return fmt.Errorf("a period is at most %d years; never keeps for good", longest)
	}
	*k = got
	return nil
}

// String is the rule as it is written; empty for none.
func (k Keep) String() string {
	switch {
	case k.unit == "":
		return ""
	case k.unit == never:
		return never
	case k.n == 1:
		return "1 " + strings.TrimSuffix(k.unit, "s") + " after " + k.event
	}
	return strconv.Itoa(k.n) + " " + k.unit + " after " + k.event
}

// Set reports whether the rule says anything.
func (k Keep) Set() bool { return k.unit != "" }

// Due is when the part of a submission that has settled is to be deleted; false:
// never.
func (k Keep) Due(receivedAt, settledAt time.Time) (time.Time, bool) {
	if k.unit == "" || k.unit == never || settledAt.IsZero() {
		return time.Time{}, false
	}
	at := settledAt
	switch k.event {
	case received:
		at = receivedAt
	case yearEnd:
		at = time.Date(settledAt.In(germany()).Year()+1, 1, 1, 0, 0, 0, 0, germany())
	}
	if at = k.from(at); at.Before(settledAt) {
		at = settledAt // kept until then in any case
	}
	return at, true
}

func (k Keep) from(at time.Time) time.Time {
	switch k.unit {
	case days:
		return at.AddDate(0, 0, k.n)
	case weeks:
		return at.AddDate(0, 0, 7*k.n)
	case months:
		return at.AddDate(0, k.n, 0)
	}
	return at.AddDate(k.n, 0, 0)
}

// Over lays rules over others: each that says something counts.
func (r Retention) Over(below Retention) Retention {
	for _, k := range []struct{ top, under *Keep }{
		{&r.Payload, &below.Payload}, {&r.Attachments, &below.Attachments}, {&r.Metadata, &below.Metadata}, {&r.Audit, &below.Audit},
	} {
		if !k.top.Set() {
			*k.top = *k.under
		}
	}
	return r
}

// Contradiction is what in the rules cannot be: what a submission is found by, gone
// before what is to be found. Empty where there is none; the key says which rule
// is meant.
func (r Retention) Contradiction() (key, why string) {
	for _, pair := range []struct {
		key, earlier string
		late, early  Keep
	}{
		{"metadata", "payload", r.Metadata, r.Payload},
		{"metadata", "attachments", r.Metadata, r.Attachments},
		{"audit", "metadata", r.Audit, r.Metadata},
	} {
		if before(pair.late, pair.early) {
			return pair.key, fmt.Sprintf("%s would be deleted (%s) before %s (%s)", pair.key, pair.late, pair.earlier, pair.early)
		}
	}
	return "", ""
}

// germany is where the calendar year ends.
var germany = sync.OnceValue(func() *time.Location {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return time.FixedZone("CET", 3600) // no zone files, and in the winter it is that
	}
	return zone
})

// before compares two rules by what they mean for submissions of a whole year, those
// that took a day and those that took months.
func before(a, b Keep) bool {
	if a.unit == never || b.unit == never {
		return b.unit == never && a.unit != never
	}
	for day := range 366 {
		settledAt := time.Date(2027, 1, 1+day, 12, 0, 0, 0, time.UTC)
		for _, took := range []int{0, 200} {
			receivedAt := settledAt.AddDate(0, 0, -took)
			x, _ := a.Due(receivedAt, settledAt)
			y, _ := b.Due(receivedAt, settledAt)
			if x.Before(y) {
				return true
			}
		}
	}
	return false
}
