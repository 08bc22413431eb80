package gate

import (
	"context"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestLocate holds places that are asked for step by step against counting from the
// beginning.
func TestLocate(t *testing.T) {
	piece := rapid.SampledFrom([]string{"\r", "\n", "\r\n", "a", "ä", "€", "😀", "\t", "\x0e", "abcdefgh", "abcdefghi\n", "12345678äöü", strings.Repeat("long ", 20)})
	rapid.Check(t, func(t *rapid.T) {
		doc := strings.Join(rapid.SliceOfN(piece, 0, 40).Draw(t, "doc"), "")
		var s source
		s.open(context.Background(), []byte(doc), nil, 1<<20)
		for off := range doc {
			if !rapid.Bool().Draw(t, "ask") {
				continue
			}
			lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(doc[:off]), "\n")
			want := Pos{len(lines), len([]rune(lines[len(lines)-1])) + 1}
			if strings.HasSuffix(doc[:off], "\r") && doc[off] == '\n' {
				continue // within a line's end
			}
			if got := s.locate(off); got != want {
				t.Fatalf("%q at %d: %v, want %v", doc, off, got, want)
			}
		}
	})
}
