package xbezahldienste

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

func matching(pattern, rule string) func(*paper, string, any) any {
	re := regexp.MustCompile(pattern)
	return func(p *paper, at string, v any) any {
		if s, ok := v.(string); !ok || !re.MatchString(s) {
			p.complain(at, rule)
		}
		return v
	}
}

func text(least, most int) func(*paper, string, any) any {
	return func(p *paper, at string, v any) any {
		if s, ok := v.(string); !ok || utf8.RuneCountInString(s) < least || utf8.RuneCountInString(s) > most {
			p.complain(at, fmt.Sprintf("is a text of %d to %d characters", least, most))
		}
		return v
	}
}

func oneOf(words ...string) func(*paper, string, any) any {
	return func(p *paper, at string, v any) any {
		for _, w := range words {
			if v == w {
				return v
			}
		}
		p.complain(at, "is one of "+strings.Join(words, ", "))
		return v
	}
}

// money takes amounts, and rates and quantities with two digits behind the point.
func money(least, most int64) func(*paper, string, any) any {
	return func(p *paper, at string, v any) any {
		n, ok := cents(v)
		if !ok || n < least || n > most {
			p.complain(at, fmt.Sprintf("is a number from %s to %s with at most two digits behind the point", amount(least), amount(most)))
			return v
		}
		return json.Number(amount(n))
	}
}

func boolean(p *paper, at string, v any) any {
	if _, ok := v.(bool); !ok {
		p.complain(at, "is true or false")
	}
	return v
}

func timestamp(p *paper, at string, v any) any {
	s, _ := v.(string)
	if _, err := time.Parse(time.RFC3339, s); err != nil {
		p.complain(at, "is no date-time of RFC 3339")
	}
	return v
}

func address(p *paper, at string, v any) any {
	if s, ok := v.(string); !ok || s == "" || checkRedirect(s) != nil {
		p.complain(at, "is an https:// address of 2082 characters at most")
	}
	return v
}

func list(least, most int, fields map[string]field) func(*paper, string, any) any {
	return func(p *paper, at string, v any) any {
		all, ok := v.([]any)
		if !ok || len(all) < least || len(all) > most {
			p.complain(at, fmt.Sprintf("is a list of %d to %d", least, most))
			return v
		}
		out := make([]any, len(all))
		for i, one := range all {
			out[i] = object(fields)(p, fmt.Sprintf("%s[%d]", at, i), one)
		}
		return out
	}
}

func object(fields map[string]field) func(*paper, string, any) any {
	return func(p *paper, at string, v any) any {
		doc, ok := v.(map[string]any)
		if !ok {
			p.complain(at, "is no object")
			return v
		}
		return p.object(at, doc, fields)
	}
}

func texts(p *paper, at string, v any) any {
	doc, ok := v.(map[string]any)
	if !ok {
		p.complain(at, "is no object of texts")
		return v
	}
	out := make(map[string]any, len(doc))
	for name, one := range doc {
		switch one.(type) {
		case nil:
		case string:
			out[name] = one
		default:
			p.complain(at, "holds something that is no text")
		}
	}
	return out
}

func lines(p *paper, at string, v any) any {
	all, ok := v.([]any)
	for _, one := range all {
		if _, text := one.(string); !text {
			ok = false
		}
	}
	if !ok {
		p.complain(at, "is no list of texts")
	}
	return v
}
