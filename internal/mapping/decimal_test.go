package mapping

import (
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func decimals() *rapid.Generator[Decimal] {
	return rapid.Custom(func(t *rapid.T) Decimal {
		return Decimal{unscaled: rapid.Int64Range(-1e12, 1e12).Draw(t, "unscaled"), scale: uint8(rapid.IntRange(0, 5).Draw(t, "scale")), set: true}
	})
}

// Decimal agrees with math/big wherever it gives a result.
func TestDecimalAgreesWithBig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := decimals().Draw(t, "a"), decimals().Draw(t, "b")
		if back, err := ParseDecimal(a.String()); err != nil || back != a {
			t.Fatalf("%v came back as %v, %v", a, back, err)
		}
		if sum, err := a.Add(b); err != nil || sum.rat().Cmp(new(big.Rat).Add(a.rat(), b.rat())) != 0 {
			t.Fatalf("%s + %s = %s, %v", a, b, sum, err)
		}
		if p, err := a.Mul(b); err == nil && p.rat().Cmp(new(big.Rat).Mul(a.rat(), b.rat())) != 0 {
			t.Fatalf("%s * %s = %s", a, b, p)
		}
		if c, ok := a.Cmp(b); !ok || c != a.rat().Cmp(b.rat()) {
			t.Fatalf("%s cmp %s = %d", a, b, c)
		}
		places := rapid.IntRange(0, 4).Draw(t, "places")
		for _, rule := range []Rounding{HalfUp, HalfEven, Down, Up} {
			q, err := a.Div(b, places, rule)
			if b.unscaled == 0 {
				if err == nil {
					t.Fatal("divided by zero")
				}
				continue
			}
			if err != nil {
				continue
			}
			exact := new(big.Rat).Quo(a.rat(), b.rat())
			off := new(big.Rat).Sub(q.rat(), exact)
			unit := big.NewRat(1, pow10(uint8(places)))
			half := new(big.Rat).Quo(unit, big.NewRat(2, 1))
			size := new(big.Rat).Abs(off)
			switch {
			case (rule == HalfUp || rule == HalfEven) && size.Cmp(half) > 0, size.Cmp(unit) >= 0,
				rule == Down && new(big.Rat).Abs(q.rat()).Cmp(new(big.Rat).Abs(exact)) > 0,
				rule == Up && new(big.Rat).Abs(q.rat()).Cmp(new(big.Rat).Abs(exact)) < 0,
				rule == HalfUp && size.Cmp(half) == 0 && new(big.Rat).Abs(q.rat()).Cmp(new(big.Rat).Abs(exact)) < 0,
				rule == HalfEven && size.Cmp(half) == 0 && q.unscaled%2 != 0:
				t.Fatalf("%s / %s to %d by %s = %s", a, b, places, rule, q)
			}
		}
	})
}

func TestDecimalLimits(t *testing.T) {
	for _, s := range []string{"1,5", "1e", "e3", "1e0.5", "1e+-3", "1e100", "1e19", "1e-16", ".", "-.", "1.2.3", "0x1", "-", "+", "1 0", "１", "--1", strings.Repeat("9", 20), "0." + strings.Repeat("1", 16)} {
		if d, err := ParseDecimal(s); err == nil {
			t.Errorf("%q is read as %s", s, d)
		}
	}
	for s, want := range map[string]string{"-0.05": "-0.05", " 7 ": "7", "+1.50": "1.50", "000.10": "0.10", "": "", ".9": "0.9", "-.50": "-0.50", "20.": "20", "2E+1": "20", "3.15e1": "31.5", "1e3": "1000", "5e-2": "0.05", "0e99": "0", "-0.0e1": "0", "9223372036854775799": "9223372036854775799"} {
		if d, err := ParseDecimal(s); err != nil || d.String() != want {
			t.Errorf("%q is %q, %v", s, d, err)
		}
	}
	huge, _ := ParseDecimal("9223372036854775000")
	if _, err := huge.Add(huge); err == nil {
		t.Error("an overflowing sum is given")
	}
	if _, err := huge.Mul(decimalOf(10)); err == nil {
		t.Error("an overflowing product is given")
	}
	tiny, _ := ParseDecimal("0.000000000000001")
	if c, ok := huge.Cmp(tiny); !ok || c != 1 {
		t.Errorf("cmp %d", c)
	}
}

// Dates agree with package time, and Easter with the rule of Gauss.
func TestDatesAgreeWithTime(t *testing.T) {
	day := rapid.Custom(func(t *rapid.T) Date {
		at := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 3652058).Draw(t, "day"))
		return dateOf(at)
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b, n := day.Draw(t, "a"), day.Draw(t, "b"), rapid.IntRange(-5000, 5000).Draw(t, "n")
		if back, err := ParseDate(a.String()); err != nil || back != a {
			t.Fatalf("%v came back as %v, %v", a, back, err)
		}
		if german := fmt.Sprintf("%02d.%02d.%04d", a.Day, a.Month, a.Year); german != a.time().Format("02.01.2006") {
			t.Fatal(german)
		} else if back, err := ParseDate(german); err != nil || back != a {
			t.Fatalf("%s came back as %v, %v", german, back, err)
		}
		if c, ok := a.Cmp(b); !ok || c != strings.Compare(a.String(), b.String()) {
			t.Fatalf("%s cmp %s = %d", a, b, c)
		}
		if got := days(a, b); a.plusDays(got) != b || got != -days(b, a) {
			t.Fatalf("%d days from %s to %s", got, a, b)
		}
		first := time.Date(a.Year, a.Month, 1, 0, 0, 0, 0, time.UTC).AddDate(0, n, 0)
		last := first.AddDate(0, 1, -1)
		if got := a.plusMonths(n); got.firstOfMonth() != dateOf(first) || got.lastOfMonth() != dateOf(last) || got.Day != min(a.Day, last.Day()) {
			t.Fatalf("%s and %d months = %s", a, n, got)
		}
		if got := months(a, a.plusMonths(n)); got != n+1 {
			t.Fatalf("%d months from %s on", got, a)
		}
		if y := a.Year; y > 1582 {
			k, q := y/100, 2-(3*(y/100)+3)/4
			m := 15 + (3*k+3)/4 - (8*k+13)/25
			d := (19*(y%19) + m) % 30
			r := (d + y%19/11) / 29
			og := 21 + d - r
			easter := Date{y, time.March, 1}.plusDays(og + 7 - (og-7+(y+y/4+q)%7+700)%7 - 1)
			if got := easterSunday(y); got != easter || got.time().Weekday() != time.Sunday {
				t.Fatalf("Easter of %d on %s, by Gauss %s", y, got, easter)
			}
		}
	})
}

// Holidays of North Rhine-Westphalia, from the published calendars.
func TestHolidays(t *testing.T) {
	for _, day := range strings.Fields("2024-01-01 2024-03-29 2024-04-01 2024-05-01 2024-05-09 2024-05-20 2024-05-30 2024-10-03 2024-11-01 2024-12-25 2024-12-26 " +
		"2025-04-18 2025-04-21 2025-05-29 2025-06-09 2025-06-19 2026-04-03 2026-04-06 2026-05-14 2026-05-25 2026-06-04 2038-04-26 2017-10-31") {
		if d, err := ParseDate(day); err != nil || !d.isHoliday() {
			t.Errorf("%s is no holiday", day)
		}
	}
	n := 0
	for d := (Date{2026, time.January, 1}); d.Year == 2026; d = d.plusDays(1) {
		if d.isHoliday() {
			n++
		}
	}
	if n != 11 {
		t.Errorf("2026 has %d holidays", n)
	}
}
