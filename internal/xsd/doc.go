// Package xsd compiles XML Schema 1.0 and judges documents by it while they stream past.
//
// It stands on its own: it imports nothing of the hub, fetches nothing from any network, and keeps
// nothing of a document but the open elements, the text of the innermost one and the keys that its
// identity constraints need.
//
//	schema, err := xsd.Compile(ctx, xsd.Files(os.DirFS("schemas"), catalog), "antrag.xsd")
//	v := schema.NewValidator(xsd.Options{MaxFindings: 50, Context: ctx})
//	v.Start(name, attrs, namespaces, pos) // one call for each start tag …
//	v.Text(data, pos)
//	v.End(pos)
//	findings := v.Finish()
//
// A Schema is immutable and may be used by many goroutines; a Validator belongs to one goroutine at a
// time and is reused after Reset.
//
// Three rules hold throughout. The rule a finding names is the one of the specification (cvc-…, with
// its clause). A value found in a document may be personal data: it is in Finding.Value and nowhere
// else, never in a sentence. What the compiler does not know it refuses by name; it never half-reads
// a schema.
//
// How it works: the particles of a content model become a small program, the program a deterministic
// automaton whose transitions are interned names; occurrence bounds too large to be copied become
// counters of that program. Patterns become automata of their own, built lazily as values are met, with
// a bound on their memory. Both run in time linear in the document, whatever the schema.
package xsd
