package xsd_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"stellwerk/internal/xsd"
)

// within fails when f takes longer than a busy machine could explain.
func within(t *testing.T, most time.Duration, f func()) {
	t.Helper()
	start := time.Now()
	f()
	if took := time.Since(start); took > most {
		t.Errorf("took %v, at most %v are meant", took, most)
	}
}

func TestLargeCounts(t *testing.T) {
	var s *xsd.Schema
	within(t, time.Second, func() {
		s = compile(t, `<xs:element name="a"><xs:complexType><xs:sequence>
			<xs:sequence minOccurs="2" maxOccurs="10000"><xs:element name="b"/><xs:choice><xs:element name="c"/><xs:element name="d" minOccurs="2" maxOccurs="5000"/></xs:choice></xs:sequence>
			<xs:element name="e" minOccurs="3" maxOccurs="99999999999999999999"/></xs:sequence></xs:complexType></xs:element>`)
	})
	pair := "<b/><c/>"
	many := "<b/>" + strings.Repeat("<d/>", 5000)
	for doc, good := range map[string]bool{
		pair + pair + "<e/><e/><e/>":                   true,
		pair + "<e/><e/><e/>":                          false,
		pair + pair + "<e/><e/>":                       false,
		strings.Repeat(pair, 10000) + "<e/><e/><e/>":   true,
		strings.Repeat(pair, 10001) + "<e/><e/><e/>":   false,
		pair + many + "<e/><e/><e/>":                   true,
		pair + many + "<d/><e/><e/><e/>":               false,
		pair + "<b/><d/><e/><e/><e/>":                  false,
		pair + pair + strings.Repeat("<e/>", 20000):    true,
		strings.Repeat("<b/><d/><d/>", 3) + "<e/><e/>": false,
	} {
		within(t, 5*time.Second, func() {
			if found := validate(t, s, "<a>"+doc+"</a>"); (len(found) == 0) != good {
				t.Errorf("%.40s… (%d bytes): %v", doc, len(doc), found)
			}
		})
	}
}

// TestAmbiguousCounts: how the rounds are counted is open, what particle a name belongs to is not.
func TestAmbiguousCounts(t *testing.T) {
	s := compile(t, `<xs:element name="a"><xs:complexType><xs:sequence minOccurs="100" maxOccurs="200">
		<xs:element name="b" minOccurs="0" maxOccurs="300"/></xs:sequence></xs:complexType></xs:element>`)
	within(t, 10*time.Second, func() {
		for n, good := range map[int]bool{0: true, 1: true, 59_999: true, 60_000: true, 60_001: false} {
			if found := validate(t, s, "<a>"+strings.Repeat("<b/>", n)+"</a>"); (len(found) == 0) != good {
				t.Errorf("%d: %v", n, found)
			}
		}
	})
}

// TestWideModels: more names than counts could ever explain may stand at one place.
func TestWideModels(t *testing.T) {
	names := func(n int, attrs string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `<xs:element name="e%d"%s/>`, i, attrs)
		}
		return b.String()
	}
	for name, c := range map[string]struct{ group, content, good, bad string }{
		"choice":               {`xs:choice maxOccurs="unbounded"`, names(3000, ""), "<e2999/><e0/><e1500/>", "<e3000/>"},
		"counted choice":       {`xs:choice maxOccurs="1000"`, names(700, ""), strings.Repeat("<e699/>", 1000), strings.Repeat("<e699/>", 1001)},
		"optional, all":        {`xs:sequence`, names(3000, ` minOccurs="0"`), "<e3/><e2998/><e2999/>", "<e2998/><e3/>"},
		"optional, last":       {`xs:sequence`, names(3000, ` minOccurs="0"`), "<e2999/>", "<e2999/><e2999/>"},
		"counted and optional": {`xs:sequence maxOccurs="3"`, names(700, ` minOccurs="0"`), "<e699/><e698/><e1/>", "<e699/><e698/><e1/><e0/>"},
		"counted one by one":   {`xs:choice maxOccurs="1000"`, names(200, ` minOccurs="2" maxOccurs="70"`), strings.Repeat("<e199/><e199/><e198/><e198/>", 400), "<e199/><e198/>"},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, 10*time.Second, func() {
				end, _, _ := strings.Cut(c.group, " ")
				s := compile(t, `<xs:element name="a"><xs:complexType><`+c.group+`>`+c.content+`</`+end+`></xs:complexType></xs:element>`)
				if found := validate(t, s, "<a>"+c.good+"</a>"); len(found) > 0 {
					t.Error(found[0])
				}
				if found := validate(t, s, "<a>"+c.bad+"</a>"); len(found) == 0 {
					t.Error("taken")
				}
			})
		})
	}
}

