package gate

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"path"
	"regexp"
	"strings"
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

// stricter lists the documents without a DOCTYPE that are well-formed under some
// reading of the recommendations and are refused all the same, with the reason.
var stricter = map[string]string{}

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
			xml11 := strings.HasPrefix(x.Recommendation, "XML1.1") || strings.HasPrefix(x.Recommendation, "NS1.1") || x.Version == "1.1"
			old := x.Edition != "" && !strings.Contains(x.Edition, "5")
			switch {
			case hasDoctype(x.body):
				counts[mode+" doctype"]++
				if !refused {
					t.Errorf("%s (%s, %s): a document with a DOCTYPE is accepted", x.ID, mode, x.Type)
				}
			case x.Type == "not-wf" && !old:
				counts[mode+" not-wf"]++
				if !refused {
					t.Errorf("%s (%s): a document that is not well-formed is accepted: %.200q", x.ID, mode, x.body)
				}
			case x.Type == "not-wf", xml11, x.Namespace == "no":
				// What became well-formed with the fifth edition, is well-formed only
				// in XML 1.1 or without namespaces, may go either way here; the
				// tables of this package say which.
				counts[mode+" either"]++
				t.Logf("%s (%s): %s %s edition %q namespace %q: %v", x.ID, mode, x.Type, x.Recommendation, x.Edition, x.Namespace, err)
			default:
				counts[mode+" well-formed"]++
				if why, ok := stricter[x.ID]; refused != ok {
					t.Errorf("%s (%s, %s %s): refused is %v: %v (%s)", x.ID, mode, x.Type, x.Recommendation, refused, err, why)
				}
			}
		}
	}
	t.Log(counts)
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
