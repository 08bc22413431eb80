package cli

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"stellwerk/internal/gate"
	"stellwerk/routes"
)

const dogSchema = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:include schemaLocation="types.xsd"/>
  <xs:element name="hund"><xs:complexType><xs:sequence>
    <xs:element name="chip" type="chip"/>
    <xs:element name="gewicht" type="xs:decimal"/>
  </xs:sequence></xs:complexType></xs:element>
</xs:schema>`

const dogTypes = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:simpleType name="chip"><xs:restriction base="xs:string"><xs:pattern value="[0-9]{15}"/></xs:restriction></xs:simpleType>
</xs:schema>`

// files writes files into a folder of the test.
func files(t *testing.T, content map[string]string) func(string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range content {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return func(name string) string { return filepath.Join(dir, name) }
}

func TestValidate(t *testing.T) {
	at := files(t, map[string]string{
		"hund.xsd": dogSchema, "types.xsd": dogTypes,
		"good.xml":     "<hund><chip>276098100000017</chip><gewicht>8.4</gewicht></hund>",
		"bad.xml":      "<hund>\n\t<chip>276098100000017</chip>\n\t<gewicht>acht</gewicht>\n</hund>",
		"broken.xml":   "<hund><chip></hund>",
		"hund.json":    `{"type": "object", "required": ["chip"], "properties": {"chip": {"type": "string"}}}`,
		"good.js.json": `{"chip": "276098100000017"}`,
		"bad.js.json":  "{\n  \"chip\": 17\n}",
		"half.xsd":     `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a" type="nobody"/></xs:schema>`,
	})
	c := newConsole(t, nil)
	if got := c.run(0, "validate", at("good.xml"), "--schema", at("hund.xsd")); !strings.HasSuffix(got, "good.xml is valid\n") {
		t.Errorf("got %q", got)
	}
	got := c.run(3, "validate", at("bad.xml"), "--schema", at("hund.xsd"))
	for _, want := range []string{"bad.xml:3:2: cvc-datatype-valid.1.2.1: ", "[/hund/gewicht]", "\n    <gewicht>acht</gewicht>\n    ^\n", "1 finding\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if got := c.run(3, "validate", at("bad.xml"), "--schema", at("hund.xsd"), "--lang", "de"); !strings.Contains(got, "1 Befund\n") || strings.Contains(got, "finding") {
		t.Errorf("German: %s", got)
	}
	if got := c.run(3, "validate", at("broken.xml"), "--schema", at("hund.xsd")); !strings.Contains(got, "broken.xml:1:13: xml-end-tag: ") || strings.Contains(got, "line 1, column") {
		t.Errorf("not well-formed: %s", got)
	}
	if got := c.run(0, "validate", at("good.js.json"), "--schema", at("hund.json")); !strings.HasSuffix(got, "is valid\n") {
		t.Errorf("JSON: %s", got)
	}
	if got := c.run(3, "validate", at("bad.js.json"), "--schema", at("hund.json")); !strings.Contains(got, "bad.js.json:2:11: type: ") || !strings.Contains(got, "[/chip]") {
		t.Errorf("JSON: %s", got)
	}
	c.In = strings.NewReader("<hund/>")
	if got := c.run(3, "validate", "-", "--schema", at("hund.xsd")); !strings.HasPrefix(got, "stdin:1:1: ") {
		t.Errorf("standard input: %s", got)
	}
	for _, wrong := range [][]string{
		{at("good.xml")},
		{at("good.xml"), "--schema", at("hund.xsd"), "--service", "hundeanmeldung"},
		{at("good.xml"), "--schema", at("hund.json")},
		{at("good.xml"), "--schema", at("absent.xsd")},
		{at("good.xml"), "--schema", at("good.xml")},
		{at("absent.xml"), "--schema", at("hund.xsd")},
		{at("good.xml"), "--schema", at("hund.xsd"), "--lang", "fr"},
		{at("good.xml"), "--schema", at("hund.xsd"), "--municipality", "05999040"},
		{at("good.xml"), "--service", "hundeanmeldung", "--at", "morgen"},
		{at("good.xml"), "--schema", at("hund.xsd"), "--catalog", at("absent.xml")},
	} {
		c.run(2, append([]string{"validate"}, wrong...)...)
	}
	c.run(1, "validate", at("good.xml"), "--schema", at("half.xsd"))
	if text := c.errorText(); !strings.Contains(text, "half.xsd:1:") || !strings.Contains(text, "src-resolve") {
		t.Errorf("a broken schema: %s", text)
	}
}

func TestValidateJSONTellsTheHeader(t *testing.T) {
	at := files(t, map[string]string{
		"any.xsd": `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:x"><xs:element name="m"><xs:complexType><xs:sequence>
			<xs:any processContents="skip" minOccurs="0" maxOccurs="unbounded" namespace="##any"/></xs:sequence><xs:anyAttribute processContents="skip"/></xs:complexType></xs:element></xs:schema>`,
		"m.xml": `<x:m xmlns:x="urn:x" standard="XBeispiel" version="1.1"><x:nachrichtenkopf.g2g><x:identifikation.nachricht>
			<x:nachrichtenUUID>0D6A0000-0000-4000-8000-000000000001</x:nachrichtenUUID><x:nachrichtentyp listURI="urn:t" listVersionID="3"><code>0401</code></x:nachrichtentyp>
			<x:erstellungszeitpunkt>2026-03-01T09:30:00</x:erstellungszeitpunkt></x:identifikation.nachricht>
			<x:leser><x:kennung>psw:05974040</x:kennung><x:name>Stadt</x:name></x:leser><x:autor><x:kennung>psw:1</x:kennung></x:autor></x:nachrichtenkopf.g2g><x:inhalt><x:kennung>other</x:kennung></x:inhalt></x:m>`,
	})
	c := newConsole(t, nil)
	var got struct {
		OK    bool `json:"ok"`
		Files []struct {
			Root, Namespace string
			Header          headerForm
		}
	}
	if err := json.Unmarshal([]byte(c.run(0, "validate", at("m.xml"), "--schema", at("any.xsd"), "--json")), &got); err != nil {
		t.Fatal(err)
	}
	h := got.Files[0].Header
	if !got.OK || got.Files[0].Root != "m" || got.Files[0].Namespace != "urn:x" || h.MessageID != "0d6a0000-0000-4000-8000-000000000001" ||
		h.Type.Code != "0401" || h.Type.ListURI != "urn:t" || h.Reader.ID != "psw:05974040" || h.Author.ID != "psw:1" || h.Standard != "XBeispiel" {
		t.Errorf("got %+v", got)
	}
}

// A file is judged by the route's own schema and the windows of its versions.
func TestValidateForAService(t *testing.T) {
	xml, err := fs.ReadFile(routes.FS, "hundeanmeldung/examples/labrador.xml")
	if err != nil {
		t.Fatal(err)
	}
	at := files(t, map[string]string{"good.xml": string(xml), "bad.xml": strings.Replace(string(xml), "276098100000017</h:chip>", "27609810000001X</h:chip>", 1), "wrong.xml": "<hund/>"})
	f, err := prepareSample(filepath.Join(t.TempDir(), "town"))
	if err != nil {
		t.Fatal(err)
	}
	c := newConsole(t, nil)
	c.run(0, "validate", at("good.xml"), "--service", "hundeanmeldung", "--dir", f.dir, "--municipality", "Musterstadt")
	c.run(3, "validate", at("bad.xml"), "--service", "hundeanmeldung", "--dir", f.dir)
	c.run(3, "validate", at("wrong.xml"), "--service", "hundeanmeldung", "--dir", f.dir)
	c.run(4, "validate", at("good.xml"), "--service", "hundeanmeldung", "--dir", f.dir, "--municipality", "05999999")
	c.run(4, "validate", at("good.xml"), "--service", "angelschein", "--dir", f.dir)
	c.run(2, "validate", at("good.xml"), "--service", "hundeanmeldung", "--dir", f.dir, "--schema-version", "99")
	if !strings.Contains(c.errorText(), "hundeanmeldung is not taken as xml 99 then; it is taken as xml 1") {
		t.Errorf("got %s", c.errorText())
	}
	t.Chdir(t.TempDir()) // no folder: the shipped route
	c.run(0, "validate", at("good.xml"), "--service", "hundeanmeldung")
	c.run(3, "validate", at("bad.xml"), "--service", "hundeanmeldung")
}

func TestExcerpts(t *testing.T) {
	for _, test := range []struct {
		name, text string
		at         gate.Pos
		width      int
		want       string
		caret      int
	}{
		{"plain", "a\n  <b>x</b>\nc", gate.Pos{Line: 2, Column: 6}, 40, "<b>x</b>", 3},
		{"tab", "\t\t<b/>", gate.Pos{Line: 1, Column: 3}, 40, "<b/>", 0},
		{"CR LF", "a\r\nbc", gate.Pos{Line: 2, Column: 2}, 40, "bc", 1},
		{"CR", "a\rbc", gate.Pos{Line: 2, Column: 1}, 40, "bc", 0},
		{"umlauts", "äöü<b>", gate.Pos{Line: 1, Column: 4}, 40, "äöü<b>", 3},
		{"a long line", strings.Repeat("x", 1000) + "<b>" + strings.Repeat("y", 1000), gate.Pos{Line: 1, Column: 1001}, 20, "xxxxxxxxxx<b>yyyyyyy", 10},
		{"behind the end", "ab", gate.Pos{Line: 1, Column: 3}, 40, "ab", 2},
		{"no such line", "ab", gate.Pos{Line: 7, Column: 3}, 40, "", 0},
		{"what would steer a terminal", "\x1b[2J<b>", gate.Pos{Line: 1, Column: 5}, 40, `\u001b[2J<b>`, 9},
		{"byte order mark", "\uFEFF<b>", gate.Pos{Line: 1, Column: 1}, 40, "<b>", 0},
		{"broken bytes", "a\xff<b>", gate.Pos{Line: 1, Column: 3}, 40, "a�<b>", 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := readExcerpts(strings.NewReader(test.text), []gate.Pos{test.at}, test.width)
			if err != nil {
				t.Fatal(err)
			}
			if got[0].text != test.want || got[0].text != "" && got[0].caret != test.caret {
				t.Errorf("got %q at %d, want %q at %d", got[0].text, got[0].caret, test.want, test.caret)
			}
		})
	}
	got, err := readExcerpts(strings.NewReader("one\ntwo\nthree"), []gate.Pos{{Line: 3, Column: 1}, {Line: 1, Column: 2}, {Line: 1, Column: 1}}, 20)
	if err != nil || got[0].text != "three" || got[1].text != "one" || got[1].caret != 1 || got[2].caret != 0 {
		t.Errorf("several: %+v %v", got, err)
	}
}

