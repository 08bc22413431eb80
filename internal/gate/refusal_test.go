package gate

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// small limits make every limit easy to meet.
var small = Limits{Bytes: 400, Nodes: 12, Values: 12, Depth: 4, Attributes: 3, AttributeBytes: 20, TagBytes: 30, Members: 4, NameBytes: 12,
	TextBytes: 40, Namespaces: 3, NamespaceBytes: 10, References: 3, NumberBytes: 10}

// refusals has at least one document for every code; TestEveryCode makes sure.
var refusals = []struct {
	code, media, in string
	line, column    int
	pointer         string
}{
	{"empty", "text/xml", "", 1, 1, ""},
	{"empty", "application/json", "", 1, 1, ""},
	{"empty", "application/json", " \n", 2, 1, ""},
	{"media-type", "text/html", "<a/>", 1, 1, ""},
	{"media-type", "", "<a/>", 1, 1, ""},
	{"media-type", "text/json; charset", "{}", 1, 1, ""},

	{"encoding-unsupported", "text/xml", "<?xml version='1.0' encoding='KOI8-R'?><a/>", 1, 40, ""},
	{"encoding-unsupported", "text/xml", "\xFF\xFE\x00\x00<\x00\x00\x00", 1, 1, ""},
	{"encoding-unsupported", "text/xml", "\x4C\x6F\xA7\x94", 1, 1, ""},
	{"encoding-unsupported", "text/xml; charset=shift_jis", "<a/>", 1, 1, ""},
	{"encoding-unsupported", "application/json; charset=latin1", "{}", 1, 1, ""},
	{"encoding-conflict", "text/xml", "\xEF\xBB\xBF<?xml version='1.0' encoding='ISO-8859-1'?><a/>", 1, 44, ""},
	{"encoding-conflict", "text/xml", "<?xml version='1.0' encoding='UTF-16'?><a/>", 1, 40, ""},
	{"encoding-conflict", "text/xml", "<\x00a\x00/\x00>\x00", 1, 1, ""},
	{"encoding-conflict", "text/xml; charset=latin1", "<a/>", 1, 1, ""},
	{"encoding-conflict", "text/xml; charset=utf-8", "<?xml version='1.0' encoding='latin1'?><a/>", 1, 40, ""},
	{"invalid-encoding", "text/xml", "<?xml version='1.0' encoding='windows-1252'?><a>\x81</a>", 1, 49, ""},
	{"invalid-encoding", "text/xml", "<?xml version='1.0' encoding='US-ASCII'?><a>\xE4</a>", 1, 45, ""},
	{"invalid-encoding", "text/xml", "\xFE\xFF\x00<\x00a\x00>\xD8\x00\x00<\x00/\x00a\x00>", 1, 4, ""},
	{"invalid-encoding", "text/xml", "\xFE\xFF\x00<\x00a\x00>\xDC\x00\x00<\x00/\x00a\x00>", 1, 4, ""},
	{"invalid-encoding", "text/xml", "\xFE\xFF\x00<\x00a\x00/\x00>\x00", 1, 5, ""},
	{"invalid-utf8", "text/xml", "<a>\n \xE4</a>", 2, 2, ""},
	{"invalid-utf8", "text/xml", "<a>\xC0\x80</a>", 1, 4, ""},
	{"invalid-utf8", "text/xml", "<a b='\xED\xA0\x80'/>", 1, 7, ""},
	{"invalid-utf8", "text/xml", "<a/>\xE2\x82", 1, 5, ""},
	{"invalid-utf8", "application/json", "{\"a\":\"\xF4\x90\x80\x80\"}", 1, 7, "/a"},
	{"invalid-utf8", "application/json", "{\"a\":1}\xFF", 1, 8, ""},

	{"limit-bytes", "text/xml", "<a>" + strings.Repeat("<!-- -->", 50) + "</a>", 1, 401, ""},
	{"limit-bytes", "application/json", "{}" + strings.Repeat(" ", 399), 1, 401, ""},
	{"limit-nodes", "text/xml", "<a>" + strings.Repeat("<b/>", 12) + "</a>", 1, 48, ""},
	{"limit-nodes", "application/json", `{"a":[1,2,3,4,5,6,7,8,9,0,1,2]}`, 1, 27, "/a/10"},
	{"limit-depth", "text/xml", "<a><b><c><d><e/></d></c></b></a>", 1, 13, ""},
	{"limit-depth", "application/json", `{"a":[[[[]]]]}`, 1, 9, "/a/0/0/0"},
	{"limit-attributes", "text/xml", "<a a='' b='' c='' d=''/>", 1, 19, ""},
	{"limit-attribute-bytes", "text/xml", "<a b='123456789012345678901'/>", 1, 27, ""},
	{"limit-attribute-bytes", "text/xml", "<a b='12345678901234567890' c='12345678901'/>", 1, 42, ""},
	{"limit-members", "application/json", `{"a":1,"b":1,"c":1,"d":1,"e":1}`, 1, 26, ""},
	{"limit-members", "application/json", `{"x":{"a":1,"b":1},"a":1,"b":1,"c":{"d":1}}`, 1, 37, "/c"},
	{"limit-name", "text/xml", "<a1234567890123/>", 1, 2, ""},
	{"limit-name", "application/json", `{"a1234567890123":1}`, 1, 2, ""},
	{"limit-text", "text/xml", "<a>" + strings.Repeat("x", 41) + "</a>", 1, 44, ""},
	{"limit-text", "text/xml", "<a><![CDATA[" + strings.Repeat("x", 41) + "]]></a>", 1, 53, ""},
	{"limit-text", "text/xml", "<a>" + strings.Repeat("x", 40) + "&lt;</a>", 1, 44, ""},
	{"limit-text", "application/json", `{"a":"` + strings.Repeat("x", 41) + `"}`, 1, 47, "/a"},
	{"limit-text", "application/json", `{"a":"` + strings.Repeat("x", 40) + `\n"}`, 1, 47, "/a"},
	{"limit-namespaces", "text/xml", "<a xmlns:a='a' xmlns:b='b'><b xmlns:c='c' xmlns:d='d'/></a>", 1, 43, ""},
	{"limit-namespace-bytes", "text/xml", "<a xmlns='12345678901'/>", 1, 4, ""},
	{"limit-references", "text/xml", "<a>&lt;&#65;&gt;&amp;</a>", 1, 17, ""},
	{"limit-number", "application/json", `{"a":12345678901}`, 1, 6, "/a"},
	{"limit-number", "application/json", `{"a":1e1000}`, 1, 6, "/a"},

	{"xml-declaration", "text/xml", " <?xml version='1.0'?><a/>", 1, 2, ""},
	{"xml-declaration", "text/xml", "<?xml encoding='UTF-8'?><a/>", 1, 1, ""},
	{"xml-declaration", "text/xml", "<?xml version='1.0' standalone='maybe'?><a/>", 1, 1, ""},
	{"xml-declaration", "text/xml", "<?xml version='1.0' standalone='yes' encoding='UTF-8'?><a/>", 1, 1, ""},
	{"xml-declaration", "text/xml", "<?xml version='1.0'encoding='UTF-8'?><a/>", 1, 1, ""},
	{"xml-declaration", "text/xml", "<?xml version='1.0' encoding='_'?><a/>", 1, 1, ""},
	{"xml-declaration", "text/xml", "<?xml version='1.0'" + strings.Repeat(" ", 300) + "?><a/>", 1, 1, ""},
	{"xml-declaration", "text/xml", "<a><?XmL x?></a>", 1, 4, ""},
	{"xml-version", "text/xml", "<?xml version='1.1'?><a/>", 1, 1, ""},
	{"xml-doctype", "text/xml", "<?xml version='1.0'?>\n<!DOCTYPE a><a/>", 2, 1, ""},
	{"xml-doctype", "text/xml", "<a><!DOCTYPE a></a>", 1, 4, ""},
	{"xml-character", "text/xml", "<a>\x01</a>", 1, 4, ""},
	{"xml-character", "text/xml", "<a>x\x00</a>", 1, 5, ""},
	{"xml-character", "text/xml", "<a>\uFFFE</a>", 1, 4, ""},
	{"xml-character", "text/xml", "<a>\uFFFF</a>", 1, 4, ""},
	{"xml-character", "text/xml", "<a b='\uFFFF'/>", 1, 7, ""},
	{"xml-character", "text/xml", "<a b='\x08'/>", 1, 7, ""},
	{"xml-character", "text/xml", "<a><![CDATA[\x08]]></a>", 1, 13, ""},
	{"xml-character", "text/xml", "<a><![CDATA[\uFFFE]]></a>", 1, 13, ""},
	{"xml-character", "text/xml", "<!--\x0b--><a/>", 1, 5, ""},
	{"xml-character", "text/xml", "<?p \uFFFF?><a/>", 1, 5, ""},
	{"xml-character", "text/xml", "<a/>\x00", 1, 5, ""},
	{"xml-unexpected-end", "text/xml", "<a>", 1, 4, ""},
	{"xml-unexpected-end", "text/xml", "<a b='", 1, 7, ""},
	{"xml-unexpected-end", "text/xml", "<a></", 1, 6, ""},
	{"xml-unexpected-end", "text/xml", "<a></a", 1, 7, ""},
	{"xml-unexpected-end", "text/xml", "<a>&am", 1, 7, ""},
	{"xml-unexpected-end", "text/xml", "<a>&#6", 1, 7, ""},
	{"xml-unexpected-end", "text/xml", "<a/><!--", 1, 9, ""},
	{"xml-unexpected-end", "text/xml", "<a/><!-", 1, 8, ""},
	{"xml-unexpected-end", "text/xml", "<!DOC", 1, 6, ""},
	{"xml-unexpected-end", "text/xml", "<a/><?p", 1, 8, ""},
	{"xml-unexpected-end", "text/xml", "<a/><", 1, 6, ""},
	{"xml-unexpected-end", "text/xml", "<?xml version='1.0'", 1, 20, ""},
	{"xml-no-root", "text/xml", "<?xml version='1.0'?><!-- x -->\n", 2, 1, ""},
	{"xml-text-outside-root", "text/xml", "x<a/>", 1, 1, ""},
	{"xml-text-outside-root", "text/xml", "<a/>x", 1, 5, ""},
	{"xml-text-outside-root", "text/xml", "<a/>&#32;", 1, 5, ""},
	{"xml-text-outside-root", "text/xml", "\xFE\xFF\xFE\xFF\x00<\x00a\x00/\x00>", 1, 1, ""},
	{"xml-second-root", "text/xml", "<a/>\n<b/>", 2, 1, ""},
	{"xml-name", "text/xml", "<1/>", 1, 2, ""},
	{"xml-name", "text/xml", "<a:b:c/>", 1, 5, ""},
	{"xml-name", "text/xml", "<a:/>", 1, 3, ""},
	{"xml-name", "text/xml", "<:a/>", 1, 2, ""},
	{"xml-name", "text/xml", "<a×b/>", 1, 3, ""},
	{"xml-name", "text/xml", "< a/>", 1, 2, ""},
	{"xml-tag", "text/xml", "<a/ >", 1, 3, ""},
	{"xml-tag", "text/xml", "<a b='1'c='2'/>", 1, 9, ""},
	{"xml-tag", "text/xml", "<a <b/></a>", 1, 4, ""},
	{"xml-tag", "text/xml", "<a></a x='1'>", 1, 8, ""},
	{"xml-tag", "text/xml", "</a>", 1, 1, ""},
	{"xml-attribute", "text/xml", "<a b/>", 1, 5, ""},
	{"xml-attribute", "text/xml", "<a b=1/>", 1, 6, ""},
	{"xml-attribute-less-than", "text/xml", "<a b='<'/>", 1, 7, ""},
	{"xml-duplicate-attribute", "text/xml", "<a b='' b=''/>", 1, 9, ""},
	{"xml-duplicate-attribute", "text/xml", "<a xmlns:p='u' xmlns:p='v'/>", 1, 16, ""},
	{"xml-duplicate-attribute", "text/xml", "<a xmlns:p='u' xmlns:q='u'><b p:x='' q:x=''/></a>", 1, 38, ""},
	{"xml-end-tag", "text/xml", "<a><b></a></b>", 1, 7, ""},
	{"xml-end-tag", "text/xml", "<a></ab>", 1, 4, ""},
	{"xml-end-tag", "text/xml", "<p:a xmlns:p='u' xmlns:q='u'></q:a>", 1, 30, ""},
	{"xml-prefix-undeclared", "text/xml", "<p:a/>", 1, 1, ""},
	{"xml-prefix-undeclared", "text/xml", "<a p:b=''/>", 1, 4, ""},
	{"xml-prefix-undeclared", "text/xml", "<a><b xmlns:p='u'/><p:c/></a>", 1, 20, ""},
	{"xml-namespace-reserved", "text/xml", "<xmlns:a/>", 1, 1, ""},
	{"xml-namespace-empty", "text/xml", "<a xmlns:p=''/>", 1, 4, ""},
	{"xml-entity-undeclared", "text/xml", "<a>&nbsp;</a>", 1, 4, ""},
	{"xml-entity-undeclared", "text/xml", "<a b='&uuml;'/>", 1, 7, ""},
	{"xml-reference", "text/xml", "<a>A & B</a>", 1, 6, ""},
	{"xml-reference", "text/xml", "<a>&amp</a>", 1, 4, ""},
	{"xml-reference", "text/xml", "<a>&#;</a>", 1, 4, ""},
	{"xml-reference", "text/xml", "<a>&#xg;</a>", 1, 4, ""},
	{"xml-reference", "text/xml", "<a>&#X41;</a>", 1, 4, ""},
	{"xml-character-reference", "text/xml", "<a>&#0;</a>", 1, 4, ""},
	{"xml-character-reference", "text/xml", "<a>&#xD800;</a>", 1, 4, ""},
	{"xml-character-reference", "text/xml", "<a b='&#xFFFFFFFFF;'/>", 1, 7, ""},
	{"xml-cdata-end", "text/xml", "<a>x]]></a>", 1, 5, ""},
	{"xml-cdata-end", "text/xml", "<a>]]]></a>", 1, 5, ""},
	{"xml-comment", "text/xml", "<a><!-- -- --></a>", 1, 9, ""},
	{"xml-comment", "text/xml", "<a><!-- ---></a>", 1, 9, ""},
	{"xml-processing-instruction", "text/xml", "<a><?p:q x?></a>", 1, 4, ""},
	{"xml-processing-instruction", "text/xml", "<a><?p/x?></a>", 1, 7, ""},
	{"xml-markup", "text/xml", "<a><!ELEMENT a></a>", 1, 4, ""},
	{"xml-markup", "text/xml", "<![CDATA[x]]><a/>", 1, 1, ""},
	{"xml-markup", "text/xml", "<a><![cdata[x]]></a>", 1, 4, ""},

	{"json-bom", "application/json", "\xEF\xBB\xBF{}", 1, 1, ""},
	{"json-bom", "application/json", "\xFE\xFF\x00{\x00}", 1, 1, ""},
	{"json-top-level", "application/json", " [1]", 1, 2, ""},
	{"json-top-level", "application/json", `"x"`, 1, 1, ""},
	{"json-syntax", "application/json", `{"a":1,}`, 1, 8, ""},
	{"json-syntax", "application/json", `{"a" 1}`, 1, 6, "/a"},
	{"json-syntax", "application/json", `{"a":[1,]}`, 1, 9, "/a/1"},
	{"json-syntax", "application/json", `{"a":[1 2]}`, 1, 9, "/a/0"},
	{"json-syntax", "application/json", `{"a":1 "b":2}`, 1, 8, ""},
	{"json-syntax", "application/json", `{a:1}`, 1, 2, ""},
	{"json-syntax", "application/json", `{"a":}`, 1, 6, "/a"},
	{"json-syntax", "application/json", "{\"a\":\x00}", 1, 6, "/a"},
	{"json-literal", "application/json", `{"a":True}`, 1, 6, "/a"},
	{"json-literal", "application/json", `{"a":truex}`, 1, 6, "/a"},
	{"json-literal", "application/json", `{"a":nul`, 1, 6, "/a"},
	{"json-number", "application/json", `{"a":01}`, 1, 6, "/a"},
	{"json-number", "application/json", `{"a":1.}`, 1, 6, "/a"},
	{"json-number", "application/json", `{"a":-}`, 1, 6, "/a"},
	{"json-number", "application/json", `{"a":1e}`, 1, 6, "/a"},
	{"json-number", "application/json", `{"a":0x1}`, 1, 6, "/a"},
	{"json-number", "application/json", `{"a":1.5.2}`, 1, 6, "/a"},
	{"json-control-character", "application/json", "{\"a\":\"x\n\"}", 1, 8, "/a"},
	{"json-control-character", "application/json", "{\"a\t\":1}", 1, 4, ""},
	{"json-escape", "application/json", `{"a":"\x"}`, 1, 7, "/a"},
	{"json-escape", "application/json", `{"a":"\u00g0"}`, 1, 7, "/a"},
	{"json-surrogate", "application/json", `{"a":"\ud83d"}`, 1, 7, "/a"},
	{"json-surrogate", "application/json", `{"a":"\udc36\ud83d"}`, 1, 7, "/a"},
	{"json-surrogate", "application/json", `{"a":"\ud83d\u0041"}`, 1, 7, "/a"},
	{"json-nul", "application/json", `{"a":"\u0000"}`, 1, 7, "/a"},
	{"json-nul", "application/json", `{"\u0000":1}`, 1, 3, ""},
	{"json-duplicate-key", "application/json", `{"x":{"a":1,"a":2}}`, 1, 13, "/x/a"},
	{"json-duplicate-key", "application/json", `{"a":1,"\u0061":2}`, 1, 8, "/a"},
	{"json-duplicate-key-case", "application/json", `{"name":1,"Name":2}`, 1, 11, "/Name"},
	{"json-duplicate-key-case", "application/json", `{"größe":1,"GRÖßE":2}`, 1, 12, ""},
	{"json-duplicate-key-case", "application/json", "{\"k\":1,\"\u212a\":2}", 1, 8, ""},
	{"json-trailing-data", "application/json", `{} {}`, 1, 4, ""},
	{"json-trailing-data", "application/json", `{}x`, 1, 3, ""},
	{"json-unexpected-end", "application/json", `{"a":[1`, 1, 8, "/a/0"},
	{"json-unexpected-end", "application/json", `{"a`, 1, 4, ""},
	{"json-unexpected-end", "application/json", `{"a":"\u00`, 1, 11, "/a"},
}

