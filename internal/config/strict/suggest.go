package strict

import (
	"slices"
	"strconv"
	"strings"

	"stellwerk/internal/mapping"
)

// Suggest is the remedy for a word that is none of the allowed ones: the nearest
// of them, or all where they are few.
func Suggest(word string, allowed []string) string {
	if near := mapping.Nearest(word, allowed); near != "" {
		return "did you mean " + near + "?"
	}
	if len(allowed) > 0 && len(allowed) <= 16 {
		return "possible: " + strings.Join(slices.Sorted(slices.Values(allowed)), ", ")
	}
	return ""
}

func itoa(n int) string { return strconv.Itoa(n) }
