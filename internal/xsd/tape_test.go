package xsd

import (
	"bytes"
	"context"
	"slices"
)

// Tape is a document as calls of a validator, for tests and benchmarks that leave reading out.
type Tape struct{ steps []tapeStep }

type tapeStep struct {
	name  Name
	attrs []Attr
	ns    *scope
	text  []byte
	pos   Pos
	kind  byte
}

// Record reads a document that is well-formed; of others, the part that is.
func Record(data []byte) *Tape {
	t := &Tape{}
	_ = readXML(context.Background(), bytes.NewReader(data), t) // what was read is what is played
	return t
}

func (t *Tape) start(name Name, attrs []Attr, ns *scope, pos Pos) {
	t.steps = append(t.steps, tapeStep{name: name, attrs: slices.Clone(attrs), ns: ns, pos: pos, kind: 's'})
}

func (t *Tape) text(data []byte, pos Pos) {
	t.steps = append(t.steps, tapeStep{text: bytes.Clone(data), pos: pos, kind: 't'})
}

func (t *Tape) end(pos Pos) { t.steps = append(t.steps, tapeStep{pos: pos, kind: 'e'}) }

func (t *Tape) unparsed(string) {}

// Play makes the calls.
func (t *Tape) Play(v *Validator) {
	for i := range t.steps {
		switch s := &t.steps[i]; s.kind {
		case 's':
			v.Start(s.name, s.attrs, s.ns, s.pos)
		case 't':
			v.Text(s.text, s.pos)
		default:
			v.End(s.pos)
		}
	}
}
