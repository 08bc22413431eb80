package cli

import (
	"fmt"
	"strconv"
	"time"
)

// clock writes a time in full: to the second, in the reader's zone.
func (p *Program) clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(p.Zone).Format("2006-01-02 15:04:05")
}

// moment writes a time of a story: to the millisecond; the day is told above.
func (p *Program) moment(t time.Time) string { return t.In(p.Zone).Format("15:04:05.000") }

// when writes a time of a table: today's by the hour, others with their day.
func (p *Program) when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	now := p.Now().In(p.Zone)
	t = t.In(p.Zone)
	if t.Year() == now.Year() && t.YearDay() == now.YearDay() {
		return t.Format("15:04:05")
	}
	return t.Format("2006-01-02 15:04")
}

// age writes how long ago a time was, in its two largest units.
func (p *Program) age(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return span(p.Now().Sub(t))
}

// span writes a duration as people say it.
func span(d time.Duration) string {
	if d < 0 {
		d = 0
	}
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d d %d h", int(d.Hours())/24, int(d.Hours())%24)
}

// bytesOf writes a size as people say it.
func bytesOf(n int64) string {
	switch {
	case n < 1000:
		return strconv.FormatInt(n, 10) + " B"
	case n < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1_000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}

// sinceFlag reads a point in time: a duration back from now, a day or RFC 3339.
func (p *Program) sinceFlag(flag, v string) (time.Time, error) {
	if v == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(v); err == nil {
		if d < 0 {
			return time.Time{}, wrongUsage("--%s: %s ago is written without a sign: %s", flag, -d, -d)
		}
		return p.Now().Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, v, p.Zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, wrongUsage("--%s: %q is no time; write 2h, 2026-03-01, \"2026-03-01 14:00\" or RFC 3339", flag, v)
}