func TestHostileSchemas(t *testing.T) {
	nested := strings.Repeat(`<xs:sequence maxOccurs="7">`, 300) + `<xs:element name="b"/>` + strings.Repeat("</xs:sequence>", 300)
	var doubling, hollow, types strings.Builder
	doubling.WriteString(`<xs:group name="g0"><xs:sequence><xs:element name="b"/></xs:sequence></xs:group>`)
	hollow.WriteString(`<xs:group name="g0"><xs:sequence/></xs:group>`)
	for i := range 60 {
		g := fmt.Sprintf(`<xs:group name="g%d"><xs:sequence><xs:group ref="g%d"/><xs:group ref="g%d"/></xs:sequence></xs:group>`, i+1, i, i)
		doubling.WriteString(g)
		hollow.WriteString(g)
	}
	use := `<xs:element name="a"><xs:complexType><xs:group ref="g60"/></xs:complexType></xs:element>`
	types.WriteString(`<xs:complexType name="t0"/>`)
	for i := range 3000 {
		fmt.Fprintf(&types, `<xs:complexType name="t%d"><xs:complexContent><xs:extension base="t%d"/></xs:complexContent></xs:complexType>`, i+1, i)
	}
	var unions, patterned strings.Builder
	for i := range 40 {
		fmt.Fprintf(&unions, `<xs:simpleType name="u%d"><xs:union memberTypes="u%d u%d"/></xs:simpleType>`, i+1, i, i)
		fmt.Fprintf(&patterned, `<xs:simpleType name="u%d"><xs:union memberTypes="v%d w%d"/></xs:simpleType>`, i+1, i, i)
		for _, n := range []string{"v", "w"} {
			fmt.Fprintf(&patterned, `<xs:simpleType name="%s%d"><xs:restriction base="u%d"><xs:pattern value="%s*"/></xs:restriction></xs:simpleType>`, n, i, i, n)
		}
	}
	const u0 = `<xs:simpleType name="u0"><xs:restriction base="xs:int"/></xs:simpleType><xs:element name="a" type="u40"/>`
	restricting := use + `<xs:complexType name="B"><xs:group ref="g60"/></xs:complexType><xs:complexType name="R"><xs:complexContent>
		<xs:restriction base="B"><xs:group ref="g60"/></xs:restriction></xs:complexContent></xs:complexType>`
	var values strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&values, `<xs:enumeration value="v%d"/>`, i)
	}
	for name, body := range map[string]string{
		"nested bounds":       `<xs:element name="a"><xs:complexType>` + nested + `</xs:complexType></xs:element>`,
		"doubling groups":     doubling.String() + use,
		"hollow groups":       hollow.String() + use,
		"unions":              unions.String() + u0,
		"patterned unions":    patterned.String() + u0,
		"hollow restricted":   hollow.String() + restricting,
		"doubling restricted": strings.ReplaceAll(doubling.String(), "<xs:sequence>", `<xs:sequence minOccurs="0">`) + restricting,
		"long derivation":     types.String(),
		"huge enumeration":    `<xs:simpleType name="T"><xs:restriction base="xs:string">` + values.String() + `</xs:restriction></xs:simpleType>`,
		"deep":                strings.Repeat("<xs:annotation>", 20_000),
		"wide choice": `<xs:element name="a"><xs:complexType><xs:choice minOccurs="100" maxOccurs="9000">` +
			strings.Repeat(`<xs:sequence maxOccurs="99"><xs:element name="b" minOccurs="0" maxOccurs="99"/></xs:sequence>`, 40) + `</xs:choice></xs:complexType></xs:element>`,
	} {
		t.Run(name, func(t *testing.T) {
			within(t, 10*time.Second, func() {
				s, err := xsd.Compile(context.Background(), oneFile(schemaHead+body+"</xs:schema>"), "s.xsd")
				var bad *xsd.SchemaError
				switch {
				case err == nil:
					if _, err := s.Validate(context.Background(), strings.NewReader("<a>"+strings.Repeat("<b/>", 500)+"</a>"), xsd.Options{}); err != nil {
						t.Error(err)
					}
				case !errors.As(err, &bad):
					t.Error(err)
				}
			})
		})
	}
}

