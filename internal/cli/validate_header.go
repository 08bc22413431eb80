package cli

import (
	"errors"
	"strings"

	"stellwerk/internal/gate"
	"stellwerk/internal/xoev"
)

// maxHeaderNodes bounds what is kept of a message for its header.
const maxHeaderNodes = 2000

// headBuilder keeps of a document its root element and, below it, what may be an
// XÖV header: never more, however large the document is.
type headBuilder struct {
	tree  *gate.TreeBuilder
	depth int
	skip  int // depth of the element whose content is left out; 0: none
	nodes int
}

func newHeadBuilder() *headBuilder { return &headBuilder{tree: gate.NewTreeBuilder()} }

// Start implements gate.Handler.
func (h *headBuilder) Start(s *gate.Start) error {
	h.depth++
	if h.skip > 0 {
		return nil
	}
	name := s.Name.Local
	head := name == "Kopf" || name == "nachrichtenkopf" || strings.HasPrefix(name, "nachrichtenkopf.")
	h.nodes++
	if h.depth == 2 && !head || h.nodes > maxHeaderNodes {
		h.skip = h.depth
		return nil
	}
	return h.tree.Start(s)
}

// Text implements gate.Handler.
func (h *headBuilder) Text(b []byte, at gate.Pos) error {
	if h.skip > 0 || h.depth < 3 {
		return nil
	}
	return h.tree.Text(b, at)
}

// End implements gate.Handler.
func (h *headBuilder) End(n gate.Name, at gate.Pos) error {
	h.depth--
	if h.skip > h.depth {
		h.skip = 0
		return nil
	}
	if h.skip > 0 {
		return nil
	}
	return h.tree.End(n, at)
}

// headerForm is an XÖV message header, for JSON.
type headerForm struct {
	MessageID string    `json:"message-id"`
	Type      codeForm  `json:"type"`
	Created   string    `json:"created,omitempty"` // as written
	Reader    partyForm `json:"reader"`
	Author    partyForm `json:"author"`
	Reference string    `json:"reference,omitempty"` // the message that this one answers
	Standard  string    `json:"standard,omitempty"`
	Version   string    `json:"version,omitempty"`
	Product   string    `json:"product,omitempty"`
	Test      bool      `json:"test,omitempty"`
}

type codeForm struct {
	Code        string `json:"code"`
	Name        string `json:"name,omitempty"`
	ListURI     string `json:"list-uri,omitempty"`
	ListVersion string `json:"list-version,omitempty"`
}

type partyForm struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// header reads what was kept; nil where the document has no XÖV header.
func (h *headBuilder) header() *headerForm {
	head, err := xoev.Read(h.tree.Document().Root())
	if errors.Is(err, xoev.ErrNoHeader) || head == nil {
		return nil
	}
	return &headerForm{
		MessageID: head.MessageID, Created: head.CreatedText, Reference: head.Reference,
		Type:     codeForm{Code: head.Type.Code, Name: head.Type.Name, ListURI: head.Type.ListURI, ListVersion: head.Type.ListVersion},
		Reader:   partyForm{ID: head.Reader.ID, Name: head.Reader.Name},
		Author:   partyForm{ID: head.Author.ID, Name: head.Author.Name},
		Standard: head.Standard, Version: head.Version, Product: head.Product, Test: head.Test,
	}
}
