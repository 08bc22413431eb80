package xsd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"
)

const fuzzHead = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">`

// FuzzSchema compiles whatever it is given and judges a small document by it.
func FuzzSchema(f *testing.F) {
	for _, body := range []string{
		`<xs:element name="a" type="xs:int"/>`,
		`<xs:element name="a"><xs:complexType mixed="true"><xs:choice maxOccurs="7"><xs:element ref="a"/><xs:any namespace="##other"/></xs:choice><xs:anyAttribute/></xs:complexType></xs:element>`,
		`<xs:simpleType name="t"><xs:restriction base="xs:decimal"><xs:pattern value="\d{1,5}[a-z-[b]]"/><xs:enumeration value="1"/></xs:restriction></xs:simpleType>`,
		`<xs:group name="g"><xs:sequence><xs:element name="b" minOccurs="3" maxOccurs="500"/></xs:sequence></xs:group><xs:complexType name="T"><xs:group ref="g" maxOccurs="unbounded"/></xs:complexType>`,
		`<xs:element name="a"><xs:key name="k"><xs:selector xpath=".//b|c"/><xs:field xpath="@x"/></xs:key><xs:keyref name="r" refer="k"><xs:selector xpath="*"/><xs:field xpath="."/></xs:keyref></xs:element>`,
		`<xs:redefine schemaLocation="s.xsd"><xs:simpleType name="t"><xs:restriction base="t"/></xs:simpleType></xs:redefine>`,
		`<xs:simpleType name="u"><xs:union memberTypes="xs:int xs:date"/></xs:simpleType><xs:simpleType name="l"><xs:list itemType="u"/></xs:simpleType><xs:element name="a" type="l" default="1"/>`,
		`<xs:element name="a" abstract="true" substitutionGroup="b"/><xs:element name="b" nillable="true" block="#all"/>`,
	} {
		f.Add([]byte(fuzzHead+body+"</xs:schema>"), []byte(`<a x="1"><b/><b>2026-01-01</b>text</a>`))
	}
	f.Fuzz(func(t *testing.T, schema, doc []byte) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		s, err := Compile(ctx, Files(fstest.MapFS{"s.xsd": {Data: schema}}, nil), "s.xsd")
		if err != nil {
			var bad *SchemaError
			if !errors.As(err, &bad) || len(bad.Issues) == 0 {
				t.Fatalf("no issue in %v", err)
			}
			return
		}
		_, _ = s.Validate(ctx, bytes.NewReader(doc), Options{}) // any verdict is good
		if ctx.Err() != nil {
			t.Fatal("took too long")
		}
	})
}

