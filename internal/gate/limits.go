package gate

// Limits bound what one document may cost. A zero field takes its default, so
// the zero value is the set of defaults. All of them hold while streaming: the
// scan stops at the byte that goes beyond.
type Limits struct {
	Bytes          int64 // of the body as it was sent; 10 MiB
	Nodes          int   // XML elements and attributes, which cost nothing by themselves; 500,000
	Values         int   // JSON values, of which a schema needs all at once; 100,000
	Depth          int   // open elements, or open objects and arrays; 100
	Attributes     int   // of one element, namespace declarations included; 128
	AttributeBytes int   // of one attribute's value; 64 KiB
	TagBytes       int   // of all attribute values of one element; 256 KiB
	Members        int   // keys of the JSON objects that are open at one place; 8,192
	NameBytes      int   // of one element name, attribute name or JSON key; 256
	TextBytes      int   // of one run of text between two tags, or one JSON string; 10 MiB
	Namespaces     int   // declarations in scope at one place; 128
	NamespaceBytes int   // of one namespace name; 1,024
	References     int   // entity and character references; 200,000
	NumberBytes    int   // of one JSON number; 128
}

// WithDefaults fills the fields that are not set.
func (l Limits) WithDefaults() Limits {
	if l.Bytes <= 0 {
		l.Bytes = 10 << 20
	}
	for _, f := range []struct {
		field *int
		value int
	}{
		{&l.Nodes, 500_000}, {&l.Values, 100_000}, {&l.Depth, 100}, {&l.Attributes, 128}, {&l.AttributeBytes, 64 << 10},
		{&l.TagBytes, 256 << 10}, {&l.Members, 8192}, {&l.NameBytes, 256}, {&l.TextBytes, 10 << 20},
		{&l.Namespaces, 128}, {&l.NamespaceBytes, 1024}, {&l.References, 200_000}, {&l.NumberBytes, 128},
	} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	return l
}

// maxExponent is the largest power of ten that a JSON number may name: beyond
// it no amount, date or measure lies, only work for whoever calculates with it.
const maxExponent = 999
