package route

import (
	"errors"
	"fmt"
	"slices"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
)

// Bundle is the form of several submissions that belong together: a few questions,
// and the parts that follow from their answers. It advises: a part that does not
// apply may be submitted all the same. The file's format stands at the top of
// routes/umzugsmappe.yaml. It is immutable and safe for concurrent use.
type Bundle struct {
	Name        string
	Title       string // German, as portals show it
	Description string // German
	Revision    int
	Path        string // of the file below routes/
	Questions   []Question
	Parts       []Part
}

// Question is what somebody is asked.
type Question struct {
	ID      string
	Text    string
	Options []Option // empty: a question for yes or no
	When    string   // expression as written; empty: always asked
	when    *vm.Program
}

// Option is one of the answers to choose from.
type Option struct {
	Value string
	Text  string
}

// Part is one submission of the bundle, as it may be needed.
type Part struct {
	ID      string
	Service string
	Old     bool   // for the municipality that is left; else for the new one
	When    string // expression as written; empty: it always applies
	Hint    string // German: what to do, and until when
	when    *vm.Program
}

// The errors of Check, in the words of rules.
var (
	ErrNoQuestion = errors.New("there is no such question")
	ErrNoOption   = errors.New("the answer is none of the options")
	ErrNotYesNo   = errors.New("the answer is neither true nor false")
)

// Part gives a part by its id.
func (b *Bundle) Part(id string) (*Part, bool) {
	i := slices.IndexFunc(b.Parts, func(p Part) bool { return p.ID == id })
	if i < 0 {
		return nil, false
	}
	return &b.Parts[i], true
}

// Check says what is wrong with one answer, nil where nothing is: a bool to a
// question for yes or no, an option's value to a choice.
func (b *Bundle) Check(question string, answer any) error {
	i := slices.IndexFunc(b.Questions, func(q Question) bool { return q.ID == question })
	if i < 0 {
		return ErrNoQuestion
	}
	q := &b.Questions[i]
	_, yesNo := answer.(bool)
	value, isText := answer.(string)
	switch {
	case len(q.Options) == 0 && !yesNo:
		return ErrNotYesNo
	case len(q.Options) > 0 && (!isText || !slices.ContainsFunc(q.Options, func(o Option) bool { return o.Value == value })):
		return ErrNoOption
	}
	return nil
}

// List is what follows from somebody's answers.
type List struct {
	Asked   []bool // by question: is it to be asked?
	Applies []bool // by part
}

// List evaluates the answers. Those that do not fit, of an earlier revision perhaps,
// and those to questions that are not asked count as not given.
func (b *Bundle) List(answers map[string]any) (List, error) {
	l := List{Asked: make([]bool, len(b.Questions)), Applies: make([]bool, len(b.Parts))}
	env := map[string]any{}
	for i := range b.Questions {
		q := &b.Questions[i]
		asked, err := holds(q.when, env)
		if err != nil {
			return List{}, fmt.Errorf("question %s of %s: %w", q.ID, b.Name, err)
		}
		l.Asked[i] = asked
		env[q.ID] = q.blank()
		if answer, given := answers[q.ID]; given && asked && b.Check(q.ID, answer) == nil {
			env[q.ID] = answer
		}
	}
	for i := range b.Parts {
		applies, err := holds(b.Parts[i].when, env)
		if err != nil {
			return List{}, fmt.Errorf("part %s of %s: %w", b.Parts[i].ID, b.Name, err)
		}
		l.Applies[i] = applies
	}
	return l, nil
}

// blank is the answer that was not given.
func (q *Question) blank() any {
	if len(q.Options) == 0 {
		return false
	}
	return ""
}

func holds(when *vm.Program, env map[string]any) (bool, error) {
	if when == nil {
		return true, nil
	}
	v, err := expr.Run(when, env)
	if err != nil {
		return false, errors.New("its when stopped with an error")
	}
	yes, _ := v.(bool)
	return yes, nil
}
