package sqlite

import (
	"testing"

	"stellwerk/internal/store"
	"stellwerk/internal/store/storetest"
)

func TestContract(t *testing.T) {
	storetest.Test(t, func(t *testing.T) store.Store {
		s := open(t, Options{Dir: t.TempDir()})
		t.Cleanup(func() { truthful(t, s) })
		return s
	})
}

// open opens a store and closes it when the test ends.
func open(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return s
}
