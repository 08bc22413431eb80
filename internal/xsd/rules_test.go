package xsd_test

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"stellwerk/internal/xsd"
)

const schemaHead = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified">`

// compile makes a schema of the content of one schema element.
func compile(t testing.TB, body string) *xsd.Schema {
	t.Helper()
	s, err := xsd.Compile(context.Background(), oneFile(schemaHead+body+"</xs:schema>"), "s.xsd")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAdmits(t *testing.T) {
	s := compile(t, `<xs:element name="a"><xs:complexType><xs:sequence>
		<xs:element name="b" type="B" maxOccurs="unbounded"/><xs:element ref="head" minOccurs="0"/><xs:element name="gone" minOccurs="0" maxOccurs="0"/>
		<xs:choice><xs:element name="text" type="xs:string"/><xs:element name="free"><xs:complexType><xs:sequence><xs:any processContents="skip"/></xs:sequence></xs:complexType></xs:element></xs:choice>
		</xs:sequence></xs:complexType></xs:element>
		<xs:element name="head" type="B" abstract="true"/><xs:element name="stands" type="B" substitutionGroup="head"/>
		<xs:complexType name="B"><xs:sequence><xs:element name="b" type="B" minOccurs="0"/></xs:sequence><xs:attribute name="nr"/></xs:complexType>
		<xs:complexType name="C"><xs:complexContent><xs:extension base="B"><xs:sequence><xs:element name="more" type="xs:int"/></xs:sequence></xs:extension></xs:complexContent></xs:complexType>`)
	for path, want := range map[string]bool{
		"b": true, "b/b/b/b": true, "b/@nr": true, "b/@*": true, "b/@x": false, "b/x": false, "b/more": true, "x": false, "stands/b": true, "gone": false,
		"text": true, "text/x": false, "text/@x": false, "free/what/@ever": true, "*/b": true, "*/x": true, "**/more": true, "b/**/x": false, "b/**/b": true, "b/**": true, "@x": false,
	} {
		if got := s.Admits(strings.Split(path, "/")); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

func oneFile(content string) xsd.Source {
	return xsd.Files(fstest.MapFS{"s.xsd": {Data: []byte(content)}}, nil)
}

func validate(t testing.TB, s *xsd.Schema, doc string) []xsd.Finding {
	t.Helper()
	found, err := s.Validate(context.Background(), strings.NewReader(doc), xsd.Options{})
	if err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	return found
}

const petSchema = `
<xs:element name="antrag" type="Antrag">
  <xs:key name="marke"><xs:selector xpath="hund"/><xs:field xpath="@nr"/></xs:key>
  <xs:unique name="chip"><xs:selector xpath=".//hund"/><xs:field xpath="chip"/></xs:unique>
  <xs:keyref name="wurf" refer="marke"><xs:selector xpath="hund"/><xs:field xpath="mutter"/></xs:keyref>
</xs:element>
<xs:complexType name="Antrag"><xs:sequence>
  <xs:element name="datum" type="xs:date"/>
  <xs:element name="halter" type="Person" minOccurs="0"/>
  <xs:element name="betrag" minOccurs="0"><xs:simpleType><xs:restriction base="xs:decimal">
    <xs:minInclusive value="0"/><xs:maxExclusive value="1000"/><xs:fractionDigits value="2"/><xs:totalDigits value="5"/>
  </xs:restriction></xs:simpleType></xs:element>
  <xs:element name="plz" minOccurs="0"><xs:simpleType><xs:restriction base="xs:string">
    <xs:pattern value="[0-9]{5}"/></xs:restriction></xs:simpleType></xs:element>
  <xs:element name="kurz" minOccurs="0"><xs:simpleType><xs:restriction base="xs:string">
    <xs:minLength value="2"/><xs:maxLength value="4"/></xs:restriction></xs:simpleType></xs:element>
  <xs:element name="hund" minOccurs="0" maxOccurs="unbounded" type="Hund"/>
  <xs:element name="leer" minOccurs="0" nillable="true"><xs:complexType/></xs:element>
  <xs:element name="art" minOccurs="0" fixed="A" type="xs:token"/>
  <xs:element name="tier" type="Tier" minOccurs="0"/>
  <xs:element ref="kontakt" minOccurs="0"/>
  <xs:element name="egal" minOccurs="0"><xs:complexType><xs:sequence>
    <xs:any namespace="##other" processContents="strict" maxOccurs="2"/></xs:sequence></xs:complexType></xs:element>
  <xs:element name="verweis" type="xs:IDREF" minOccurs="0"/>
  <xs:element name="menge" minOccurs="0"><xs:complexType><xs:all>
    <xs:element name="x" type="xs:int"/><xs:element name="y" type="xs:int" minOccurs="0"/></xs:all></xs:complexType></xs:element>
</xs:sequence></xs:complexType>
<xs:complexType name="Person"><xs:sequence><xs:element name="name" type="xs:string"/></xs:sequence>
  <xs:attribute name="id" type="xs:ID" use="required"/><xs:attribute name="rolle" fixed="halter"/></xs:complexType>
<xs:complexType name="Hund"><xs:sequence>
  <xs:element name="chip" type="xs:string" minOccurs="0" maxOccurs="2"/>
  <xs:element name="mutter" type="xs:string" minOccurs="0"/>
  <xs:element name="rasse" minOccurs="0"><xs:simpleType><xs:restriction base="xs:string">
    <xs:enumeration value="Dackel"/><xs:enumeration value="Pudel"/></xs:restriction></xs:simpleType></xs:element>
</xs:sequence><xs:attribute name="nr" type="xs:int"/></xs:complexType>
<xs:complexType name="Tier" abstract="true"><xs:sequence/></xs:complexType>
<xs:complexType name="Katze"><xs:complexContent><xs:extension base="Tier"><xs:sequence>
  <xs:element name="leben" type="xs:unsignedByte"/></xs:sequence></xs:extension></xs:complexContent></xs:complexType>
<xs:element name="kontakt" abstract="true" type="xs:string"/>
<xs:element name="mail" substitutionGroup="kontakt" type="xs:string"/>
`

// TestRules has one document for each way to be invalid: its rule, its code, its line.
func TestRules(t *testing.T) {
	s := compile(t, petSchema)
	const xsi = ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`
	const d = "<datum>2026-03-01</datum>"
	for _, c := range []struct {
		name, doc, rule, code string
		line                  int
	}{
		{"valid", `<antrag>` + d + `</antrag>`, "", "", 0},
		{"unknown root", `<anfrage/>`, "cvc-elt.1", "root-unknown", 1},
		{"root of another namespace", `<antrag xmlns="urn:x"/>`, "cvc-elt.1", "root-unknown", 1},
		{"nothing at all", "<antrag>\n</antrag>", "cvc-complex-type.2.4", "element-missing", 2},
		{"missing before another", "<antrag>\n<halter id='a'><name/></halter></antrag>", "cvc-complex-type.2.4", "element-missing", 2},
		{"unexpected", "<antrag>" + d + "\n<ort/></antrag>", "cvc-complex-type.2.4", "element-unexpected", 2},
		{"wrong order", "<antrag>" + d + "<plz>12345</plz>\n<betrag>1</betrag></antrag>", "cvc-complex-type.2.4", "element-unexpected", 2},
		{"wrong namespace", "<antrag>\n<datum xmlns='urn:x'/></antrag>", "cvc-complex-type.2.4", "element-namespace", 2},
		{"text among elements", "<antrag>" + d + "x</antrag>", "cvc-complex-type.2.3", "text-unexpected", 1},
		{"no such day", "<antrag>\n<datum>2026-02-29</datum></antrag>", "cvc-datatype-valid.1.2.1", "value-malformed", 2},
		{"element in text", "<antrag><datum>\n<b/></datum></antrag>", "cvc-type.3.1.2", "element-in-text", 2},
		{"attribute on text", "<antrag><datum a='1'>2026-03-01</datum></antrag>", "cvc-type.3.1.1", "attribute-unexpected", 1},
		{"attribute missing", "<antrag>" + d + "\n<halter><name/></halter></antrag>", "cvc-complex-type.4", "attribute-missing", 2},
		{"attribute unknown", "<antrag alter='3'>" + d + "</antrag>", "cvc-complex-type.3.2.2", "attribute-unexpected", 1},
		{"attribute not fixed", "<antrag>" + d + "<halter id='a' rolle='b'><name/></halter></antrag>", "cvc-au", "value-not-fixed", 1},
		{"too small", "<antrag>" + d + "<betrag>-1</betrag></antrag>", "cvc-minInclusive-valid", "value-small", 1},
		{"too large", "<antrag>" + d + "<betrag>1000</betrag></antrag>", "cvc-maxExclusive-valid", "value-large", 1},
		{"too many fraction digits", "<antrag>" + d + "<betrag>1.234</betrag></antrag>", "cvc-fractionDigits-valid", "value-fraction", 1},
		{"too many digits", "<antrag>" + d + "<betrag>1234567</betrag></antrag>", "cvc-totalDigits-valid", "value-digits", 1},
		{"pattern", "<antrag>" + d + "<plz>1234</plz></antrag>", "cvc-pattern-valid", "value-pattern", 1},
		{"too short", "<antrag>" + d + "<kurz>ü</kurz></antrag>", "cvc-minLength-valid", "value-short", 1},
		{"too long", "<antrag>" + d + "<kurz>äöüÄÖ</kurz></antrag>", "cvc-maxLength-valid", "value-long", 1},
		{"characters are counted, not bytes", "<antrag>" + d + "<kurz>äöüÄ</kurz></antrag>", "", "", 0},
		{"not listed", "<antrag>" + d + "<hund nr='1'><rasse>Kater</rasse></hund></antrag>", "cvc-enumeration-valid", "value-not-listed", 1},
		{"not empty", "<antrag>" + d + "<leer> </leer></antrag>", "cvc-complex-type.2.1", "content-not-empty", 1},
		{"element in empty", "<antrag>" + d + "<leer><a/></leer></antrag>", "cvc-complex-type.2.1", "content-not-empty", 1},
		{"nil with content", "<antrag" + xsi + ">" + d + "<leer xsi:nil='true'> </leer></antrag>", "cvc-elt.3.2.1", "nil-not-empty", 1},
		{"nil not allowed", "<antrag" + xsi + "><datum xsi:nil='true'/></antrag>", "cvc-elt.3.1", "nil-not-allowed", 1},
		{"nil malformed", "<antrag" + xsi + ">" + d + "<leer xsi:nil='ja'/></antrag>", "cvc-elt.3", "value-malformed", 1},
		{"element not fixed", "<antrag>" + d + "<art>B</art></antrag>", "cvc-elt.5.2.2.2.2", "value-not-fixed", 1},
		{"fixed and empty", "<antrag>" + d + "<art/></antrag>", "", "", 0},
		{"abstract type", "<antrag>" + d + "<tier/></antrag>", "cvc-type.2", "type-abstract", 1},
		{"derived type", "<antrag" + xsi + ">" + d + "<tier xsi:type='Katze'><leben>7</leben></tier></antrag>", "", "", 0},
		{"derived type's content", "<antrag" + xsi + ">" + d + "<tier xsi:type='Katze'><leben>700</leben></tier></antrag>", "cvc-maxInclusive-valid", "value-large", 1},
		{"foreign type", "<antrag" + xsi + ">" + d + "<tier xsi:type='Hund'/></antrag>", "cvc-elt.4.3", "type-not-derived", 1},
		{"unknown type", "<antrag" + xsi + ">" + d + "<tier xsi:type='Maus'/></antrag>", "cvc-elt.4.2", "type-unknown", 1},
		{"malformed type", "<antrag" + xsi + ">" + d + "<tier xsi:type='a:b'/></antrag>", "cvc-elt.4.1", "type-malformed", 1},
		{"abstract element", "<antrag>" + d + "<kontakt/></antrag>", "cvc-elt.2", "element-abstract", 1},
		{"substituted", "<antrag>" + d + "<mail/></antrag>", "", "", 0},
		{"strict wildcard", "<antrag>" + d + "<egal><a xmlns='urn:x'/></egal></antrag>", "cvc-complex-type.2.4", "element-undeclared", 1},
		{"wildcard of another namespace", "<antrag>" + d + "<egal><antrag/></egal></antrag>", "cvc-complex-type.2.4", "element-unexpected", 1},
		{"ID twice", "<antrag>" + d + "<halter id='a'><name/></halter><verweis>a</verweis></antrag>", "", "", 0},
		{"reference to nothing", "<antrag>" + d + "\n<verweis>b</verweis></antrag>", "cvc-id.1", "id-unknown", 2},
		{"key missing", "<antrag>" + d + "<hund/></antrag>", "cvc-identity-constraint.4.2.1", "key-incomplete", 1},
		{"key twice", "<antrag>" + d + "<hund nr='1'/>\n<hund nr='01'/></antrag>", "cvc-identity-constraint.4.2.2", "key-twice", 2},
		{"unique twice", "<antrag>" + d + "<hund nr='1'><chip>x</chip></hund>\n<hund nr='2'><chip>x</chip></hund></antrag>", "cvc-identity-constraint.4.1", "key-twice", 2},
		{"field twice", "<antrag>" + d + "<hund nr='1'><chip>x</chip><chip>y</chip></hund></antrag>", "cvc-identity-constraint.3", "key-field-twice", 1},
		{"keyref by value, not by text", "<antrag>" + d + "<hund nr='1'/><hund nr='2'><mutter>1</mutter></hund></antrag>", "cvc-identity-constraint.4.3", "keyref-unknown", 1},
		{"all group incomplete", "<antrag>" + d + "<menge><y>1</y></menge></antrag>", "cvc-complex-type.2.4", "element-missing", 1},
		{"all group twice", "<antrag>" + d + "<menge><y>1</y><y>1</y><x>1</x></menge></antrag>", "cvc-complex-type.2.4", "element-unexpected", 1},
		{"all group in any order", "<antrag>" + d + "<menge><y>1</y><x>1</x></menge></antrag>", "", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := validate(t, s, c.doc)
			if c.rule == "" {
				for _, f := range found {
					t.Error(f)
				}
				return
			}
			if len(found) != 1 {
				t.Fatalf("%d findings, want one: %v", len(found), found)
			}
			f := found[0]
			if f.Rule != c.rule || f.Code != c.code || f.Line != c.line {
				t.Errorf("got %s %s in line %d, want %s %s in line %d", f.Rule, f.Code, f.Line, c.rule, c.code, c.line)
			}
			checkSentences(t, found)
		})
	}
}

// An attribute that stands in the wrong namespace is not told that it is allowed.
func TestAttributeNamespace(t *testing.T) {
	s, err := xsd.Compile(context.Background(), oneFile(`<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" targetNamespace="urn:t">
		<xs:attribute name="y" type="xs:int"/><xs:element name="a"><xs:complexType><xs:attribute name="x"/><xs:attribute ref="t:y"/></xs:complexType></xs:element></xs:schema>`), "s.xsd")
	if err != nil {
		t.Fatal(err)
	}
	for doc, want := range map[string]string{
		`<t:a xmlns:t="urn:t" y="1"/>`:   `attribute y of <a> is in no namespace; expected is namespace "urn:t".`,
		`<t:a xmlns:t="urn:t" t:x="1"/>`: `attribute x of <a> is in namespace "urn:t"; expected is none.`,
		`<t:a xmlns:t="urn:t" z="1"/>`:   `attribute z is not allowed on <a>; allowed are: x, y.`,
	} {
		found := validate(t, s, doc)
		if len(found) != 1 || found[0].En != want {
			t.Errorf("%s: %v; want %s", doc, found, want)
		}
		checkSentences(t, found)
	}
}

// A key's fields must not be elements that the schema lets be nil, nil or not; a unique's may.
func TestNillableFields(t *testing.T) {
	for kind, rule := range map[string]string{"key": "cvc-identity-constraint.4.2.3", "unique": ""} {
		s := compile(t, `<xs:element name="a"><xs:complexType><xs:sequence><xs:element name="b" maxOccurs="2"><xs:complexType><xs:sequence>
			<xs:element name="c" type="xs:int" nillable="true"/></xs:sequence></xs:complexType></xs:element></xs:sequence></xs:complexType>
			<xs:`+kind+` name="k"><xs:selector xpath="b"/><xs:field xpath="c"/></xs:`+kind+`></xs:element>`)
		found := validate(t, s, "<a>\n<b><c>1</c></b></a>")
		if rule == "" && len(found) > 0 || rule != "" && (len(found) != 1 || found[0].Rule != rule || found[0].Line != 2) {
			t.Errorf("%s: %v", kind, found)
		}
		checkSentences(t, found)
		if same := validate(t, s, "<a><b><c>1</c></b><b><c>01</c></b></a>"); len(same) == 0 {
			t.Errorf("%s: the same value twice is not found", kind)
		}
	}
}

func TestFindings(t *testing.T) {
	s := compile(t, petSchema)
	doc := "<antrag>\n  <datum>gestern</datum>\n  <halter>\n    <name/>\n  </halter>\n  <plz>Soest</plz>\n</antrag>"
	found := validate(t, s, doc)
	if len(found) != 3 {
		t.Fatalf("got %v", found)
	}
	want := xsd.Finding{
		Line: 2, Col: 3, Path: "/antrag/datum", Rule: "cvc-datatype-valid.1.2.1", Code: "value-malformed", Value: "gestern",
		De: "Der Wert von <datum> hat nicht die erwartete Form; erwartet wird ein Datum JJJJ-MM-TT, das es gibt (Typ xs:date).",
		En: "the value of <datum> is not of the form expected: a date YYYY-MM-DD that exists (type xs:date).",
	}
	if found[0] != want {
		t.Errorf("got  %+v\nwant %+v", found[0], want)
	}
	limited, err := s.Validate(context.Background(), strings.NewReader(doc), xsd.Options{MaxFindings: 2})
	if err != nil || len(limited) != 2 {
		t.Errorf("with a limit of 2: %v %v", limited, err)
	}
}

// No namespace is said in words: XÖV has its <code> in none, and „“ reads as a misprint.
func TestNoNamespaceInWords(t *testing.T) {
	s := compile(t, petSchema)
	for doc, want := range map[string][2]string{
		"<antrag><datum xmlns='urn:x'>2026-03-01</datum></antrag>": {
			"Das Element <datum> steht im Namensraum „urn:x“; erwartet wird es ohne Namensraum (xmlns=\"\").",
			"element <datum> is in namespace \"urn:x\"; expected is no namespace (xmlns=\"\")."},
		"<antrag xmlns='urn:x'/>": {
			"Das Schema kennt kein Wurzelelement <antrag> im Namensraum „urn:x“. Erwartet wird es ohne Namensraum (xmlns=\"\").",
			"the schema has no root element <antrag> in namespace \"urn:x\"; expected is no namespace (xmlns=\"\")."},
		"<html/>": {
			"Das Schema kennt kein Wurzelelement <html> ohne Namensraum.",
			"the schema has no root element <html> in no namespace."},
	} {
		found := validate(t, s, doc)
		if len(found) == 0 || found[0].De != want[0] || found[0].En != want[1] {
			t.Errorf("%s: %v, want %v", doc, found, want)
		}
	}
}

func TestAllowedHere(t *testing.T) {
	s := compile(t, `<xs:element name="a"><xs:complexType><xs:sequence>
		<xs:element name="b"/><xs:choice minOccurs="0"><xs:element name="c"/><xs:element name="d"/></xs:choice>
		</xs:sequence></xs:complexType></xs:element>`)
	found := validate(t, s, "<a><b/><x/></a>")
	if len(found) != 1 || !strings.Contains(found[0].De, "erwartet wird <c> oder <d> oder das Ende von <a>") {
		t.Errorf("got %v", found)
	}
	found = validate(t, s, "<a><b/><d/><x/></a>")
	if len(found) != 1 || !strings.Contains(found[0].En, "expected is the end of <a>") {
		t.Errorf("got %v", found)
	}
}

func TestValidatorIsReusable(t *testing.T) {
	s := compile(t, petSchema)
	bad := xsd.Record([]byte("<antrag><datum>x</datum><verweis>q</verweis></antrag>"))
	good := xsd.Record([]byte("<antrag><datum>2026-03-01</datum><halter id='q'><name/></halter></antrag>"))
	v := s.NewValidator(xsd.Options{})
	for range 3 {
		bad.Play(v)
		if n := len(v.Finish()); n != 2 {
			t.Fatalf("%d findings, want 2", n)
		}
		v.Reset()
		good.Play(v)
		if found := v.Finish(); len(found) != 0 {
			t.Fatal(found)
		}
		v.Reset()
	}
}

// TestInstanceAttributesMayBeAsked: the four xsi attributes are declared in every schema (3.2.7), so a type may
// require one.
func TestInstanceAttributesMayBeAsked(t *testing.T) {
	const xsi = ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`
	s := compile(t, `<xs:import namespace="http://www.w3.org/2001/XMLSchema-instance"/><xs:element name="a" type="T"/>
		<xs:complexType name="T"><xs:attribute ref="xsi:type" use="required"`+xsi+`/><xs:attribute ref="xsi:schemaLocation"`+xsi+`/></xs:complexType>`)
	for doc, rule := range map[string]string{
		`<a` + xsi + ` xsi:type="T"/>`:                            "",
		`<a` + xsi + ` xsi:type="T" xsi:schemaLocation=" u v "/>`: "",
		`<a/>`: "cvc-complex-type.4",
		`<a` + xsi + ` xsi:type="T" xsi:schemaLocation="% v"/>`:          "cvc-datatype-valid.1.2.1",
		`<a` + xsi + ` xsi:type="T" xsi:noNamespaceSchemaLocation="u"/>`: "",
	} {
		found := validate(t, s, doc)
		if rule == "" && len(found) > 0 || rule != "" && (len(found) != 1 || found[0].Rule != rule) {
			t.Errorf("%s: %v, want %q", doc, found, rule)
		}
	}
}

// TestValidPathAllocatesNothing guards the speed at which small documents pass.
func TestValidPathAllocatesNothing(t *testing.T) {
	s := compile(t, `<xs:element name="a"><xs:complexType><xs:sequence maxOccurs="unbounded">
		<xs:element name="d" type="xs:date"/><xs:element name="n" type="xs:decimal"/><xs:element name="e" minOccurs="0"><xs:simpleType>
		<xs:restriction base="xs:token"><xs:enumeration value="x"/><xs:enumeration value="y"/></xs:restriction></xs:simpleType></xs:element>
		<xs:element name="p"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="[A-Z]{2}[0-9]+"/><xs:maxLength value="9"/></xs:restriction></xs:simpleType></xs:element>
		</xs:sequence><xs:attribute name="v" type="xs:int" use="required"/></xs:complexType></xs:element>`)
	tape := xsd.Record([]byte(`<a v="3">` + strings.Repeat("<d>2026-03-01</d><n> 12.50 </n><e>y</e><p>DE123</p>", 50) + "</a>"))
	v := s.NewValidator(xsd.Options{})
	run := func() {
		v.Reset()
		tape.Play(v)
		if found := v.Finish(); len(found) > 0 {
			t.Fatal(found)
		}
	}
	run()
	if n := testing.AllocsPerRun(20, run); n > 0 {
		t.Errorf("%v allocations for a valid document", n)
	}
}

func TestTypeOf(t *testing.T) {
	s := compile(t, petSchema)
	var met []string
	opts := xsd.Options{TypeOf: func(n xsd.Name, ty *xsd.Type, _ xsd.Pos) {
		met = append(met, n.Local+":"+ty.Name().Local)
	}}
	doc := `<antrag xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><datum>2026-03-01</datum><tier xsi:type="Katze"><leben>7</leben></tier></antrag>`
	if found, err := s.Validate(context.Background(), strings.NewReader(doc), opts); err != nil || len(found) > 0 {
		t.Fatal(found, err)
	}
	if got := strings.Join(met, " "); got != "antrag:Antrag datum:date tier:Katze leben:unsignedByte" {
		t.Errorf("got %s", got)
	}
	katze := s.Type(xsd.Name{Local: "Katze"})
	if katze == nil || !katze.Derives(s.Type(xsd.Name{Local: "Tier"})) || katze.IsSimple() {
		t.Errorf("Katze is %v", katze)
	}
}

func TestRootsMayBeFewer(t *testing.T) {
	s := compile(t, petSchema)
	opts := xsd.Options{Roots: []xsd.Name{{Local: "antrag"}}}
	found, err := s.Validate(context.Background(), strings.NewReader("<mail>x</mail>"), opts)
	if err != nil || len(found) != 1 || found[0].Code != "root-refused" {
		t.Errorf("got %v %v", found, err)
	}
	if len(s.Roots()) != 2 {
		t.Errorf("roots: %v", s.Roots())
	}
}
