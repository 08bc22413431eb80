package gate

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
)

// antrag is a registration in the size that portals send, with n dogs.
func antrag(n int) []byte {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>
<hd:hundeanmeldung xmlns:hd="urn:example:hund:1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" version="1.0">
  <hd:kopf><hd:vorgang>V-2026-000123</hd:vorgang><hd:erstellt>2026-02-03T10:11:12+01:00</hd:erstellt></hd:kopf>
  <hd:halter><hd:name>Müller-Lüdenscheidt</hd:name><hd:vorname>Jörg</hd:vorname>
    <hd:anschrift><hd:strasse>Große Gasse</hd:strasse><hd:hausnummer>12a</hd:hausnummer><hd:plz>01067</hd:plz><hd:ort>Musterstadt</hd:ort></hd:anschrift>
  </hd:halter>
`)
	for i := range n {
		fmt.Fprintf(&b, `  <hd:hund nr="%d">
    <hd:name>Bello &amp; Co</hd:name>
    <hd:chip>276%012d</hd:chip>
    <hd:rasse listURI="urn:example:rassen" listVersionID="3"><hd:code>0815</hd:code><hd:bezeichnung>Labrador Retriever</hd:bezeichnung></hd:rasse>
    <hd:geboren>2024-05-06</hd:geboren>
    <hd:schulterhoehe einheit="cm">56</hd:schulterhoehe>
    <hd:gewicht einheit="kg">31</hd:gewicht>
    <hd:bemerkung>Der Hund wurde aus einem anderen Haushalt übernommen und ist gegen Tollwut geimpft.</hd:bemerkung>
  </hd:hund>
`, i, i)
	}
	b.WriteString("</hd:hundeanmeldung>\n")
	return []byte(b.String())
}

// antragJSON is the same in JSON.
func antragJSON(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"kopf": {"vorgang": "V-2026-000123", "erstellt": "2026-02-03T10:11:12+01:00"},
  "halter": {"name": "Müller-Lüdenscheidt", "vorname": "Jörg", "anschrift": {"strasse": "Große Gasse", "plz": "01067", "ort": "Musterstadt"}},
  "hund": [`)
	for i := range n {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, `
    {"nr": %d, "name": "Bello \"der Große\"", "chip": "276%012d", "rasse": {"code": "0815", "bezeichnung": "Labrador Retriever"},
     "geboren": "2024-05-06", "schulterhoehe": 56, "gewicht": 31.5, "gechippt": true, "bemerkung": null}`, i, i)
	}
	b.WriteString("]}\n")
	return []byte(b.String())
}

const (
	dogs3KB  = 4
	dogs10MB = 18_000
)

func roomy() Limits { return Limits{Nodes: 1 << 30, Values: 1 << 30, References: 1 << 30} }

func benchmark(b *testing.B, body []byte, f func([]byte) error) {
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if err := f(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkXML(b *testing.B) {
	ctx := context.Background()
	for _, size := range []struct {
		name string
		body []byte
	}{{"3KB", antrag(dogs3KB)}, {"10MB", antrag(dogs10MB)}} {
		b.Run(size.name+"/check", func(b *testing.B) {
			benchmark(b, size.body, func(body []byte) error {
				_, err := Check(ctx, body, "application/xml", Options{Limits: roomy()})
				return err
			})
		})
		b.Run(size.name+"/events", func(b *testing.B) {
			o := Options{Limits: roomy(), Handlers: []Handler{discard{}}}
			benchmark(b, size.body, func(body []byte) error {
				_, err := Check(ctx, body, "application/xml", o)
				return err
			})
		})
		b.Run(size.name+"/reader", func(b *testing.B) {
			o := Options{Limits: roomy(), Handlers: []Handler{discard{}}}
			benchmark(b, size.body, func(body []byte) error {
				_, err := CheckReader(ctx, bytes.NewReader(body), "application/xml", o)
				return err
			})
		})
		b.Run(size.name+"/watch", func(b *testing.B) {
			benchmark(b, size.body, func(body []byte) error {
				w, err := NewWatch("hund/chip", "halter/name", "kopf/vorgang")
				if err != nil {
					return err
				}
				_, err = Check(ctx, body, "application/xml", Options{Limits: roomy(), Handlers: []Handler{w}})
				return err
			})
		})
		b.Run(size.name+"/tree", func(b *testing.B) {
			benchmark(b, size.body, func(body []byte) error {
				_, err := Tree(ctx, body, "application/xml", roomy())
				return err
			})
		})
	}
}

func BenchmarkJSON(b *testing.B) {
	ctx := context.Background()
	for _, size := range []struct {
		name string
		body []byte
	}{{"3KB", antragJSON(dogs3KB * 3)}, {"10MB", antragJSON(dogs10MB * 2)}} {
		b.Run(size.name+"/check", func(b *testing.B) {
			benchmark(b, size.body, func(body []byte) error {
				_, err := Check(ctx, body, "application/json", Options{Limits: roomy()})
				return err
			})
		})
		b.Run(size.name+"/events", func(b *testing.B) {
			o := Options{Limits: roomy(), Handlers: []Handler{discard{}}}
			benchmark(b, size.body, func(body []byte) error {
				_, err := Check(ctx, body, "application/json", o)
				return err
			})
		})
	}
}
