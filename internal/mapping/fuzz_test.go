package mapping

import (
	"encoding/xml"
	"io"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"

	"github.com/beevik/etree"
)

// FuzzMapping: no file panics, a broken one has a finding, a good one renders or holds, twice alike.
func FuzzMapping(f *testing.F) {
	for _, name := range []string{"veranlagung", "akte", "ordnung", "liste"} {
		data, err := os.ReadFile("testdata/hund/" + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Add(jsonHead + "fields: {a: {expr: 'number(\"v\") + 1 > 2 ? \"x\" : \"y\"'}}")
	root := parseDoc(f, pathDoc)
	env := SampleEnv()
	f.Fuzz(func(t *testing.T, text string) {
		m, findings := Parse("hund/x.yaml", []byte(text), Files{FS: os.DirFS("testdata")})
		if (m == nil) != findings.HasErrors() {
			t.Fatalf("mapping %v with %v", m != nil, findings)
		}
		if m == nil {
			return
		}
		a, err1 := m.Apply(root, env)
		b, err2 := m.Apply(root, env)
		if string(a.Body) != string(b.Body) || (err1 == nil) != (err2 == nil) {
			t.Fatalf("%q %v, then %q %v", a.Body, err1, b.Body, err2)
		}
		if h, ok := err1.(*Hold); err1 != nil && (!ok || h.Code == "" || h.Message == "") {
			t.Fatalf("%v", err1)
		}
		m.Explain(root, env)
		m.Coverage(LeafPaths(root))
	})
}

// FuzzConfigFiles: code lists, layouts and ordinances never panic.
func FuzzConfigFiles(f *testing.F) {
	f.Add(ordText)
	f.Add(string(testLists["codelists/gc.xml"].Data))
	f.Add("rows: [a, {code: b, c: d}]")
	data, err := os.ReadFile("testdata/layouts/veranlagung.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(data))
	f.Fuzz(func(t *testing.T, text string) {
		fsys := fstest.MapFS{"x.yaml": {Data: []byte(text)}, "x.gc": {Data: []byte(text)}}
		for _, name := range []string{"x.yaml", "x.gc"} {
			if l, found := LoadCodeList(fsys, name); (l == nil) != found.HasErrors() {
				t.Fatalf("%v", found)
			}
		}
		if l, found := LoadLayout(fsys, "x.yaml"); (l == nil) != found.HasErrors() {
			t.Fatalf("%v", found)
		}
		o, found := LoadOrdinance(fsys, "x.yaml")
		if (o == nil) != found.HasErrors() {
			t.Fatalf("%v", found)
		}
		if o != nil {
			for _, column := range o.Columns {
				if _, err := o.Rate(Date{2026, 5, 4}, map[string]string{"dogs": "2", "kind": "normal"}, column); err != nil && err.Error() == "" {
					t.Fatal("an error without a word")
				}
			}
		}
	})
}

// FuzzReread: what reread accepts, encoding/xml accepts too.
func FuzzReread(f *testing.F) {
	head := "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	for _, s := range []string{"<a/>\n", "<a b=\"c\">x&amp;&#13;<d/></a>\n", "<a><b></a></b>", "<a>]]></a>", "<a b=\"1\" b=\"2\"/>", "<a/><b/>", "<a>&x;</a>", "<1/>", "<a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if reread([]byte(head+body)) != nil || strings.ContainsAny(body, ":") {
			return
		}
		dec := xml.NewDecoder(strings.NewReader(head + body))
		for {
			_, err := dec.Token()
			if err == io.EOF {
				return
			}
			if err != nil {
				if strings.IndexFunc(body, func(r rune) bool { return r > unicode.MaxASCII }) < 0 { // it knows the names of an older edition
					t.Fatalf("%q: %v", body, err)
				}
				return
			}
		}
	})
}

func TestRereadRefuses(t *testing.T) {
	head := "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	for _, s := range []string{"", "<a>", "<a></b>", "<a/><b/>", "<a/>x", "x<a/>", "<a b=\"1\" b=\"2\"/>", "<a b=1/>", "<a b=\"<\"/>", "<a>\x01</a>", "<a>&x;</a>", "<a>&#0;</a>", "<a>&#55296;</a>", "<a b=\"&#1114112;\"/>", "<a>&#99999999;</a>", "<a>\uFFFE</a>", "<a>&amp</a>", "<a b=\"&x;\"/>",
		"<a>]]></a>", "</a>", "<>", "<a /b>", "<a b>", "<a b=\"1", "<a>\r</a>", "<a>\xff</a>", "<a", "<a/"} {
		if reread([]byte(head+s)) == nil {
			t.Errorf("%q is accepted", s)
		}
	}
	for _, s := range []string{"<a/>", "<?xml version=\"1.0\""} {
		if reread([]byte(s)) == nil {
			t.Errorf("%q is accepted", s)
		}
	}
	if err := reread([]byte(head + "<a b=\"x&#10;\">\n  <c>&lt;ä</c>\n</a>\n")); err != nil {
		t.Error(err)
	}
}

// One mapping serves many submissions at once; their values never mix.
func TestConcurrentUse(t *testing.T) {
	m := mustParse(t, "revision: 1\noutput: {format: xml, root: r, indent: false}\nlet: {x: {from: v}}\nfields: {a: {expr: 'x + text(\"v\")'}, b: {from: 'normalize-space(v)'}, c: {from: 'v[1]'}, d: {each: v, from: .}}", nil)
	done := make(chan string)
	for i := range 8 {
		v := strings.Repeat(string(rune('a'+i)), i+1)
		root := document(v)
		go func() {
			for range 200 {
				doc, err := m.Apply(root, nil)
				if want := "<r><a>" + v + v + "</a><b>" + v + "</b><c>" + v + "</c><d>" + v + "</d></r>\n"; err != nil || !strings.HasSuffix(string(doc.Body), want) {
					done <- string(doc.Body)
					return
				}
			}
			done <- ""
		}()
	}
	for range 8 {
		if got := <-done; got != "" {
			t.Errorf("got %s", got)
		}
	}
}

// The tree is read only: several mappings share it.
func TestApplyLeavesTheTreeAlone(t *testing.T) {
	for _, name := range []string{"hund/akte.yaml", "hund/ordnung.yaml"} {
		m := loadStory(t, name)
		root, err := m.given(os.DirFS("testdata"), TestOptions{}, m.Tests[0])
		if err != nil {
			t.Fatal(err)
		}
		write := func() string {
			d := etree.NewDocument()
			d.SetRoot(root.Copy())
			s, _ := d.WriteToString()
			return s
		}
		before := write()
		if _, err := m.Apply(root, SampleEnv()); err != nil {
			t.Fatal(err)
		}
		if write() != before {
			t.Errorf("%s changed the tree", name)
		}
	}
}
