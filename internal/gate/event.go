package gate

// Pos is a place in the document: line and column count from 1, columns in
// characters. A line ends with LF, CR LF or CR.
type Pos struct{ Line, Column int }

// Name is an element's or attribute's name. Space is the namespace name, empty
// for none; Prefix is what the sender wrote and says nothing. For JSON only
// Local is set.
type Name struct{ Space, Prefix, Local string }

// Kind says what an element was.
type Kind uint8

// The kinds of elements. JSON documents have all but the first.
const (
	KindElement Kind = iota // an XML element
	KindObject
	KindArray // an array inside an array; others are seen through ArrayHandler
	KindString
	KindNumber
	KindBool
	KindNull
)

// Attr is an attribute with its normalised value. Value is valid until Start
// returns.
type Attr struct {
	Name  Name
	Value []byte
	Pos   Pos
}

// Decl is a namespace declaration: Prefix is empty for the default namespace, URI
// is empty where the default namespace is taken back.
type Decl struct {
	Prefix, URI string
	Pos         Pos
}

// Start is the beginning of an element. It is valid until Handler.Start returns;
// the strings in it may be kept.
type Start struct {
	Name  Name
	Pos   Pos
	Kind  Kind
	Attrs []Attr // in document order, without namespace declarations
	Decls []Decl // the namespace declarations written at this element

	scope *[]binding
}

// Lookup is the namespace that a prefix stands for at this element, "" being the
// default namespace's prefix. It serves QNames in values, and stays right for
// the text of the element until its next child starts.
func (s *Start) Lookup(prefix string) (uri string, ok bool) {
	if s.scope == nil {
		return "", prefix == ""
	}
	return lookup(*s.scope, prefix)
}

// Handler takes the events of a scan. Text comes in one or more pieces, with
// line ends and references resolved, and its bytes are valid until the call
// returns. An error ends the scan and is returned as it is.
type Handler interface {
	Start(*Start) error
	Text([]byte, Pos) error
	End(Name, Pos) error
}

// ArrayHandler is a Handler that wants to know where a JSON array that is a
// member of an object begins and ends: an empty one has no other event.
type ArrayHandler interface {
	StartArray(Name, Pos) error
	EndArray(Name, Pos) error
}

// Tee hangs several handlers on one scan, in this order; nil ones are left out.
// It is nil if none is left.
func Tee(handlers ...Handler) Handler {
	var t tee
	for _, h := range handlers {
		if h != nil {
			t = append(t, h)
		}
	}
	switch len(t) {
	case 0:
		return nil
	case 1:
		return t[0]
	}
	return t
}

type tee []Handler

func (t tee) Start(s *Start) error {
	for _, h := range t {
		if err := h.Start(s); err != nil {
			return err
		}
	}
	return nil
}

func (t tee) Text(b []byte, p Pos) error {
	for _, h := range t {
		if err := h.Text(b, p); err != nil {
			return err
		}
	}
	return nil
}

func (t tee) End(n Name, p Pos) error {
	for _, h := range t {
		if err := h.End(n, p); err != nil {
			return err
		}
	}
	return nil
}

func (t tee) StartArray(n Name, p Pos) error {
	for _, h := range t {
		if a, ok := h.(ArrayHandler); ok {
			if err := a.StartArray(n, p); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t tee) EndArray(n Name, p Pos) error {
	for _, h := range t {
		if a, ok := h.(ArrayHandler); ok {
			if err := a.EndArray(n, p); err != nil {
				return err
			}
		}
	}
	return nil
}
