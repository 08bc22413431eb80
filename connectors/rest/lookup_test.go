package rest

import (
	"net/http"
	"testing"

	"stellwerk/connectors/wire"
)

func TestLookup(t *testing.T) {
	const doc = `{"a":{"b":[{"c":"x"},{"c":7.10}],"n":null,"t":true,"o":{}},"sl/ash":"s","ti~lde":"t"}`
	const xml = `<?xml version="1.0"?><x:r xmlns:x="u"><x:skip><a>no</a></x:skip><a nr="1">one<b>two</b> more</a><a nr="2">three</a></x:r>`
	for _, test := range []struct {
		body, at, want string
		ok             bool
	}{
		{doc, "/a/b/0/c", "x", true},
		{doc, "/a/b/1/c", "7.10", true},
		{doc, "/a/t", "true", true},
		{doc, "/a/o", "", true},
		{doc, "/a/n", "", false},
		{doc, "/a/b/2/c", "", false},
		{doc, "/a/b/-1/c", "", false},
		{doc, "/a/b/x", "", false},
		{doc, "/sl~1ash", "s", true},
		{doc, "/ti~0lde", "t", true},
		{"\ufeff" + doc, "/a/t", "true", true},
		{xml, "/r/a", "one more", true},
		{xml, "/r/a/b", "two", true},
		{xml, "/r/a/@nr", "1", true},
		{xml, "/r/skip/a", "no", true},
		{xml, "/r/none", "", false},
		{xml, "/a", "", false},
		{`<r><a>x</a>`, "/r/a", "x", true},
		{`<r><a>x`, "/r/a", "", false},
		{`<!DOCTYPE r [<!ENTITY e "boom">]><r><a>&e;</a></r>`, "/r/a", "", false},
		{`{"a":`, "/a", "", false},
		{"plain", "/a", "", false},
		{"", "/a", "", false},
		{"", "header:X-Nr", "17", true},
		{"", "header:x-none", "", false},
	} {
		var l lookup
		if err := l.UnmarshalText([]byte(test.at)); err != nil {
			t.Fatal(err)
		}
		a := &answer{Answer: wire.Answer{Header: http.Header{"X-Nr": {"17"}}, Body: []byte(test.body)}}
		if got, ok := a.text(&l); got != test.want || ok != test.ok {
			t.Errorf("%s in %.40s: %q %v, want %q %v", test.at, test.body, got, ok, test.want, test.ok)
		}
	}
}

// Old servers answer in the alphabet of their machine; whether they say so or not, no
// letter is replaced.
func TestLookupInOtherEncodings(t *testing.T) {
	for _, test := range []struct{ contentType, body, at string }{
		{"application/json", `{"az":"Straße 1 – §"}`, "/az"},
		{"application/json; charset=ISO-8859-1", "{\"az\":\"Stra\xdfe 1 \x96 \xa7\"}", "/az"},
		{"application/json", "{\"az\":\"Stra\xdfe 1 \x96 \xa7\"}", "/az"},
		{"", "{\"az\":\"Stra\xdfe 1 \x96 \xa7\"}", "/az"},
		{"application/xml; charset=windows-1252", "<r><az>Stra\xdfe 1 \x96 \xa7</az></r>", "/r/az"},
		{"text/xml", "<?xml version='1.0' encoding='windows-1252'?><r><az>Stra\xdfe 1 \x96 \xa7</az></r>", "/r/az"},
		{"application/json; charset=utf-16le", "{\x00\"\x00a\x00z\x00\"\x00:\x00\"\x00S\x00t\x00r\x00a\x00\xdf\x00e\x00 \x001\x00 \x00\x13\x20 \x00\xa7\x00\"\x00}\x00", "/az"},
	} {
		var l lookup
		if err := l.UnmarshalText([]byte(test.at)); err != nil {
			t.Fatal(err)
		}
		a := &answer{Answer: wire.Answer{Header: http.Header{"Content-Type": {test.contentType}}, Body: []byte(test.body)}}
		if got, ok := a.text(&l); !ok || got != "Straße 1 – §" {
			t.Errorf("%s %q: %q %v", test.contentType, test.body, got, ok)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`<a><b c="d">x</b></a>`), "/a/b/@c")
	f.Add([]byte(`{"a":[1]}`), "/a/0 ~ (1)")
	f.Fuzz(func(t *testing.T, body []byte, at string) {
		var e extract
		if e.UnmarshalText([]byte(at)) != nil {
			return
		}
		a := &answer{Answer: wire.Answer{Status: 400, Body: body}}
		e.from(a)
	})
}
