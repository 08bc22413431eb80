// Package xoev reads the message header of XÖV standards, whichever way its
// producer writes it. Three dialects occur: header children in no namespace
// (XWasser), in the three namespaces of the XÖV-Basisnachricht 1.1 with prefixes
// as the producer likes (XBeteiligung), and in the standard's or XInneres' own
// namespace. What they share are the local names, so those decide, and only
// within the header. xdomea 3 has a Kopf of its own.
//
// The codes' children code and name are unqualified in all of them.
package xoev

import (
	"errors"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// Header is who says what to whom, and when.
type Header struct {
	MessageID   string // nachrichtenUUID, lower case; the same in a repetition of the same message
	Type        Code   // nachrichtentyp
	CreatedAt   time.Time
	CreatedText string // as written: the time zone is often missing
	Reader      Party  // leser: who gets it
	Author      Party  // autor: who sends it
	Reference   string // referenzUUID: the message that this one answers
	Standard    string // attribute of the root: XBeteiligung
	Version     string // attribute of the root: 1.2
	Product     string // attribute of the root
	Test        bool   // the root says it is a test; a free text in the base schema
}

// Code is a code with the list it is from. Lists and versions may be empty.
type Code struct {
	ListURI, ListVersion string
	Code, Name           string
}

// Party is an authority or a portal.
type Party struct {
	Directory Code   // verzeichnisdienst, mostly DVDV
	ID        string // kennung with its prefix: psw:11007007
	Name      string
}

// ErrNoHeader is the answer for a document that has no XÖV header.
var ErrNoHeader = errors.New("the document has no XÖV message header")

// Read finds the header below the root element. JSON of the same structure reads
// like the unqualified dialect.
func Read(root *etree.Element) (*Header, error) {
	if root == nil {
		return nil, ErrNoHeader
	}
	for _, c := range root.ChildElements() {
		switch {
		case c.Tag == "nachrichtenkopf" || strings.HasPrefix(c.Tag, "nachrichtenkopf."):
			return basis(root, c), nil
		case c.Tag == "Kopf" && child(c, "ProzessID") != nil:
			return xdomea(root, c), nil
		}
	}
	return nil, ErrNoHeader
}

func basis(root, head *etree.Element) *Header {
	h := ofRoot(root)
	ident := child(head, "identifikation.nachricht")
	if ident == nil {
		ident = head
	}
	h.MessageID = strings.ToLower(text(ident, "nachrichtenUUID"))
	h.Type = code(child(ident, "nachrichtentyp"))
	h.created(text(ident, "erstellungszeitpunkt"))
	// XInneres has reader and author in the identification, the others beside it.
	for _, at := range []*etree.Element{ident, head} {
		if e := child(at, "leser"); e != nil {
			h.Reader = party(e)
		}
		if e := child(at, "autor"); e != nil {
			h.Author = party(e)
		}
		if ref := text(at, "referenzUUID"); ref != "" {
			h.Reference = strings.ToLower(ref)
		}
	}
	return h
}

func xdomea(root, head *etree.Element) *Header {
	h := ofRoot(root)
	h.Standard = "xdomea"
	h.MessageID = strings.ToLower(text(head, "ProzessID"))
	h.Type = code(child(head, "Nachrichtentyp"))
	h.created(text(head, "Erstellungszeitpunkt"))
	h.Author = institution(child(head, "Absender"))
	h.Reader = institution(child(head, "Empfaenger"))
	return h
}

func ofRoot(root *etree.Element) *Header {
	test := strings.TrimSpace(root.SelectAttrValue("test", ""))
	return &Header{
		Standard: root.SelectAttrValue("standard", ""),
		Version:  root.SelectAttrValue("version", ""),
		Product:  root.SelectAttrValue("produkt", ""),
		Test:     test != "" && test != "false" && test != "0",
	}
}

// created reads the time with or without milliseconds and zone; one without a
// zone is German time, as the producer's clock shows it.
func (h *Header) created(s string) {
	h.CreatedText = s
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		h.CreatedAt = t
		return
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		berlin = time.UTC
	}
	if t, err := time.ParseInLocation("2006-01-02T15:04:05.999999999", s, berlin); err == nil {
		h.CreatedAt = t
	}
}

func party(e *etree.Element) Party {
	p := Party{Directory: code(child(e, "verzeichnisdienst")), ID: text(e, "kennung"), Name: text(e, "name")}
	// XInneres: behoerdenkennung with prefix and kennung apart, behoerdenname beside it.
	if k := child(e, "behoerdenkennung"); k != nil {
		prefix, id := code(child(k, "praefix")).Code, code(child(k, "kennung")).Code
		if id == "" {
			id = text(k, "kennung")
		}
		p.ID = join(prefix, id)
	}
	if p.Name == "" {
		p.Name = text(e, "behoerdenname")
	}
	return p
}

func institution(e *etree.Element) Party {
	if e == nil {
		return Party{}
	}
	k := child(e, "Behoerdenkennung")
	p := Party{ID: join(code(child(k, "Praefix")).Code, code(child(k, "Behoerdenschluessel")).Code)}
	p.Name = text(child(e, "Institution"), "Name")
	return p
}

func join(prefix, id string) string {
	if prefix == "" || strings.Contains(id, ":") {
		return id
	}
	return prefix + ":" + id
}

func code(e *etree.Element) Code {
	if e == nil {
		return Code{}
	}
	return Code{
		ListURI:     e.SelectAttrValue("listURI", ""),
		ListVersion: e.SelectAttrValue("listVersionID", ""),
		Code:        text(e, "code"),
		Name:        text(e, "name"),
	}
}

func child(e *etree.Element, local string) *etree.Element {
	if e == nil {
		return nil
	}
	for _, c := range e.Child {
		if c, ok := c.(*etree.Element); ok && c.Tag == local {
			return c
		}
	}
	return nil
}

func text(e *etree.Element, local string) string {
	c := child(e, local)
	if c == nil {
		return ""
	}
	return strings.TrimSpace(c.Text())
}
