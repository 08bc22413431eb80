package flow

import (
	"errors"
	"fmt"
	"strconv"

	"stellwerk/internal/config"
	"stellwerk/internal/mapping"
	"stellwerk/internal/store"
)

// number draws a record's number from a range of the competent municipality. It is
// durable before the document that bears it.
func (w *work) number(name, record string) (string, error) {
	m := w.binding.Competent
	r, is := m.Ranges[name]
	if !is {
		return "", noRange(m, name)
	}
	n, err := w.Store.Number(w.ctx, store.NumberOrder{
		Municipality: m.AGS, Range: name, First: r.First, Last: r.Last, Submission: w.c.Submission.ID, Record: record,
	})
	if errors.Is(err, store.ErrUsedUp) {
		return "", usedUp(m, name, r)
	}
	if err != nil {
		return "", err
	}
	return strconv.FormatInt(n, 10), nil
}

func noRange(m *config.Municipality, name string) error {
	return mapping.NoNumber(m.Name + " has no number range " + name)
}

func usedUp(m *config.Municipality, name string, r config.Range) error {
	return mapping.NoNumber(fmt.Sprintf("the number range %s of %s is used up: %d was its last number", name, m.Name, r.Last))
}

// upcoming gives the numbers that a submission would get now, and keeps none.
func upcoming(m *config.Municipality, given []store.NumberRange) func(name, record string) (string, error) {
	next := map[string]int64{}
	for _, g := range given {
		if g.Municipality == m.AGS {
			next[g.Range] = g.Last + 1
		}
	}
	drawn := map[[2]string]int64{}
	return func(name, record string) (string, error) {
		r, is := m.Ranges[name]
		if !is {
			return "", noRange(m, name)
		}
		n, is := drawn[[2]string{name, record}]
		if !is {
			n = max(r.First, next[name])
			drawn[[2]string{name, record}], next[name] = n, n+1
		}
		if n > r.Last {
			return "", usedUp(m, name, r)
		}
		return strconv.FormatInt(n, 10), nil
	}
}
