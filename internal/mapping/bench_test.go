package mapping

import (
	"os"
	"testing"
)

// BenchmarkApply renders each story's first document; the tree is parsed once, as it is in
// the hub, where several mappings read it.
func BenchmarkApply(b *testing.B) {
	fsys := os.DirFS("testdata")
	for _, name := range []string{"hund/veranlagung.yaml", "hund/akte.yaml", "hund/ordnung.yaml", "hund/liste.yaml"} {
		b.Run(name, func(b *testing.B) {
			m := loadStory(b, name)
			root, err := m.given(fsys, TestOptions{}, m.Tests[0])
			if err != nil {
				b.Fatal(err)
			}
			env := SampleEnv()
			if env, err = m.sampleOrdinances(fsys, *env); err != nil {
				b.Fatal(err)
			}
			env.Attachments = []Attachment{{Name: "a.pdf", SHA256: "abc"}}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Apply(root, env); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
