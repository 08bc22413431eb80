package gate

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// script writes the events of a scan as text, pieces of text joined.
type script struct {
	strings.Builder
	text  strings.Builder
	place bool // with positions
}

func (s *script) flush() {
	if s.text.Len() > 0 {
		fmt.Fprintf(s, "%q", s.text.String())
		s.text.Reset()
	}
}

func (s *script) at(p Pos) string {
	if !s.place {
		return ""
	}
	return fmt.Sprintf("@%d:%d", p.Line, p.Column)
}

func (s *script) Start(st *Start) error {
	s.flush()
	fmt.Fprintf(s, "<{%s}%s:%s%s", st.Name.Space, st.Name.Prefix, st.Name.Local, s.at(st.Pos))
	for _, d := range st.Decls {
		fmt.Fprintf(s, " xmlns:%s=%q%s", d.Prefix, d.URI, s.at(d.Pos))
	}
	for _, a := range st.Attrs {
		fmt.Fprintf(s, " {%s}%s:%s=%q%s", a.Name.Space, a.Name.Prefix, a.Name.Local, a.Value, s.at(a.Pos))
	}
	s.WriteString(">")
	return nil
}

func (s *script) Text(b []byte, _ Pos) error { s.text.Write(b); return nil }

func (s *script) End(n Name, p Pos) error {
	s.flush()
	fmt.Fprintf(s, "</%s%s>", n.Local, s.at(p))
	return nil
}

// events is the script of a body, or its error.
func events(body []byte, mediaType string) (string, error) {
	var s script
	_, err := Check(context.Background(), body, mediaType, Options{Handlers: []Handler{&s}})
	return s.String(), err
}

func TestEventsOfXML(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"empty element", `<a/>`, `<{}:a></a>`},
		{"texts and references", "<a>x&amp;&lt;&gt;&quot;&apos;&#65;&#x1F436;&#x000041;</a>", `<{}:a>"x&<>\"'A🐶A"</a>`},
		{"cdata is text", `<a>1<![CDATA[<b>&amp;]] ]>]]>2</a>`, `<{}:a>"1<b>&amp;]] ]>2"</a>`},
		{"line ends", "<a>1\r\n2\r3\n4&#13;</a>", `<{}:a>"1\n2\n3\n4\r"</a>`},
		{"attribute values", "<a b='1\r\n2\t3\n4\r5&#10;6&#9;\"' c=\"&apos;&lt;\"/>", `<{}:a {}:b="1 2 3 4 5\n6\t\"" {}:c="'<"></a>`},
		{"comments and instructions", "<?p x?><!-- - --><a>1<!--x-->2<?p?>3</a><!----> ", `<{}:a>"123"</a>`},
		{"namespaces", `<p:a xmlns:p="u" xmlns="d" p:x="1" x="2"><b xmlns=""/><p:c xmlns:p="v"/><d/></p:a>`,
			`<{u}p:a xmlns:p="u" xmlns:="d" {u}p:x="1" {}:x="2"><{}:b xmlns:=""></b><{v}p:c xmlns:p="v"></c><{d}:d></d></a>`},
		{"xml prefix", `<a xml:lang="de" xmlns:xml="http://www.w3.org/XML/1998/namespace"/>`,
			`<{}:a xmlns:xml="http://www.w3.org/XML/1998/namespace" {http://www.w3.org/XML/1998/namespace}xml:lang="de"></a>`},
		{"brackets", `<a>]]]&gt;] ]]</a>`, `<{}:a>"]]]>] ]]"</a>`},
		{"replacement and private use", "<a b='\uFFFD'>\uFFFD\uF000\U0001FFFE\x7f</a>", "<{}:a {}:b=\"\uFFFD\">\"\uFFFD\\uf000\\U0001fffe\\x7f\"</a>"},
		{"spaces in tags", "<a\tb = '1'\r\n c\n=\n'2' ></a >", `<{}:a {}:b="1" {}:c="2"></a>`},
		{"byte order mark", "\xEF\xBB\xBF<?xml version='1.0'?><a/>", `<{}:a></a>`},
		{"umlauts in names", "<größe ä='1'/>", `<{}:größe {}:ä="1"></größe>`},
		{"ISO-8859-15", "<?xml version='1.0' encoding='ISO-8859-15'?><a>\xE4\xA4</a>", `<{}:a>"ä€"</a>`},
		{"latin1", "<?xml version='1.0' encoding='iso-8859-1'?><a>\xE4\xA4</a>", `<{}:a>"ä¤"</a>`},
		{"windows-1252", "<?xml version='1.0' encoding='Windows-1252'?><a>\xE4\x80</a>", `<{}:a>"ä€"</a>`},
		{"UTF-16 big", "\xFE\xFF\x00<\x00a\x00>\xD8\x3D\xDC\x36\x00<\x00/\x00a\x00>", `<{}:a>"🐶"</a>`},
		{"UTF-16 little", "\xFF\xFE<\x00a\x00/\x00>\x00", `<{}:a></a>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := events([]byte(c.in), "text/xml")
			if err != nil || got != c.want {
				t.Errorf("got  %s, %v\nwant %s", got, err, c.want)
			}
		})
	}
}

func TestEventsOfJSON(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"scalars", `{"a":1.50,"b":"x","c":true,"d":false,"e":null}`,
			`<{}:object><{}:a>"1.50"</a><{}:b>"x"</b><{}:c>"true"</c><{}:d>"false"</d><{}:e {}:nil="true"></e></object>`},
		{"nothing", " {\n} ", `<{}:object></object>`},
		{"arrays", `{"a":[{"b":1},{"b":2}],"c":[],"d":["x"]}`,
			`<{}:object><{}:a><{}:b>"1"</b></a><{}:a><{}:b>"2"</b></a><{}:d>"x"</d></object>`},
		{"arrays in arrays", `{"a":[[1,[2]],[]]}`,
			`<{}:object><{}:a><{}:item>"1"</item><{}:item><{}:item>"2"</item></item></a><{}:a></a></object>`},
		{"escapes", `{"a\u00e4\n":"\"\\\/\b\f\n\r\t\u0041\ud83d\udc36"}`,
			`<{}:object><{}:aä` + "\n" + `>"\"\\/\b\f\n\r\tA🐶"</aä` + "\n" + `></object>`},
		{"same key elsewhere", `{"a":{"a":1},"b":[{"a":1},{"a":2}]}`,
			`<{}:object><{}:a><{}:a>"1"</a></a><{}:b><{}:a>"1"</a></b><{}:b><{}:a>"2"</a></b></object>`},
		{"numbers as they are", `{"a":[0,-0,1e5,1E+2,0.10,123456789012345678901234567890]}`,
			`<{}:object><{}:a>"0"</a><{}:a>"-0"</a><{}:a>"1e5"</a><{}:a>"1E+2"</a><{}:a>"0.10"</a><{}:a>"123456789012345678901234567890"</a></object>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := events([]byte(c.in), "application/json")
			if err != nil || got != c.want {
				t.Errorf("got  %s, %v\nwant %s", got, err, c.want)
			}
		})
	}
}

