package gate

import (
	"context"
	"testing"
)

// roundTrip writes a document's tree and scans that: the events are the same.
func roundTrip(t testing.TB, body []byte) {
	t.Helper()
	lim := Limits{Nodes: 1 << 30, Bytes: 1 << 40, TextBytes: 1 << 30, References: 1 << 30, AttributeBytes: 1 << 20, TagBytes: 1 << 20}
	var first, second script
	if _, err := Check(context.Background(), body, "text/xml", Options{Limits: lim, Handlers: []Handler{&first}}); err != nil {
		t.Fatal(err)
	}
	doc, err := Tree(context.Background(), body, "text/xml", lim)
	if err != nil {
		t.Fatal(err)
	}
	again, err := doc.WriteToBytes()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Check(context.Background(), again, "text/xml", Options{Limits: lim, Handlers: []Handler{&second}}); err != nil {
		t.Fatalf("what the tree writes is refused: %v: %.200q", err, again)
	}
	if first.String() != second.String() {
		t.Fatalf("%.200q\n%.2000s\nbecame %.200q\n%.2000s", body, first.String(), again, second.String())
	}
}

func TestRoundTrip(t *testing.T) {
	for _, in := range []string{
		"<a>1\r\n2\r3&#13;4\n\t5</a>",
		"<a b='&#13;&#10;&#9; &quot;&apos;&lt;&gt;&amp;'>&lt;&gt;&amp;]]&gt;</a>",
		"<p:a xmlns:p='u' xmlns='d' xmlns:q='u' q:x='1' y='2'><b xmlns=''/><p:c xmlns:p='v' p:x=''/></p:a>",
		"<a><![CDATA[<x>]]><![CDATA[]]]]><![CDATA[>]]></a>",
		"<?xml version='1.0' encoding='ISO-8859-15'?><a>\xA4\xE4</a>",
		"<a xml:space='preserve'> <!-- x --> <b/> </a>",
		"<größe>𝄞\uFFFD\x7f\u0085\u2028</größe>",
	} {
		roundTrip(t, []byte(in))
	}
	roundTrip(t, antrag(3))
}

func TestTreeOfXML(t *testing.T) {
	doc, err := Tree(context.Background(), []byte(`<p:a xmlns:p="u"><!--x--><p:b x="1" p:y="2">t</p:b></p:a>`), "application/xml", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	b := doc.Root().ChildElements()[0]
	if b.Space != "p" || b.Tag != "b" || b.NamespaceURI() != "u" || b.Text() != "t" || b.Attr[1].NamespaceURI() != "u" {
		t.Errorf("got %+v", b)
	}
	if got, _ := doc.WriteToString(); got != `<p:a xmlns:p="u"><p:b x="1" p:y="2">t</p:b></p:a>` {
		t.Errorf("wrote %s", got)
	}
}

func TestTreeOfJSON(t *testing.T) {
	doc, err := Tree(context.Background(), []byte(`{"hund":[{"chip":"276"},{"chip":null}],"a:b":[[1]],"xmlns":"u"}`), "application/json", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	root := doc.Root()
	if root.Tag != "object" || len(root.ChildElements()) != 4 {
		t.Fatalf("got %+v", root)
	}
	dogs := root.SelectElements("hund")
	if len(dogs) != 2 || dogs[0].SelectElement("chip").Text() != "276" || dogs[1].SelectElement("chip").SelectAttrValue("nil", "") != "true" {
		t.Errorf("got %+v", dogs)
	}
	odd := root.ChildElements()[2]
	if odd.Space != "" || odd.Tag != "a:b" || odd.ChildElements()[0].Tag != "item" || odd.ChildElements()[0].Text() != "1" {
		t.Errorf("got %+v", odd)
	}
}

func TestTreeIsRefusedWhole(t *testing.T) {
	if doc, err := Tree(context.Background(), []byte("<a/><b/>"), "text/xml", Limits{}); doc != nil || err == nil {
		t.Errorf("got %v, %v", doc, err)
	}
	if doc, err := Tree(context.Background(), []byte("<a/>"), "text/plain", Limits{}); doc != nil || err == nil {
		t.Errorf("got %v, %v", doc, err)
	}
}
