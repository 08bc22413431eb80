package xsd

import "slices"

// idTable holds a document's IDs and the references still open.
type idTable struct {
	pending []idEvent // of the value being judged; a union may take them back
	ids     map[string]struct{}
	refs    map[string]openRef
}

type idEvent struct {
	ref   bool
	value string
}

type openRef struct {
	pos  Pos
	path string
}

func (t *idTable) mark() int {
	if t == nil {
		return 0
	}
	return len(t.pending)
}

func (t *idTable) reset(to int) {
	if t != nil {
		t.pending = t.pending[:to]
	}
}

// note keeps an ID or a reference until the value is judged whole; false says that an entity is unknown.
func (c *valueContext) note(t *simpleType, b []byte) bool {
	if c.doc == nil {
		return true
	}
	if t.lex == lexEntity {
		return slices.Contains(c.entities, string(b))
	}
	c.doc.pending = append(c.doc.pending, idEvent{ref: t.lex == lexIDREF, value: string(b)})
	return true
}
