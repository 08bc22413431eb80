package xoev

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
)

const body = `<identifikation.nachricht><nachrichtenUUID>0B2C1A54-0000-4000-8000-0123456789AB</nachrichtenUUID>` +
	`<nachrichtentyp listURI="urn:example:nachrichten" listVersionID="1"><code>0815</code><name>Probe</name></nachrichtentyp>` +
	`<erstellungszeitpunkt>2026-11-23T07:00:00.250+01:00</erstellungszeitpunkt></identifikation.nachricht>` +
	`<leser><verzeichnisdienst listURI="urn:xoev-de:kosit:codeliste:verzeichnisdienst" listVersionID="3"><code>DVDV</code></verzeichnisdienst><kennung>ora:05974040</kennung><name>Ordnungsamt</name></leser>` +
	`<autor><verzeichnisdienst><code>DVDV</code></verzeichnisdienst><kennung>kop:0001</kennung><name>Portal</name></autor>` +
	`<referenzUUID>11111111-2222-4333-8444-555555555555</referenzUUID>`

// qualify puts every element of the header into a namespace, but not the children
// of codes, which are unqualified everywhere.
func qualify(s, prefix string) string {
	for _, name := range []string{"identifikation.nachricht", "nachrichtenUUID", "nachrichtentyp", "erstellungszeitpunkt", "leser", "autor", "verzeichnisdienst", "kennung", "referenzUUID"} {
		s = strings.ReplaceAll(s, "<"+name, "<"+prefix+":"+name)
		s = strings.ReplaceAll(s, "</"+name, "</"+prefix+":"+name)
	}
	s = strings.ReplaceAll(s, "<name>Ordnungsamt</name>", "<"+prefix+":name>Ordnungsamt</"+prefix+":name>")
	return strings.ReplaceAll(s, "<name>Portal</name>", "<"+prefix+":name>Portal</"+prefix+":name>")
}

func TestReadsEveryDialect(t *testing.T) {
	dialects := map[string]string{
		"unqualified": `<m:probe xmlns:m="urn:example" standard="XProbe" version="1.0" test="ja"><nachrichtenkopf.g2g>` + body + `</nachrichtenkopf.g2g></m:probe>`,
		"qualified":   `<m:probe xmlns:m="urn:example" xmlns:q="http://xoev.de/schemata/basisnachricht/g2g/1_1" standard="XProbe" version="1.0" test="ja"><q:nachrichtenkopf.g2g>` + qualify(body, "q") + `</q:nachrichtenkopf.g2g></m:probe>`,
		"own namespace with xsi:type": `<probe xmlns="urn:example" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" standard="XProbe" version="1.0" test="ja"><nachrichtenkopf xsi:type="Kopf">` +
			strings.NewReplacer("<code>", `<code xmlns="">`, "<name>Probe", `<name xmlns="">Probe`).Replace(body) + `</nachrichtenkopf></probe>`,
	}
	for name, doc := range dialects {
		t.Run(name, func(t *testing.T) {
			h, err := Read(parse(t, doc))
			if err != nil {
				t.Fatal(err)
			}
			want := Header{
				MessageID: "0b2c1a54-0000-4000-8000-0123456789ab",
				Type:      Code{ListURI: "urn:example:nachrichten", ListVersion: "1", Code: "0815", Name: "Probe"},
				CreatedAt: h.CreatedAt, CreatedText: "2026-11-23T07:00:00.250+01:00",
				Reader:    Party{Directory: Code{ListURI: "urn:xoev-de:kosit:codeliste:verzeichnisdienst", ListVersion: "3", Code: "DVDV"}, ID: "ora:05974040", Name: "Ordnungsamt"},
				Author:    Party{Directory: Code{Code: "DVDV"}, ID: "kop:0001", Name: "Portal"},
				Reference: "11111111-2222-4333-8444-555555555555",
				Standard:  "XProbe", Version: "1.0", Test: true,
			}
			if *h != want {
				t.Errorf("got  %+v\nwant %+v", *h, want)
			}
			if at := time.Date(2026, 11, 23, 6, 0, 0, 250e6, time.UTC); !h.CreatedAt.Equal(at) {
				t.Errorf("created at %s, want %s", h.CreatedAt, at)
			}
		})
	}
}

