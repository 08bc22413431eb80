package mapping

import "time"

// isHoliday reports the public holidays of North Rhine-Westphalia (Feiertagsgesetz NW
// § 2); 24 and 31 December are working days. The Reformation Day of 2017 was one, once.
func (d Date) isHoliday() bool {
	switch [2]int{int(d.Month), d.Day} {
	case [2]int{1, 1}, [2]int{5, 1}, [2]int{10, 3}, [2]int{11, 1}, [2]int{12, 25}, [2]int{12, 26}:
		return true
	case [2]int{10, 31}:
		return d.Year == 2017
	}
	easter := easterSunday(d.Year)
	for _, n := range [...]int{-2, 1, 39, 50, 60} { // Karfreitag, Ostermontag, Himmelfahrt, Pfingstmontag, Fronleichnam
		if easter.plusDays(n) == d {
			return true
		}
	}
	return false
}

// isWorkingDay: Monday to Friday, no holiday.
func (d Date) isWorkingDay() bool {
	w := d.time().Weekday()
	return w != time.Saturday && w != time.Sunday && !d.isHoliday()
}

// workingDay is d itself or the next working day (BGB § 193, AO § 108 Abs. 3).
func (d Date) workingDay() Date {
	for !d.isWorkingDay() {
		d = d.plusDays(1)
	}
	return d
}

// plusWorkingDays goes n working days on, or back if n is negative.
func (d Date) plusWorkingDays(n int) Date {
	by := 1
	if n < 0 {
		by, n = -1, -n
	}
	for n > 0 {
		if d = d.plusDays(by); d.isWorkingDay() {
			n--
		}
	}
	return d
}

// easterSunday computes Easter of the Gregorian calendar (Meeus, Jones, Butcher).
func easterSunday(year int) Date {
	a, b, c := year%19, year/100, year%100
	d, e := b/4, b%4
	g := (8*b + 13) / 25
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 19*l) / 433
	month := (h + l - 7*m + 90) / 25
	day := (h + l - 7*m + 33*month + 19) % 32
	return Date{year, time.Month(month), day}
}
