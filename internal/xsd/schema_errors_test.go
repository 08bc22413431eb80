package xsd_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"stellwerk/internal/xsd"
)

// TestSchemaErrors has one schema for each thing a schema may not be. The body begins in line 1.
func TestSchemaErrors(t *testing.T) {
	for _, c := range []struct{ name, body, rule string }{
		{"unresolved type", `<xs:element name="a" type="T"/>`, "src-resolve"},
		{"unresolved element", `<xs:complexType name="T"><xs:sequence><xs:element ref="b"/></xs:sequence></xs:complexType>`, "src-resolve"},
		{"namespace not imported", `<xs:element name="a" type="x:T" xmlns:x="urn:x"/>`, "src-resolve.4"},
		{"undeclared prefix", `<xs:element name="a" type="x:T"/>`, "src-resolve"},
		{"defined twice", `<xs:element name="a"/><xs:element name="a"/>`, "sch-props-correct.2"},
		{"circular type", `<xs:complexType name="T"><xs:complexContent><xs:extension base="T"/></xs:complexContent></xs:complexType>`, "ct-props-correct.3"},
		{"circular simple type", `<xs:simpleType name="T"><xs:restriction base="T"/></xs:simpleType>`, "st-props-correct.2"},
		{"circular union", `<xs:simpleType name="T"><xs:union memberTypes="xs:int T"/></xs:simpleType>`, "st-props-correct.2"},
		{"circular group", `<xs:group name="g"><xs:sequence><xs:group ref="g"/></xs:sequence></xs:group>`, "mg-props-correct.2"},
		{"circular attribute group", `<xs:attributeGroup name="g"><xs:attributeGroup ref="g"/></xs:attributeGroup>`, "src-attribute_group.3"},
		{"circular substitution", `<xs:element name="a" substitutionGroup="b"/><xs:element name="b" substitutionGroup="a"/>`, "e-props-correct.6"},
		{"list of lists", `<xs:simpleType name="T"><xs:list itemType="xs:NMTOKENS"/></xs:simpleType>`, "cos-st-restricts.2.1"},
		{"bad pattern", `<xs:simpleType name="T"><xs:restriction base="xs:string"><xs:pattern value="a{2"/></xs:restriction></xs:simpleType>`, "src-pattern-value"},
		{"facet of another type", `<xs:simpleType name="T"><xs:restriction base="xs:string"><xs:minInclusive value="1"/></xs:restriction></xs:simpleType>`, "cos-applicable-facets"},
		{"enumeration of booleans", `<xs:simpleType name="T"><xs:restriction base="xs:boolean"><xs:enumeration value="true"/></xs:restriction></xs:simpleType>`, "cos-applicable-facets"},
		{"facet loosened", `<xs:simpleType name="T"><xs:restriction base="xs:byte"><xs:maxInclusive value="300"/></xs:restriction></xs:simpleType>`, "maxInclusive-valid-restriction"},
		{"enumeration of another type", `<xs:simpleType name="T"><xs:restriction base="xs:int"><xs:enumeration value="x"/></xs:restriction></xs:simpleType>`, "enumeration-valid-restriction"},
		{"minLength above maxLength", `<xs:simpleType name="T"><xs:restriction base="xs:string"><xs:minLength value="3"/><xs:maxLength value="2"/></xs:restriction></xs:simpleType>`, "minLength-less-than-equal-to-maxLength"},
		{"a bound beside the base's length", `<xs:simpleType name="A"><xs:restriction base="xs:string"><xs:length value="2"/></xs:restriction></xs:simpleType>
			<xs:simpleType name="B"><xs:restriction base="A"><xs:maxLength value="3"/></xs:restriction></xs:simpleType>`, "length-minLength-maxLength"},
		{"default of another type", `<xs:element name="a" type="xs:int" default="x"/>`, "e-props-correct.2"},
		{"two values", `<xs:element name="a" type="xs:int" default="1" fixed="1"/>`, "src-element.1"},
		{"ambiguous", `<xs:complexType name="T"><xs:sequence><xs:element name="a" minOccurs="0"/><xs:element name="a"/></xs:sequence></xs:complexType>`, "cos-nonambig"},
		{"ambiguous with counts", `<xs:complexType name="T"><xs:sequence><xs:element name="a" minOccurs="0" maxOccurs="10000"/><xs:element name="a"/></xs:sequence></xs:complexType>`, "cos-nonambig"},
		{"wildcard competes", `<xs:complexType name="T"><xs:sequence><xs:element name="a" minOccurs="0"/><xs:any/></xs:sequence></xs:complexType>`, "cos-nonambig"},
		{"one name, two types", `<xs:complexType name="T"><xs:sequence><xs:element name="a" type="xs:int"/><xs:element name="b"/><xs:element name="a" type="xs:string"/></xs:sequence></xs:complexType>`, "cos-element-consistent"},
		{"no restriction", `<xs:complexType name="A"><xs:sequence><xs:element name="a"/></xs:sequence></xs:complexType>
			<xs:complexType name="B"><xs:complexContent><xs:restriction base="A"><xs:sequence><xs:element name="b"/></xs:sequence></xs:restriction></xs:complexContent></xs:complexType>`, "derivation-ok-restriction.5.4.2"},
		{"final", `<xs:complexType name="A" final="extension"/><xs:complexType name="B"><xs:complexContent><xs:extension base="A"/></xs:complexContent></xs:complexType>`, "cos-ct-extends.1.1"},
		{"attribute twice", `<xs:complexType name="T"><xs:attribute name="a"/><xs:attribute name="a"/></xs:complexType>`, "ct-props-correct.4"},
		{"keyref to nothing", `<xs:element name="a"><xs:keyref name="k" refer="q"><xs:selector xpath="b"/><xs:field xpath="c"/></xs:keyref></xs:element>`, "src-resolve"},
		{"path beyond the subset", `<xs:element name="a"><xs:key name="k"><xs:selector xpath="b[1]"/><xs:field xpath="c"/></xs:key></xs:element>`, "c-selector-xpath"},
		{"unknown element", `<xs:frame/>`, "s4s-elt-invalid-content"},
		{"unknown attribute", `<xs:element name="a" colour="red"/>`, "s4s-att-not-allowed"},
		{"name missing", `<xs:element/>`, "s4s-att-must-appear"},
		{"children out of order", `<xs:complexType name="T"><xs:attribute name="a"/><xs:sequence/></xs:complexType>`, "s4s-elt-invalid-content"},
		{"bounds exchanged", `<xs:group name="g"><xs:sequence><xs:element name="a" minOccurs="2"/></xs:sequence></xs:group>`, "p-props-correct.2.1"},
		{"XML Schema 1.1", `<xs:complexType name="T"><xs:assert test="true()"/></xs:complexType>`, "s4s-elt-invalid-content"},
		{"pattern too large", `<xs:simpleType name="T"><xs:restriction base="xs:string"><xs:pattern value="((a{1000}){1000}){1000}"/></xs:restriction></xs:simpleType>`, "src-pattern-value"},
		{"not well-formed", `<xs:element name="a">`, "xml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := xsd.Compile(context.Background(), oneFile(schemaHead+c.body+"</xs:schema>"), "s.xsd")
			var bad *xsd.SchemaError
			if !errors.As(err, &bad) {
				t.Fatalf("got %v", err)
			}
			first := bad.Issues[0]
			if first.Rule != c.rule || first.File != "s.xsd" || first.Line == 0 || first.Text == "" {
				t.Errorf("got %s, want rule %s", first, c.rule)
			}
		})
	}
}

