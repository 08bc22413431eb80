package gate

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// jsonJudge rebuilds a document from the events and remembers where each value
// stands.
type jsonJudge struct {
	schema *JSONSchema
	ctx    context.Context
	max    int
	large  *Slots
	held   bool
	cost   int

	root  any
	open  []building
	text  []byte
	nodes []valueAt
}

// building is a value that is not complete.
type building struct {
	kind   Kind
	key    string
	object map[string]any
	array  []any
	node   int
}

// valueAt is the place of a value; the root is the first one.
type valueAt struct {
	parent int32
	index  int32  // in its array, -1 for a member of an object
	key    string // of a member
	pos    Pos
}

// freeCost is what a document may cost without a slot, in bytes by estimate.
const freeCost = 256 << 10

func (j *jsonJudge) push(kind Kind, name Name, at Pos) error {
	n := valueAt{parent: -1, index: -1, pos: at}
	if len(j.open) > 0 {
		parent := &j.open[len(j.open)-1]
		n.parent = int32(parent.node)
		if parent.kind == KindArray {
			n.index = int32(len(parent.array))
		} else {
			n.key = name.Local
		}
	}
	b := building{kind: kind, key: name.Local, node: len(j.nodes)}
	if kind == KindObject {
		b.object = make(map[string]any)
		j.cost += 128
	}
	j.nodes = append(j.nodes, n)
	j.open = append(j.open, b)
	j.text = j.text[:0]
	return j.spend(192)
}

func (j *jsonJudge) spend(bytes int) error {
	if j.cost += bytes; j.cost > freeCost && !j.held {
		if err := j.large.take(j.ctx); err != nil {
			return err
		}
		j.held = true
	}
	return nil
}

func (j *jsonJudge) pop() {
	b := j.open[len(j.open)-1]
	j.open = j.open[:len(j.open)-1]
	var v any
	switch b.kind {
	case KindObject:
		v = b.object
	case KindArray:
		if v = b.array; b.array == nil {
			v = []any{}
		}
	case KindString:
		v = string(j.text)
	case KindNumber:
		v = json.Number(j.text)
	case KindBool:
		v = string(j.text) == "true"
	}
	if len(j.open) == 0 {
		j.root = v
		return
	}
	if parent := &j.open[len(j.open)-1]; parent.kind == KindArray {
		parent.array = append(parent.array, v)
	} else {
		parent.object[b.key] = v
	}
}

// Start implements Handler.
func (j *jsonJudge) Start(s *Start) error { return j.push(s.Kind, s.Name, s.Pos) }

// StartArray implements ArrayHandler.
func (j *jsonJudge) StartArray(name Name, at Pos) error { return j.push(KindArray, name, at) }

// Text implements Handler.
func (j *jsonJudge) Text(b []byte, _ Pos) error {
	j.text = append(j.text, b...)
	return j.spend(2 * len(b))
}

// End implements Handler.
func (j *jsonJudge) End(Name, Pos) error { j.pop(); return nil }

// EndArray implements ArrayHandler.
func (j *jsonJudge) EndArray(Name, Pos) error { j.pop(); return nil }

// Release implements Judge.
func (j *jsonJudge) Release() {
	if j.held {
		j.large.give()
		j.held = false
	}
	j.root, j.open, j.nodes, j.text = nil, nil, nil, nil
}

// Finish implements Judge.
func (j *jsonJudge) Finish() ([]Finding, bool, error) {
	err := j.schema.schema.Validate(j.root)
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return nil, false, err
	}
	// The library's order is that of a map. Of very many findings some come first.
	var all []Finding
	seen := make(map[Finding]bool)
	enough := 4*j.max + 1
search:
	for _, leaf := range leaves(invalid, nil, enough) {
		for _, o := range objections(leaf, j.schema.names) {
			if len(all) == enough { // each place is looked for among all values
				break search
			}
			at, pointer := j.find(slices.Concat(leaf.InstanceLocation, o.below))
			f := Finding{Rule: o.rule, Line: at.Line, Column: at.Column, Pointer: pointer, De: o.de, En: o.en}
			if !seen[f] {
				seen[f] = true
				all = append(all, f)
			}
		}
	}
	slices.SortFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.En, b.En))
	})
	return all[:min(len(all), j.max)], len(all) > j.max, nil
}

// names reports whether a key may be repeated in a sentence.
func (s *JSONSchema) names(key string) bool { return s.known[key] || plain(key) }

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// find gives the place of a value and a pointer to it, which ends before the first
// key that may not be repeated.
func (j *jsonJudge) find(tokens []string) (Pos, string) {
	var pointer strings.Builder
	whole := true
	at := 0
	for _, token := range tokens {
		next := -1
		for i := at + 1; i < len(j.nodes); i++ {
			n := &j.nodes[i]
			if int(n.parent) == at && (n.index >= 0 && strconv.Itoa(int(n.index)) == token || n.index < 0 && n.key == token) {
				next = i
				break
			}
		}
		if next < 0 {
			break
		}
		at = next
		if whole = whole && (j.nodes[at].index >= 0 || j.schema.names(token)); whole {
			pointer.WriteByte('/')
			pointer.WriteString(pointerEscapes.Replace(token))
		}
	}
	return j.nodes[at].pos, pointer.String()
}
