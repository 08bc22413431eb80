package config

import (
	"strings"
	"testing"
	"time"
)

func TestWindow(t *testing.T) {
	zone := berlin()
	at := func(s string) time.Time {
		ts, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return ts
	}
	for _, test := range []struct {
		window, at, until string // until "": open
	}{
		{"Sat 22:00-Sun 02:00", "2026-01-17T21:59:59+01:00", ""},
		{"Sat 22:00-Sun 02:00", "2026-01-17T22:00:00+01:00", "2026-01-18T02:00:00+01:00"},
		{"Sat 22:00-Sun 02:00", "2026-01-18T01:59:59+01:00", "2026-01-18T02:00:00+01:00"},
		{"Sat 22:00-Sun 02:00", "2026-01-18T02:00:00+01:00", ""},
		{"Sat 22:00-Sun 02:00", "2026-01-16T23:00:00+01:00", ""},
		{"Fri 20:00-Mon 06:00", "2026-01-18T12:00:00+01:00", "2026-01-19T06:00:00+01:00"},
		{"Mon 06:00-Mon 05:00", "2026-01-18T12:00:00+01:00", "2026-01-19T05:00:00+01:00"},
		{"Mon-Fri 20:00-06:00", "2026-01-17T05:00:00+01:00", "2026-01-17T06:00:00+01:00"}, // Friday's
		{"Mon-Fri 20:00-06:00", "2026-01-18T05:00:00+01:00", ""},
		{"Fri-Mon 10:00-11:00", "2026-01-18T10:30:00+01:00", "2026-01-18T11:00:00+01:00"},
		{"22:00-02:00", "2026-01-15T00:30:00+01:00", "2026-01-15T02:00:00+01:00"},
		{"00:00-24:00", "2026-01-15T13:00:00+01:00", "2026-01-16T00:00:00+01:00"},
		{"sat 10:00-11:00", "2026-01-17T10:30:00+01:00", "2026-01-17T11:00:00+01:00"},
		// Summer time begins on 29 March 2026: 02:00 becomes 03:00, the window is an hour shorter.
		{"Sat 22:00-Sun 04:00", "2026-03-29T03:59:00+02:00", "2026-03-29T04:00:00+02:00"},
		{"Sat 22:00-Sun 04:00", "2026-03-29T02:30:00Z", ""},
		// It ends on 25 October: 02:30 is there twice, and the window covers both.
		{"Sun 01:00-Sun 02:30", "2026-10-25T00:45:00Z", "2026-10-25T02:30:00+01:00"},
		{"Sun 01:00-Sun 02:30", "2026-10-25T01:29:00Z", "2026-10-25T02:30:00+01:00"},
		{"Sun 01:00-Sun 02:30", "2026-10-25T01:30:00Z", ""},
		{"Sun 02:30-Sun 03:00", "2026-10-25T00:30:00Z", "2026-10-25T03:00:00+01:00"},
		{"2026-03-28 22:00-2026-03-29 06:00", "2026-03-29T03:59:59Z", "2026-03-29T06:00:00+02:00"},
		{"2026-03-28 22:00-2026-03-29 06:00", "2026-03-29T04:00:00Z", ""},
	} {
		w, err := ParseWindow("maintenance", test.window, zone)
		if err != nil {
			t.Errorf("%s: %v", test.window, err)
			continue
		}
		until, closed := w.Closed(at(test.at))
		if closed != (test.until != "") || closed && !until.Equal(at(test.until)) {
			t.Errorf("%s at %s: closed %v until %v, want %q", test.window, test.at, closed, until, test.until)
		}
	}
}

// Where the clock changes, every window keeps its hours on the wall: at any
// instant, closed is what a person with a watch would say.
func TestWindowFollowsTheWall(t *testing.T) {
	w, err := ParseWindow("m", "22:00-02:00", berlin())
	if err != nil {
		t.Fatal(err)
	}
	for _, day := range []string{"2026-03-28T12:00:00Z", "2026-10-24T12:00:00Z", "2026-06-01T12:00:00Z"} {
		start, _ := time.Parse(time.RFC3339, day)
		for i := range 24 * 60 {
			ts := start.Add(time.Duration(i) * time.Minute)
			h := ts.In(berlin()).Hour()
			if local := ts.In(berlin()); sameWall(local, local.Add(time.Hour)) {
				continue // the first of two hours: "until two" may mean either, and the later one does no harm
			}
			if _, closed := w.Closed(ts); closed != (h >= 22 || h < 2) {
				t.Fatalf("%v: closed %v", ts.In(berlin()), closed)
			}
		}
	}
}

func TestWindowRefusals(t *testing.T) {
	for text, why := range map[string]string{
		"":                                  "another form",
		"Sat 22:00":                         "another form",
		"Sam 22:00-Son 02:00":               "Sam is not a day",
		"Sat 25:00-Sun 02:00":               "no such hour",
		"Sat 22:60-Sun 02:00":               "no such hour",
		"22:00-Sun 02:00":                   "needs one day of its beginning",
		"Mon-Fri 22:00-Sun 02:00":           "needs one day of its beginning",
		"2026-02-30 22:00-2026-03-01 06:00": "no such time",
		"2026-03-02 22:00-2026-03-01 06:00": "ends before it begins",
	} {
		if _, err := ParseWindow("m", text, berlin()); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, want %q", text, err, why)
		}
	}
}

func TestSystemClosed(t *testing.T) {
	window := func(text string) Window {
		w, err := ParseWindow("m", text, berlin())
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	noon := time.Date(2026, 1, 17, 12, 0, 0, 0, berlin())
	follow := &System{Windows: []Window{window("11:00-13:00"), window("13:00-15:00"), window("16:00-17:00")}}
	if until, closed := follow.Closed(noon); !closed || until.Hour() != 15 {
		t.Errorf("windows that follow each other: %v until %v", closed, until)
	}
	if _, closed := (&System{}).Closed(noon); closed {
		t.Error("closed without a window")
	}
	always := &System{Windows: []Window{window("00:00-24:00")}}
	if until, closed := always.Closed(noon); !closed || until.Before(noon.AddDate(1, 0, 0)) {
		t.Errorf("a window without an end: %v until %v", closed, until)
	}
}

// Which of two equal hours time.Date gives is not promised, so both ends are asked for.
func TestHourThatIsThereTwice(t *testing.T) {
	first := time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC).In(berlin())
	second := first.Add(time.Hour)
	for _, ts := range []time.Time{first, second} {
		if e, l := earliest(ts), latest(ts); !e.Equal(first) || !l.Equal(second) {
			t.Errorf("%v: earliest %v, latest %v", ts, e, l)
		}
	}
	noon := time.Date(2026, 10, 25, 12, 0, 0, 0, berlin())
	if !earliest(noon).Equal(noon) || !latest(noon).Equal(noon) {
		t.Error("noon is there once")
	}
}
