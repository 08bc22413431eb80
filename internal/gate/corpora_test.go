package gate

import (
	"os"
	"path/filepath"
	"testing"
)

// corpora is the folder of conformance suites that the tests use in place.
func corpora(t testing.TB, elem ...string) string { return outside(t, "STELLWERK_CORPORA", elem...) }

// samples is the folder of schemas and messages of others.
func samples(t testing.TB) string { return outside(t, "STELLWERK_SAMPLES") }

func outside(t testing.TB, variable string, elem ...string) string {
	t.Helper()
	dir := os.Getenv(variable)
	if dir == "" {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not set", variable)
		}
		t.Skipf("%s is not set: this part of the corpora is not tested", variable)
	}
	return filepath.Join(append([]string{dir}, elem...)...)
}

func mustRead(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
