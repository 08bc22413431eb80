package mapping

import (
	"errors"
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"strings"
)

// Decimal is an exact decimal number: unscaled × 10^-scale. The zero Decimal is
// missing, not 0: it compares as false and makes what is computed from it missing.
// Results beyond 18 digits are errors, never rounded in silence.
type Decimal struct {
	unscaled int64
	scale    uint8
	set      bool
}

// maxScale is how many places a Decimal may have.
const maxScale = 15

// maxExponent is more than any number needs that can be computed exactly.
const maxExponent = 99

var (
	errDecimal  = errors.New("is not a decimal number like 1234.50")
	errOverflow = errors.New("has more digits than can be computed exactly")
)

// ParseDecimal reads whatever schemas let through as a decimal number: 1234.5, -3 or
// +0.50, .9 and 20. as XML may have it, 2E+1 as JSON may. A comma or a thousands
// separator is an error. Empty text is the missing Decimal.
func ParseDecimal(s string) (Decimal, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return Decimal{}, nil
	}
	neg := s[0] == '-'
	if neg || s[0] == '+' {
		s = s[1:]
	}
	exponent := 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		var err error
		if exponent, err = strconv.Atoi(s[i+1:]); err != nil || exponent < -maxExponent || exponent > maxExponent {
			return Decimal{}, errDecimal
		}
		s = s[:i]
	}
	whole, frac, _ := strings.Cut(s, ".")
	if whole == "" && frac == "" {
		return Decimal{}, errDecimal
	}
	d := Decimal{set: true}
	for _, part := range []string{whole, frac} {
		for i := 0; i < len(part); i++ {
			c := part[i]
			if c < '0' || c > '9' {
				return Decimal{}, errDecimal
			}
			if d.unscaled > (math.MaxInt64-9)/10 {
				return Decimal{}, errOverflow
			}
			d.unscaled = d.unscaled*10 + int64(c-'0')
		}
	}
	scale := len(frac) - exponent
	for ; scale < 0 && d.unscaled != 0; scale++ {
		if d.unscaled > math.MaxInt64/10 {
			return Decimal{}, errOverflow
		}
		d.unscaled *= 10
	}
	if scale > maxScale {
		return Decimal{}, errOverflow
	}
	d.scale = uint8(max(scale, 0))
	if neg {
		d.unscaled = -d.unscaled
	}
	return d, nil
}

func decimalOf(n int) Decimal { return Decimal{unscaled: int64(n), set: true} }

// IsSet reports whether there is a number.
func (d Decimal) IsSet() bool { return d.set }

// String writes all places the number has: 85.80 stays 85.80; missing is "".
func (d Decimal) String() string {
	if !d.set {
		return ""
	}
	return string(d.append(nil, '.'))
}

func (d Decimal) append(b []byte, point byte) []byte {
	u := uint64(d.unscaled)
	if d.unscaled < 0 {
		b = append(b, '-')
		u = -u
	}
	var digits [20]byte
	i := len(digits)
	for n := 0; u > 0 || n <= int(d.scale); n++ {
		i--
		digits[i] = byte('0' + u%10)
		u /= 10
	}
	out := digits[i:]
	cut := len(out) - int(d.scale)
	b = append(b, out[:cut]...)
	if d.scale > 0 {
		b = append(b, point)
		b = append(b, out[cut:]...)
	}
	return b
}

func pow10(n uint8) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}

func mul64(a, b int64) (int64, error) {
	hi, lo := bits.Mul64(abs64(a), abs64(b))
	if hi != 0 || lo > math.MaxInt64 {
		return 0, errOverflow
	}
	if (a < 0) != (b < 0) {
		return -int64(lo), nil
	}
	return int64(lo), nil
}

func abs64(a int64) uint64 {
	if a < 0 {
		return -uint64(a)
	}
	return uint64(a)
}

// align brings both to the same scale.
func align(a, b Decimal) (x, y int64, scale uint8, err error) {
	scale = max(a.scale, b.scale)
	if x, err = mul64(a.unscaled, pow10(scale-a.scale)); err != nil {
		return
	}
	y, err = mul64(b.unscaled, pow10(scale-b.scale))
	return
}

