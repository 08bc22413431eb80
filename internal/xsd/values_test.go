package xsd_test

import (
	"context"
	"html"
	"strings"
	"testing"

	"stellwerk/internal/xsd"
)

// TestBuiltinTypes has values each type takes and refuses.
func TestBuiltinTypes(t *testing.T) {
	for _, c := range []struct{ typ, good, bad string }{
		{"string", "|a b| x ", ""},
		{"normalizedString", "a\tb", ""},
		{"boolean", "true|false|1|0| true ", "TRUE|yes||2"},
		{"decimal", "1|-1.5|+.5|1.|0001.1000|123456789012345678901234567890.12345678901234567890", "|.|1e5|1,5|INF|--1|+"},
		{"float", "1|-1.5E3|1e-5|INF|-INF|NaN|.5|1e400", "+INF|inf|1e|0x1p3|1_0|e5|"},
		{"double", "1.7976931348623157E308|-0", "Infinity|1E5.5"},
		{"duration", "P1Y|P1Y2M3DT4H5M6.7S|-P5D|PT0S|PT36H", "P|PT|P1YT|1Y|P1S|P1.5Y|P-1Y|PT1M2H|P1M1Y"},
		{"dateTime", "2026-03-01T12:00:00|2026-03-01T24:00:00Z|-0044-03-15T12:00:00.123+01:00|12026-01-01T00:00:00-14:00",
			"2026-03-01|2026-02-29T00:00:00|0000-01-01T00:00:00|2026-03-01T24:00:01|2026-03-01T12:60:00|2026-03-01T12:00:00+14:01|02026-01-01T00:00:00|2026-03-01T12:00|2026-03-01T12:00:00.|2026-3-1T12:00:00"},
		{"date", "2024-02-29|2000-02-29Z|-0005-02-28|2026-03-01+02:00", "1900-02-29|2026-13-01|2026-00-01|2026-04-31|26-01-01|2026-01-01T|2026-01-01X"},
		{"time", "12:00:00|24:00:00|23:59:59.999999999999Z", "24:00:01|12:00|25:00:00|12:00:60|1:00:00"},
		{"gYear", "2026|-0001|12026Z", "0000|26|02026"},
		{"gYearMonth", "2026-03|2026-12+01:00", "2026-13|2026-3|2026"},
		{"gMonth", "--03|--12Z", "--13|--3|03|--03--"},
		{"gMonthDay", "--02-29|--12-31Z", "--02-30|--04-31|12-31"},
		{"gDay", "---31|---01Z", "---32|---00|--01|---1"},
		{"hexBinary", "|0aFF| 00 ", "0|0g|0 0 "},
		{"base64Binary", "|aGFsbG8=|aGFs bG8=|AA==|AAA=| AAAA ", "A|AA|AAA|AB==|AAB=|=AAA|A=AA|AAAA=|A*AA"},
		{"anyURI", "|http://a/b?c#d|urn:x:y|../a b|ä|a/b:c|//h|#x", "%|%zz|:a|1:x|a:|a#b#c"},
		{"QName", "xs:a|a", "q:a|a:b:c|:a|1|"},
		{"language", "de|de-DE|x-klingon|en-1997", "|de_DE|abcdefghi|-de|1de|de-"},
		{"Name", "a:b|_|ä1", "1a||a b|-"},
		{"NCName", "a.b-c|_1", "a:b|1|"},
		{"NMTOKEN", "1|a:b|-|.", "a b||a/b"},
		{"NMTOKENS", "a b|a| 1  2 ", "| |a/b"},
		{"ID", "a1", "1a|a:b|"},
		{"integer", "0|-0|+1|123456789012345678901234567890", "1.0|1.|a|"},
		{"nonPositiveInteger", "0|-1", "1"},
		{"negativeInteger", "-1", "0"},
		{"long", "9223372036854775807|-9223372036854775808", "9223372036854775808|-9223372036854775809"},
		{"int", "2147483647|-2147483648", "2147483648"},
		{"short", "32767", "32768"},
		{"byte", "-128|127", "-129|128"},
		{"nonNegativeInteger", "0|1", "-1"},
		{"unsignedLong", "18446744073709551615", "18446744073709551616|-1"},
		{"unsignedInt", "4294967295", "4294967296"},
		{"unsignedShort", "65535", "65536"},
		{"unsignedByte", "255|000255", "256"},
		{"positiveInteger", "1", "0"},
	} {
		t.Run(c.typ, func(t *testing.T) {
			s := compile(t, `<xs:element name="a" type="xs:`+c.typ+`"/>`)
			judge := func(value string, good bool) {
				found := validate(t, s, `<a xmlns:xs="http://www.w3.org/2001/XMLSchema">`+html.EscapeString(value)+`</a>`)
				if (len(found) == 0) != good {
					t.Errorf("%q: %v", value, found)
				}
			}
			for _, v := range strings.Split(c.good, "|") {
				judge(v, true)
			}
			if c.bad == "" {
				return
			}
			for _, v := range strings.Split(c.bad, "|") {
				judge(v, false)
			}
		})
	}
}