func TestRefusals(t *testing.T) {
	for _, c := range refusals {
		o := Options{Limits: small, Handlers: []Handler{discard{}}}
		if !strings.HasPrefix(c.code, "limit-") {
			o.Limits = Limits{}
		}
		in := []byte(c.in)
		_, memory := Check(context.Background(), in, c.media, o)
		_, stream := CheckReader(context.Background(), bytes.NewReader(in), c.media, o)
		_, single := CheckReader(context.Background(), iotest.OneByteReader(bytes.NewReader(in)), c.media, o)
		_, early := CheckReader(context.Background(), iotest.DataErrReader(bytes.NewReader(in)), c.media, o)
		o.Handlers = nil
		_, unheard := Check(context.Background(), in, c.media, o)
		for how, err := range map[string]error{"memory": memory, "stream": stream, "single": single, "early": early, "unheard": unheard} {
			r, ok := IsRefusal(err)
			if !ok {
				t.Errorf("%q (%s): got %v, want %s", c.in, how, err, c.code)
				continue
			}
			if r.Code != c.code || r.Line != c.line || r.Column != c.column || r.Pointer != c.pointer {
				t.Errorf("%q (%s): got %s at %d:%d %q, want %s at %d:%d %q", c.in, how, r.Code, r.Line, r.Column, r.Pointer, c.code, c.line, c.column, c.pointer)
			}
		}
	}
}