// Add is a + b; missing if one is.
func (d Decimal) Add(b Decimal) (Decimal, error) {
	if !d.set || !b.set {
		return Decimal{}, nil
	}
	x, y, scale, err := align(d, b)
	sum := x + y
	if err != nil || (x > 0) == (y > 0) && x != 0 && y != 0 && (sum > 0) != (x > 0) {
		return Decimal{}, errOverflow
	}
	return Decimal{sum, scale, true}, nil
}

// Neg is -d.
func (d Decimal) Neg() Decimal { return Decimal{-d.unscaled, d.scale, d.set} }

// Mul is a × b with the places of both; zeros at the end go only where there is no room.
func (d Decimal) Mul(b Decimal) (Decimal, error) {
	if !d.set || !b.set {
		return Decimal{}, nil
	}
	u, err := mul64(d.unscaled, b.unscaled)
	if err != nil || int(d.scale)+int(b.scale) > maxScale {
		d, b = d.trimmed(), b.trimmed()
		if u, err = mul64(d.unscaled, b.unscaled); err != nil || int(d.scale)+int(b.scale) > maxScale {
			return Decimal{}, errOverflow
		}
	}
	return Decimal{u, d.scale + b.scale, true}, nil
}

// trimmed drops zeros behind the point, which a product would only add up.
func (d Decimal) trimmed() Decimal {
	for d.scale > 0 && d.unscaled%10 == 0 {
		d.unscaled, d.scale = d.unscaled/10, d.scale-1
	}
	return d
}

// Cmp compares; ok is false if one is missing.
func (d Decimal) Cmp(b Decimal) (c int, ok bool) {
	if !d.set || !b.set {
		return 0, false
	}
	x, y, _, err := align(d, b)
	if err != nil {
		return d.rat().Cmp(b.rat()), true
	}
	switch {
	case x < y:
		return -1, true
	case x > y:
		return 1, true
	}
	return 0, true
}

func (d Decimal) rat() *big.Rat { return big.NewRat(d.unscaled, pow10(d.scale)) }

// Rounding names a rule for what lies between two representable numbers.
type Rounding string

// The rounding rules. HalfUp rounds 0.005 away from zero, as German tax notices do.
const (
	HalfUp   Rounding = "half-up"
	HalfEven Rounding = "half-even"
	Down     Rounding = "down" // towards zero
	Up       Rounding = "up"   // away from zero
)

var roundings = []string{string(HalfUp), string(HalfEven), string(Down), string(Up)}

// Round gives exactly places places.
func (d Decimal) Round(places int, rule Rounding) (Decimal, error) {
	return d.Div(decimalOf(1), places, rule)
}

// Div is a / b to exactly places places, rounded once, by rule.
func (d Decimal) Div(b Decimal, places int, rule Rounding) (Decimal, error) {
	if !d.set || !b.set {
		return Decimal{}, nil
	}
	if b.unscaled == 0 {
		return Decimal{}, errors.New("is a division by zero")
	}
	if places < 0 || places > maxScale {
		return Decimal{}, errOverflow
	}
	// d/b × 10^places = num/den × 10^shift
	num, den := abs64(d.unscaled), abs64(b.unscaled)
	shift := places + int(b.scale) - int(d.scale)
	for ; shift > 0; shift-- {
		if hi, lo := bits.Mul64(num, 10); hi == 0 {
			num = lo
		} else {
			return Decimal{}, errOverflow
		}
	}
	for ; shift < 0; shift++ {
		if hi, lo := bits.Mul64(den, 10); hi == 0 {
			den = lo
		} else {
			return Decimal{}, errOverflow
		}
	}
	q, rest := num/den, num%den
	if roundsUp(q, rest, den, rule) {
		q++
	}
	if q > math.MaxInt64 {
		return Decimal{}, errOverflow
	}
	u := int64(q)
	if (d.unscaled < 0) != (b.unscaled < 0) {
		u = -u
	}
	return Decimal{u, uint8(places), true}, nil
}

func roundsUp(q, rest, den uint64, rule Rounding) bool {
	if rest == 0 || rule == Down {
		return false
	}
	if rule == Up {
		return true
	}
	if rest != den-rest { // compare rest with den/2 without overflow
		return rest > den-rest
	}
	return rule != HalfEven || q%2 == 1
}
