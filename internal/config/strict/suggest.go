package strict

import (
	"slices"
	"strconv"
	"strings"
)

// Suggest is the remedy for a word that is none of the allowed ones: the nearest
// of them, or all where they are few.
func Suggest(word string, allowed []string) string {
	best, at := "", 3
	for _, a := range allowed {
		if d := distance(strings.ToLower(word), strings.ToLower(a)); d < at && d <= (len(word)+1)/2 {
			best, at = a, d
		}
	}
	switch {
	case best != "":
		return "did you mean " + best + "?"
	case len(allowed) > 0 && len(allowed) <= 16:
		sorted := slices.Sorted(slices.Values(allowed))
		return "possible: " + strings.Join(sorted, ", ")
	}
	return ""
}

// distance is the edit distance in which a swap of neighbours counts once.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 64 || len(y) > 64 {
		return 64
	}
	before, prev, cur := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := range x {
		cur[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			cur[j+1] = min(prev[j+1]+1, cur[j]+1, prev[j]+cost)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				cur[j+1] = min(cur[j+1], before[j-1]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(y)]
}

func itoa(n int) string { return strconv.Itoa(n) }