func TestReservedNamespaces(t *testing.T) {
	for _, in := range []string{
		`<a xmlns:xml="u"/>`, `<a xmlns:x="http://www.w3.org/XML/1998/namespace"/>`, `<a xmlns:xmlns="u"/>`,
		`<a xmlns:xmlns="http://www.w3.org/2000/xmlns/"/>`, `<a xmlns:x="http://www.w3.org/2000/xmlns/"/>`,
		`<a xmlns="http://www.w3.org/2000/xmlns/"/>`, `<a xmlns="http://www.w3.org/XML/1998/namespace"/>`, `<a xmlns:xml=""/>`,
	} {
		if r, ok := IsRefusal(run([]byte(in))); !ok || r.Code != codeXMLReserved {
			t.Errorf("%s: got %v", in, r)
		}
	}
}

func TestManyAttributesAndKeys(t *testing.T) {
	var x, j strings.Builder
	for i := range 100 {
		x.WriteString(" a" + strings.Repeat("x", i) + "=''")
		j.WriteString(`"a` + strings.Repeat("x", i) + `":1,`)
	}
	if err := run([]byte("<r" + x.String() + "/>")); err != nil {
		t.Error(err)
	}
	if r, ok := IsRefusal(run([]byte("<r" + x.String() + " axxxxx=''/>"))); !ok || r.Code != codeXMLDuplicate {
		t.Errorf("the attribute's double is not found: %v", r)
	}
	if _, err := events([]byte("{"+j.String()+`"b":1}`), "application/json"); err != nil {
		t.Error(err)
	}
	for key, code := range map[string]string{"axxxxx": codeJSONDuplicate, "axxXxx": codeJSONDuplicateCase, "AX": codeJSONDuplicateCase} {
		_, err := events([]byte("{"+j.String()+`"`+key+`":1}`), "application/json")
		if r, ok := IsRefusal(err); !ok || r.Code != code {
			t.Errorf("the double of %s is not found: %v", key, err)
		}
	}
}

