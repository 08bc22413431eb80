package mapping

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"
)

// Ranges lists the number ranges that the mapping draws from.
func (m *Mapping) Ranges() []string { return slices.Clone(m.ranges) }

// number asks the municipality for the number that the record at hand has in a range.
func (st *state) number(name string) (string, *refusal) {
	why := NoNumber("no number range " + name + " is set up")
	if st.env.Next != nil {
		s, err := st.env.Next(name, st.record())
		switch {
		case err == nil && s != "":
			return s, nil
		case err == nil:
			why = NoNumber("the number range " + name + " gave no number")
		case !errors.As(err, &why):
			st.broken = err
			why = "the number could not be drawn"
		}
	}
	return "", &refusal{code: CodeNumberRange, detail: name, hard: true, message: string(why)}
}

// record is the path of the node that the innermost each is at: of two documents that
// speak of it, each says the same. / is the submission as a whole.
func (st *state) record() string {
	if st.scope.att != nil {
		return "attachment[" + strconv.Itoa(st.scope.pos) + "]"
	}
	return nodePath(st.scope.cur, st.root)
}

// nodePath is the way from the root element to e, which is / itself.
func nodePath(e, root *etree.Element) string {
	var steps []string
	for ; e != nil && e != root; e = e.Parent() {
		n := 1
		for _, before := range e.Parent().ChildElements() {
			if before == e {
				break
			}
			if before.Tag == e.Tag {
				n++
			}
		}
		steps = append(steps, e.Tag+"["+strconv.Itoa(n)+"]")
	}
	slices.Reverse(steps)
	return "/" + strings.Join(steps, "/")
}
