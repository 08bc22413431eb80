package gate

import (
	"fmt"
	"strings"
)

// Watch is a Handler that picks single values out of a document while it is
// scanned. A path is the local names below the root element, as in "hund/chip";
// it finds the text that stands directly in such elements, white space around it
// removed, in XML and JSON alike.
type Watch struct {
	watched []watched
	depth   int // open elements
	open    int // paths that are wholly matched
}

type watched struct {
	path    string
	steps   []string
	matched int // how many steps the open elements match, from the root
	text    []byte
	skip    bool // the value that is being read is too long
	values  []string
	partial bool
}

// A watch keeps at most so much for each path: what is longer or more is no key.
const (
	watchValues = 256
	watchBytes  = 1024
)

// NewWatch watches paths, for one scan.
func NewWatch(paths ...string) (*Watch, error) {
	w := &Watch{}
	for _, p := range paths {
		steps := strings.Split(p, "/")
		for _, step := range steps {
			if step == "" || strings.ContainsAny(step, "@[]*: \t") {
				return nil, fmt.Errorf("watch %q: a path is local names with slashes between them", p)
			}
		}
		w.watched = append(w.watched, watched{path: p, steps: steps})
	}
	return w, nil
}

// Values are what a path has found, in document order, empty ones included.
func (w *Watch) Values(path string) []string {
	for i := range w.watched {
		if w.watched[i].path == path {
			return w.watched[i].values
		}
	}
	return nil
}

// Partial reports whether a path has found more than a watch keeps: more than 256
// values, or one of more than 1,024 bytes.
func (w *Watch) Partial(path string) bool {
	for i := range w.watched {
		if w.watched[i].path == path {
			return w.watched[i].partial
		}
	}
	return false
}

// Start implements Handler.
func (w *Watch) Start(s *Start) error {
	for i := range w.watched {
		p := &w.watched[i]
		if w.depth > 0 && p.matched == w.depth-1 && p.matched < len(p.steps) && p.steps[p.matched] == s.Name.Local {
			if p.matched++; p.matched == len(p.steps) {
				w.open++
				p.text, p.skip = p.text[:0], false
			}
		}
	}
	w.depth++
	return nil
}

// Text implements Handler.
func (w *Watch) Text(text []byte, _ Pos) error {
	if w.open == 0 {
		return nil
	}
	for i := range w.watched {
		p := &w.watched[i]
		if p.matched == len(p.steps) && w.depth-1 == p.matched && !p.skip {
			if len(p.text) == 0 {
				text = trimLeft(text)
			}
			if p.skip = len(p.text)+len(text) > 2*watchBytes; !p.skip {
				p.text = append(p.text, text...)
			}
		}
	}
	return nil
}

// End implements Handler.
func (w *Watch) End(Name, Pos) error {
	w.depth--
	for i := range w.watched {
		p := &w.watched[i]
		if p.matched == 0 || p.matched != w.depth {
			continue
		}
		if p.matched == len(p.steps) {
			w.open--
			value := strings.TrimRight(string(p.text), " \t\r\n")
			if p.skip || len(value) > watchBytes || len(p.values) == watchValues {
				p.partial = true
			} else {
				p.values = append(p.values, value)
			}
		}
		p.matched--
	}
	return nil
}

func trimLeft(b []byte) []byte {
	for len(b) > 0 && class[b[0]]&isSpace != 0 {
		b = b[1:]
	}
	return b
}
