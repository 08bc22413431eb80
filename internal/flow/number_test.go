package flow

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"testing"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/mapping"
	"stellwerk/internal/store"
)

// numbering lets the records system and the Ordnungsamt draw a number for every dog, the
// latter for those alone that it is to know, and gives the range so many.
func (d *desk) numbering(ranges map[string]config.Range) {
	d.t.Helper()
	m, found := mapping.Parse("marken.yaml", []byte(`revision: 1
output: {format: json, indent: false}
fields:
  hunde: {each: hund, fields: {chip: {from: chip}, marke: {number-range: hundemarke, type: integer}}}
`), nil)
	if m == nil {
		d.t.Fatal(found)
	}
	d.reload(func(b config.Binding) *config.Binding {
		own := *b.Competent
		own.Ranges = ranges
		b.Competent, b.Deliveries = &own, slices.Clone(b.Deliveries)
		for i := range b.Deliveries {
			if to := b.Deliveries[i].Route.To; to == "records" || to == "public-order" {
				b.Deliveries[i].Mapping = m
			}
		}
		return &b
	})
}

var markenForm = regexp.MustCompile(`"marke":([0-9]+)`)

func (d *desk) marken(id hub.ID, n int) (all []string) {
	d.t.Helper()
	for _, m := range markenForm.FindAllStringSubmatch(d.document(id, n), -1) {
		all = append(all, m[1])
	}
	return all
}

// Every dog gets a number of its own, the same one in every document and whenever it is
// mapped anew; and one of another case gets another.
func TestNumbersOfARange(t *testing.T) {
	d := newDesk(t)
	d.numbering(map[string]config.Range{"hundemarke": {First: 500, Last: 599}})
	id, other := d.accept("zwei-hunde.xml", nil, nil), d.accept("labrador.xml", nil, nil)
	s := d.run(id)
	if s.Deliveries[0].Role != "records" || s.Deliveries[2].Role != "public-order" {
		t.Fatalf("got %+v", s.Deliveries)
	}
	want := []string{"500", "501"}
	if a, b := d.marken(id, 1), d.marken(id, 3); !slices.Equal(a, want) || !slices.Equal(b, want) {
		t.Errorf("numbers %v and %v, want %v", a, b, want)
	}
	d.run(other)
	if got := d.marken(other, 1); !slices.Equal(got, []string{"502"}) {
		t.Errorf("the other one's: %v", got)
	}
	d.deliver(id, 1, "akte-musterstadt", nil)
	d.anew(id.Delivery(1))
	if got := d.marken(id, 1); !slices.Equal(got, want) {
		t.Errorf("mapped anew: %v, want %v", got, want)
	}
}

// A range that is used up, or is not there, holds what needs a number of it, and the
// operator who widens it puts it back.
func TestRangeWithoutNumbers(t *testing.T) {
	d := newDesk(t)
	d.numbering(nil)
	id := d.accept("zwei-hunde.xml", nil, nil)
	s := d.run(id)
	if got := s.Deliveries[0]; got.State != hub.DeliveryParked || got.Reason != hub.ParkUnmapped || got.Code != string(mapping.CodeNumberRange) {
		t.Errorf("without a range: %+v", got)
	}
	d.numbering(map[string]config.Range{"hundemarke": {First: 1, Last: 1}})
	if got := d.anew(id.Delivery(1)).Deliveries[0]; got.State != hub.DeliveryParked || got.Code != string(mapping.CodeNumberRange) {
		t.Errorf("a range of one for two: %+v", got)
	}
	d.numbering(map[string]config.Range{"hundemarke": {First: 1, Last: 2}})
	if got := d.anew(id.Delivery(1)).Deliveries[0]; got.State != hub.DeliveryPending {
		t.Errorf("widened: %+v", got)
	}
	if got := d.marken(id, 1); !slices.Equal(got, []string{"1", "2"}) {
		t.Errorf("numbers %v", got)
	}
}

// numberless is a store that cannot give numbers.
type numberless struct {
	flowStore
	why error
}

func (n numberless) Number(context.Context, store.NumberOrder) (int64, error) { return 0, n.why }

// Where the store cannot give a number now, nothing is planned and nobody has to decide
// anything: it is done again.
func TestStoreWithoutNumbers(t *testing.T) {
	d := newDesk(t)
	d.numbering(map[string]config.Range{"hundemarke": {First: 1, Last: 9}})
	id := d.accept("labrador.xml", nil, nil)
	d.Store = numberless{d.store, store.ErrFull}
	if err := d.Run(t.Context(), id); !errors.Is(err, store.ErrFull) {
		t.Errorf("got %v", err)
	}
	d.Store = d.store
	if s := d.run(id); len(s.Deliveries) == 0 || s.Deliveries[0].State != hub.DeliveryPending {
		t.Errorf("afterwards: %+v", s)
	}
}

// A preview shows the numbers that would be given next, and gives none.
func TestUpcomingNumbers(t *testing.T) {
	m := &config.Municipality{AGS: town, Name: "Stadt", Ranges: map[string]config.Range{"a": {First: 5, Last: 7}, "b": {First: 1, Last: 9}}}
	next := upcoming(m, []store.NumberRange{{Municipality: town, Range: "b", Last: 8}, {Municipality: "05999", Range: "a", Last: 6}})
	for _, c := range []struct{ name, record, want string }{
		{"a", "/h[1]", "5"}, {"a", "/h[2]", "6"}, {"a", "/h[1]", "5"}, {"b", "/h[1]", "9"}, {"b", "/h[2]", ""}, {"c", "/", ""}, {"a", "/h[3]", "7"}, {"a", "/h[4]", ""},
	} {
		got, err := next(c.name, c.record)
		var none mapping.NoNumber
		if got != c.want || errors.As(err, &none) != (c.want == "") {
			t.Errorf("%s %s: %q, %v; want %q", c.name, c.record, got, err, c.want)
		}
	}
}
