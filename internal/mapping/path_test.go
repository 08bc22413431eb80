package mapping

import (
	"strings"
	"testing"

	"github.com/beevik/etree"
)

const pathDoc = `<a:antrag xmlns:a="urn:a" xmlns:b="urn:b" version="2"><a:kopf><a:id>7</a:id></a:kopf>` +
	`<a:hund nr="1"><a:name>Rex</a:name><b:name>Max</b:name><a:leer/></a:hund>` +
	`<a:hund nr="2"><a:name><![CDATA[Be]]>llo<!-- x --></a:name><weg nil="true"/></a:hund><a:hund b:nr="3" nil="true"/></a:antrag>`

func parseDoc(t testing.TB, s string) *etree.Element {
	t.Helper()
	d := etree.NewDocument()
	if err := d.ReadFromString(s); err != nil {
		t.Fatal(err)
	}
	return d.Root()
}

func TestPathText(t *testing.T) {
	root := parseDoc(t, pathDoc)
	hund := root.SelectElements("hund")[1]
	ns := map[string]string{"x": "urn:a", "y": "urn:b"}
	for _, c := range []struct {
		path, want string
		n          int
	}{
		{"/kopf/id", "7", 1}, {"/x:kopf/x:id", "7", 1}, {"/y:kopf/id", "", 0}, {"/@version", "2", 1},
		{"name", "Bello", 1}, {"@nr", "2", 1}, {"../kopf/id", "7", 1}, {"./name", "Bello", 1}, {".", "Bello", 1},
		{"/hund/@nr", "1", 2}, {"/*/id", "7", 1}, {"weg", "", 0}, {"/kopf/fehlt", "", 0}, {"@y:nr", "", 0},
		{"/hund[1]/x:name", "Rex", 1}, {"/hund[1]/y:name", "Max", 1}, {"/hund[@nr='2']/name", "Bello", 1},
		{"//id", "7", 1}, {"//y:name", "Max", 1}, {"count(/hund)", "3", 1}, {"normalize-space(name)", "Bello", 1},
		{"/hund[name='Rex']/@nr", "1", 1}, {"name | /kopf/id", "7", 2}, {"/hund[1]/leer", "", 1},
		{"name/text()", "Bello", 1}, {"not(fehlt)", "true", 1}, {"/hund[last()]", "", 0}, {"../../kopf/id", "", 0},
		{"/hund/../kopf/id", "7", 1}, {"/hund/name/..", "", 2}, {"*/*/../@nr", "", 0}, {"/hund[@nr][2]/@nr", "2", 1},
		{"//hund[2]/name", "Bello", 1}, {"//hund[last()]/@y:nr", "3", 1}, {"//name[string-length(.) = 5]", "Bello", 1}, {"descendant-or-self::node()/id", "", 0},
		{"//hund[name[1]='Rex'][name]/@nr", "1", 1}, {"//name/ancestor::hund[@nr='2']/name", "Bello", 1}, {"/hund[2]/name/ancestor::*[1]/name", "Bello", 1}, {"/descendant::hund[name][@nr='2']/name", "Bello", 1},
		{"parent::*/kopf/id", "", 0}, {"ancestor::antrag", "", 0}, {"/hund[position() = 2]/name", "Bello", 1},
	} {
		p, err := compilePath(c.path, ns)
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		for range 2 {
			if got, n := p.text(root, hund); n != c.n || n == 1 && got != c.want {
				t.Errorf("%s = %q, %d nodes; want %q, %d", c.path, got, n, c.want, c.n)
			}
		}
	}
}

// Up and down again, a node is still one node.
func TestPathUp(t *testing.T) {
	root := parseDoc(t, pathDoc)
	p, err := compilePath("/hund/name/..", nil)
	if err != nil {
		t.Fatal(err)
	}
	if found := p.elements(root, root, nil); len(found) != 2 || p.count(root, root) != 2 {
		t.Errorf("two dogs with three names are %d elements, %d texts", len(found), p.count(root, root))
	}
}

func TestPathRefused(t *testing.T) {
	for path, want := range map[string]string{
		"":                             "empty path",
		"x:name":                       "prefix x is not in namespaces",
		"hund[":                        "it ends too early",
		"hund]":                        "left over",
		"hund[1":                       "] is missing",
		"//v except //x":               "left over",
		"//v ! string()":               "has no place in a path",
		"sum(//v)":                     "use expr with sum()",
		"cuont(hund)":                  "did you mean count?",
		"count()":                      "takes 1 to 1 arguments",
		"hund/following-sibling::*":    "axis following-sibling is not used here",
		"a + b":                        "paths do not compute",
		"'offen":                       "a quote is not closed",
		"@a/b":                         "an attribute has nothing below it",
		"a//":                          "ends where a name is wanted",
		"/halter//":                    "ends where a name is wanted",
		"a b":                          "left over",
		"$x":                           "has no place in a path",
		"(a)[1]":                       "write it as one path",
		"a:*":                          "prefix a is not in namespaces",
		"descendant-or-self::a/b":      "write descendant::a",
		"descendant::a[last()]":        "a place among descendant::a is not counted right",
		"descendant::a[2]/b":           "a place among descendant::a is not counted right",
		"//ancestor::*[last()]":        "a place among ancestor::* is not counted right",
		"//a[@x][1]":                   "a place after another condition is not counted right behind //",
		"//b/a[@x][last() - 1]/c":      "a place after another condition is not counted right behind //",
		"self::a[last() = 1 and b[c]]": "a place among self::a is not counted right",
		"a[string-length(@x)]":         "string-length gives a number; compare it",
		"..a":                          "left over",
		"1.2.3 = a":                    "not a number",
		strings.Repeat("(", 50):        "nested too deeply",
		strings.Repeat("a/", 600):      "more than 1000 characters",
	} {
		if _, err := compilePath(path, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", path, err, want)
		}
	}
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{"/a/b", "x:a[@b='c']//d", "count(a)", "a|b", "..", "normalize-space(../a[2])", "hund[position()=last()]/@nr"} {
		f.Add(s)
	}
	root := parseDoc(f, pathDoc)
	cur := root.SelectElements("hund")[0]
	f.Fuzz(func(t *testing.T, s string) {
		p, err := compilePath(s, map[string]string{"x": "urn:a"})
		if err != nil {
			return
		}
		a, n := p.text(root, cur)
		if b, m := p.text(root, cur); a != b || n != m {
			t.Errorf("%q differs when asked twice: %q %d, %q %d", s, a, n, b, m)
		}
		p.elements(root, cur, nil)
	})
}
