package xsd

import (
	"bytes"
	"math"
	"strconv"
)

func parseFloat(b []byte, p primitive) (float64, bool) {
	switch string(b) {
	case "INF":
		return math.Inf(1), true
	case "-INF":
		return math.Inf(-1), true
	case "NaN":
		return math.NaN(), true
	}
	m := b
	if e := bytes.IndexAny(b, "eE"); e >= 0 {
		m = b[:e]
		exp := b[e+1:]
		if len(exp) > 0 && (exp[0] == '+' || exp[0] == '-') {
			exp = exp[1:]
		}
		if len(exp) == 0 || digits(exp) != len(exp) {
			return 0, false
		}
	}
	if _, ok := parseDecimal(m); !ok {
		return 0, false
	}
	bits := 64
	if p == primFloat {
		bits = 32
	}
	f, _ := strconv.ParseFloat(string(b), bits) // out of range is an infinity, as IEEE rounds it
	return f, true
}

func isHex(b []byte) bool {
	for _, c := range b {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
			return false
		}
	}
	return len(b)%2 == 0
}

// base64Length gives the number of octets; single blanks between characters are allowed.
func base64Length(b []byte) (int, bool) {
	n, pad := 0, 0
	var last byte
	for i, c := range b {
		switch {
		case c == ' ':
			if i == 0 || b[i-1] == ' ' {
				return 0, false
			}
			continue
		case c == '=':
			pad++
		case c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/':
			if pad > 0 {
				return 0, false
			}
			last = c
		default:
			return 0, false
		}
		n++
	}
	if n%4 != 0 || pad > 2 {
		return 0, false
	}
	const four, two = "AQgw", "AEIMQUYcgkosw048"
	if pad == 2 && bytes.IndexByte([]byte(four), last) < 0 || pad == 1 && bytes.IndexByte([]byte(two), last) < 0 {
		return 0, false
	}
	return n/4*3 - pad, true
}

// isURI refuses only what no reading of RFC 2396 and its escaping of other characters allows.
func isURI(b []byte) bool {
	path, fragment := false, false
	for i, c := range b {
		switch c {
		case '%':
			if i+2 >= len(b) || !isHex(b[i+1:i+3]) {
				return false
			}
		case '/', '?':
			path = true
		case '#':
			if fragment {
				return false
			}
			path, fragment = true, true
		case ':':
			if !path && !isScheme(b[:i]) || !path && i+1 == len(b) {
				return false
			}
			path = true
		}
	}
	return true
}

func isScheme(b []byte) bool {
	for i, c := range b {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || !(c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.')) {
			return false
		}
	}
	return len(b) > 0
}

// resolveQName reads prefix:local or local by the namespaces in force.
func resolveQName(ns Namespaces, b []byte) (Name, bool) {
	prefix, local := "", b
	if i := bytes.IndexByte(b, ':'); i >= 0 {
		prefix, local = string(b[:i]), b[i+1:]
		if !isToken(b[:i], true, false) {
			return Name{}, false
		}
	}
	if !isToken(local, true, false) {
		return Name{}, false
	}
	if ns == nil {
		return Name{Local: string(local)}, prefix == ""
	}
	space, ok := ns.Lookup(prefix)
	if !ok && prefix != "" {
		return Name{}, false
	}
	return Name{Space: space, Local: string(local)}, true
}
