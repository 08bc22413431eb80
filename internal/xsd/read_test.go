package xsd_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"stellwerk/internal/xsd"
)

const anything = `<xs:element name="a" type="xs:anyType"/>`

func TestNotWellFormed(t *testing.T) {
	s := compile(t, anything)
	for _, doc := range []string{
		"", " ", "x", "<a>", "<a></b>", "<a/><a/>", "<a/>x", "<a", "<a b/>", "<a b=c/>", "<a b='c/>", "<a b='1'c='2'/>", "<a b='1' b='2'/>",
		"<a xmlns:x='u' xmlns:y='u' x:b='' y:b=''/>", "<x:a/>", "<a x:b=''/>", "<a xmlns:x=''/>", "<a xmlns:xml='u'/>", "<a>&x;</a>", "<a>&</a>",
		"<a>&#0;</a>", "<a>&#x110000;</a>", "<a>]]></a>", "<a b='<'/>", "<a><!-- -- --></a>", "<a><![CDATA[</a>", "<a><?xml version='1.0'?></a>",
		" <?xml version='1.0'?><a/>", "<a>\x01</a>", "<a>\xff</a>", "<a b='\xc3'/>", "<1/>", "<a:b:c/>", "<a><!DOCTYPE a></a>", "<!DOCTYPE a", "<a>\ufffe</a>",
		"<!DOCTYPE a [<!ENTITY e SYSTEM 'f'>]><a>&e;</a>", "<!DOCTYPE a [<!ENTITY e '&e;&e;'>]><a>&e;</a>", "</a>", "<a/ >", "<![CDATA[x]]><a/>", "<a>&lt</a>",
		"<?>", "<?><a/>", "<a><?></a>", "<a><??></a>", "<a><?>?></a>", "<?x", "<!-->", "<a><!--></a>", "<a><!---></a>", "<!DOCTYPE a [<?>", "<!DOCTYPE a [<!-->", "<a><![CDATA[]></a>",
	} {
		var bad *xsd.XMLError
		if _, err := s.Validate(context.Background(), strings.NewReader(doc), xsd.Options{}); !errors.As(err, &bad) {
			t.Errorf("%q: %v", doc, err)
		} else if bad.Line < 1 || bad.Col < 1 {
			t.Errorf("%q: no place in %v", doc, err)
		}
	}
}

func TestWellFormed(t *testing.T) {
	s := compile(t, anything)
	for _, doc := range []string{
		"<a/>", "\ufeff<a/>", "<?xml version='1.0'?>\n<!-- x --><a\n b = 'c>' ></a >\n<?p i?>", "<a><![CDATA[<&]]]]><![CDATA[>]]></a>", "<a>&#x1F600;&amp;</a>",
		"<!DOCTYPE a><a/>", "<!DOCTYPE a SYSTEM 'a.dtd' [<!-- > ' --><!ELEMENT a ANY><!ENTITY e 'text'>]><a b='&e;'>&e;</a>", "<a xmlns='u' xmlns:x='v'/>",
		"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xfc</a>", "<?xml version='1.0' encoding='utf8'?><a>ü</a>",
	} {
		for _, r := range []func([]byte) ([]xsd.Finding, error){
			func(b []byte) ([]xsd.Finding, error) {
				return s.Validate(context.Background(), bytes.NewReader(b), xsd.Options{})
			},
			func(b []byte) ([]xsd.Finding, error) {
				return s.Validate(context.Background(), iotest.OneByteReader(bytes.NewReader(b)), xsd.Options{})
			},
		} {
			if _, err := r([]byte(doc)); err != nil {
				t.Errorf("%q: %v", doc, err)
			}
		}
	}
}

func TestUTF16(t *testing.T) {
	s := compile(t, `<xs:element name="a"><xs:simpleType><xs:restriction base="xs:string"><xs:length value="1"/></xs:restriction></xs:simpleType></xs:element>`)
	doc := []byte{0xFE, 0xFF}
	for _, r := range "<a>ä</a>" {
		doc = append(doc, byte(r>>8), byte(r))
	}
	if found, err := s.Validate(context.Background(), bytes.NewReader(doc), xsd.Options{}); err != nil || len(found) > 0 {
		t.Error(found, err)
	}
}

// TestPlaces reads the same document in one piece and byte by byte.
func TestPlaces(t *testing.T) {
	s := compile(t, petSchema)
	doc := "<?xml version='1.0'?>\r\n<!-- ä -->\r\n<antrag\r\n  falsch='ü'>\n  <datum>ä</datum><ort/>\n</antrag>"
	want := [][2]int{{4, 3}, {5, 3}, {5, 19}}
	for name, in := range map[string]*strings.Reader{"whole": strings.NewReader(doc), "bytes": strings.NewReader(doc)} {
		found, err := s.Validate(context.Background(), map[bool]interface {
			Read([]byte) (int, error)
		}{true: in, false: iotest.OneByteReader(in)}[name == "whole"], xsd.Options{})
		if err != nil || len(found) != len(want) {
			t.Fatalf("%s: %v %v", name, found, err)
		}
		for i, f := range found {
			if f.Line != want[i][0] || f.Col != want[i][1] {
				t.Errorf("%s: %d:%d, want %v: %s", name, f.Line, f.Col, want[i], f)
			}
		}
	}
}

func TestReadErrors(t *testing.T) {
	s := compile(t, anything)
	broken := errors.New("broken pipe")
	if _, err := s.Validate(context.Background(), iotest.ErrReader(broken), xsd.Options{}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Validate(ctx, strings.NewReader("<a/>"), xsd.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