// TestFacets has a restriction, and values it takes and refuses: equality and order are of values, not of
// text.
func TestFacets(t *testing.T) {
	for _, c := range []struct{ name, base, facets, good, bad string }{
		{"decimals are equal by value", "decimal", `<xs:enumeration value="1.0"/><xs:enumeration value="-0"/>`, "1|01.00|0|+0.0", "1.01|-1"},
		{"floats too", "double", `<xs:enumeration value="1E2"/><xs:enumeration value="NaN"/>`, "100|100.0|NaN", "1|INF"},
		{"dates with zones", "dateTime", `<xs:enumeration value="2026-03-01T12:00:00Z"/>`, "2026-03-01T13:00:00+01:00|2026-03-01T12:00:00.000Z", "2026-03-01T12:00:00|2026-03-01T12:00:00+01:00"},
		{"partial order of dates", "dateTime", `<xs:minInclusive value="2026-03-01T12:00:00Z"/>`, "2026-03-02T03:00:00|2026-03-01T12:00:00Z", "2026-03-01T20:00:00|2026-03-01T11:59:59.999Z"},
		{"partial order of durations", "duration", `<xs:maxInclusive value="P1M"/>`, "P27D|P1M|-P9Y", "P28D|P30D|P31D|P32D"},
		{"large years", "gYear", `<xs:maxExclusive value="12000"/>`, "11999|-12000", "12000|99999"},
		{"large numbers", "integer", `<xs:maxInclusive value="100000000000000000000"/>`, "100000000000000000000|-5", "100000000000000000001"},
		{"digits of the value", "decimal", `<xs:totalDigits value="3"/>`, "000123|12.30|0.012|1000e0|-.001", ""},
		{"digits after the point count as well", "decimal", `<xs:totalDigits value="2"/>`, "0.01|.1|10|-.99|0.10", "0.001|0.012|-.001|100"},
		{"octets", "hexBinary", `<xs:length value="2"/>`, "00ff|FFFF", "00|000000"},
		{"octets in Base64", "base64Binary", `<xs:maxLength value="5"/>`, "aGFsbG8=|", "aGFsbG9v"},
		{"white space before the facets", "token", `<xs:maxLength value="3"/><xs:pattern value="a b"/>`, " a   b ", "a  c|a b c"},
		{"patterns of a step are alternatives", "string", `<xs:pattern value="a+"/><xs:pattern value="b+"/>`, "aa|b", "ab|"},
		{"URIs", "anyURI", `<xs:enumeration value="http://a/"/>`, "http://a/| http://a/ ", "http://A/"},
		{"booleans", "boolean", `<xs:pattern value="true|false"/>`, "true", "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := compile(t, `<xs:element name="a"><xs:simpleType><xs:restriction base="xs:`+c.base+`">`+c.facets+`</xs:restriction></xs:simpleType></xs:element>`)
			for i, list := range []string{c.good, c.bad} {
				for _, v := range strings.Split(list, "|") {
					if i == 1 && c.bad == "" || strings.Contains(v, "e0") {
						continue
					}
					if found := validate(t, s, "<a>"+v+"</a>"); (len(found) == 0) != (i == 0) {
						t.Errorf("%q: %v", v, found)
					}
				}
			}
		})
	}
}

