package mapping

import (
	"fmt"
	"strings"
	"testing"
)

// A form that no IBAN has is refused whatever its check digits are: by chance they fit.
func TestIBANOfNoForm(t *testing.T) {
	for what, form := range map[string]string{
		"a digit short":          "DE%s12030000000020205",
		"a digit long":           "DE%s1203000000002020511",
		"a letter in Germany":    "DE%s12030000000020205A",
		"another sign":           "TR%s000610051978645784132-",
		"a letter abroad":        "TR%s00061005197864578413Ä",
		"too short anywhere":     "TR%s0006100519",
		"too long anywhere":      "TR%s0006100519786457841326000610051",
		"a digit in the country": "D1%s120300000000202051",
		"no country":             "1E%s120300000000202051",
	} {
		for n := range 100 {
			v := fmt.Sprintf(form, fmt.Sprintf("%02d", n))
			if got, ok := iban(v); ok {
				t.Errorf("%s: %s is taken as %s", what, v, got)
			}
		}
	}
	for letter := 'A'; letter <= 'Z'; letter++ {
		for digit := '0'; digit <= '9'; digit++ {
			for _, check := range []string{string(letter) + string(digit), string(digit) + string(letter)} {
				if v := "TR" + check + "0006100519786457841326"; ibanTaken(v) {
					t.Errorf("a letter in the check digits: %s is taken", v)
				}
			}
		}
	}
	// Check digits are 02 to 98; 00, 01 and 99 leave the same rest as others.
	taken := 0
	for n := range 97 {
		for check := range 100 {
			v := fmt.Sprintf("DE%02d%018d", check, 120300000000202000+n)
			if !ibanTaken(v) {
				continue
			}
			if taken++; check < 2 || check > 98 {
				t.Errorf("%s is taken", v)
			}
		}
	}
	if taken != 97 {
		t.Errorf("%d of 97 accounts have check digits that fit", taken)
	}
}

func ibanTaken(v string) bool {
	_, ok := iban(v)
	return ok
}

// One fault each, and else all is right.
func TestChecksOneFaultEach(t *testing.T) {
	long := strings.Repeat("a", 63)
	for step, values := range map[string]struct{ taken, refused []string }{
		"iban": {[]string{"DE02\u00a01203\u202f0000\t0000 2020 51"}, []string{"DE02_1203_0000_0000_2020_51"}},
		"bic":  {[]string{"BYLADEM1", "BYLADEM1001"}, []string{"BYLAD1M1", "BYLADEM-", "BYLADEM100", "BYLADEM10011"}},
		"email": {[]string{"a@b.de", strings.Repeat("a", 64) + "@b.de", "a@" + long + ".de", "a@b-c.de"},
			[]string{"@b.de", "ab.de", strings.Repeat("a", 65) + "@b.de", "a@" + long + "a.de", "a@" + strings.Repeat(long+".", 4) + "de", "a@b..de", "a@b-.de", "a@.de", "a.@b.de", "a..b@c.de",
				"a\x7f@b.de", "a\u0085@b.de", "a\u00a0@b.de", "a<@b.de", "a>@b.de", "a(@b.de", "a)@b.de", "a[@b.de", "a]@b.de", `a\@b.de`, "a,@b.de", "a;@b.de", "a:@b.de", `a"@b.de`}},
		"chip15":  {[]string{"276-098.100 000001"}, []string{"27609810000000A", "2760981000000001", "276_098100000001"}},
		"plz":     {[]string{"01000", "99999"}, []string{"0106A", "010670", "00999"}},
		"ags":     {[]string{"05974", "01000000", "16000000"}, []string{"0597404A", "059740", "00974040", "17974040"}},
		"decimal": {[]string{"1.234", "-1.234,5", "123.456.789,01"}, []string{"1.2,5", "1234.567,89", "1.2345,6", "1,2,3"}},
	} {
		for _, v := range values.taken {
			if _, h := apply1(t, "{from: v, with: ["+step+"]}", v); h != nil {
				t.Errorf("%s refuses %q: %v", step, v, h)
			}
		}
		for _, v := range values.refused {
			if got, h := apply1(t, "{from: v, with: ["+step+"]}", v); h == nil {
				t.Errorf("%s takes %q as %q", step, v, got)
			}
		}
	}
	// A point is a point where no comma says that it parts thousands.
	if got, h := apply1(t, "{from: v, with: [decimal]}", "1.234"); h != nil || got != "1.234" {
		t.Errorf("%q, %v", got, h)
	}
	if _, h := apply1(t, "{from: v, with: [pro-rata /fehlt]}", "100"); h == nil || h.Code != CodeNotADate {
		t.Errorf("a share from no date: %v", h)
	}
	for _, step := range []string{"divide 0 2", "divide x 2", "times x", "iban dk", "round 2 up-wards"} {
		text := "revision: 1\noutput: {format: json}\nfields:\n  v: {from: v, with: [" + step + "]}\n"
		if m, findings := Parse("t.yaml", []byte(text), Files{FS: testLists}); m != nil || !findings.HasErrors() {
			t.Errorf("%s is loaded", step)
		}
	}
}