// Ten megabytes of xdomea are judged no slower than by xmllint (by processor time,
// the best of three), and in bounded memory.
func TestValidateStreams(t *testing.T) {
	root := os.Getenv("STELLWERK_SAMPLES")
	if root == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("STELLWERK_SAMPLES must name the folder of sample schemas and messages")
		}
		t.Skip("STELLWERK_SAMPLES does not name a folder of sample schemas and messages")
	}
	if testing.Short() || underRace {
		t.Skip("measures time")
	}
	large := filepath.Join(t.TempDir(), "large.xml")
	if err := os.WriteFile(large, largeMessage(t, root, 10<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	schema, catalog := filepath.Join(root, "xdomea/schemes/xdomea_3.0.0/xdomea.xsd"), filepath.Join(root, "catalog.xml")
	c := newConsole(t, nil)
	ours, theirs := time.Hour, time.Hour
	xmllint, missing := exec.LookPath("xmllint")
	for range 3 {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := processorTime(t)
		c.run(0, "validate", large, "--schema", schema, "--catalog", catalog)
		ours = min(ours, processorTime(t)-start)
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 64<<20 {
			t.Errorf("the heap grew by %d MB", grown>>20)
		}
		if missing == nil {
			cmd := exec.Command(xmllint, "--nonet", "--noout", "--schema", schema, large)
			cmd.Env = append(os.Environ(), "XML_CATALOG_FILES="+catalog)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("xmllint: %v: %s", err, out)
			}
			theirs = min(theirs, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
		}
	}
	t.Logf("10 MB of xdomea 3.0: %v, xmllint %v", ours, theirs)
	if ours > theirs {
		t.Errorf("slower than xmllint: %v, xmllint %v", ours, theirs)
	}
}

// largeMessage repeats the record object of a sample until the message is large.
func largeMessage(t *testing.T, root string, size int) []byte {
	data, err := os.ReadFile(filepath.Join(root, "xdomea/pattern/xdomea_3.0.0/xx_Aussonderung.Anbieteverzeichnis.0501.xml"))
	if err != nil {
		t.Fatal(err)
	}
	open, end := []byte("<xdomea:Schriftgutobjekt>"), []byte("</xdomea:Schriftgutobjekt>")
	from, to := bytes.Index(data, open), bytes.LastIndex(data, end)+len(end)
	if from < 0 || to < len(end) {
		t.Fatal("the sample has no record object")
	}
	out := append([]byte{}, data[:from]...)
	for len(out) < size {
		out = append(append(out, data[from:to]...), '\n')
	}
	return append(out, data[to:]...)
}
