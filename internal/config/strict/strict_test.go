package strict

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"stellwerk/internal/mapping"
)

type upper string

func (u *upper) UnmarshalText(b []byte) error {
	if string(b) != strings.ToUpper(string(b)) {
		return errors.New("is not in capitals")
	}
	*u = upper(b)
	return nil
}

type inner struct {
	Host string `yaml:"host"`
	Port int    `yaml:"port,required"`
}

type sample struct {
	Name    string            `yaml:"name,required"`
	Wait    time.Duration     `yaml:"wait"`
	Size    Size              `yaml:"size"`
	On      bool              `yaml:"on"`
	Rate    float64           `yaml:"rate"`
	Count   uint8             `yaml:"count"`
	List    []string          `yaml:"list"`
	Table   map[string]inner  `yaml:"table"`
	Inner   *inner            `yaml:"inner"`
	Loud    upper             `yaml:"loud"`
	Free    any               `yaml:"free"`
	Node    *yaml.Node        `yaml:"node"`
	Words   map[string]string `yaml:"words"`
	NoTag   string
	private string
}

func TestRefusals(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"unknown key", "name: x\nnmae: y\n", "f.yaml:2:1: nmae is not a thing (did you mean name?)"},
		{"unknown key below", "name: x\ninner: {port: 1, hots: a}\n", "f.yaml:2:18: inner.hots is not a thing below inner (did you mean host?)"},
		{"key with nothing near", "name: x\nzzzzzz: 1\n", "f.yaml:2:1: zzzzzz is not a thing (possible: count, free, inner, list, loud, name, no-tag, node, on, rate, size, table, wait, words)"},
		{"missing", "wait: 1s\n", "f.yaml:1:1: name is missing"},
		{"missing below", "name: x\ntable:\n  a: {host: h}\n", "f.yaml:3:6: table.a.port is missing"},
		{"twice", "name: x\non: true\nname: y\n", "f.yaml:3:1: name is here for the second time (the first is in line 1)"},
		{"anchor and alias", "name: &a x\nloud: *a\n", "f.yaml:1:7: the anchor &a is not read here (write the value out where it is needed)\nf.yaml:2:7: the alias *a is not read here (write the value out)"},
		{"merge", "name: x\ninner:\n  <<: {port: 1}\n", "f.yaml:3:3: the merge key << is not read here (write the keys out)"},
		{"tag", "name: !!str 1\n", "f.yaml:1:7: the tag !!str is not read here (quote the value if it is text)"},
		{"custom tag", "name: !env X\n", "f.yaml:1:7: the tag !env is not read here (quote the value if it is text)"},
		{"two documents", "name: x\n---\nname: y\n", "f.yaml:2:1: a second document begins here (one file is one document: remove the line ---)"},
		{"leading zero", "name: 05974040\n", `f.yaml:1:7: 05974040 begins with a zero that a number loses (write "05974040")`},
		{"leading zero in a list", "name: x\nlist: [05974040]\n", `f.yaml:2:8: 05974040 begins with a zero that a number loses (write "05974040")`},
		{"leading zero as a key", "name: x\nwords: {05974: a}\n", `f.yaml:2:9: 05974 begins with a zero that a number loses (write "05974")`},
		{"empty value", "name:\n", "f.yaml:1:6: name has no value (give one or remove the key)"},
		{"required and empty", "name: \"\"\n", "f.yaml:1:7: name is empty"},
		{"empty file", "", "f.yaml:1:1: is empty"},
		{"only a comment", "# nothing\n", "f.yaml:1:1: is empty"},
		{"not UTF-8", "name: x\nloud: \xe4\n", "f.yaml:2:7: is not UTF-8 (save the file as UTF-8)"},
		{"a control character", "name: x\n# \x00\n", "f.yaml:2:3: has a control character here (U+0000) (save the file as UTF-8)"},
		{"no key", "name: x\n: y\n", "f.yaml:2:3: there is no key before the colon"},
		{"not YAML", "name: [x\n", "f.yaml:2:1: is not YAML: did not find expected ',' or ']'"},
		{"a list instead of keys", "- a\n", "f.yaml:1:1: the file is a list; it must have keys"},
		{"text instead of a list", "name: x\nlist: y\n", `f.yaml:2:7: list is one value; it must be a list (write it in square brackets: [..., ...])`},
		{"text instead of keys", "name: x\ntable: y\n", `f.yaml:2:8: table is one value; it must have keys`},
		{"keys instead of text", "name: {a: b}\n", "f.yaml:1:7: name is a table of keys; it must be one value"},
		{"yes for true", "name: x\non: yes\n", `f.yaml:2:5: on is "yes"; it must be true or false`},
		{"quoted number", "name: x\ncount: \"3\"\n", `f.yaml:2:8: count is "3"; it must be a whole number, not negative`},
		{"number too large", "name: x\ncount: 256\n", `f.yaml:2:8: count is "256"; it must be a whole number, not negative`},
		{"not a number", "name: x\nrate: .nan\n", `f.yaml:2:7: rate is ".nan"; it must be a number`},
		{"duration without unit", "name: x\nwait: 30\n", `f.yaml:2:7: wait: "30" is not a duration: write 30s, 5m, 1h30m or 14d`},
		{"negative duration", "name: x\nwait: -5s\n", `f.yaml:2:7: wait: "-5s" is not a duration: write 30s, 5m, 1h30m or 14d`},
		{"size", "name: x\nsize: 10 mb\n", `f.yaml:2:7: size: "10 mb" is not a size: write 512, 10KB, 10MB or 2GB`},
		{"own words of a type", "name: x\nloud: soft\n", "f.yaml:2:7: loud: is not in capitals"},
		{"all at once", "nmae: x\nwait: y\n", "f.yaml:1:1: name is missing\nf.yaml:1:1: nmae is not a thing (did you mean name?)\nf.yaml:2:7: wait: \"y\" is not a duration: write 30s, 5m, 1h30m or 14d"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var s sample
			if got := render(decode(test.text, &s)); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func decode(text string, into any) Findings {
	top, found := Read("f.yaml", []byte(text))
	if top == nil {
		return found
	}
	return append(found, Decode("f.yaml", "a thing", top, into)...).Sort()
}

func render(found Findings) string {
	var lines []string
	for _, f := range found {
		lines = append(lines, f.String())
	}
	return strings.Join(lines, "\n")
}

func TestValues(t *testing.T) {
	var s sample
	found := decode(`
name: 007x
wait: 1d12h
size: 10MB
on: true
rate: 0.5
count: 3
list: [a, 12, "05974040"]
table: {x: {host: h, port: 1}}
inner: {port: 2}
loud: A
free: {a: [1, 1.5, true, yes, "2", x]}
node: [1]
words: {k: v}
no-tag: t
`, &s)
	if len(found) > 0 {
		t.Fatal(render(found))
	}
	free := s.Free.(map[string]any)["a"].([]any)
	switch {
	case s.Name != "007x", s.Wait != 36*time.Hour, s.Size != 10e6, !s.On, s.Rate != 0.5, s.Count != 3,
		s.List[2] != "05974040", s.List[1] != "12", s.Table["x"].Host != "h", s.Inner.Port != 2, s.Loud != "A",
		s.Node.Kind != yaml.SequenceNode, s.Words["k"] != "v", s.NoTag != "t", s.private != "":
		t.Errorf("got %+v", s)
	case free[0] != int64(1), free[1] != 1.5, free[2] != true, free[3] != "yes", free[4] != "2", free[5] != "x":
		t.Errorf("free is %#v", free)
	}
}

// A nested file must not take the reader's stack with it.
func TestDepth(t *testing.T) {
	text := "name: x\nfree: " + strings.Repeat("[", 50) + strings.Repeat("]", 50)
	var s sample
	if got := render(decode(text, &s)); !strings.Contains(got, "is nested too deeply") {
		t.Errorf("got %s", got)
	}
	if got := render(decode("name: "+strings.Repeat("x", MaxSize), &s)); got != "f.yaml: is larger than 4 MB" {
		t.Errorf("got %s", got)
	}
}

func TestValueHook(t *testing.T) {
	top, _ := Read("f.yaml", []byte("name: x\nloud: A\n"))
	d := Decoder{
		File: func(*yaml.Node) string { return "f.yaml" }, Thing: "a thing",
		Value: func(v any) error {
			if v == upper("A") {
				return errors.New("cannot be read")
			}
			return nil
		},
	}
	var s sample
	if got := render(d.Decode(top, &s)); got != "f.yaml:2:7: loud: cannot be read" {
		t.Errorf("got %s", got)
	}
}

func TestFind(t *testing.T) {
	top, _ := Read("f.yaml", []byte("a:\n  b:\n    - x\n    - {c: d}\n"))
	for path, want := range map[string][2]int{
		"a.b[1].c": {4, 11}, "a.b[0]": {3, 7}, "a.b[9].c": {3, 5}, "a.nothing": {2, 3}, "": {1, 1}, "a.b[1].zzz": {4, 7},
	} {
		if n := At(top, path); n.Line != want[0] || n.Column != want[1] {
			t.Errorf("%q is at %d:%d, want %v", path, n.Line, n.Column, want)
		}
	}
	if n := KeyAt(top, "a.b[1].c"); n.Column != 8 {
		t.Errorf("the key is at column %d, want 8", n.Column)
	}
}

func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{"0s": 0, "500ms": 5e8, "14d": 14 * 24 * time.Hour, "1d30m": 24*time.Hour + 30*time.Minute} {
		if got, err := Duration(text); err != nil || got != want {
			t.Errorf("%s is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0", "d", "14", "1d1", "-1d", "999999d", "1y", "99999d200000h", "99999d9999999999999s"} {
		if got, err := Duration(text); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

func TestSuggest(t *testing.T) {
	for _, test := range []struct{ word, want string }{
		{"finnace", "did you mean finance?"}, {"FINANCE", "did you mean finance?"}, {"x", "possible: finance, records"},
	} {
		if got := Suggest(test.word, []string{"records", "finance"}); got != test.want {
			t.Errorf("%s: %s", test.word, got)
		}
	}
	if got := Suggest("x", nil); got != "" {
		t.Errorf("nothing to suggest, got %s", got)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("name: x\n"))
	f.Add([]byte("a: &x [*x]\n---\n"))
	f.Add([]byte("? [a]\n: b\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		top, found := Read("f.yaml", data)
		if (top == nil) != found.HasErrors() {
			t.Fatalf("node %v with findings %v", top, found)
		}
		for _, x := range found {
			if x.Severity != mapping.Error || x.Message == "" {
				t.Fatalf("finding %+v", x)
			}
		}
		if top != nil {
			var s sample
			Decode("f.yaml", "a thing", top, &s)
		}
	})
}
