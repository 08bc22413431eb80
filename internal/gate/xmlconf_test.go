package gate

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"path"
	"regexp"
	"testing"
	"testing/iotest"
)

// xmlTest is one entry of the W3C suite's catalogues.
type xmlTest struct {
	ID             string `xml:"ID,attr"`
	Type           string `xml:"TYPE,attr"` // not-wf, valid, invalid, error
	URI            string `xml:"URI,attr"`
	Entities       string `xml:"ENTITIES,attr"`
	Recommendation string `xml:"RECOMMENDATION,attr"`
	Version        string `xml:"VERSION,attr"`
	Edition        string `xml:"EDITION,attr"`
	Namespace      string `xml:"NAMESPACE,attr"`
	body           []byte
}

// The catalogues of the suite. The main one includes them by entities, which
// nobody here reads, so they are listed.
var xmlCatalogues = []string{
	"xmltest/xmltest.xml", "japanese/japanese.xml",
	"sun/sun-valid.xml", "sun/sun-invalid.xml", "sun/sun-not-wf.xml", "sun/sun-error.xml",
	"oasis/oasis.xml", "ibm/ibm_oasis_invalid.xml", "ibm/ibm_oasis_not-wf.xml", "ibm/ibm_oasis_valid.xml",
	"ibm/xml-1.1/ibm_invalid.xml", "ibm/xml-1.1/ibm_not-wf.xml", "ibm/xml-1.1/ibm_valid.xml",
	"eduni/errata-2e/errata2e.xml", "eduni/xml-1.1/xml11.xml",
	"eduni/namespaces/1.0/rmt-ns10.xml", "eduni/namespaces/1.1/rmt-ns11.xml",
	"eduni/errata-3e/errata3e.xml", "eduni/errata-4e/errata4e.xml",
	"eduni/namespaces/errata-1e/errata1e.xml", "eduni/misc/ht-bh.xml",
}

func xmlSuite(t *testing.T) []xmlTest {
	t.Helper()
	z, err := zip.OpenReader(corpora(t, "xmlconf", "tests", "xmlts20130923.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	read := func(name string) []byte {
		f, err := z.Open("xmlconf/" + name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		b, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var all []xmlTest
	for _, c := range xmlCatalogues {
		d := xml.NewDecoder(bytes.NewReader(read(c)))
		d.Strict = false
		for {
			tok, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", c, err)
			}
			start, ok := tok.(xml.StartElement)
			if !ok || start.Name.Local != "TEST" {
				continue
			}
			var x xmlTest
			if err := d.DecodeElement(&x, &start); err != nil {
				t.Fatalf("%s: %v", c, err)
			}
			x.body = read(path.Join(path.Dir(c), x.URI))
			all = append(all, x)
		}
	}
	return all
}

var notDoctype = regexp.MustCompile(`(?s)<!--.*?-->|<\?.*?\?>|<!\[CDATA\[.*?\]\]>`)

// hasDoctype sees through the encodings of the suite: the ones of one byte, and
// UTF-16 by leaving out NUL bytes.
func hasDoctype(b []byte) bool {
	b = notDoctype.ReplaceAll(bytes.ReplaceAll(b, []byte{0}, nil), nil)
	return bytes.Contains(b, []byte("<!DOCTYPE"))
}

// refusedByChoice lists the documents without a DOCTYPE that are well-formed under
// another reading of the recommendations and are refused all the same.
var refusedByChoice = map[string]string{
	"o-p04pass1": "a name with two colons is none with namespaces",
	"o-p05pass1": "a name that begins with a colon is none with namespaces",
	"rmt-015":    "XML 1.1",
	"rmt-017":    "XML 1.1",
	"rmt-018":    "XML 1.1",
	"rmt-055":    "bytes that are no UTF-8",
	"rmt-056":    "XML 1.1",
	"rmt-057":    "XML 1.1",
}

// acceptedByChoice lists the not well-formed documents that the fifth edition of
// XML 1.0 has made well-formed.
var acceptedByChoice = map[string]string{
	"rmt-016": "a name character outside of the basic plane",
	"rmt-019": "the last name character, U+EFFFF",
}

func TestXMLConformance(t *testing.T) {
	counts := map[string]int{}
	for _, x := range xmlSuite(t) {
		for mode, err := range map[string]error{
			"memory": run(x.body),
			"stream": runReader(bytes.NewReader(x.body)),
			"bytes":  runReader(iotest.OneByteReader(bytes.NewReader(x.body))),
		} {
			r, refused := IsRefusal(err)
			if err != nil && !refused {
				t.Errorf("%s (%s): %v is no refusal", x.ID, mode, err)
				continue
			}
			if refused && (r.Line < 1 || r.Column < 1 || r.De == "" || r.En == "") {
				t.Errorf("%s (%s): refusal without a place: %+v", x.ID, mode, r)
			}
			want, why := x.Type == "not-wf", ""
			switch {
			case hasDoctype(x.body):
				counts["DOCTYPE"]++
				want, why = true, "it has a DOCTYPE"
			case refusedByChoice[x.ID] != "":
				want, why = true, refusedByChoice[x.ID]
			case acceptedByChoice[x.ID] != "":
				want, why = false, acceptedByChoice[x.ID]
			case want:
				counts["not well-formed"]++
			default:
				counts["well-formed"]++
			}
			if refused != want {
				t.Errorf("%s (%s, %s %s): refused is %v, want %v (%s): %v", x.ID, mode, x.Type, x.Recommendation, refused, want, why, err)
			}
		}
	}
	// So many the suite has, three ways each: a catalogue that is not found goes
	// not unnoticed.
	for what, want := range map[string]int{"DOCTYPE": 3 * 2185, "not well-formed": 3 * 316, "well-formed": 3 * 74} {
		if counts[what] != want {
			t.Errorf("%d documents are %s, want %d", counts[what], what, want)
		}
	}
}

func run(body []byte) error {
	_, err := Check(context.Background(), body, "application/xml", Options{Handlers: []Handler{discard{}}})
	return err
}

func runReader(rd io.Reader) error {
	_, err := CheckReader(context.Background(), rd, "application/xml", Options{Handlers: []Handler{discard{}}})
	return err
}

type discard struct{}

func (discard) Start(*Start) error     { return nil }
func (discard) Text([]byte, Pos) error { return nil }
func (discard) End(Name, Pos) error    { return nil }
