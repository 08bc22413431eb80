package xsd

import "slices"

// within tells whether every namespace w allows is allowed by v.
func (w *wildcard) within(v *wildcard) bool {
	switch {
	case v.any:
		return true
	case w.any:
		return false
	case w.negated:
		return v.negated && (w.not == v.not)
	}
	for _, s := range w.list {
		if !v.allows(s) {
			return false
		}
	}
	return true
}

// intersectWild is the wildcard of what both allow; the first one's processing stands.
func (c *compiler) intersectWild(a, b *wildcard, at where) *wildcard {
	out := &wildcard{process: a.process, at: at}
	switch {
	case b.any:
		out.any, out.negated, out.not, out.list = a.any, a.negated, a.not, a.list
	case a.any:
		out.negated, out.not, out.list = b.negated, b.not, b.list
	case a.negated && b.negated:
		switch {
		case a.not == b.not || b.not == "":
			out.negated, out.not = true, a.not
		case a.not == "":
			out.negated, out.not = true, b.not
		default:
			c.issue(at, "src-attribute_group.2", "the wildcards' intersection cannot be expressed")
		}
	case a.negated:
		out.list = slices.DeleteFunc(slices.Clone(b.list), func(s string) bool { return !a.allows(s) })
	default:
		out.list = slices.DeleteFunc(slices.Clone(a.list), func(s string) bool { return !b.allows(s) })
	}
	return out
}

// unionWild is the wildcard of what either allows; an extension's own processing stands.
func (c *compiler) unionWild(base, own *wildcard, at where) *wildcard {
	if base == nil {
		return own
	}
	if own == nil {
		return base
	}
	out := &wildcard{process: own.process, at: at}
	switch {
	case base.any || own.any:
		out.any = true
	case base.negated && own.negated:
		out.negated = true
		if base.not == own.not {
			out.not = base.not
		}
	case !base.negated && !own.negated:
		out.list = append(slices.Clone(base.list), own.list...)
	default:
		neg, lst := base, own
		if own.negated {
			neg, lst = own, base
		}
		hasNot, hasNone := slices.Contains(lst.list, neg.not) && neg.not != "", slices.Contains(lst.list, "")
		switch {
		case neg.not == "" && hasNone, hasNot && hasNone:
			out.any = true
		case hasNot:
			out.negated = true
		case hasNone && neg.not != "":
			c.issue(at, "cos-aw-union", "the wildcards' union cannot be expressed")
		default:
			out.negated, out.not = true, neg.not
		}
	}
	return out
}