func TestListsAndUnions(t *testing.T) {
	s := compile(t, `<xs:element name="a"><xs:simpleType><xs:restriction><xs:simpleType><xs:list><xs:simpleType>
		<xs:union memberTypes="xs:int"><xs:simpleType><xs:restriction base="xs:token"><xs:enumeration value="viel"/><xs:enumeration value="wenig"/></xs:restriction></xs:simpleType></xs:union>
		</xs:simpleType></xs:list></xs:simpleType><xs:minLength value="2"/><xs:maxLength value="3"/></xs:restriction></xs:simpleType></xs:element>
		<xs:element name="l"><xs:simpleType><xs:restriction base="Zahlen"><xs:enumeration value="1 2"/></xs:restriction></xs:simpleType></xs:element>
		<xs:simpleType name="Zahlen"><xs:list itemType="xs:int"/></xs:simpleType>`)
	for doc, good := range map[string]bool{
		"<a>1 viel</a>": true, "<a> 1\n2\t3 </a>": true, "<a>1</a>": false, "<a>1 2 3 4</a>": false, "<a>1 x</a>": false,
		"<l>01  2</l>": true, "<l>2 1</l>": false, "<l>1</l>": false,
	} {
		if found := validate(t, s, doc); (len(found) == 0) != good {
			t.Errorf("%s: %v", doc, found)
		}
	}
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct{ pattern, good, bad string }{
		{`[a-z-[aeiou]]+`, "bcd", "abc"},
		{`[^0-9-[a]]`, "b", "a;1"},
		{`\i\c*`, "a1;_;:x", "1a;-"},
		{`\p{Lu}\p{Ll}*`, "Über;A", "über;AB"},
		{`\p{IsGreek}+`, "αβγ", "abc"},
		{`\P{IsBasicLatin}`, "ä", "a"},
		{`\p{IsPrivateUse}`, "\ue000;\U000f0000;\U0010fffd", "a"},
		{`\d{2,3}`, "12;٣٤٥", "1;1234"},
		{`[\w]+`, "aß9", "a b;a-b;."},
		{`a|b|`, "a;b;", "c;ab"},
		{`.`, "x;ä;😀", "xx;"},
		{`(a{2}){2,}`, "aaaa;aaaaaa", "aa;aaa;aaaaa"},
		{`[+\-*/]`, "+;-;*;/", "a"},
		{`[\^a\]]`, "^;a;]", "b"},
		{`$^`, "$^", ""},
		{`[a-]`, "a;-", "b"},
		{`\.\?\\`, `.?\`, "a"},
	} {
		s := compile(t, `<xs:element name="a"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="`+c.pattern+`"/></xs:restriction></xs:simpleType></xs:element>`)
		for i, list := range []string{c.good, c.bad} {
			if i == 1 && c.bad == "" {
				continue
			}
			for _, v := range strings.Split(list, ";") {
				if found := validate(t, s, "<a>"+v+"</a>"); (len(found) == 0) != (i == 0) {
					t.Errorf("pattern %s, value %q: %v", c.pattern, v, found)
				}
			}
		}
	}
	for _, bad := range []string{"(", ")", "a**", "[", "[]", "[z-a]", `\q`, `\p{Xx}`, `\p{IsKlingon}`, "a{3,2}", "{1}", "[a-b-c]", "[[a]]", `a\`, "+", "[a-z-[b]x]", `\p`} {
		_, err := xsd.Compile(context.Background(), oneFile(schemaHead+`<xs:simpleType name="T"><xs:restriction base="xs:string"><xs:pattern value="`+bad+`"/></xs:restriction></xs:simpleType></xs:schema>`), "s.xsd")
		if err == nil || !strings.Contains(err.Error(), "src-pattern-value") {
			t.Errorf("pattern %s: %v", bad, err)
		}
	}
}

// Where items are compared as octets, the octets of one must not read as two.
func TestListsOfBinary(t *testing.T) {
	s := compile(t, `<xs:simpleType name="hex"><xs:list itemType="xs:hexBinary"/></xs:simpleType>
		<xs:element name="a"><xs:simpleType><xs:restriction base="hex"><xs:enumeration value="78 79"/></xs:restriction></xs:simpleType></xs:element>
		<xs:element name="b"><xs:complexType><xs:sequence><xs:element name="x" type="hex" maxOccurs="2"/></xs:sequence></xs:complexType>
		<xs:unique name="u"><xs:selector xpath="x"/><xs:field xpath="."/></xs:unique></xs:element>`)
	for doc, good := range map[string]bool{
		"<a>78\n 79</a>": true, "<a>78206879</a>": false, "<a>7879</a>": false,
		"<b><x>78 79</x><x>78206879</x></b>": true, "<b><x>7a 4C</x><x> 7A 4c</x></b>": false,
	} {
		if found := validate(t, s, doc); (len(found) == 0) != good {
			t.Errorf("%q: %v", doc, found)
		}
	}
}