// FuzzDocument judges whatever it is given by a schema with one of everything. Read in one piece or in
// bytes, and a second time with the same validator, the findings must be the same.
func FuzzDocument(f *testing.F) {
	const body = `<xs:element name="a" type="T"><xs:key name="k"><xs:selector xpath=".//b"/><xs:field xpath="@i"/></xs:key>
		<xs:keyref name="r" refer="k"><xs:selector xpath="c"/><xs:field xpath="."/></xs:keyref></xs:element>
		<xs:complexType name="T" mixed="true"><xs:choice minOccurs="0" maxOccurs="200"><xs:element ref="a"/><xs:element name="b" nillable="true" type="B"/>
		<xs:element name="c" type="xs:int"/><xs:element ref="h"/><xs:sequence><xs:element name="d"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="(\w|[äöü-[ö]])+"/></xs:restriction></xs:simpleType></xs:element></xs:sequence>
		<xs:any namespace="##other" processContents="lax"/></xs:choice><xs:attribute name="id" type="xs:ID"/><xs:attribute name="ref" type="xs:IDREFS"/></xs:complexType>
		<xs:complexType name="B"><xs:all><xs:element name="x" type="xs:dateTime" minOccurs="0"/><xs:element name="y" type="xs:base64Binary" default="AAAA"/></xs:all><xs:attribute name="i" type="xs:decimal" use="required"/><xs:anyAttribute processContents="skip"/></xs:complexType>
		<xs:element name="h" abstract="true"/><xs:element name="m" substitutionGroup="h" type="xs:duration"/>`
	s, err := Compile(context.Background(), Files(fstest.MapFS{"s.xsd": {Data: []byte(fuzzHead + body + "</xs:schema>")}}, nil), "s.xsd")
	if err != nil {
		f.Fatal(err)
	}
	for _, doc := range []string{
		`<a id="x" ref="x"><b i="1.0"><y>AAAA</y></b><c>1</c><m>P1Y</m><d>äx</d></a>`,
		`<a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><b i="1" xsi:nil="true"/><b i="01"/><h/><c>9</c><x:y xmlns:x="u"/></a>`,
		"<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;<![CDATA[<]]><a><a/></a></a>",
	} {
		f.Add([]byte(doc))
	}
	v := s.NewValidator(Options{})
	f.Fuzz(func(t *testing.T, doc []byte) {
		judge := func(in io.Reader) ([]Finding, error) {
			v.Reset()
			err := readXML(context.Background(), in, documentSink{v})
			return v.Finish(), err
		}
		found, err := judge(bytes.NewReader(doc))
		again, err2 := judge(oneByte{bytes.NewReader(doc)})
		if (err == nil) != (err2 == nil) || len(found) != len(again) {
			t.Fatalf("in one piece %v %v, in bytes %v %v", found, err, again, err2)
		}
		for i := range found {
			if found[i] != again[i] {
				t.Fatalf("in one piece %v, in bytes %v", found[i], again[i])
			}
			if !utf8.ValidString(found[i].De + found[i].En + found[i].Path + found[i].Value) {
				t.Fatalf("not UTF-8: %+v", found[i])
			}
		}
	})
}

type oneByte struct{ in io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.in.Read(p[:min(len(p), 1)]) }

// FuzzPattern compares the cached automaton with the judgement without a cache.
func FuzzPattern(f *testing.F) {
	for _, p := range []string{`a+b*`, `(a|b){2,5}c?`, `[a-z-[aeiou]]+`, `\p{Lu}\P{IsGreek}`, `(a?){50}`, `\i\c*`, `[^\s]{0,30}`, `.*`} {
		f.Add(p, "aab", "xyz")
	}
	f.Fuzz(func(t *testing.T, pattern, value, other string) {
		re, err := compilePattern(pattern, newSetCache())
		if err != nil || len(re.prog) > 3_000 {
			return
		}
		for _, v := range []string{value, other, value + other, value} {
			want := re.simulateAll([]byte(v))
			if got := re.Match([]byte(v)); got != want {
				t.Fatalf("pattern %q, value %q: %v, without a cache %v", pattern, v, got, want)
			}
		}
	})
}

// simulateAll judges without the cache from the start.
func (re *regex) simulateAll(b []byte) bool {
	start := (*re.states.Load())[re.start]
	if len(b) == 0 {
		return start.accept
	}
	r, size := utf8.DecodeRune(b)
	return re.simulate(start, re.lookup(r), b[size:])
}

// FuzzValue judges texts by every built-in type.
func FuzzValue(f *testing.F) {
	for _, v := range []string{"1", "-1.50", "2026-03-01T12:00:00.5+01:00", "P1Y2M", "true", "AAAA", "http://a", "a b", "--02-29", "INF"} {
		f.Add(v)
	}
	b := newBuiltins()
	f.Fuzz(func(t *testing.T, value string) {
		for _, name := range slices.Sorted(maps.Keys(b.byName)) { // in order, or no input is worth keeping
			ty := b.byName[name]
			if ty.simple == nil {
				continue
			}
			var c valueContext
			first := ty.simple.check(&c, []byte(value), true)
			key := string(c.key)
			second := ty.simple.check(&c, []byte(" "+value+" "), true)
			if ty.simple.space == collapse && ((first == nil) != (second == nil) || first == nil && key != string(c.key)) {
				t.Fatalf("%s: %q and the same with blanks around it differ", name, value)
			}
			if v, ok := ty.simple.prim.parseOrdered(value); ok && first == nil && ty.simple.prim.ordered() {
				if n, ok := ty.simple.prim.compare(&v, &v); !ok || n != 0 {
					t.Fatalf("%s: %q is not equal to itself", name, value)
				}
			}
		}
	})
}
