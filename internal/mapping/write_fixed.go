package mapping

import (
	"fmt"
	"strconv"
)

// fixedRecord writes one record by its layout.
func (st *state) fixedRecord(b *block) *Hold {
	for i := range b.record.Fields {
		l := &b.record.Fields[i]
		f := b.slots[i]
		var text string
		switch {
		case l.isConst:
			text = l.constant
		case l.count:
			text = strconv.Itoa(st.records)
		case l.sum != "":
			text = st.sums[b.sums[i]].String()
		case f != nil:
			var h *Hold
			if text, _, h = st.leaf(f); h != nil {
				return h
			}
			if h := st.add(f, text); h != nil {
				return h
			}
		}
		if f == nil {
			f = &field{full: l.title(), line: b.line}
		}
		if h := st.fixedField(f, l, text); h != nil {
			return h
		}
	}
	st.out = append(st.out, st.m.out.ending...)
	return nil
}

// fixedField writes a value in its form, filled up to its length; nothing is cut.
func (st *state) fixedField(f *field, l *LayoutField, text string) *Hold {
	fill, sign, trail := l.fill, "", ""
	if text == "" && !l.isConst {
		switch l.empty {
		case "hold":
			return st.fail(f, &refusal{code: CodeRequired, message: "is empty, and the layout wants a value"})
		case "blank":
			fill = ' '
		}
	} else if l.decimal != "" {
		var ref *refusal
		if text, sign, ref = l.number(text); ref != nil {
			return st.fail(f, ref.with(text))
		}
		if l.sign == "trailing" {
			trail = " "
			if sign != "" {
				trail = "-"
			}
			sign = ""
		}
	} else if l.date != nil {
		m, err := parseMoment(text)
		if err != nil {
			return st.fail(f, (&refusal{code: CodeNotADate, message: "the value " + err.Error()}).with(text))
		}
		text = l.date.format(m)
	}
	scratch, n, bad := st.m.out.cs.append(st.scratch[:0], text)
	st.scratch = scratch
	if bad == fits {
		bad = control(text)
	}
	if bad != fits {
		return st.fail(f, badCharacter("has no place in a field of "+st.m.out.cs.name, string(bad)).with(text))
	}
	missing := l.Length - n - len(sign) - len(trail)
	if missing < 0 {
		return st.fail(f, (&refusal{code: CodeTooLong, detail: strconv.Itoa(l.Length),
			message: fmt.Sprintf("the value has %d characters, the field %d (cut is the named decision)", l.Length-missing, l.Length)}).with(text))
	}
	switch {
	case !l.right:
		st.out = append(append(append(st.out, sign...), scratch...), trail...)
		st.fill(fill, missing)
	case fill == '0':
		st.out = append(st.out, sign...)
		st.fill(fill, missing)
		st.out = append(append(st.out, scratch...), trail...)
	default:
		st.fill(fill, missing)
		st.out = append(append(append(st.out, sign...), scratch...), trail...)
	}
	return nil
}

func (st *state) fill(c byte, n int) {
	for range n {
		st.out = append(st.out, c)
	}
}

// control finds a control character, which would break the record; fits if there is none.
func control(s string) rune {
	for _, r := range s {
		if r < ' ' || 0x7F <= r && r < 0xA0 || r == 0x2028 || r == 0x2029 {
			return r
		}
	}
	return fits
}

// number brings a decimal into the form of the field: digits and sign apart.
func (l *LayoutField) number(text string) (digits, sign string, ref *refusal) {
	d, err := ParseDecimal(text)
	if err == nil && l.decimal == "implied" {
		d, err = exactly(d, l.places)
		d.scale = 0
	}
	if err != nil {
		return text, "", notANumber(err)
	}
	if d.unscaled < 0 {
		if sign = "-"; l.sign == "none" {
			return text, "", refused("a number without a sign")
		}
		d = d.Neg()
	}
	point := byte('.')
	if l.decimal == "comma" {
		point = ','
	}
	return string(d.append(nil, point)), sign, nil
}
