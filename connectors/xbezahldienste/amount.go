package xbezahldienste

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// cents reads an amount: a JSON number or a text of digits with at most two
// behind the point. Money is never a float.
func cents(v any) (int64, bool) {
	text := ""
	switch a := v.(type) {
	case json.Number:
		text = a.String()
	case string:
		text = a
	default:
		return 0, false
	}
	text, negative := strings.CutPrefix(text, "-")
	whole, rest, point := strings.Cut(text, ".")
	if whole == "" || len(whole) > 9 || point && rest == "" {
		return 0, false
	}
	for len(rest) > 2 && strings.HasSuffix(rest, "0") { // 39.500 is what some encoders make of 39.5
		rest = rest[:len(rest)-1]
	}
	if len(rest) > 2 {
		return 0, false
	}
	var n int64
	for _, r := range whole + (rest + "00")[:2] {
		if r < '0' || r > '9' {
			return 0, false
		}
		n = n*10 + int64(r-'0')
	}
	if negative {
		n = -n
	}
	return n, true
}

// plain writes a provider's number without an exponent: some encoders make 3E+1 of 30.
func plain(text string) string {
	i := strings.IndexAny(text, "eE")
	if i < 0 {
		return text
	}
	shift, err := strconv.Atoi(text[i+1:])
	if err != nil || shift < -9 || shift > 9 {
		return "" // no amount
	}
	number, negative := strings.CutPrefix(text[:i], "-")
	whole, rest, _ := strings.Cut(number, ".")
	digits := strings.Repeat("0", 9) + whole + rest + strings.Repeat("0", 9)
	at := 9 + len(whole) + shift
	if whole = strings.TrimLeft(digits[:at], "0"); whole == "" {
		whole = "0"
	}
	if negative {
		whole = "-" + whole
	}
	return whole + "." + digits[at:]
}

// amount writes cents with a point and two digits behind it.
func amount(cents int64) string {
	sign := ""
	if cents < 0 {
		sign, cents = "-", -cents
	}
	return fmt.Sprintf("%s%d.%02d", sign, cents/100, cents%100)
}
