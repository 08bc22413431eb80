package gate

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"stellwerk/internal/xsd"
)

const dogXSD = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:h" xmlns="urn:h" elementFormDefault="qualified">
	<xs:element name="antrag"><xs:complexType><xs:sequence>
		<xs:element name="hund" maxOccurs="unbounded"><xs:complexType><xs:sequence>
			<xs:element name="chip"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="[0-9]{15}"/></xs:restriction></xs:simpleType></xs:element>
			<xs:element name="typ" type="xs:QName" minOccurs="0"/>
		</xs:sequence><xs:attribute name="nr" type="xs:int"/></xs:complexType></xs:element>
	</xs:sequence></xs:complexType></xs:element>
	<xs:element name="other" type="xs:string"/>
</xs:schema>`

func compileXSD(t testing.TB) *xsd.Schema {
	t.Helper()
	files := fstest.MapFS{"h.xsd": {Data: []byte(dogXSD)}}
	s, err := xsd.Compile(context.Background(), xsd.Files(files, nil), "h.xsd")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestXMLSchema(t *testing.T) {
	s := NewXMLSchema(compileXSD(t), xsd.Name{Space: "urn:h", Local: "antrag"})
	for range 2 { // the second time with validators from the pool
		for _, c := range []struct{ name, in, line, path string }{
			{"valid", `<antrag xmlns="urn:h"><hund nr=" 1 "><chip>276<!-- -->00000&#48;000001</chip></hund></antrag>`, "", ""},
			{"names in values", `<h:antrag xmlns:h="urn:h"><h:hund><h:chip>276000000000001</h:chip><h:typ xmlns:x="u">x:y</h:typ></h:hund></h:antrag>`, "", ""},
			{"a prefix out of scope", "<h:antrag xmlns:h='urn:h'><h:hund><h:chip xmlns:x='u'>276000000000001</h:chip>\n <h:typ>x:y</h:typ></h:hund></h:antrag>", "2:2", "/antrag/hund/typ"},
			{"a value", "<antrag xmlns='urn:h'>\n <hund><chip>Erika</chip></hund></antrag>", "2:8", "/antrag/hund/chip"},
			{"an attribute", "<antrag xmlns='urn:h'><hund\n nr='Erika'><chip>276000000000001</chip></hund></antrag>", "2:2", "/antrag/hund/@nr"},
			{"an element", "<antrag xmlns='urn:h'><Erika_Müller/></antrag>", "1:23", "/antrag/…"},
			{"the root", "<other xmlns='urn:h'/>", "1:1", "/other"},
		} {
			_, err := Check(context.Background(), []byte(c.in), "text/xml", Options{Schema: s})
			var invalid *Invalid
			if c.line == "" {
				if err != nil {
					t.Errorf("%s: %v", c.name, err)
				}
				continue
			}
			if !errors.As(err, &invalid) {
				t.Errorf("%s: got %v", c.name, err)
				continue
			}
			f := invalid.Findings[0]
			if at := (Pos{f.Line, f.Column}); at != placeOf(c.line) || f.Path != c.path || f.Rule == "" || f.De == "" || f.En == "" || f.Pointer != "" {
				t.Errorf("%s: got %+v", c.name, f)
			}
			for _, f := range invalid.Findings {
				if text := f.De + f.En + f.Path; strings.Contains(text, "Erika") || strings.Contains(text, "Müller") {
					t.Errorf("%s: a finding repeats the document: %+v", c.name, f)
				}
			}
		}
	}
}

func placeOf(s string) Pos {
	line, column, _ := strings.Cut(s, ":")
	return Pos{int(line[0] - '0'), atoi(column)}
}

func atoi(s string) (n int) {
	for _, c := range s {
		n = n*10 + int(c-'0')
	}
	return n
}

func TestXMLFindingsAreLimited(t *testing.T) {
	s := NewXMLSchema(compileXSD(t))
	body := []byte("<antrag xmlns='urn:h'>" + strings.Repeat("<hund><chip/></hund>", 5) + "</antrag>")
	for limit, more := range map[int]bool{3: true, 5: false, 9: false} {
		_, err := Check(context.Background(), body, "text/xml", Options{Schema: s, Findings: limit})
		var invalid *Invalid
		if !errors.As(err, &invalid) || len(invalid.Findings) != min(limit, 5) || invalid.More != more {
			t.Errorf("limit %d: got %+v", limit, err)
		}
	}
}

func BenchmarkXMLSchema(b *testing.B) {
	s := NewXMLSchema(compileXSD(b))
	body := []byte("<antrag xmlns='urn:h'>" + strings.Repeat("\n<hund nr='1'>\n  <chip>276000000000001</chip>\n</hund>", 60) + "</antrag>")
	benchmark(b, body, func(body []byte) error {
		_, err := Check(context.Background(), body, "text/xml", Options{Schema: s})
		return err
	})
}