// Every code has a document that earns it, and sentences in both languages that
// name a remedy.
func TestEveryCode(t *testing.T) {
	earned := map[string]bool{}
	for _, c := range refusals {
		earned[c.code] = true
	}
	for code, s := range sentences {
		if !earned[code] {
			t.Errorf("no document earns %s", code)
		}
		if !strings.Contains(s.de, "Bitte ") && !strings.Contains(s.de, "bitte ") || !strings.HasSuffix(s.de, ".") || !strings.Contains(s.en, ";") && !strings.Contains(s.en, ",") {
			t.Errorf("%s: a sentence lacks its remedy: %s / %s", code, s.de, s.en)
		}
	}
}

func TestRefusalsDoNotRepeatTheDocument(t *testing.T) {
	const secret = "Erika Mustermann, Heidestraße 17"
	for _, c := range []struct{ media, in string }{
		{"text/xml", "<a>" + secret + "&" + secret + ";</a>"},
		{"text/xml", "<a b='" + secret + "<'/>"},
		{"text/xml", "<a>" + secret + "</b>"},
		{"text/xml", "<a>&ErikaMustermannHeidestraße17;</a>"},
		{"text/xml", "<ErikaMustermannHeidestraße17:x/>"},
		{"application/json", `{"` + secret + `":1,"` + secret + `":2}`},
		{"application/json", `{"` + secret + `":"` + secret + `\x"}`},
		{"application/json", `{"a":"` + secret},
	} {
		_, err := events([]byte(c.in), c.media)
		r, ok := IsRefusal(err)
		if !ok {
			t.Fatalf("%s: %v", c.in, err)
		}
		for _, s := range []string{r.De, r.En, r.Pointer, r.Error()} {
			if strings.Contains(s, "Erika") || strings.Contains(s, "Heide") {
				t.Errorf("%s: %s", c.in, s)
			}
		}
	}
}

