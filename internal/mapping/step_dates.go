package mapping

func onDate(f func(Date) Date) stepDef {
	return pure(func(v string) (string, *refusal) {
		d, err := ParseDate(v)
		if err != nil {
			return "", &refusal{code: CodeNotADate, message: "the value " + err.Error()}
		}
		if !d.IsSet() {
			return "", nil
		}
		if d, err = f(d).inYears(); err != nil {
			return "", &refusal{code: CodeNotADate, message: "the date that comes of it " + err.Error()}
		}
		return d.String(), nil
	})
}

func shiftDate(f func(Date, int) Date) stepDef {
	return withArgs(1, 1, func(a []string) (func(string) (string, *refusal), error) {
		n, err := wholeNumber(a[0], -36600, 36600)
		if err != nil {
			return nil, err
		}
		inner := onDate(func(d Date) Date { return f(d, n) })
		run, err := inner.build(nil, nil)
		return func(v string) (string, *refusal) { return run(nil, v) }, err
	})
}

func dateSteps() map[string]stepDef {
	return map[string]stepDef{
		"first-of-month":      onDate(Date.firstOfMonth),
		"last-of-month":       onDate(Date.lastOfMonth),
		"first-of-next-month": onDate(func(d Date) Date { return d.firstOfMonth().plusMonths(1) }),
		"working-day":         onDate(Date.workingDay),
		"plus-days":           shiftDate(Date.plusDays),
		"plus-months":         shiftDate(Date.plusMonths),
		"plus-years":          shiftDate(func(d Date, n int) Date { return d.plusMonths(12 * n) }),
		"plus-working-days":   shiftDate(Date.plusWorkingDays),
		"not-after":           {least: 1, most: 1, build: buildNotAfter},
		"date": withArgs(1, 1, func(a []string) (func(string) (string, *refusal), error) {
			f, err := parseDateFormat(a[0])
			if err != nil {
				return nil, err
			}
			return func(v string) (string, *refusal) {
				m, err := parseMoment(v)
				if err != nil {
					return "", &refusal{code: CodeNotADate, message: "the value " + err.Error()}
				}
				if !m.day.IsSet() {
					return "", nil
				}
				return f.format(m), nil
			}, nil
		}),
	}
}

// buildNotAfter: the value as it is, if its day is not behind that of a source: nobody
// is born tomorrow. Where either has no day, there is nothing to compare.
func buildNotAfter(c *compiler, a []string) (stepFunc, error) {
	src, err := c.source(a[0])
	if err != nil {
		return nil, err
	}
	return func(st *state, v string) (string, *refusal) {
		text, ref := src.get(st)
		if ref != nil {
			return "", ref
		}
		last, err := ParseDate(text)
		if err != nil {
			return "", &refusal{code: CodeNotADate, detail: src.text, message: src.text + " is not a date to compare with", value: text}
		}
		day, err := ParseDate(v)
		if err != nil {
			return "", &refusal{code: CodeNotADate, message: "the value " + err.Error()}
		}
		if c, both := day.Cmp(last); both && c > 0 {
			return "", &refusal{code: CodeRefused, detail: "not after " + src.text, message: "the day lies after " + src.text}
		}
		return v, nil
	}, nil
}
