package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// table lines text up in columns. Columns that may give way are cut, with an …,
// until a line fits; the others, numbers and states, are always whole.
type table struct {
	head  []string
	flex  []bool // may give way
	right []bool // aligned to the right
	rows  [][]string
}

// columns makes a table. A heading that starts with ~ belongs to a column that
// may give way, one that starts with > to a column of figures.
func columns(heads ...string) *table {
	t := &table{}
	for _, h := range heads {
		t.flex = append(t.flex, strings.HasPrefix(h, "~"))
		t.right = append(t.right, strings.HasPrefix(h, ">"))
		t.head = append(t.head, strings.TrimLeft(h, "~>"))
	}
	return t
}

// add appends a row; its cells are cleaned here, so no caller can forget it.
func (t *table) add(cells ...string) {
	row := make([]string, len(t.head))
	for i := range row {
		if row[i] = clean(cells[i]); row[i] == "" {
			row[i] = "-"
		}
	}
	t.rows = append(t.rows, row)
}

const (
	gap      = 2 // blanks between columns
	narrow   = 6 // a column that gives way keeps so many
	ellipsis = "…"
)

// write puts the table out in lines of at most room columns.
func (t *table) write(w io.Writer, room int) {
	sizes := t.fit(room)
	for _, row := range append([][]string{t.head}, t.rows...) {
		var b strings.Builder
		for i, cell := range row {
			cell = cut(cell, sizes[i])
			pad := strings.Repeat(" ", sizes[i]-columnsOf(cell))
			if t.right[i] {
				b.WriteString(pad + cell)
			} else {
				b.WriteString(cell + pad)
			}
			b.WriteString(strings.Repeat(" ", gap))
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}

// fit gives each column its width: the widest that may give way gives first.
func (t *table) fit(room int) []int {
	sizes := make([]int, len(t.head))
	total := gap * (len(t.head) - 1)
	for i := range sizes {
		sizes[i] = columnsOf(t.head[i])
		for _, row := range t.rows {
			sizes[i] = max(sizes[i], columnsOf(row[i]))
		}
		total += sizes[i]
	}
	for ; total > room; total-- {
		widest := -1
		for i := range sizes {
			if t.flex[i] && sizes[i] > narrow && (widest < 0 || sizes[i] > sizes[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break // nothing can give way any more: better a long line than a lost figure
		}
		sizes[widest]--
	}
	return sizes
}

// cut shortens text to n columns.
func cut(s string, n int) string {
	if columnsOf(s) <= n {
		return s
	}
	at := 0
	for i, r := range s {
		if at += columnOf(r); at > n-1 {
			return s[:i] + ellipsis
		}
	}
	return s
}

// columnsOf is how many columns of a terminal a text takes.
func columnsOf(s string) (n int) {
	for _, r := range s {
		n += columnOf(r)
	}
	return n
}

func columnOf(r rune) int {
	if r < 0x300 {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0 // combines with the character before it
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// wrap breaks text into lines of at most room columns, each behind the indent.
func wrap(text, indent string, room int) string {
	var b strings.Builder
	for _, para := range strings.Split(text, "\n") {
		line := indent
		for _, word := range words(para, max(narrow, room-columnsOf(indent))) {
			if columnsOf(line)+1+columnsOf(word) > room && line != indent {
				fmt.Fprintln(&b, line)
				line = indent
			}
			if line != indent {
				line += " "
			}
			line += word
		}
		fmt.Fprintln(&b, line)
	}
	return b.String()
}

// words parts text at its blanks, and a word longer than a line where the line ends.
func words(text string, room int) (out []string) {
	for _, word := range strings.Fields(text) {
		n, from := 0, 0
		for i, r := range word {
			c := columnOf(r)
			if n+c > room {
				out = append(out, word[from:i])
				n, from = 0, i
			}
			n += c
		}
		out = append(out, word[from:])
	}
	return out
}
