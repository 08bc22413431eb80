package mapping

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// The page that authors read names every step, function, source and setting there is.
func TestTheDocumentationIsComplete(t *testing.T) {
	data, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	words := strings.FieldsFunc(string(data), func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-')
	})
	want := func(kind string, names ...string) {
		for _, n := range names {
			if !slices.Contains(words, n) {
				t.Errorf("%s %s is not in doc.go", kind, n)
			}
		}
	}
	for name := range stepDefs() {
		want("step", name)
	}
	for _, f := range exprFunctions() {
		if !strings.HasPrefix(f.name, "__") {
			want("function", f.name)
		}
	}
	for _, f := range facts() {
		want("source", f.scheme, f.name)
	}
	want("source", attachmentFields...)
	want("source", reservedPrefixes...)
	want("key", fieldKeys...)
	want("key", "revision", "namespaces", "output", "each", "when", "if-none", "let", "fields", "header", "trailer", "records", "unused", "tests")
	want("setting", commonKeys...)
	for _, keys := range outputKeys {
		want("setting", keys...)
	}
	want("rule", roundings...)
}
