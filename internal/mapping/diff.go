package mapping

import (
	"fmt"
	"strings"
)

// maxDiffLines bounds the work of comparing; longer documents are cut to it.
const maxDiffLines = 2000

// Diff shows where two texts differ, line by line: - is expected, + is what came, with two
// lines around. Line breaks at the end of a line are shown where they differ.
func Diff(want, got string) string {
	a, b := lines(want), lines(got)
	// longest common subsequence of lines
	n, m := len(a), len(b)
	lcs := make([][]int32, n+1)
	for i := range lcs {
		lcs[i] = make([]int32, m+1)
	}
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			if a[i] == b[j] {
				lcs[i][j] = lcs[i+1][j+1] + 1
			} else {
				lcs[i][j] = max(lcs[i+1][j], lcs[i][j+1])
			}
		}
	}
	type row struct {
		sign byte
		line int
		text string
	}
	var rows []row
	i, j := 0, 0
	for i < n || j < m {
		switch {
		case i < n && j < m && a[i] == b[j]:
			rows = append(rows, row{' ', j + 1, a[i]})
			i, j = i+1, j+1
		case i < n && (j == m || lcs[i+1][j] >= lcs[i][j+1]):
			rows = append(rows, row{'-', i + 1, a[i]})
			i++
		default:
			rows = append(rows, row{'+', j + 1, b[j]})
			j++
		}
	}
	near := func(at int) bool {
		for k := max(0, at-2); k <= min(len(rows)-1, at+2); k++ {
			if rows[k].sign != ' ' {
				return true
			}
		}
		return false
	}
	var out strings.Builder
	gap := false
	for k, r := range rows {
		if !near(k) {
			gap = true
			continue
		}
		if gap && out.Len() > 0 {
			out.WriteString("  …\n")
		}
		gap = false
		fmt.Fprintf(&out, "%c %4d  %s\n", r.sign, r.line, visible(r.text))
	}
	return out.String()
}

func lines(s string) []string {
	out := strings.SplitAfter(s, "\n")
	if out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return out[:min(len(out), maxDiffLines)]
}

// visible takes the usual line break away and shows what else cannot be seen.
func visible(s string) string {
	end := ""
	switch {
	case strings.HasSuffix(s, "\r\n"):
		s, end = s[:len(s)-2], "␍"
	case strings.HasSuffix(s, "\n"):
		s = s[:len(s)-1]
	default:
		end = "⏎ missing"
	}
	if t := strings.TrimRight(s, " "); t != s {
		s = t + strings.Repeat("·", len(s)-len(t))
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return 0x2400 + r
		}
		return r
	}, s) + end
}
