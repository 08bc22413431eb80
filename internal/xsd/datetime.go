package xsd

import "math"

// dateTime is a value of one of the eight date and time types; what a type lacks holds the value the
// specification uses to order it (3.2.7.4). frac holds the fraction of a second, no trailing zeros.
type dateTime struct {
	year                     int64
	month, day, hour, minute int
	second                   int
	frac                     []byte
	zoned                    bool
	zone                     int // minutes east of UTC
}

// parseTime reads the lexical form of kind, exactly: no blanks, no year 0000, no 31st of April.
func parseTime(kind primitive, b []byte) (t dateTime, ok bool) {
	t = dateTime{year: 2000, month: 1, day: 1}
	p := timeParser{b: b}
	switch kind {
	case primDateTime:
		p.year(&t)
		p.lit('-')
		t.month = p.two()
		p.lit('-')
		t.day = p.two()
		p.lit('T')
		p.clock(&t)
	case primDate:
		p.year(&t)
		p.lit('-')
		t.month = p.two()
		p.lit('-')
		t.day = p.two()
	case primTime:
		p.clock(&t)
	case primGYear:
		p.year(&t)
	case primGYearMonth:
		p.year(&t)
		p.lit('-')
		t.month = p.two()
	case primGMonth:
		p.lit('-')
		p.lit('-')
		t.month = p.two()
	case primGMonthDay:
		p.lit('-')
		p.lit('-')
		t.month = p.two()
		p.lit('-')
		t.day = p.two()
	case primGDay:
		p.lit('-')
		p.lit('-')
		p.lit('-')
		t.day = p.two()
	}
	p.timezone(&t)
	if p.bad || len(p.b) > 0 || t.month < 1 || t.month > 12 || t.day < 1 || t.day > daysIn(t.year, t.month) {
		return t, false
	}
	if t.hour == 24 { // midnight at the end of the day is the next day's beginning
		t.hour = 0
		if kind == primDateTime {
			t.addDays(1)
		}
	}
	return t, true
}

type timeParser struct {
	b   []byte
	bad bool
}

func (p *timeParser) lit(c byte) {
	if len(p.b) == 0 || p.b[0] != c {
		p.bad = true
		return
	}
	p.b = p.b[1:]
}

func (p *timeParser) two() int {
	if digits(p.b) < 2 {
		p.bad = true
		return 0
	}
	n := int(p.b[0]-'0')*10 + int(p.b[1]-'0')
	p.b = p.b[2:]
	return n
}

// year reads four digits or more. Years of more than 15 digits are taken as the 15-digit limit: they
// are legal, and no calendar tells them apart.
func (p *timeParser) year(t *dateTime) {
	neg := len(p.b) > 0 && p.b[0] == '-'
	if neg {
		p.b = p.b[1:]
	}
	n := digits(p.b)
	if n < 4 || n > 4 && p.b[0] == '0' {
		p.bad = true
		return
	}
	t.year = 0
	for _, c := range p.b[:n] {
		if t.year < 1e15 {
			t.year = t.year*10 + int64(c-'0')
		}
	}
	p.b = p.b[n:]
	if t.year == 0 {
		p.bad = true
	}
	if neg {
		t.year = -t.year
	}
}

func (p *timeParser) clock(t *dateTime) {
	t.hour = p.two()
	p.lit(':')
	t.minute = p.two()
	p.lit(':')
	t.second = p.two()
	if len(p.b) > 0 && p.b[0] == '.' {
		n := digits(p.b[1:])
		if n == 0 {
			p.bad = true
			return
		}
		t.frac = p.b[1 : 1+n]
		p.b = p.b[1+n:]
		for n := len(t.frac); n > 0 && t.frac[n-1] == '0'; n-- {
			t.frac = t.frac[:n-1]
		}
	}
	if t.hour > 24 || t.minute > 59 || t.second > 59 ||
		t.hour == 24 && (t.minute > 0 || t.second > 0 || len(t.frac) > 0) {
		p.bad = true
	}
}

func (p *timeParser) timezone(t *dateTime) {
	if len(p.b) == 0 || p.bad {
		return
	}
	sign := p.b[0]
	switch sign {
	case 'Z':
		t.zoned = true
		p.b = p.b[1:]
	case '+', '-':
		p.b = p.b[1:]
		h := p.two()
		p.lit(':')
		m := p.two()
		if h > 14 || m > 59 || h == 14 && m > 0 {
			p.bad = true
		}
		t.zoned, t.zone = true, h*60+m
		if sign == '-' {
			t.zone = -t.zone
		}
	}
}

