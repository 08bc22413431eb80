package wire

import (
	"strings"
	"testing"
	"time"
)

func FuzzExcerpt(f *testing.F) {
	f.Add([]byte(`{"message":"Straße\u0000"}`))
	f.Add([]byte(strings.Repeat("ß", excerptLength)))
	f.Fuzz(func(t *testing.T, body []byte) {
		if text := Excerpt(body); len(text) > 3*excerptLength || strings.ContainsAny(text, "\x00\x1b\r") {
			t.Errorf("excerpt %q", text)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "120": 2 * time.Minute, "0": 0, "-5": 0, "bald": 0, "99999999": 0, "1.5": 0,
		"Mon, 02 Mar 2026 09:10:00 GMT": 10 * time.Minute, "Mon, 02 Mar 2026 08:00:00 GMT": 0,
	} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestCodesAreWords(t *testing.T) {
	for code, want := range map[string]string{"E17": "E17", "iban.wrong_1": "iban.wrong_1", "": "", "Herr Beispiel": "", "ä": "", "-x": "", "20260302-0017": "20260302-0017", "276098100000017": "", "DE89370400440532013000": "", "DE89-3704-0044-0532-0130-00": "", "276-0981.0000_0017": "", strings.Repeat("x", 41): ""} {
		if got := CleanCode(code); got != want {
			t.Errorf("%q gives %q", code, got)
		}
	}
}
