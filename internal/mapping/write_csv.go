package mapping

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// csvRecord writes the fields of a block as one line.
func (st *state) csvRecord(b *block) *Hold {
	for i, f := range b.fields {
		text, _, h := st.leaf(f)
		if h == nil {
			h = st.add(f, text)
		}
		if h == nil {
			h = st.cell(f, text, i, len(b.fields))
		}
		if h != nil {
			return h
		}
	}
	st.out = append(st.out, st.m.out.ending...)
	return nil
}

// csvNames is the line of column names.
func (c *compiler) csvNames() {
	if c.m.Format != CSV || !c.m.out.headerLine || len(c.m.blocks) == 0 {
		return
	}
	st := &state{m: c.m}
	b := c.m.blocks[0]
	for i, f := range b.fields {
		if h := st.cell(f, f.target, i, len(b.fields)); h != nil && h.Code != CodeFormula {
			c.r.findings = append(c.r.findings, Finding{File: c.m.Path, Line: f.line, Column: 1, Message: "the column name " + f.target + ": " + h.Message})
		}
	}
	c.m.head = string(st.out) + c.m.out.ending
}

// cell writes one value, quoted where that is needed to read it back unchanged.
func (st *state) cell(f *field, text string, i, n int) *Hold {
	out := &st.m.out
	if i > 0 {
		st.out = append(st.out, out.delimiter)
	}
	if isFormula(text) {
		switch out.formulas {
		case "hold":
			return st.fail(f, (&refusal{code: CodeFormula, message: "the value begins like a formula, which a spreadsheet would run"}).with(text))
		case "escape":
			text = "'" + text
		}
	}
	needs := n == 1 && text == "" || strings.IndexByte(text, out.delimiter) >= 0 || strings.ContainsAny(text, "\"\r\n") || edgeBlank(text)
	quote := out.quote == "all" || needs && out.quote == "minimal"
	if needs && out.quote == "never" {
		why := "the value holds a delimiter, a quote, a line break or outer blanks, and quoting is off"
		if text == "" {
			why = "the only value of the line is empty, which reads as no line at all, and quoting is off"
		}
		return st.fail(f, (&refusal{code: CodeCharacter, detail: "quote: never", message: why}).with(text))
	}
	if quote {
		st.out = append(st.out, '"')
		text = strings.ReplaceAll(text, `"`, `""`)
	}
	b, _, bad := out.cs.append(st.out, text)
	if bad != fits {
		return st.fail(f, badCharacter("has no place in "+out.cs.name, string(bad)).with(text))
	}
	st.out = b
	if quote {
		st.out = append(st.out, '"')
	}
	return nil
}

// isFormula reports what spreadsheets run: a value that begins with = + - @ tab or return;
// a plain number with a sign is none.
func isFormula(s string) bool {
	if s == "" || !strings.ContainsRune("=+-@\t\r＝＋－＠", firstRune(s)) {
		return false
	}
	if s[0] == '-' || s[0] == '+' {
		_, err := ParseDecimal(strings.Replace(s, ",", ".", 1))
		return err != nil
	}
	return true
}

func firstRune(s string) rune {
	for _, r := range s {
		return r
	}
	return 0
}

// edgeBlank reports white space or a byte order mark at an end, which readers drop.
func edgeBlank(s string) bool {
	if s == "" {
		return false
	}
	first, _ := utf8.DecodeRuneInString(s)
	last, _ := utf8.DecodeLastRuneInString(s)
	return unicode.IsSpace(first) || unicode.IsSpace(last) || first == 0xFEFF
}