func daysIn(year int64, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year < 0 {
			year++ // there is no year zero: -0001 is the leap year before 0001
		}
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

func (t *dateTime) addDays(n int) {
	for ; n > 0; n-- {
		if t.day++; t.day > daysIn(t.year, t.month) {
			t.day = 1
			if t.month++; t.month > 12 {
				t.month = 1
				if t.year++; t.year == 0 {
					t.year = 1
				}
			}
		}
	}
}

// seconds counts from an arbitrary epoch, in UTC if the value has a zone, on the proleptic calendar.
func (t dateTime) seconds() int64 {
	y := t.year
	if y < 0 {
		y++
	}
	m := int64(t.month)
	if m <= 2 {
		y--
		m += 12
	}
	days := 365*y + floorDiv(y, 4) - floorDiv(y, 100) + floorDiv(y, 400) + (153*(m-3)+2)/5 + int64(t.day)
	// Years of 15 digits would overflow: the order is kept by saturation.
	if days > math.MaxInt64/90000 {
		return math.MaxInt64 / 2
	}
	if days < math.MinInt64/90000 {
		return math.MinInt64 / 2
	}
	return days*86400 + int64(t.hour)*3600 + int64(t.minute)*60 + int64(t.second) - int64(t.zone)*60
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

// compare orders two values; ok is false where the specification leaves the order open, which it does
// when only one of them has a time zone and they are less than 14 hours apart.
func (t dateTime) compare(u dateTime) (c int, ok bool) {
	a, b := t.seconds(), u.seconds()
	if t.zoned == u.zoned {
		return compareInstant(a, t.frac, b, u.frac), true
	}
	const reach = 14 * 3600
	if t.zoned {
		if compareInstant(a, t.frac, b-reach, u.frac) < 0 {
			return -1, true
		}
		if compareInstant(a, t.frac, b+reach, u.frac) > 0 {
			return 1, true
		}
		return 0, false
	}
	c, ok = u.compare(t)
	return -c, ok
}

func compareInstant(a int64, af []byte, b int64, bf []byte) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return compareDigits(decimal{frac: af}, decimal{frac: bf})
}

func (t dateTime) appendKey(to []byte) []byte {
	s := t.seconds()
	for i := 0; i < 8; i++ {
		to = append(to, byte(s>>(8*i)))
	}
	if t.zoned {
		to = append(to, 'Z')
	} else {
		to = append(to, '-')
	}
	return append(to, t.frac...)
}

// duration is months and seconds, which no rule converts into each other.
type duration struct {
	months  int64
	seconds int64
	frac    []byte
	neg     bool
}

func parseDuration(b []byte) (d duration, ok bool) {
	if len(b) > 0 && b[0] == '-' {
		d.neg = true
		b = b[1:]
	}
	if len(b) < 2 || b[0] != 'P' {
		return d, false
	}
	b = b[1:]
	units, inTime, any := "YMD", false, false
	for len(b) > 0 {
		if b[0] == 'T' {
			if inTime || len(b) == 1 {
				return d, false
			}
			inTime, units, b = true, "HMS", b[1:]
			continue
		}
		n := digits(b)
		num, rest := b[:n], b[n:]
		var frac []byte
		if n == 0 || len(rest) == 0 {
			return d, false
		}
		if rest[0] == '.' {
			f := digits(rest[1:])
			if f == 0 || len(rest) < f+2 || rest[f+1] != 'S' {
				return d, false
			}
			frac, rest = rest[1:1+f], rest[1+f:]
		}
		at := -1
		for i := 0; i < len(units); i++ {
			if units[i] == rest[0] {
				at = i
			}
		}
		if at < 0 {
			return d, false
		}
		units, b, any = units[at+1:], rest[1:], true
		v := int64(0)
		for _, c := range num {
			if v < 1e12 {
				v = v*10 + int64(c-'0')
			}
		}
		switch {
		case !inTime && rest[0] == 'Y':
			d.months += v * 12
		case !inTime && rest[0] == 'M':
			d.months += v
		case !inTime:
			d.seconds += v * 86400
		case rest[0] == 'H':
			d.seconds += v * 3600
		case rest[0] == 'M':
			d.seconds += v * 60
		default:
			d.seconds += v
			for n := len(frac); n > 0 && frac[n-1] == '0'; n-- {
				frac = frac[:n-1]
			}
			d.frac = frac
		}
	}
	return d, any
}

// The four starting points of 3.2.6.2: a duration is less than another if it is so from each of them.
var durationStarts = [4]dateTime{
	{year: 1696, month: 9, day: 1, zoned: true}, {year: 1697, month: 2, day: 1, zoned: true},
	{year: 1903, month: 3, day: 1, zoned: true}, {year: 1903, month: 7, day: 1, zoned: true},
}

func (d duration) compare(e duration) (c int, ok bool) {
	for i, start := range durationStarts {
		a, af := d.from(start)
		b, bf := e.from(start)
		step := compareInstant(a, nil, b, nil)
		if step == 0 {
			step = af.compare(bf)
		}
		step = sign(step)
		if i > 0 && step != c {
			return 0, false
		}
		c = step
	}
	return c, true
}

// from gives the instant the duration reaches from start: whole seconds and a signed fraction.
func (d duration) from(start dateTime) (int64, decimal) {
	months, seconds := d.months, d.seconds
	if d.neg {
		months, seconds = -months, -seconds
	}
	m := int64(start.month-1) + months
	start.year += floorDiv(m, 12)
	start.month = int(m-floorDiv(m, 12)*12) + 1
	if start.year <= 0 {
		start.year-- // there is no year zero
	}
	return start.seconds() + seconds, decimal{neg: d.neg && len(d.frac) > 0, frac: d.frac}
}

func (d duration) appendKey(to []byte) []byte {
	m, s := d.months, d.seconds
	if d.neg {
		m, s = -m, -s
	}
	for i := 0; i < 8; i++ {
		to = append(to, byte(m>>(8*i)), byte(s>>(8*i)))
	}
	if d.neg && len(d.frac) > 0 {
		to = append(to, '-')
	}
	return append(to, d.frac...)
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}
