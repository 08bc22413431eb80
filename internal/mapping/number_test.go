package mapping

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A number belongs to the record that it is drawn for, by the way to its node.
func TestNumbersBelongToRecords(t *testing.T) {
	root := parseDoc(t, `<a:r xmlns:a="urn:a"><a:h><a:n>x</a:n></a:h><z/><a:h><a:n>y</a:n><a:n>z</a:n></a:h></a:r>`)
	var drawn []string
	env := SampleEnv()
	env.Attachments = []Attachment{{Name: "a.pdf"}, {Name: "b.pdf"}}
	env.Next = func(name, record string) (string, error) {
		drawn = append(drawn, name+" "+record)
		return strconv.Itoa(len(drawn)), nil
	}
	m := mustParse(t, `revision: 1
output: {format: json, indent: false}
let:
  fall: {number-range: fall}
fields:
  fall: {from: "let:fall"}
  hunde: {each: h, when: 'text("n[1]") != "x"', fields: {marke: {number-range: marke}, fall: {from: "let:fall"}, n: {each: n, fields: {m: {number-range: marke}}}}}
  anlagen: {each: submission:attachments, fields: {n: {number-range: anlage}}}
  nie: {number-range: nie, when: "false"}
`, nil)
	if got := m.Ranges(); !slices.Equal(got, []string{"anlage", "fall", "marke", "nie"}) {
		t.Errorf("ranges %v", got)
	}
	doc, err := m.Apply(root, env)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"fall /", "marke /h[2]", "marke /h[2]/n[1]", "marke /h[2]/n[2]", "anlage attachment[1]", "anlage attachment[2]"}
	if !slices.Equal(drawn, want) {
		t.Errorf("drawn %q, want %q", drawn, want)
	}
	const text = `{"fall":"1","hunde":[{"marke":"2","fall":"1","n":[{"m":"3"},{"m":"4"}]}],"anlagen":[{"n":"5"},{"n":"6"}]}`
	if got := strings.TrimSpace(string(doc.Body)); got != text {
		t.Errorf("got  %s\nwant %s", got, text)
	}
}

// A range without numbers holds the document; a store that cannot give one ends the
// rendering, and nobody has to decide anything. Neither is remembered.
func TestNoNumber(t *testing.T) {
	root := parseDoc(t, "<r/>")
	m := mustParse(t, "revision: 1\noutput: {format: json}\nlet: {b: {number-range: b}}\nfields: {n: {number-range: a, else: omit}, m: {template: '{let:b}'}}", nil)
	down := errors.New("the disk is full")
	for _, c := range []struct {
		a, b    error
		held    string
		stopped bool
	}{
		{nil, nil, "", false},
		{NoNumber("a is used up"), nil, "a is used up", false},
		{nil, NoNumber("b is used up"), "b is used up", false},
		{down, nil, "", true},
		{nil, down, "", true},
		{nil, nil, "", false},
	} {
		env := SampleEnv()
		env.Next = func(name, _ string) (string, error) { return "7", map[string]error{"a": c.a, "b": c.b}[name] }
		_, err := m.Apply(root, env)
		var hold *Hold
		switch {
		case c.stopped:
			if err != down {
				t.Errorf("%v: %v", c, err)
			}
		case c.held != "":
			if !errors.As(err, &hold) || hold.Code != CodeNumberRange || !strings.Contains(hold.Message, c.held) {
				t.Errorf("%v: %v", c, err)
			}
		case err != nil:
			t.Errorf("%v: %v", c, err)
		}
	}
}
