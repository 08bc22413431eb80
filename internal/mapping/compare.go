package mapping

import "fmt"

// Change is one field that two runs over the same submission fill differently: with
// another mapping, another ordinance or another code list.
type Change struct {
	Record int
	Target string
	Old    string // "" with OldState absent or held says why
	New    string
	// States are present, absent or held:CODE; absent too where the field does not exist.
	OldState string
	NewState string
}

// Compare says what differs between two explanations, in the order of the new one; what
// is only in the old one comes last. It is the ground of mapping diff.
func Compare(before, after []FieldResult) []Change {
	type place struct {
		record int
		target string
		nth    int // a repeated field has several results in one record
	}
	index := func(list []FieldResult) ([]place, map[place]FieldResult) {
		order, byPlace := make([]place, 0, len(list)), map[place]FieldResult{}
		for _, r := range list {
			p := place{record: r.Record, target: r.Target}
			for {
				if _, taken := byPlace[p]; !taken {
					break
				}
				p.nth++
			}
			order, byPlace[p] = append(order, p), r
		}
		return order, byPlace
	}
	oldOrder, was := index(before)
	newOrder, is := index(after)
	var out []Change
	for _, p := range newOrder {
		a, b := was[p], is[p]
		if a.state() != b.state() || a.After != b.After {
			out = append(out, Change{p.record, p.target, a.After, b.After, a.state(), b.state()})
		}
	}
	for _, p := range oldOrder {
		if _, still := is[p]; !still && was[p].state() != "absent" {
			out = append(out, Change{p.record, p.target, was[p].After, "", was[p].state(), "absent"})
		}
	}
	return out
}

func (r FieldResult) state() string {
	switch {
	case r.Hold != nil:
		return fmt.Sprintf("held:%s", r.Hold.Code)
	case r.Present:
		return "present"
	}
	return "absent"
}