func TestHostilePatterns(t *testing.T) {
	long := strings.Repeat("a", 20_000)
	for _, pattern := range []string{"(a?){1000}", "(a*)*b", "(a|aa)+b", "(a|b|ab)*c", "(.*a){12}", ".{0,20000}", `(\w{1,500}-){1,20}`, "((a?){30}){30}"} {
		within(t, 10*time.Second, func() {
			s, err := xsd.Compile(context.Background(), oneFile(schemaHead+
				`<xs:element name="a"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="`+pattern+`"/></xs:restriction></xs:simpleType></xs:element></xs:schema>`), "s.xsd")
			if err != nil {
				t.Fatal(err)
			}
			validate(t, s, "<a>"+long+"</a>")
		})
	}
}

func TestDeepDocument(t *testing.T) {
	s := compile(t, `<xs:element name="a"><xs:complexType><xs:sequence><xs:element ref="a" minOccurs="0"/></xs:sequence></xs:complexType></xs:element>`)
	deep := strings.Repeat("<a>", 4_000) + strings.Repeat("</a>", 4_000)
	if found := validate(t, s, deep); len(found) > 0 {
		t.Error(found[0])
	}
	var bad *xsd.XMLError
	if _, err := s.Validate(context.Background(), strings.NewReader(strings.Repeat("<a>", 1_000_000)), xsd.Options{}); !errors.As(err, &bad) {
		t.Errorf("got %v", err)
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s := compile(t, petSchema)
	v := s.NewValidator(xsd.Options{Context: ctx})
	cancel()
	for range 5_000 {
		v.Start(xsd.Name{Local: "antrag"}, nil, nil, xsd.Pos{Line: 1, Col: 1})
		v.End(xsd.Pos{Line: 1, Col: 1})
	}
	if !errors.Is(v.Err(), context.Canceled) {
		t.Errorf("got %v", v.Err())
	}
	if _, err := xsd.Compile(ctx, oneFile(schemaHead+petSchema+"</xs:schema>"), "s.xsd"); !errors.Is(err, context.Canceled) {
		t.Errorf("compile: %v", err)
	}
}

// TestConcurrentUse has many validators of one schema build its patterns' automata at the same time.
func TestConcurrentUse(t *testing.T) {
	s := compile(t, `<xs:element name="a"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="([a-z]{1,40}[0-9]?)*"/></xs:restriction></xs:simpleType></xs:element>`)
	done := make(chan int)
	for w := range 8 {
		go func() {
			bad := 0
			for i := range 50 {
				found, err := s.Validate(context.Background(), strings.NewReader("<a>"+strings.Repeat("abc", w+i+1)+"7</a>"), xsd.Options{})
				if err != nil || len(found) > 0 {
					bad++
				}
			}
			done <- bad
		}()
	}
	for range 8 {
		if bad := <-done; bad > 0 {
			t.Errorf("%d valid documents refused", bad)
		}
	}
}
