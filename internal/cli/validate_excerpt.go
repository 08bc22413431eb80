package cli

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"stellwerk/internal/gate"
)

// excerpt is a piece of a line with the place that is meant.
type excerpt struct {
	text  string
	caret int // blanks before the mark
}

// window is an excerpt being read: the columns from and to of one line.
type window struct {
	at       gate.Pos
	index    int
	from, to int
	runes    []rune
}

// readExcerpts gives the piece of at most width characters around each place, in
// the places' order. Lines end as the gate counts them: with LF, CR LF or CR.
// Memory is bounded by the places, not by the length of the lines.
func readExcerpts(in io.Reader, places []gate.Pos, width int) ([]excerpt, error) {
	windows := make([]window, len(places))
	for i, at := range places {
		from := 1
		if at.Column > width*2/3 {
			from = at.Column - width/2
		}
		windows[i] = window{at: at, index: i, from: from, to: from + width - 1}
	}
	slices.SortStableFunc(windows, func(a, b window) int { return cmp.Compare(a.at.Line, b.at.Line) })
	out := make([]excerpt, len(places))
	rd := bufio.NewReaderSize(in, 64<<10)
	line, column, cr := 1, 1, false
	first := 0 // the first window that is not behind the present line
	finish := func() {
		for ; first < len(windows) && windows[first].at.Line == line; first++ {
			w := &windows[first]
			out[w.index] = w.excerpt()
		}
	}
	for first < len(windows) {
		r, size, err := rd.ReadRune()
		if err == io.EOF {
			finish()
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read the source: %w", err)
		}
		if r == '\n' && cr {
			cr = false
			continue
		}
		cr = r == '\r'
		if r == '\n' || r == '\r' {
			finish()
			line, column = line+1, 1
			continue
		}
		if r == '\uFEFF' && line == 1 && column == 1 {
			continue // the mark of the encoding is no character of the document
		}
		if r == utf8.RuneError && size == 1 {
			r = '\uFFFD'
		}
		for i := first; i < len(windows) && windows[i].at.Line == line; i++ {
			if w := &windows[i]; column >= w.from && column <= w.to {
				w.runes = append(w.runes, r)
			}
		}
		column++
	}
	return out, nil
}

// excerpt cleans the piece; the mark stands below the character that is meant,
// however many columns the cleaned ones before it take.
func (w *window) excerpt() excerpt {
	text := func(runes []rune) string {
		return clean(strings.ReplaceAll(string(runes), "\t", " "))
	}
	split := min(w.at.Column-w.from, len(w.runes))
	before := text(w.runes[:split])
	whole := before + text(w.runes[split:])
	cut := strings.TrimLeft(whole, " ")
	indent := min(len(whole)-len(cut), utf8.RuneCountInString(before))
	return excerpt{text: strings.TrimRight(whole[indent:], " "), caret: utf8.RuneCountInString(before) - indent}
}