func TestReadsXInneresParties(t *testing.T) {
	h, err := Read(parse(t, `<probe xmlns="urn:example"><nachrichtenkopf><identifikation.nachricht><nachrichtenUUID>x</nachrichtenUUID><erstellungszeitpunkt>2026-07-01T12:00:00</erstellungszeitpunkt></identifikation.nachricht>
		<leser><behoerdenkennung><praefix><code>ags</code></praefix><kennung><code>05974040</code></kennung></behoerdenkennung><behoerdenname>Meldebehörde</behoerdenname></leser>
		<autor><behoerdenkennung><praefix><code>mbp</code></praefix><kennung>05000000</kennung></behoerdenkennung></autor></nachrichtenkopf></probe>`))
	if err != nil {
		t.Fatal(err)
	}
	if h.Reader.ID != "ags:05974040" || h.Reader.Name != "Meldebehörde" || h.Author.ID != "mbp:05000000" {
		t.Errorf("reader %+v, author %+v", h.Reader, h.Author)
	}
	if want := time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC); !h.CreatedAt.Equal(want) {
		t.Errorf("a time without zone is German time: got %s, want %s", h.CreatedAt.UTC(), want)
	}
}

func TestNoHeader(t *testing.T) {
	for _, doc := range []string{`<a/>`, `<a><kopf><nachrichtenkopf/></kopf></a>`, `<a><Kopf/></a>`} {
		if _, err := Read(parse(t, doc)); !errors.Is(err, ErrNoHeader) {
			t.Errorf("%s: %v, want ErrNoHeader", doc, err)
		}
	}
	if _, err := Read(nil); !errors.Is(err, ErrNoHeader) {
		t.Errorf("no document: %v", err)
	}
}

// Real messages of three standards, where the samples are at hand.
func TestRealMessages(t *testing.T) {
	dir := os.Getenv("STELLWERK_SAMPLES")
	if dir == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("STELLWERK_SAMPLES is not set")
		}
		t.Skip("STELLWERK_SAMPLES names no folder with sample messages")
	}
	want := map[string]Header{
		"xbeteiligung": {MessageID: "60f6667b-fa45-4bd7-b717-f4d6c65e5edb", Type: Code{Code: "0401"}, Reader: Party{ID: "xyz:0002"}, Author: Party{ID: "xyz:0001"}},
		"xwasser":      {MessageID: "693c64d6-456f-4d14-abe7-fe9681c74aaf", Type: Code{Code: "0010"}, Reader: Party{ID: "psw:01003110"}, Author: Party{ID: "psw:11113110"}},
		"xdomea":       {Type: Code{Code: "05"}},
	}
	for standard, w := range want {
		found := 0
		err := filepath.WalkDir(filepath.Join(dir, standard), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || filepath.Ext(path) != ".xml" || !strings.Contains(path, "messages") && !strings.Contains(path, "pattern") {
				return err
			}
			doc := etree.NewDocument()
			if err := doc.ReadFromFile(path); err != nil {
				return err
			}
			found++
			h, err := Read(doc.Root())
			if err != nil {
				t.Errorf("%s: %v", filepath.Base(path), err)
				return nil
			}
			if h.MessageID == "" || w.MessageID != "" && h.MessageID != w.MessageID || !strings.HasPrefix(h.Type.Code, w.Type.Code) || h.CreatedAt.IsZero() ||
				w.Reader.ID != "" && (h.Reader.ID != w.Reader.ID || h.Author.ID != w.Author.ID) {
				t.Errorf("%s: %+v", filepath.Base(path), h)
			}
			return nil
		})
		if err != nil || found == 0 {
			t.Errorf("%s: %d messages, %v", standard, found, err)
		}
	}
}

func parse(t *testing.T, s string) *etree.Element {
	t.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromString(s); err != nil {
		t.Fatal(err)
	}
	return doc.Root()
}
