package mapping

import (
	"testing"
	"time"
)

func decimal(t *testing.T, text string) Decimal {
	t.Helper()
	d, err := ParseDecimal(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d
}

// A result that has no room is an error on each way to it, and never another number.
func TestDecimalOverflows(t *testing.T) {
	mul := func(a, b string) func() (Decimal, error) {
		return func() (Decimal, error) { return decimal(t, a).Mul(decimal(t, b)) }
	}
	div := func(a, b string, places int) func() (Decimal, error) {
		return func() (Decimal, error) { return decimal(t, a).Div(decimal(t, b), places, HalfUp) }
	}
	add := func(a, b string) func() (Decimal, error) {
		return func() (Decimal, error) { return decimal(t, a).Add(decimal(t, b)) }
	}
	parse := func(a string) func() (Decimal, error) { return func() (Decimal, error) { return ParseDecimal(a) } }
	for what, f := range map[string]func() (Decimal, error){
		"a product of 2^64":        mul("4294967296", "4294967296"),
		"a product of 2^63":        mul("4294967296", "2147483648"),
		"a product of many places": mul("0.0000000001", "0.0000000001"),
		"a large quotient":         div("922337203685477580", "0.01", 2),
		"a quotient above 2^63":    div("1800000000000000000", "0.1", 0),
		"a large divisor":          div("0.00000000001", "900000000000000000", 0),
		"fewer than no places":     div("1", "1", -1),
		"more places than there":   div("1", "1", maxScale+1),
		"division by nothing":      div("1", "0", 2),
		"a sum":                    add("5000000000000000000", "5000000000000000000"),
		"a sum below":              add("-5000000000000000000", "-5000000000000000000"),
		"nothing with an exponent": parse("0e100000"),
		"a small one with one":     parse("1e-100000"),
		"a large one with one":     parse("1e30"),
	} {
		if d, err := f(); err == nil {
			t.Errorf("%s gives %s", what, d)
		}
	}
	if d, err := decimal(t, "1.0000000000").Mul(decimal(t, "2.0000000000")); err != nil || d.String() != "2" {
		t.Errorf("zeros behind the point have no room and need none: %s, %v", d, err)
	}
}

// What is missing stays missing, on either side.
func TestMissingDecimals(t *testing.T) {
	one, none := decimal(t, "1"), Decimal{}
	for _, pair := range [][2]Decimal{{one, none}, {none, one}, {none, none}} {
		a, b := pair[0], pair[1]
		for name, f := range map[string]func() (Decimal, error){
			"add": func() (Decimal, error) { return a.Add(b) }, "mul": func() (Decimal, error) { return a.Mul(b) },
			"div": func() (Decimal, error) { return a.Div(b, 2, HalfUp) },
		} {
			if d, err := f(); err != nil || d.IsSet() {
				t.Errorf("%s of %q and %q is %q, %v", name, a, b, d, err)
			}
		}
		if _, ok := a.Cmp(b); ok {
			t.Errorf("%q and %q can be compared", a, b)
		}
	}
}

// One fault each, and else it is a date.
func TestDatesOneFaultEach(t *testing.T) {
	for _, v := range []string{"2026-03-01", "01.03.2026", "2026-03-01Z", "2026-03-01+01:00", "2026-03-01-11:00", "2026-03-01T23:59:59", "2026-03-01T23:59:59Z", "9999-12-31", "0001-01-01"} {
		if d, err := ParseDate(v); err != nil || !d.IsSet() {
			t.Errorf("%s: %v", v, err)
		}
	}
	for _, v := range []string{"2026x03-01", "2026-03x01", "01x03.2026", "01.03x2026", "0000-03-01", "2026-00-01", "2026-03-00", "2026-13-01", "2026-02-29", "202a-03-01", "2026-0a-01", "2026-03-0:", "2026-03-0/",
		"2026-03-01X01:00", "2026-03-01Z1", "2026-03-01 23:59:59", "2026-3-1", "1.3.2026"} {
		if d, err := ParseDate(v); err == nil {
			t.Errorf("%s is taken as %s", v, d)
		}
	}
}

func TestAge(t *testing.T) {
	birth := Date{2000, time.May, 10}
	for on, want := range map[Date]int{
		{2026, time.April, 30}: 25, {2026, time.May, 9}: 25, {2026, time.May, 10}: 26, {2026, time.May, 11}: 26, {2026, time.June, 1}: 26, {2027, time.January, 31}: 26,
	} {
		if got := age(birth, on); got != want {
			t.Errorf("on %s: %d, want %d", on, got, want)
		}
	}
	if got := age(Date{2004, time.February, 29}, Date{2022, time.February, 28}); got != 17 {
		t.Errorf("born on 29 February, on the 28th: %d", got)
	}
}

// What a reader of a file would drop, run or break a record at is known as such, each by
// one sign alone.
func TestSignsThatFilesCannotHold(t *testing.T) {
	for _, s := range []string{" a", "a ", "\ta", "a\t", "\u00a0a", "a\u00a0", "\ufeffa"} {
		if !edgeBlank(s) {
			t.Errorf("%q has no blank at its ends", s)
		}
	}
	for _, s := range []string{"", "a", "a b", "a\ufeffb"} {
		if edgeBlank(s) {
			t.Errorf("%q has a blank at its ends", s)
		}
	}
	for _, s := range []string{"=1", "@a", "\ta", "\ra", "-a", "+a", "-1-1", "+49 2921", "＝1", "＋1", "－1", "＠a"} {
		if !isFormula(s) {
			t.Errorf("%q is no formula", s)
		}
	}
	for _, s := range []string{"", "a", "-1", "-1,50", "+1.5", "1-1", "a=b"} {
		if isFormula(s) {
			t.Errorf("%q is a formula", s)
		}
	}
	for _, r := range []rune{0, '\t', '\n', 0x1F, 0x7F, 0x80, 0x9F, 0x2028, 0x2029} {
		if control("a"+string(r)+"b") != r {
			t.Errorf("%U breaks no record", r)
		}
	}
	for _, r := range []rune{' ', '~', 0xA0, 'ß', 0x2027, 0x202A} {
		if control("a"+string(r)+"b") != fits {
			t.Errorf("%U breaks a record", r)
		}
	}
}