func TestSchemaErrorNamesPlace(t *testing.T) {
	_, err := xsd.Compile(context.Background(), oneFile(schemaHead+"\n\n  <xs:element name='a' type='T'/>\n</xs:schema>"), "s.xsd")
	if err == nil || err.Error() != "s.xsd:3:3: there is no type T (src-resolve)" {
		t.Errorf("got %v", err)
	}
}

const included = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:simpleType name="Plz">
	<xs:restriction base="xs:string"><xs:pattern value="[0-9]{5}"/></xs:restriction></xs:simpleType>
	<xs:element name="ort" type="Plz"/></xs:schema>`

// TestSeveralFiles: chameleon includes, cyclic imports, a catalogue, redefinition.
func TestSeveralFiles(t *testing.T) {
	tree := fstest.MapFS{
		"cat/catalog.xml": {Data: []byte(`<catalog xmlns="urn:oasis:names:tc:entity:xmlns:xml:catalog">
			<system systemId="http://example.org/b.xsd" uri="../lib/b.xsd"/>
			<rewriteURI uriStartString="http://example.org/v1/" rewritePrefix="../lib/"/>
			<uri name="urn:c" uri="../lib/c.xsd"/></catalog>`)},
		"main/a.xsd": {Data: []byte(`<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:a" xmlns="urn:a" xmlns:b="urn:b" xmlns:c="urn:c">
			<xs:include schemaLocation="http://example.org/v1/plz.xsd"/>
			<xs:import namespace="urn:b" schemaLocation="http://example.org/b.xsd"/>
			<xs:import namespace="urn:c"/>
			<xs:element name="a"><xs:complexType><xs:sequence><xs:element ref="ort"/><xs:element ref="b:b" minOccurs="0"/><xs:element ref="c:c" minOccurs="0"/></xs:sequence></xs:complexType></xs:element>
			</xs:schema>`)},
		"lib/plz.xsd": {Data: []byte(included)},
		"lib/b.xsd": {Data: []byte(`<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:b" xmlns:a="urn:a">
			<xs:import namespace="urn:a" schemaLocation="../main/a.xsd"/>
			<xs:element name="b"><xs:complexType><xs:sequence><xs:element ref="a:a" minOccurs="0"/></xs:sequence></xs:complexType></xs:element></xs:schema>`)},
		"lib/c.xsd": {Data: []byte(`<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:c"><xs:element name="c" type="xs:int"/></xs:schema>`)},
		"main/r.xsd": {Data: []byte(`<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:redefine schemaLocation="../lib/plz.xsd">
			<xs:simpleType name="Plz"><xs:restriction base="Plz"><xs:pattern value="59.*"/></xs:restriction></xs:simpleType></xs:redefine></xs:schema>`)},
	}
	catalog, err := xsd.ReadCatalog(context.Background(), tree, "cat/catalog.xml")
	if err != nil {
		t.Fatal(err)
	}
	s := mustCompile(t, xsd.Files(tree, catalog), "main/a.xsd")
	if found := validate(t, s, `<a xmlns="urn:a"><ort>59494</ort><b xmlns="urn:b"><a xmlns="urn:a"><ort>01067</ort></a></b><c xmlns="urn:c">7</c></a>`); len(found) > 0 {
		t.Error(found)
	}
	if found := validate(t, s, `<a xmlns="urn:a"><ort>5949</ort></a>`); len(found) != 1 || found[0].Code != "value-pattern" {
		t.Error(found)
	}
	r := mustCompile(t, xsd.Files(tree, nil), "main/r.xsd")
	if found := validate(t, r, `<ort>59494</ort>`); len(found) > 0 {
		t.Error(found)
	}
	if found := validate(t, r, `<ort>01067</ort>`); len(found) != 1 {
		t.Errorf("the redefined type is not in force: %v", found)
	}
	if found := validate(t, r, `<ort>59</ort>`); len(found) != 1 {
		t.Errorf("what is redefined is not in force: %v", found)
	}
}

func TestNothingIsFetched(t *testing.T) {
	_, err := xsd.Compile(context.Background(), oneFile(`<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:b="urn:b">
		<xs:import namespace="urn:b" schemaLocation="http://127.0.0.1:1/b.xsd"/><xs:element name="a" type="b:T"/></xs:schema>`), "s.xsd")
	if err == nil || !strings.Contains(err.Error(), `nothing is there for "http://127.0.0.1:1/b.xsd" (s.xsd:2)`) {
		t.Errorf("got %v", err)
	}
	for _, location := range []string{"../x.xsd", "/etc/passwd", "file:///etc/passwd", "..\\..\\x.xsd"} {
		if file, ok := xsd.Files(fstest.MapFS{}, nil).Resolve("s.xsd", location, ""); ok {
			t.Errorf("%s leads to %s", location, file)
		}
	}
}
