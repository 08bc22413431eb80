package mapping

import (
	"fmt"
	"slices"
	"strings"
)

// Rate finds the value of a column at a date for the keys. The error says which table or
// row is missing; it holds no values but those of keys, which are counts and kinds.
func (ord *Ordinance) Rate(on Date, keys map[string]string, column string) (Rate, error) {
	values := make([]string, len(ord.Keys))
	for i, k := range ord.Keys {
		values[i] = keys[k.Name]
	}
	return ord.rate(on, values, column)
}

func (ord *Ordinance) rate(on Date, keys []string, column string) (Rate, error) {
	col := slices.Index(ord.Columns, column)
	if col < 0 {
		return Rate{}, fmt.Errorf("%s has no column %s (it has %s)", ord.Path, column, strings.Join(ord.Columns, ", "))
	}
	t := ord.tableOn(on)
	if t == nil {
		return Rate{}, ord.noTable(on)
	}
	parsed := make([]keyValue, len(keys))
	for i, v := range keys {
		parsed[i] = keyValue{text: v}
		if ord.Keys[i].Number {
			d, err := ParseDecimal(v)
			if err != nil || !d.set {
				return Rate{}, fmt.Errorf("%s: the key %s is not a number", ord.Path, ord.Keys[i].Name)
			}
			parsed[i].number = d
		}
	}
	var best *ordRow
	for i := range t.rows {
		row := &t.rows[i]
		if begun, ok := row.from.Cmp(on); !ok || begun > 0 {
			continue
		}
		if fits, err := row.fits(parsed); err != nil {
			return Rate{}, fmt.Errorf("%s:%d: %v", ord.Path, row.line, err)
		} else if !fits {
			continue
		}
		if best == nil {
			best = row
		} else if later, _ := row.from.Cmp(best.from); later > 0 {
			best = row
		}
	}
	if best == nil {
		var said []string
		for i, k := range ord.Keys {
			said = append(said, k.Name+" "+keys[i])
		}
		return Rate{}, fmt.Errorf("%s:%d: the table valid from %s has no row for %s", ord.Path, t.line, t.from, strings.Join(said, ", "))
	}
	if col >= len(best.values) || !best.values[col].set {
		return Rate{}, fmt.Errorf("%s:%d: the row has no %s", ord.Path, best.line, column)
	}
	return Rate{Value: best.values[col].text, Paragraph: best.paragraph, ValidFrom: best.from, Line: best.line}, nil
}

func (ord *Ordinance) tableOn(on Date) *ordTable {
	for i := len(ord.tables) - 1; i >= 0; i-- {
		t := &ord.tables[i]
		if begun, ok := t.from.Cmp(on); !ok || begun > 0 {
			continue
		}
		if over, ok := t.to.Cmp(on); ok && over < 0 {
			return nil
		}
		return t
	}
	return nil
}

func (ord *Ordinance) noTable(on Date) error {
	if !on.IsSet() {
		return fmt.Errorf("%s: no date is given for which a rate is wanted", ord.Path)
	}
	for i := range ord.tables {
		if c, _ := ord.tables[i].from.Cmp(on); c > 0 {
			return fmt.Errorf("%s: no table is valid on %s; the next one begins on %s", ord.Path, on, ord.tables[i].from)
		}
	}
	return fmt.Errorf("%s: no table is valid on %s; the last one began on %s", ord.Path, on, ord.tables[len(ord.tables)-1].from)
}
