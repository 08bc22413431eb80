package rest

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"

	"stellwerk/connectors/wire"
)

// lookup is a place in an answer: a JSON pointer or an XML path by local names
// ("/antwort/kassenzeichen", "/antwort/@nr"), whichever the answer is, or a
// header ("header:Location").
type lookup struct {
	text   string
	header string
	path   []string
}

func (l *lookup) UnmarshalText(text []byte) error {
	l.text = string(text)
	if name, ok := strings.CutPrefix(l.text, "header:"); ok && name != "" {
		l.header = http.CanonicalHeaderKey(name)
		return nil
	}
	if !strings.HasPrefix(l.text, "/") {
		return fmt.Errorf("%q is no place in an answer; write a JSON pointer or XML path that starts with /, or header:Name", l.text)
	}
	for _, step := range strings.Split(l.text[1:], "/") {
		l.path = append(l.path, strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~"))
	}
	return nil
}

func (l *lookup) given() bool { return l.text != "" }

// extract is a lookup, and perhaps the part of the text to take: written as
// `/objname ~ \(([^()]+)\)$`, whose first group counts.
type extract struct {
	lookup
	part *regexp.Regexp
}

func (e *extract) UnmarshalText(text []byte) error {
	where, part, ok := strings.Cut(string(text), " ~ ")
	if ok {
		var err error
		if e.part, err = regexp.Compile(strings.TrimSpace(part)); err != nil {
			return err
		}
		if e.part.NumSubexp() != 1 {
			return fmt.Errorf("%q needs exactly one group: the part to take", part)
		}
	}
	return e.lookup.UnmarshalText([]byte(strings.TrimSpace(where)))
}

func (e *extract) from(a *answer) (string, bool) {
	v, ok := a.text(&e.lookup)
	if !ok || e.part == nil {
		return v, ok
	}
	if found := e.part.FindStringSubmatch(v); found != nil {
		return found[1], true
	}
	return "", false
}

// answer is what came back, read as JSON or XML only when a rule looks into it.
type answer struct {
	wire.Answer
	parsed bool
	json   any
}

// text is the text at a place; false where there is nothing or null.
func (a *answer) text(l *lookup) (string, bool) {
	if l.header != "" {
		v := a.Header[l.header]
		if len(v) == 0 {
			return "", false
		}
		return v[0], true
	}
	body := bytes.TrimLeft(a.readable(), "\ufeff \t\r\n")
	if len(body) == 0 {
		return "", false
	}
	if body[0] == '<' {
		return xmlText(body, l.path)
	}
	if !a.parsed {
		a.parsed = true
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber()
		if d.Decode(&a.json) != nil {
			a.json = nil
		}
	}
	return jsonText(a.json, l.path)
}

// encodingDeclared is an XML declaration that names its encoding: its reader follows it.
var encodingDeclared = regexp.MustCompile(`^\s*<\?xml[^>]*\sencoding\s*=`)

// readable is the body in UTF-8: as it is where it is that, else by what Content-Type
// says, and where that says nothing, as servers that know nothing of UTF-8 write here.
func (a *answer) readable() []byte {
	if utf8.Valid(a.Body) && bytes.IndexByte(a.Body, 0) < 0 || encodingDeclared.Match(a.Body) {
		return a.Body
	}
	_, params, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if err != nil {
		params = nil
	}
	enc, err := htmlindex.Get(params["charset"])
	if err != nil || enc == unicode.UTF8 {
		enc = charmap.Windows1252
	}
	body, err := enc.NewDecoder().Bytes(a.Body)
	if err != nil {
		return a.Body
	}
	return body
}

func jsonText(v any, path []string) (string, bool) {
	for _, step := range path {
		switch at := v.(type) {
		case map[string]any:
			v = at[step]
		case []any:
			n, err := strconv.Atoi(step)
			if err != nil || n < 0 || n >= len(at) {
				return "", false
			}
			v = at[n]
		default:
			return "", false
		}
	}
	switch at := v.(type) {
	case nil:
		return "", false
	case string:
		return at, true
	case json.Number:
		return at.String(), true
	case bool:
		return strconv.FormatBool(at), true
	default: // there, but no text
		return "", true
	}
}

// xmlText reads until the first element at the path and gives its own text.
// Entities and document types of a partner are not expanded.
func xmlText(body []byte, path []string) (string, bool) {
	d := xml.NewDecoder(bytes.NewReader(body))
	d.CharsetReader = func(label string, in io.Reader) (io.Reader, error) {
		enc, err := htmlindex.Get(label)
		if err != nil {
			return nil, err
		}
		return enc.NewDecoder().Reader(in), nil
	}
	elements, attribute := path, ""
	if last := path[len(path)-1]; strings.HasPrefix(last, "@") {
		elements, attribute = path[:len(path)-1], last[1:]
	}
	depth, matched := 0, 0
	var text strings.Builder
	for {
		token, err := d.Token()
		if err != nil {
			return "", false
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth == matched && matched < len(elements) && t.Name.Local == elements[matched] {
				matched++
				if matched == len(elements) && attribute != "" {
					for _, a := range t.Attr {
						if a.Name.Local == attribute {
							return a.Value, true
						}
					}
				}
			}
			depth++
		case xml.CharData:
			if attribute == "" && matched == len(elements) && depth == matched {
				text.Write(t)
			}
		case xml.EndElement:
			depth--
			if depth < matched {
				if matched == len(elements) && attribute == "" {
					return strings.TrimSpace(text.String()), true
				}
				matched = depth
			}
		}
	}
}
