package strict

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Size is a number of bytes: 512, 10KB, 10MB, 2GB. A step is 1000.
type Size int64

// UnmarshalText reads a size.
func (s *Size) UnmarshalText(text []byte) error {
	t := strings.TrimSpace(string(text))
	factor := int64(1)
	for _, u := range []struct {
		unit   string
		factor int64
	}{{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1}} {
		if rest, ok := strings.CutSuffix(t, u.unit); ok {
			t, factor = strings.TrimSpace(rest), u.factor
			break
		}
	}
	n, err := strconv.ParseInt(t, 10, 64)
	if err != nil || n < 0 || n > (1<<62)/factor {
		return fmt.Errorf("%q is not a size: write 512, 10KB, 10MB or 2GB", text)
	}
	*s = Size(n * factor)
	return nil
}

var days = regexp.MustCompile(`^(\d{1,5})d`)

// Duration reads 500ms, 30s, 5m, 1h30m, 14d or 1d12h. A day has 24 hours.
func Duration(text string) (time.Duration, error) {
	var whole time.Duration
	rest := text
	if m := days.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1])
		whole, rest = time.Duration(n)*24*time.Hour, text[len(m[0]):]
	}
	if rest == "" && whole > 0 {
		return whole, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || whole+d < 0 || text == "0" || text == "" {
		return 0, fmt.Errorf("%q is not a duration: write 30s, 5m, 1h30m or 14d", text)
	}
	return whole + d, nil
}
