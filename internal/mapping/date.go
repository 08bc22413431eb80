package mapping

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // an installation without zone files must not shift a tax year
)

// Date is a calendar day without a time; the zero Date is missing.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// IsSet reports whether there is a date.
func (d Date) IsSet() bool { return d.Year != 0 }

// String is YYYY-MM-DD; missing is "".
func (d Date) String() string {
	if !d.IsSet() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day)
}

func (d Date) time() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

func dateOf(t time.Time) Date {
	y, m, day := t.Date()
	return Date{y, m, day}
}

// Cmp compares; ok is false if one is missing.
func (d Date) Cmp(b Date) (c int, ok bool) {
	if !d.IsSet() || !b.IsSet() {
		return 0, false
	}
	return d.time().Compare(b.time()), true
}

// ParseDate reads YYYY-MM-DD, an xs:dateTime (its own calendar day counts), or
// DD.MM.YYYY. A day that the calendar has not (31.02.2026) is an error. Empty text is
// the missing Date.
func ParseDate(s string) (Date, error) {
	t, err := parseMoment(s)
	if err != nil || t.day == (Date{}) {
		return Date{}, err
	}
	return t.day, nil
}

// moment is a day and, if the source has one, a time of day.
type moment struct {
	day          Date
	hour, minute int
	second       int
}

// errYears is said of what is computed: no source gives such a date, no format writes one.
var errYears = errors.New("lies outside of the years 1 to 9999")

// inYears gives d back, if it can be written.
func (d Date) inYears() (Date, error) {
	if d.Year < 1 || d.Year > 9999 {
		return Date{}, errYears
	}
	return d, nil
}

var errDate = fmt.Errorf("is not a date (YYYY-MM-DD or DD.MM.YYYY)")

func parseMoment(s string) (moment, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return moment{}, nil
	}
	if len(s) == 10 && s[2] == '.' && s[5] == '.' {
		return parseDay(s[6:], s[3:5], s[:2])
	}
	if len(s) < 10 || s[4] != '-' || s[7] != '-' {
		return moment{}, errDate
	}
	m, err := parseDay(s[:4], s[5:7], s[8:10])
	if err != nil || len(s) == 10 {
		return m, err
	}
	switch rest := s[10:]; {
	case rest == "Z", len(rest) == 6 && (rest[0] == '+' || rest[0] == '-'): // xs:date with zone
		_, err = time.Parse("2006-01-02Z07:00", s)
	default:
		var t time.Time
		if t, err = time.Parse("2006-01-02T15:04:05Z07:00", s); err != nil {
			t, err = time.Parse("2006-01-02T15:04:05", s)
		}
		m.hour, m.minute, m.second = t.Clock()
	}
	if err != nil {
		return moment{}, errDate
	}
	return m, nil
}

func parseDay(y, m, d string) (moment, error) {
	year, ok1 := twoOrFour(y)
	month, ok2 := twoOrFour(m)
	day, ok3 := twoOrFour(d)
	if !ok1 || !ok2 || !ok3 || year < 1 || month < 1 || month > 12 || day < 1 || day > daysIn(year, time.Month(month)) {
		return moment{}, errDate
	}
	return moment{day: Date{year, time.Month(month), day}}, nil
}

func twoOrFour(s string) (int, bool) {
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

func daysIn(year int, m time.Month) int {
	return time.Date(year, m+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

func (d Date) firstOfMonth() Date { return Date{d.Year, d.Month, 1} }

func (d Date) lastOfMonth() Date { return Date{d.Year, d.Month, daysIn(d.Year, d.Month)} }

func (d Date) plusDays(n int) Date { return dateOf(d.time().AddDate(0, 0, n)) }

// plusMonths stays in the month it arrives in: 31 January plus one is 28 February.
func (d Date) plusMonths(n int) Date {
	first := time.Date(d.Year, d.Month+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	y, m, _ := first.Date()
	return Date{y, m, min(d.Day, daysIn(y, m))}
}

// months counts the calendar months from a's to b's, both counted: a year has 12.
func months(a, b Date) int {
	return (b.Year-a.Year)*12 + int(b.Month) - int(a.Month) + 1
}

// days counts the days from a to b.
func days(a, b Date) int { return int((b.time().Unix() - a.time().Unix()) / (24 * 60 * 60)) }

// age is the full years from birth to on; born on 29 February counts on 1 March.
func age(birth, on Date) int {
	n := on.Year - birth.Year
	if on.Month < birth.Month || on.Month == birth.Month && on.Day < birth.Day {
		n--
	}
	return n
}

// dateFormat is a compiled pattern of D DD M MM YY YYYY HH mm ss and literal text.
type dateFormat []string

func parseDateFormat(s string) (dateFormat, error) {
	var f dateFormat
	known := false
	for i := 0; i < len(s); {
		j := i + 1
		for j < len(s) && s[j] == s[i] {
			j++
		}
		word := s[i:j]
		switch {
		case !strings.ContainsRune("DMYHms", rune(s[i])):
			if 'a' <= s[i]|0x20 && s[i]|0x20 <= 'z' && word != "T" && word != "Z" {
				return nil, fmt.Errorf("%q is not part of a date format (D DD M MM YY YYYY HH mm ss)", word)
			}
		case word == "D", word == "DD", word == "M", word == "MM", word == "YY", word == "YYYY", word == "HH", word == "mm", word == "ss":
			known = true
		default:
			return nil, fmt.Errorf("%q is not part of a date format (D DD M MM YY YYYY HH mm ss)", word)
		}
		f = append(f, word)
		i = j
	}
	if !known {
		return nil, fmt.Errorf("%q is not a date format like DD.MM.YYYY", s)
	}
	return f, nil
}

func (f dateFormat) format(m moment) string {
	b := make([]byte, 0, 20)
	for _, w := range f {
		switch w {
		case "D":
			b = strconv.AppendInt(b, int64(m.day.Day), 10)
		case "DD":
			b = pad2(b, m.day.Day)
		case "M":
			b = strconv.AppendInt(b, int64(m.day.Month), 10)
		case "MM":
			b = pad2(b, int(m.day.Month))
		case "YY":
			b = pad2(b, m.day.Year%100)
		case "YYYY":
			b = pad2(pad2(b, m.day.Year/100), m.day.Year%100)
		case "HH":
			b = pad2(b, m.hour)
		case "mm":
			b = pad2(b, m.minute)
		case "ss":
			b = pad2(b, m.second)
		default:
			b = append(b, w...)
		}
	}
	return string(b)
}

func pad2(b []byte, n int) []byte { return append(b, byte('0'+n/10%10), byte('0'+n%10)) }
