package gate

import "github.com/beevik/etree"

// TreeBuilder is a Handler that builds a tree.
type TreeBuilder struct {
	doc  *etree.Document
	at   *etree.Element
	text []byte
}

// NewTreeBuilder is for one scan.
func NewTreeBuilder() *TreeBuilder {
	doc := etree.NewDocument()
	// The only way of writing that loses neither CR nor white space in attributes.
	doc.WriteSettings.CanonicalText = true
	doc.WriteSettings.CanonicalAttrVal = true
	return &TreeBuilder{doc: doc, at: &doc.Element}
}

// Document is the tree, whole after the scan has ended without an error.
func (b *TreeBuilder) Document() *etree.Document { return b.doc }

// Start implements Handler.
func (b *TreeBuilder) Start(s *Start) error {
	b.flush()
	e := &etree.Element{Space: s.Name.Prefix, Tag: s.Name.Local}
	for _, d := range s.Decls {
		if d.Prefix == "" {
			e.CreateAttr("xmlns", d.URI)
		} else {
			e.CreateAttr("xmlns:"+d.Prefix, d.URI)
		}
	}
	for i := range s.Attrs {
		a := &s.Attrs[i]
		key := a.Name.Local
		if a.Name.Prefix != "" {
			key = a.Name.Prefix + ":" + key
		}
		e.CreateAttr(key, string(a.Value))
	}
	b.at.AddChild(e)
	b.at = e
	return nil
}

// Text implements Handler.
func (b *TreeBuilder) Text(text []byte, _ Pos) error {
	b.text = append(b.text, text...)
	return nil
}

// End implements Handler.
func (b *TreeBuilder) End(Name, Pos) error {
	b.flush()
	b.at = b.at.Parent()
	return nil
}

func (b *TreeBuilder) flush() {
	if len(b.text) > 0 {
		b.at.AddChild(etree.NewText(string(b.text)))
		b.text = b.text[:0]
	}
}