func TestSentence(t *testing.T) {
	_, err := events([]byte("<a>\n <b x='1' x='2'/></a>"), "text/xml")
	r, ok := IsRefusal(err)
	if !ok {
		t.Fatal(err)
	}
	want := Refusal{Code: "xml-duplicate-attribute", Line: 2, Column: 11,
		De: "Zeile 2, Spalte 11: Das Attribut „x“ steht mehr als einmal am selben Element. Bitte nur eines behalten.",
		En: `line 2, column 11: the attribute "x" occurs more than once in the same element; keep one.`}
	if *r != want {
		t.Errorf("got %+v", *r)
	}
}

func TestErrorsThatAreNoRefusals(t *testing.T) {
	broken := errors.New("the line dropped")
	rd := io.MultiReader(strings.NewReader("<a>xx"), iotest.ErrReader(broken))
	if _, err := CheckReader(context.Background(), rd, "text/xml", Options{}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, err := CheckReader(context.Background(), iotest.ErrReader(broken), "text/xml", Options{}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := CheckReader(ctx, strings.NewReader("<a/>"+strings.Repeat(" ", 100_000)), "text/xml", Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := Check(ctx, []byte("{\"a\":["+strings.Repeat("1,", 2000)+"1]}"), "application/json", Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	for _, media := range []string{"text/xml", "application/json"} {
		for at := range 3 {
			body := map[string]string{"text/xml": "<a>x</a>", "application/json": `{"a":"x"}`}[media]
			_, err := Check(context.Background(), []byte(body), media, Options{Handlers: []Handler{discard{}, &failingAt{at: at, err: broken}}})
			if err != broken {
				t.Errorf("%s: a handler's error at event %d came back as %v", media, at, err)
			}
		}
	}
}

// failingAt is a handler that fails at one kind of event.
type failingAt struct {
	at  int
	err error
}

func (f *failingAt) fail(at int) error {
	if at == f.at {
		return f.err
	}
	return nil
}
func (f *failingAt) Start(*Start) error     { return f.fail(0) }
func (f *failingAt) Text([]byte, Pos) error { return f.fail(1) }
func (f *failingAt) End(Name, Pos) error    { return f.fail(2) }
