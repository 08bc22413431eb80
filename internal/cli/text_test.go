package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"":                        "",
		"Müller-Lüdenscheidt":     "Müller-Lüdenscheidt",
		"\x1b[31mrot\x1b[0m":      `\u001b[31mrot\u001b[0m`,
		"\x1b]0;title\x07":        `\u001b]0;title\u0007`,
		"a\u009b31mb":             `a\u009b31mb`, // CSI as one character
		"photo\u202Egpj.exe":      `photo\u202egpj.exe`,
		"a\u2066b\u2069c":         `a\u2066b\u2069c`,
		"zero\u200Bwidth\ufeff":   `zero\u200bwidth\ufeff`,
		"\u200Frtl":               `\u200frtl`,
		"tag\U000E0041":           `tag\udb40\udc41`,
		"line\nend\ttab\r":        `line\nend\ttab\u000d`,
		"para\u2029graph":         `para\u2029graph`,
		"no\u00a0break\u3000wide": "no break wide",
		"bad\xffutf8":             `bad\xffutf8`,
		"del\x7f":                 `del\u007f`,
		"private\ue000":           `private\ue000`,
		"a\u0300 \u0142 字":        "a\u0300 \u0142 字", // combined letters of DIN 91379 stay
		"soft\u00adhyphen":        `soft\u00adhyphen`,
		"filler\u3164":            `filler\u3164`,
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) is %q, want %q", in, got, want)
		}
	}
	if got := cleanLines("a\x1b\n\tb\r\nc"); got != "a\\u001b\n\tb\nc" {
		t.Errorf("cleanLines gave %q", got)
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "a", "\x1b[0m", "\u202e", "\xff\xfe", "\U000E0041", "ä\u0308"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range clean(s) {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar && !strings.ContainsRune(s, r) {
				t.Fatalf("clean(%q) lets %U through", s, r)
			}
		}
		doc, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var before, after string
		if err := json.Unmarshal(doc, &before); err != nil {
			t.Fatal(err)
		}
		safe := cleanJSON(doc)
		if err := json.Unmarshal(safe, &after); err != nil || before != after {
			t.Fatalf("cleanJSON(%q) means %q (%v), want %q", doc, after, err, before)
		}
		for _, r := range string(safe) {
			if r != ' ' && !visible(r) {
				t.Fatalf("cleanJSON(%q) lets %U through", doc, r)
			}
		}
	})
}

func TestTableFits(t *testing.T) {
	for _, room := range []int{40, 60, 80, 200} {
		tab := columns("NUMBER", "~SERVICE", "~CODE", ">COUNT")
		tab.add("0T85-FXVC-01BR", "hundeanmeldung-mit-sehr-langem-namen", "a-code-that-is-rather-long-too", "17")
		tab.add("0T85-FXVC-01BS", "x", "", "1234")
		var b bytes.Buffer
		tab.write(&b, room)
		lines := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
		if len(lines) != 3 {
			t.Fatalf("%d lines, want 3", len(lines))
		}
		for _, l := range lines {
			if n := columnsOf(l); n > room {
				t.Errorf("a line of %d columns in %d: %q", n, room, l)
			}
			if strings.HasSuffix(l, " ") {
				t.Errorf("blanks at the end of %q", l)
			}
		}
		if !strings.HasPrefix(lines[1], "0T85-FXVC-01BR") || !strings.HasSuffix(lines[1], "  17") || !strings.HasSuffix(lines[2], "1234") {
			t.Errorf("numbers and figures must be whole at %d:\n%s", room, b.String())
		}
	}
}

func TestTableGolden(t *testing.T) {
	tab := columns("NUMBER", "~SERVICE", ">COUNT")
	tab.add("A", "hunde\x1b[2J", "1")
	tab.add("B", "字字", "20")
	var b bytes.Buffer
	tab.write(&b, 80)
	want := "NUMBER  SERVICE         COUNT\n" +
		"A       hunde\\u001b[2J      1\n" +
		"B       字字               20\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"äöüß", 3, "äö…"}, {"字字字", 4, "字…"}, {"a\u0300bcd", 3, "a\u0300b…"}} {
		if got := cut(c.in, c.n); got != c.want {
			t.Errorf("cut(%q, %d) is %q, want %q", c.in, c.n, got, c.want)
		}
	}
}

func TestWrap(t *testing.T) {
	got := wrap("one two three fourfivesixseveneightnine\nten", "  ", 12)
	want := "  one two\n  three\n  fourfivesi\n  xseveneigh\n  tnine\n  ten\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Looked at anew for each of its lines, such a word would take many minutes.
func TestWrapOfAWordOfMegabytes(t *testing.T) {
	done := make(chan string, 1)
	go func() { done <- wrap(strings.Repeat("ä", 4<<20), "", 80) }()
	select {
	case got := <-done:
		if lines := strings.Count(got, "\n"); lines != (4<<20+79)/80 {
			t.Errorf("%d lines", lines)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it does not come to its end")
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second:                    "0.0 ms",
		420 * time.Microsecond:          "0.4 ms",
		12 * time.Millisecond:           "12 ms",
		1500 * time.Millisecond:         "1.5 s",
		61 * time.Second:                "1 min 1 s",
		3*time.Hour + 5*time.Minute:     "3 h 5 min",
		49*time.Hour + 30*time.Minute:   "2 d 1 h",
		999*time.Microsecond + 999:      "1.0 ms",
		59*time.Minute + 59*time.Second: "59 min 59 s",
		47*time.Hour + 59*time.Minute:   "47 h 59 min",
	} {
		if got := span(d); got != want {
			t.Errorf("span(%v) is %q, want %q", d, got, want)
		}
	}
}

func TestSinceFlag(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	p := &Program{Now: func() time.Time { return now }, Zone: time.UTC}
	for in, want := range map[string]time.Time{
		"":                     {},
		"2h":                   now.Add(-2 * time.Hour),
		"2026-03-01":           time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
		"2026-03-01 14:00":     time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC),
		"2026-03-01T14:00:00Z": time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC),
	} {
		if got, err := p.sinceFlag("since", in); err != nil || !got.Equal(want) {
			t.Errorf("--since %q is %v (%v), want %v", in, got, err, want)
		}
	}
	if _, err := p.sinceFlag("since", "gestern"); exitCode(err) != exitUsage {
		t.Errorf("--since gestern gave %v", err)
	}
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{
		"":                 "''",
		"/tmp/a-b_c.xml":   "/tmp/a-b_c.xml",
		"two words":        "'two words'",
		"it's":             `'it'\''s'`,
		`{"a":"$HOME"}`:    `'{"a":"$HOME"}'`,
		"http://[::1]:80/": "'http://[::1]:80/'",
	} {
		if got := quote(in); got != want {
			t.Errorf("quote(%q) is %s, want %s", in, got, want)
		}
	}
}
