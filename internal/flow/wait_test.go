package flow

import (
	"context"
	"slices"
	"testing"
)

// A run that plans waits for the systems of what is sent first, and for nobody else; one
// that goes on waits for nobody.
func TestWaitsForTheFirstSystemsOnly(t *testing.T) {
	d := newDesk(t)
	var waited [][]string
	d.Wait = func(_ context.Context, systems []string) { waited = append(waited, systems) }
	id := d.accept("labrador.xml", nil, nil)
	s := d.run(id)
	var first []string
	later := false
	for _, delivery := range s.Deliveries {
		if len(delivery.After) == 0 {
			first = append(first, delivery.System)
		}
		later = later || len(delivery.After) > 0
	}
	if len(waited) != 1 || !slices.Equal(waited[0], first) || !later {
		t.Errorf("waited for %v, want once for %v; one is sent later: %v", waited, first, later)
	}
	d.run(id)
	if len(waited) != 1 {
		t.Errorf("waited again: %v", waited)
	}
}
