package gate

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode"
)

// FuzzXML holds the scanner against encoding/xml: what is accepted here is
// accepted there and has the same elements and texts, and it survives being
// written as a tree. Both ways of reading a body give the same events.
func FuzzXML(f *testing.F) {
	for _, c := range refusals {
		f.Add([]byte(c.in))
	}
	f.Add(antrag(1))
	f.Add([]byte("<a b='1\r\n2'>x\r\ny\rz<![CDATA[<>]]>&#x41;&amp;<?p q?><!-- c --></a>"))
	f.Add([]byte("<p:a xmlns:p='u' xmlns='d' p:x='1'><b xmlns=''/></p:a>"))
	f.Add([]byte("<?A\uFBFF?><A/>"))
	f.Add([]byte("<p:a xmlns:p='u\n1' xmlns='d\t' p:x='1'><b/></p:a>"))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := events(body, "text/xml")
		var s script
		_, streamed := CheckReader(context.Background(), &slow{body}, "text/xml", Options{Handlers: []Handler{&s}})
		if fmt.Sprint(err) != fmt.Sprint(streamed) || got != s.String() {
			t.Fatalf("in memory: %v %s\nstreamed: %v %s", err, got, streamed, s.String())
		}
		if err != nil {
			if _, ok := IsRefusal(err); !ok {
				t.Fatal(err)
			}
			return
		}
		roundTrip(t, body)
		var here outline
		res, err := Check(context.Background(), body, "text/xml", Options{Handlers: []Handler{&here}})
		if err != nil || res.Encoding != "UTF-8" || here.unicode {
			return // encoding/xml reads nothing else, and knows the names of an older edition
		}
		there, err := outlineOf(body)
		if err != nil && bytes.IndexFunc(body, beyondASCII) >= 0 && strings.Contains(err.Error(), "invalid XML name") {
			return // a prefix or the target of an instruction, by the names of that edition
		}
		if err != nil || there != here.String() {
			t.Fatalf("encoding/xml: %v\n%s\nhere\n%s", err, there, here.String())
		}
	})
}

// outline is what encoding/xml must agree on.
type outline struct {
	strings.Builder
	unicode bool // there is a name beyond ASCII
}

func (o *outline) Start(s *Start) error {
	o.name(s.Name)
	fmt.Fprintf(o, "<%s %s", flat(s.Name.Space), s.Name.Local)
	for _, a := range s.Attrs {
		o.name(a.Name)
		fmt.Fprintf(o, " %s %s=%q", flat(a.Name.Space), a.Name.Local, flat(string(a.Value)))
	}
	o.WriteString(">")
	return nil
}

func (o *outline) name(n Name) {
	o.unicode = o.unicode || strings.IndexFunc(n.Prefix+n.Local, beyondASCII) >= 0
}

func beyondASCII(r rune) bool { return r > unicode.MaxASCII }

func (o *outline) Text(b []byte, _ Pos) error { o.Write(b); return nil }
func (o *outline) End(Name, Pos) error        { o.WriteString("</>"); return nil }

// flat makes white space in attribute values, and so in names of namespaces,
// comparable: encoding/xml does not normalise it.
func flat(s string) string { return strings.NewReplacer("\t", " ", "\n", " ", "\r", " ").Replace(s) }

func outlineOf(body []byte) (string, error) {
	var b strings.Builder
	d := xml.NewDecoder(bytes.NewReader(body))
	// The encoding is already known to be UTF-8.
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	for depth := 0; ; {
		tok, err := d.Token()
		if err == io.EOF {
			return b.String(), nil
		}
		if err != nil {
			return b.String(), err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			depth++
			fmt.Fprintf(&b, "<%s %s", flat(tok.Name.Space), tok.Name.Local)
			for _, a := range tok.Attr {
				if a.Name.Space != "xmlns" && (a.Name.Space != "" || a.Name.Local != "xmlns") {
					fmt.Fprintf(&b, " %s %s=%q", flat(a.Name.Space), a.Name.Local, flat(a.Value))
				}
			}
			b.WriteString(">")
		case xml.EndElement:
			depth--
			b.WriteString("</>")
		case xml.CharData:
			if depth > 0 {
				b.Write(tok)
			}
		}
	}
}

// slow is a reader of few bytes at a time.
type slow struct{ left []byte }

func (s *slow) Read(p []byte) (int, error) {
	if len(s.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), 1+len(s.left)%7)], s.left)
	s.left = s.left[n:]
	return n, nil
}

// FuzzJSON holds the scanner against encoding/json in the same way.
func FuzzJSON(f *testing.F) {
	for _, c := range refusals {
		f.Add([]byte(c.in))
	}
	f.Add(antragJSON(1))
	f.Add([]byte(`{"a":[[1,[2]],[]],"b":{},"c":[{}],"\u00e4":"\ud83d\udc36"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := events(body, "application/json")
		var s script
		_, streamed := CheckReader(context.Background(), &slow{body}, "application/json", Options{Handlers: []Handler{&s}})
		if fmt.Sprint(err) != fmt.Sprint(streamed) || got != s.String() {
			t.Fatalf("in memory: %v %s\nstreamed: %v %s", err, got, streamed, s.String())
		}
		if err != nil {
			if _, ok := IsRefusal(err); !ok {
				t.Fatal(err)
			}
			return
		}
		j := &jsonJudge{ctx: context.Background()}
		if _, err := Check(context.Background(), body, "application/json", Options{Handlers: []Handler{j}}); err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber()
		var there any
		if err := d.Decode(&there); err != nil {
			t.Fatalf("encoding/json: %v", err)
		}
		if here, there := fmt.Sprintf("%#v", j.root), fmt.Sprintf("%#v", there); here != there {
			t.Fatalf("here %s\nthere %s", here, there)
		}
	})
}
