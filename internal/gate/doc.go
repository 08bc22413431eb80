// Package gate decides what is let in. Nothing reaches the tree that is not
// strictly well-formed: XML 1.0 (fifth edition) with namespaces, or JSON
// (RFC 8259), in a known encoding, within limits, and then valid against a
// schema where there is one.
//
// Both formats are scanned once, byte by byte, through a window of fixed size,
// and become the same stream of events: a start, text in one or more pieces, an
// end. Whoever wants something of the document hangs a Handler on that one scan:
// a tree builder, a watch on single values, a schema.
//
// # JSON as elements
//
//	{"hund": [{"chip": "276…"}, {"chip": null}], "anzahl": 2}
//
//	object
//	├─ hund           each item of an array is an element named like the array
//	│  └─ chip  276…
//	├─ hund
//	│  └─ chip        nil="true"
//	└─ anzahl  2      numbers keep the text they were written with
//
// So hund/chip is the same path in both formats. An array inside an array is an
// element whose items are named "item"; an empty array is no element at all.
//
// # What is refused and what is found
//
// A *Refusal ends the scan: this is no document that anybody may look into. An
// *Invalid lists what the schema found in a document that is well-formed.
// Neither ever repeats text of the document, which may be personal data; names
// of elements, attributes and keys are repeated only if they are short, plain
// ASCII words.
//
// The gate never repairs, never guesses an encoding, never loads anything that
// a document points to, and knows no DTD: of entities there are only the five
// that XML predefines.
package gate