func TestPositions(t *testing.T) {
	for _, c := range []struct{ name, media, in, want string }{
		{"characters, not bytes", "text/xml", "<a>äöü<b/>\n €<c x='1'\n  y='2'/></a>",
			`<{}:a@1:1>"äöü"<{}:b@1:7></b@1:7>"\n €"<{}:c@2:3 {}:x="1"@2:6 {}:y="2"@3:3></c@2:3></a@3:10>`},
		{"all line ends", "text/xml", "<a>\r\n<b/>\r<c/>\n<d/></a>",
			`<{}:a@1:1>"\n"<{}:b@2:1></b@2:1>"\n"<{}:c@3:1></c@3:1>"\n"<{}:d@4:1></d@4:1></a@4:5>`},
		{"long lines", "text/xml", "<a>" + strings.Repeat("ä", 100) + "<b/>" + strings.Repeat("\n", 100) + "xx<c/></a>",
			`<{}:a@1:1>"` + strings.Repeat("ä", 100) + `"<{}:b@1:104></b@1:104>"` + strings.Repeat(`\n`, 100) + `xx"<{}:c@101:3></c@101:3></a@101:7>`},
		{"decoded", "text/xml", "<?xml version='1.0' encoding='latin1'?>\n<a>\xE4<b/></a>",
			`<{}:a@2:1>"ä"<{}:b@2:5></b@2:5></a@2:9>`},
		{"values of JSON", "application/json", "{\"ä\": [1,\n  {\"b\" : null}]}",
			`<{}:object@1:1><{}:ä@1:8>"1"</ä@1:8><{}:ä@2:3><{}:b@2:10 {}:nil="true"@2:10></b@2:10></ä@2:14></object@2:16>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := script{place: true}
			_, err := Check(context.Background(), []byte(c.in), c.media, Options{Handlers: []Handler{&s}})
			if got := s.String(); err != nil || got != c.want {
				t.Errorf("got  %s, %v\nwant %s", got, err, c.want)
			}
		})
	}
}
