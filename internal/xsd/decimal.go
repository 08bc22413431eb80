package xsd

// decimal is a number as its digits: no float ever touches it. whole has no leading, frac no trailing zero.
type decimal struct {
	neg         bool
	whole, frac []byte
}

// parseDecimal reads the lexical form of xs:decimal; the result points into b.
func parseDecimal(b []byte) (d decimal, ok bool) {
	if len(b) > 0 && (b[0] == '+' || b[0] == '-') {
		d.neg = b[0] == '-'
		b = b[1:]
	}
	i := digits(b)
	d.whole = b[:i]
	if i < len(b) {
		if b[i] != '.' {
			return d, false
		}
		d.frac = b[i+1:]
		if digits(d.frac) != len(d.frac) {
			return d, false
		}
	}
	if len(d.whole)+len(d.frac) == 0 {
		return d, false
	}
	for len(d.whole) > 0 && d.whole[0] == '0' {
		d.whole = d.whole[1:]
	}
	for n := len(d.frac); n > 0 && d.frac[n-1] == '0'; n-- {
		d.frac = d.frac[:n-1]
	}
	if len(d.whole)+len(d.frac) == 0 {
		d.neg = false
	}
	return d, true
}

// digits counts the ASCII digits b begins with.
func digits(b []byte) int {
	i := 0
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	return i
}

func (d decimal) compare(e decimal) int {
	if d.neg != e.neg {
		if d.neg {
			return -1
		}
		return 1
	}
	c := compareDigits(d, e)
	if d.neg {
		return -c
	}
	return c
}

func compareDigits(d, e decimal) int {
	if len(d.whole) != len(e.whole) {
		if len(d.whole) < len(e.whole) {
			return -1
		}
		return 1
	}
	for i := range d.whole {
		if d.whole[i] != e.whole[i] {
			return int(d.whole[i]) - int(e.whole[i])
		}
	}
	for i := 0; i < len(d.frac) && i < len(e.frac); i++ {
		if d.frac[i] != e.frac[i] {
			return int(d.frac[i]) - int(e.frac[i])
		}
	}
	return len(d.frac) - len(e.frac)
}

// appendKey writes the canonical form, equal for equal numbers.
func (d decimal) appendKey(to []byte) []byte {
	if d.neg {
		to = append(to, '-')
	}
	to = append(to, d.whole...)
	if len(d.frac) > 0 {
		to = append(append(to, '.'), d.frac...)
	}
	return to
}

// totalDigits counts the digits the value needs: the smallest d with the value i × 10^-n, |i| < 10^d and
// n ≤ d (4.3.11). Zeros after the point count, for n is bounded as well.
func (d decimal) totalDigits() int { return max(len(d.whole)+len(d.frac), 1) }
