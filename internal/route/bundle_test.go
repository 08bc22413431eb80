package route

import (
	"errors"
	"reflect"
	"testing"
	"testing/fstest"
)

const pets = `bundle: pets
revision: 1
title: Tiere
questions:
  - {id: dog, text: Hund?, type: choice, options: [{value: with, text: ja}, {value: away, text: weg}]}
  - {id: large, text: "Groß?", type: yes-no, when: dog == "with"}
  - {id: horse, text: Pferd?, type: yes-no}
parts:
  - {id: leave, service: off, municipality: old, when: 'dog in ["with", "away"]'}
  - {id: arrive, service: "on", municipality: new, when: dog == "with"}
  - {id: notice, service: "on", municipality: new, when: large}
  - {id: always, service: "on", municipality: new}
`

func petsBundle(t *testing.T) *Bundle {
	t.Helper()
	b, found := LoadBundle(fstest.MapFS{"pets.yaml": {Data: []byte(pets)}}, "pets", []string{"on", "off"})
	if b == nil {
		t.Fatal(found)
	}
	return b
}

func TestBundleList(t *testing.T) {
	b := petsBundle(t)
	for _, tt := range []struct {
		name    string
		answers map[string]any
		asked   []bool
		applies []bool
	}{
		{"nothing said", nil, []bool{true, false, true}, []bool{false, false, false, true}},
		{"a large dog", map[string]any{"dog": "with", "large": true}, []bool{true, true, true}, []bool{true, true, true, true}},
		{"the answer to what is not asked does not count", map[string]any{"dog": "away", "large": true}, []bool{true, false, true}, []bool{true, false, false, true}},
		{"what no longer fits does not count", map[string]any{"dog": "wolf", "large": "yes", "cat": true}, []bool{true, false, true}, []bool{false, false, false, true}},
	} {
		l, err := b.List(tt.answers)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(l.Asked, tt.asked) || !reflect.DeepEqual(l.Applies, tt.applies) {
			t.Errorf("%s: %+v", tt.name, l)
		}
	}
}

func TestBundleCheck(t *testing.T) {
	b := petsBundle(t)
	for _, tt := range []struct {
		question string
		answer   any
		want     error
	}{
		{"dog", "with", nil}, {"large", false, nil},
		{"dog", "wolf", ErrNoOption}, {"dog", true, ErrNoOption}, {"dog", nil, ErrNoOption},
		{"large", "true", ErrNotYesNo}, {"cat", true, ErrNoQuestion},
	} {
		if err := b.Check(tt.question, tt.answer); !errors.Is(err, tt.want) {
			t.Errorf("%s %v: %v, want %v", tt.question, tt.answer, err, tt.want)
		}
	}
	if p, ok := b.Part("leave"); !ok || !p.Old || p.Service != "off" {
		t.Errorf("part leave: %+v", p)
	}
	if _, ok := b.Part("stay"); ok {
		t.Error("there is a part that nobody wrote")
	}
}
