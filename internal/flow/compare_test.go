package flow

import (
	"errors"
	"testing"

	"stellwerk/connectors/all"
	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/mapping"
	"stellwerk/internal/store"
	"stellwerk/mappings"
	"stellwerk/routes"
)

// another is the sample town's configuration once more, changed for one service.
func another(t *testing.T, change func(byRole map[string]*config.Delivery)) *config.Snapshot {
	t.Helper()
	snap, findings := config.Load(config.Source{Dir: "../../testdata/musterstadt", Routes: routes.FS, Mappings: mappings.FS, Kinds: all.Kinds()})
	if findings.HasErrors() {
		t.Fatal(findings.Err())
	}
	b, ok := snap.Binding(town, "hundeanmeldung")
	if !ok {
		t.Fatal("the sample town does not offer it")
	}
	byRole := map[string]*config.Delivery{}
	for i := range b.Deliveries {
		byRole[b.Deliveries[i].Route.To] = &b.Deliveries[i]
	}
	change(byRole)
	return snap
}

// What another configuration would make of a case is told by role, and nothing else: a
// delivery more or less, another system, other values.
func TestCompare(t *testing.T) {
	same := another(t, func(map[string]*config.Delivery) {})
	system := func(role string) string { return same.Municipalities[town].Systems[role].Name }
	for name, tt := range map[string]struct {
		before, after func(map[string]*config.Delivery)
		want          map[string]Difference // without Mapping and Changes
		changed       string                // the role of which fields have changed
	}{
		"nothing": {want: map[string]Difference{}},
		"one less": {after: func(by map[string]*config.Delivery) { by["records"].System = nil },
			want: map[string]Difference{"records": {Role: "records", System: system("records"), Removed: true}}},
		"one more": {before: func(by map[string]*config.Delivery) { by["records"].System = nil },
			want: map[string]Difference{"records": {Role: "records", System: system("records"), Added: true}}},
		"another system": {after: func(by map[string]*config.Delivery) { by["finance"].System = by["records"].System },
			want: map[string]Difference{"finance": {Role: "finance", System: system("records"), Was: system("finance")}}},
		"other values": {after: func(by map[string]*config.Delivery) { by["finance"].Mapping = by["public-order"].Mapping }, changed: "finance",
			want: map[string]Difference{"finance": {Role: "finance", System: system("finance")}}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			before, after := same, same
			if tt.before != nil {
				before = another(t, tt.before)
			}
			if tt.after != nil {
				after = another(t, tt.after)
			}
			got, err := d.Compare(t.Context(), d.accept("labrador.xml", nil, nil), before, after)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(tt.want) {
				t.Fatalf("%+v", got)
			}
			for _, one := range got {
				if (len(one.Changes) > 0) != (one.Role == tt.changed) || one.Mapping == "" {
					t.Errorf("%+v", one)
				}
				one.Mapping, one.Changes = "", nil
				if want := tt.want[one.Role]; one.Role != want.Role || one.System != want.System || one.Was != want.Was || one.Added != want.Added || one.Removed != want.Removed {
					t.Errorf("got %+v, want %+v", one, want)
				}
			}
			if len(d.woken) != 0 || len(d.alert) != 0 {
				t.Errorf("woken %v, alerts %v", d.woken, d.alert)
			}
		})
	}
}

func TestNotComparable(t *testing.T) {
	d := newDesk(t)
	same := another(t, func(map[string]*config.Delivery) {})
	broken := another(t, func(by map[string]*config.Delivery) { by["finance"].Mapping = new(mapping.Mapping) })
	good := d.accept("labrador.xml", nil, nil)
	for name, tt := range map[string]struct {
		id    hub.ID
		after *config.Snapshot
	}{
		"its content is damaged":  {d.accept("labrador.xml", nil, func(a *store.Acceptance) { a.Payload[len(a.Payload)-1] ^= 1 }), same},
		"it is not offered":       {good, &config.Snapshot{}},
		"a mapping that panics":   {good, broken},
		"it cannot be read again": {d.accept("labrador.xml", func(string) string { return "<hund" }, nil), same},
	} {
		if _, err := d.Compare(t.Context(), tt.id, same, tt.after); !errors.Is(err, ErrNotComparable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := d.Compare(t.Context(), d.ids.New(), same, same); errors.Is(err, ErrNotComparable) || !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no such submission: %v", err)
	}
}
