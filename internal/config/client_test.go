package config

import (
	"strings"
	"testing"
	"time"
)

func TestKeys(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	old, oldHash := NewPortalKey("stadt")
	fresh, freshHash := NewPortalKey("stadt")
	other, otherHash := NewPortalKey("kreis")
	operator, operatorHash := NewOperatorKey("stadt")
	l := &loader{src: Source{Now: func() time.Time { return now }}, keySeen: map[[32]byte]string{}}
	keys := func(in ...keyYAML) []Key { return l.keys("f", in) }
	s := &Snapshot{
		Portals: map[string]*Portal{
			"stadt": {Name: "stadt", Keys: keys(keyYAML{SHA256: oldHash, Until: "2026-04-01"}, keyYAML{SHA256: freshHash})},
			"kreis": {Name: "kreis", Keys: keys(keyYAML{SHA256: otherHash})},
		},
		Operators: map[string]*Operator{"stadt": {Name: "stadt", Keys: keys(keyYAML{SHA256: operatorHash})}},
	}
	if len(l.found) > 0 {
		t.Fatal(l.found)
	}
	april := time.Date(2026, 3, 31, 22, 0, 0, 0, time.UTC) // midnight in Germany
	for _, test := range []struct {
		name, key string
		at        time.Time
		want      string
	}{
		{"the old one", old, now, "stadt"},
		{"the new one beside it", fresh, now, "stadt"},
		{"the old one on its last day", old, april.Add(-time.Second), "stadt"},
		{"the old one afterwards", old, april, ""},
		{"the new one afterwards", fresh, april, "stadt"},
		{"another portal's", other, now, "kreis"},
		{"another portal's random part under this name", strings.Replace(other, "kreis", "stadt", 1), now, ""},
		{"an operator's key", operator, now, ""},
		{"cut short", old[:len(old)-1], now, ""},
		{"a blank behind it", old + " ", now, ""},
		{"other case", strings.ToUpper(old), now, ""},
		{"the name alone", "swp_stadt_", now, ""},
		{"nobody's", "swp_niemand_abc", now, ""},
		{"nothing", "", now, ""},
	} {
		got := ""
		p, ok := s.PortalByKey(test.key, test.at)
		if ok != (p != nil) {
			t.Errorf("%s: %v with %v", test.name, ok, p)
		}
		if p != nil {
			got = p.Name
		}
		if got != test.want {
			t.Errorf("%s opens %q, want %q", test.name, got, test.want)
		}
	}
	if o, ok := s.OperatorByKey(operator, now); !ok || o.Name != "stadt" {
		t.Error("the operator's key does not open")
	}
	for _, key := range []string{old, "", "swo_stadt_x", strings.Replace(operator, "swo", "swp", 1)} {
		if _, ok := s.OperatorByKey(key, now); ok {
			t.Errorf("%s opens the operator's door", key)
		}
	}
	if old == fresh || len(old) < 50 {
		t.Errorf("keys %s and %s", old, fresh)
	}
}

func TestAllows(t *testing.T) {
	all := &Portal{Municipalities: []string{"05999040"}}
	one := &Portal{Municipalities: []string{"05999040", "05999"}, Services: []string{"hundeanmeldung"}}
	for _, test := range []struct {
		p            *Portal
		ags, service string
		want         bool
	}{
		{all, "05999040", "hundeanmeldung", true},
		{all, "05999040", "reitkennzeichen", true},
		{all, "05999", "hundeanmeldung", false},
		{one, "05999", "hundeanmeldung", true},
		{one, "05999", "reitkennzeichen", false},
		{&Portal{}, "05999040", "hundeanmeldung", false},
	} {
		if got := test.p.Allows(test.ags, test.service); got != test.want {
			t.Errorf("%+v allows %s %s: %v", test.p, test.ags, test.service, got)
		}
	}
}

func TestRate(t *testing.T) {
	for text, want := range map[string]float64{"10/s": 10, "30/min": 0.5, "36/h": 0.01, "0.5/s": 0.5} {
		if got, err := parseRate(text); err != nil || got != want {
			t.Errorf("%s is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "10", "/s", "10/d", "-1/s", "0/s", "inf/s", "nan/s", "10/s/s", "1e9/s"} {
		if got, err := parseRate(text); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}
