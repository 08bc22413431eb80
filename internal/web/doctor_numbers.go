package web

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// checkNumbers looks whether the number ranges will do for a while: what needs a number
// of one that is used up waits for a person.
func (d *desk) checkNumbers(ctx context.Context) check {
	c := check{Name: "numbers", State: checkOK}
	given, err := d.Store.Ranges(ctx)
	if err != nil {
		c.State, c.Detail, c.Remedy = checkBad, err.Error(), "look at the hub's log"
		return c
	}
	last := map[[2]string]int64{}
	for _, g := range given {
		last[[2]string{g.Municipality, g.Range}] = g.Last
	}
	ranges, low := 0, []string{}
	all := d.Live.Get().Municipalities
	for _, ags := range slices.Sorted(maps.Keys(all)) {
		m := all[ags]
		for _, name := range slices.Sorted(maps.Keys(m.Ranges)) {
			ranges++
			r := m.Ranges[name]
			left := max(0, r.Last-max(last[[2]string{ags, name}], r.First-1))
			switch {
			case left == 0:
				c.State = checkBad
			case left > (r.Last-r.First+1)/20:
				continue
			case c.State == checkOK:
				c.State = checkWarning
			}
			low = append(low, fmt.Sprintf("%s of %s has %d left", name, m.Name, left))
		}
	}
	switch {
	case len(low) > 0:
		c.Detail, c.Remedy = strings.Join(low, "; "), "raise last in number-ranges: of the municipality's file, then: stellwerk reload"
	case ranges == 0:
		c.Detail = "no municipality has a number range"
	default:
		c.Detail = fmt.Sprintf("the number ranges have numbers left: %d", ranges)
	}
	return c
}
