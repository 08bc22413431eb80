package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Window is a time in which a system is not called: every week, every day, or once.
// It is wall-clock time where the system stands, so it keeps its hours over the
// change to summer time; where the clock shows an hour twice, both belong to it.
type Window struct {
	Name string // what it is for, as the file says: maintenance
	Text string // as written

	zone       *time.Location
	days       []time.Weekday // on which it begins; nil: once
	span       int            // days from the day it begins to the day it ends
	start, end clock
	from, to   time.Time // once
}

type clock struct{ hour, minute int }

var (
	weekly = regexp.MustCompile(`^(?:([A-Za-z]{3})(?:-([A-Za-z]{3}))? )?(\d\d):(\d\d)-(?:([A-Za-z]{3}) )?(\d\d):(\d\d)$`)
	once   = regexp.MustCompile(`^(\d{4}-\d\d-\d\d \d\d:\d\d)-(\d{4}-\d\d-\d\d \d\d:\d\d)$`)
)

// ParseWindow reads one of these, in the given zone:
//
//	Sat 22:00-Sun 02:00                  every week
//	Mon-Fri 20:00-06:00                  beginning on each of these days; ends the next day
//	22:00-02:00                          every day
//	2026-03-28 22:00-2026-03-29 06:00    once
func ParseWindow(name, text string, zone *time.Location) (Window, error) {
	w := Window{Name: name, Text: text, zone: zone}
	bad := func(why string) (Window, error) {
		return Window{}, fmt.Errorf("%q is not a window: %s; write \"Sat 22:00-Sun 02:00\", \"Mon-Fri 20:00-06:00\", \"22:00-02:00\" or \"2026-03-28 22:00-2026-03-29 06:00\"", text, why)
	}
	if m := once.FindStringSubmatch(text); m != nil {
		from, err1 := time.ParseInLocation("2006-01-02 15:04", m[1], zone)
		to, err2 := time.ParseInLocation("2006-01-02 15:04", m[2], zone)
		switch {
		case err1 != nil || err2 != nil:
			return bad("there is no such time")
		case !to.After(from):
			return bad("it ends before it begins")
		}
		w.from, w.to = earliest(from), latest(to)
		return w, nil
	}
	m := weekly.FindStringSubmatch(text)
	if m == nil {
		return bad("it has another form")
	}
	var ok1, ok2 bool
	w.start, ok1 = parseClock(m[3], m[4])
	w.end, ok2 = parseClock(m[6], m[7])
	if !ok1 || !ok2 {
		return bad("there is no such hour")
	}
	first, last := time.Sunday, time.Saturday
	if m[1] != "" {
		var ok bool
		if first, ok = parseDay(m[1]); !ok {
			return bad(m[1] + " is not a day")
		}
		last = first
		if m[2] != "" {
			if last, ok = parseDay(m[2]); !ok {
				return bad(m[2] + " is not a day")
			}
		}
	}
	for d := first; ; d = (d + 1) % 7 {
		w.days = append(w.days, d)
		if d == last {
			break
		}
	}
	overnight := w.end.hour < w.start.hour || w.end.hour == w.start.hour && w.end.minute <= w.start.minute
	if overnight {
		w.span = 1
	}
	if m[5] != "" {
		end, ok := parseDay(m[5])
		switch {
		case !ok:
			return bad(m[5] + " is not a day")
		case m[1] == "" || m[2] != "":
			return bad("a day of its end needs one day of its beginning")
		}
		w.span = int(end-first+7) % 7
		if w.span == 0 && overnight {
			w.span = 7
		}
	}
	return w, nil
}

func parseClock(h, m string) (clock, bool) {
	hour, _ := strconv.Atoi(h)
	minute, _ := strconv.Atoi(m)
	return clock{hour, minute}, hour < 24 && minute < 60 || hour == 24 && minute == 0
}

func parseDay(s string) (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(s, d.String()[:3]) {
			return d, true
		}
	}
	return 0, false
}

// Closed reports whether t is in the window, and when it ends.
func (w Window) Closed(t time.Time) (until time.Time, closed bool) {
	if w.days == nil {
		return w.to, !t.Before(w.from) && t.Before(w.to)
	}
	local := t.In(w.zone)
	for back := 0; back <= w.span; back++ {
		day := local.AddDate(0, 0, -back)
		if !w.begins(day.Weekday()) {
			continue
		}
		from := earliest(time.Date(day.Year(), day.Month(), day.Day(), w.start.hour, w.start.minute, 0, 0, w.zone))
		to := latest(time.Date(day.Year(), day.Month(), day.Day()+w.span, w.end.hour, w.end.minute, 0, 0, w.zone))
		if !t.Before(from) && t.Before(to) && to.After(until) {
			until, closed = to, true
		}
	}
	return until, closed
}

func (w Window) begins(d time.Weekday) bool {
	for _, x := range w.days {
		if x == d {
			return true
		}
	}
	return false
}

// earliest and latest give the first and the last time at which the clock on the
// wall shows what it shows at t: different where the hour is there twice.
func earliest(t time.Time) time.Time {
	if u := t.Add(-time.Hour); sameWall(u, t) {
		return u
	}
	return t
}

func latest(t time.Time) time.Time {
	if u := t.Add(time.Hour); sameWall(u, t) {
		return u
	}
	return t
}

func sameWall(a, b time.Time) bool {
	return a.Hour() == b.Hour() && a.Minute() == b.Minute() && a.Day() == b.Day()
}

// Closed reports whether the system is in one of its windows, and until when it
// stays so: windows that follow each other without a gap count as one.
func (s *System) Closed(t time.Time) (until time.Time, closed bool) {
	// Windows may overlap for ever ("00:00-24:00" every day): a year is enough to wait.
	for limit := t.AddDate(1, 0, 0); !until.After(limit); {
		next, again := t, false
		for _, w := range s.Windows {
			if end, in := w.Closed(next); in {
				next, again = end, true
			}
		}
		if !again {
			break
		}
		t, until, closed = next, next, true
	}
	return until, closed
}

// berlin is the zone of every municipality here; time/tzdata carries it.
func berlin() *time.Location {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic("config: " + err.Error())
	}
	return zone
}
