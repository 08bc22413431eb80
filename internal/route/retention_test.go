package route

import (
	"testing"
	"time"
)

func keep(t *testing.T, s string) Keep {
	t.Helper()
	var k Keep
	if err := k.UnmarshalText([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if k.String() != s {
		t.Errorf("%q is written back as %q", s, k)
	}
	return k
}

func TestKeep(t *testing.T) {
	berlin := germany()
	receivedAt := time.Date(2026, 11, 20, 9, 0, 0, 0, berlin)
	settledAt := time.Date(2026, 12, 31, 23, 30, 0, 0, berlin)
	for rule, want := range map[string]time.Time{
		"30 days after settled":   settledAt.AddDate(0, 0, 30),
		"2 weeks after settled":   settledAt.AddDate(0, 0, 14),
		"1 month after settled":   settledAt.AddDate(0, 1, 0),
		"6 months after received": time.Date(2027, 5, 20, 9, 0, 0, 0, berlin),
		"1 year after settled":    settledAt.AddDate(1, 0, 0),
		"10 years after year-end": time.Date(2037, 1, 1, 0, 0, 0, 0, berlin),
		"1 day after received":    settledAt, // it took longer than that
	} {
		got, ok := keep(t, rule).Due(receivedAt, settledAt)
		if !ok || !got.Equal(want) {
			t.Errorf("%s: %v %v, want %v", rule, got, ok, want)
		}
	}
	// The year ends in Germany: an hour later it is the next one's.
	if got, _ := keep(t, "1 year after year-end").Due(receivedAt, settledAt.Add(time.Hour).UTC()); got.Year() != 2029 {
		t.Errorf("settled in the new year: %v", got)
	}
	for _, k := range []Keep{{}, keep(t, "never")} {
		if at, ok := k.Due(receivedAt, settledAt); ok {
			t.Errorf("%q is due %v", k, at)
		}
	}
	if at, ok := keep(t, "1 day after received").Due(receivedAt, time.Time{}); ok {
		t.Errorf("what has not settled is due %v", at)
	}
	for _, bad := range []string{"", "30", "30d", "30 days", "30 days after", "30 days after submitted", "0 days after settled", "-1 days after settled", "30 days after settled ", "101 years after settled", "99999 weeks after settled", "Never"} {
		var k Keep
		if err := k.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q is taken as %q", bad, k)
		}
	}
}

func TestRetentionOverAndContradiction(t *testing.T) {
	r := Retention{Payload: keep(t, "7 days after settled")}.Over(DefaultRetention)
	if r.Payload.String() != "7 days after settled" || r.Audit.String() != "10 years after year-end" {
		t.Errorf("%+v", r)
	}
	if key, why := r.Contradiction(); key != "" {
		t.Errorf("%s: %s", key, why)
	}
	for _, test := range []struct {
		change func(*Retention)
		key    string
	}{
		{func(r *Retention) { r.Payload = keep(t, "never") }, "metadata"},
		{func(r *Retention) { r.Attachments = keep(t, "2 years after settled") }, "metadata"},
		{func(r *Retention) { r.Metadata = keep(t, "never") }, "audit"},
		{func(r *Retention) { r.Audit = keep(t, "6 months after year-end") }, "audit"},
		{func(r *Retention) {
			r.Payload, r.Metadata = keep(t, "2 months after received"), keep(t, "1 month after settled")
		}, "metadata"},
		{func(r *Retention) {
			r.Payload, r.Metadata, r.Audit = keep(t, "never"), keep(t, "never"), keep(t, "never")
		}, ""},
		{func(r *Retention) { r.Payload = keep(t, "1 year after settled") }, ""},
	} {
		r := DefaultRetention
		test.change(&r)
		if key, why := r.Contradiction(); key != test.key {
			t.Errorf("%+v: %q %s, want %q", r, key, why, test.key)
		}
	}
}
