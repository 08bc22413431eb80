package route

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
	"go.yaml.in/yaml/v4"

	"stellwerk/internal/config/strict"
	"stellwerk/internal/mapping"
)

type bundleYAML struct {
	Bundle      string         `yaml:"bundle,required"`
	Revision    int            `yaml:"revision,required"`
	Title       string         `yaml:"title,required"`
	Description string         `yaml:"description"`
	Questions   []questionYAML `yaml:"questions"`
	Parts       []partYAML     `yaml:"parts,required"`
}

type questionYAML struct {
	ID      string       `yaml:"id,required"`
	Text    string       `yaml:"text,required"`
	Type    string       `yaml:"type,required"`
	Options []optionYAML `yaml:"options"`
	When    string       `yaml:"when"`
}

type optionYAML struct {
	Value string `yaml:"value,required"`
	Text  string `yaml:"text,required"`
}

type partYAML struct {
	ID           string `yaml:"id,required"`
	Service      string `yaml:"service,required"`
	Municipality string `yaml:"municipality,required"`
	When         string `yaml:"when"`
	Hint         string `yaml:"hint"`
}

// maxBundle bounds the questions, and the parts, of a bundle.
const maxBundle = 100

var answerName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{0,49}$`)

// LoadBundle reads <name>.yaml. Its parts name some of the given services. All
// findings are returned at once; the bundle is nil exactly if one of them is an error.
func LoadBundle(fsys fs.FS, name string, services []string) (*Bundle, mapping.Findings) {
	l := bundleLoader{loader: loader{file: name + ".yaml"}, env: map[string]any{}, options: map[string][]string{}, used: map[string]bool{}}
	data, err := fs.ReadFile(fsys, l.file)
	if err != nil {
		return nil, mapping.Findings{{File: l.file, Message: "cannot be read"}}
	}
	top, found := strict.Read(l.file, data)
	if top == nil {
		return nil, found
	}
	l.top, l.found = top, found
	var y bundleYAML
	found = strict.Decode(l.file, "a setting of a bundle", top, &y)
	l.found = append(l.found, found...)
	if found.HasErrors() {
		return nil, l.found.Sort()
	}
	b := &Bundle{Name: name, Title: y.Title, Description: y.Description, Revision: y.Revision, Path: l.file}
	if y.Bundle != name || !word.MatchString(name) {
		l.at("bundle", fmt.Sprintf("bundle is %s, but the file is named %s", y.Bundle, l.file), "name both alike, with small letters, digits and hyphens")
	}
	if y.Revision < 1 {
		l.at("revision", "revision must be 1 or more", "raise it with every change")
	}
	if len(y.Questions) > maxBundle || len(y.Parts) > maxBundle {
		l.at("parts", fmt.Sprintf("a bundle has at most %d questions and %d parts", maxBundle, maxBundle), "")
		return nil, l.found.Sort()
	}
	l.questions(b, y.Questions)
	l.parts(b, y.Parts, services)
	for i := range b.Questions {
		if id := b.Questions[i].ID; !l.used[id] && !l.found.HasErrors() {
			l.warn(fmt.Sprintf("questions[%d].id", i), "nothing follows from "+id, "use it in the when of a part, or do not ask")
		}
	}
	if l.found.HasErrors() {
		return nil, l.found.Sort()
	}
	return b, l.found.Sort()
}

type bundleLoader struct {
	loader
	env     map[string]any      // the answers known so far, blank: names and types
	options map[string][]string // of choices
	used    map[string]bool
}

func (l *bundleLoader) questions(b *Bundle, all []questionYAML) {
	for i, y := range all {
		at := fmt.Sprintf("questions[%d]", i)
		q := Question{ID: y.ID, Text: y.Text, When: y.When}
		q.when = l.condition(at+".when", y.When)
		switch {
		case !answerName.MatchString(y.ID) || !l.speakable(y.ID):
			l.at(at+".id", y.ID+" is not the name of an answer", "letters and digits, a letter first, and no word of the expressions")
		case l.known(y.ID):
			l.at(at+".id", "there are two questions "+y.ID, "")
		}
		var values []string
		for j, o := range y.Options {
			key := fmt.Sprintf("%s.options[%d].value", at, j)
			if o.Value == "" || slices.Contains(values, o.Value) {
				l.at(key, fmt.Sprintf("the value %q is empty or stands twice", o.Value), "")
			}
			values = append(values, o.Value)
			q.Options = append(q.Options, Option(o))
		}
		switch {
		case y.Type == "yes-no" && len(y.Options) > 0:
			l.at(at+".options", "a question of type yes-no has no options", "leave them out, or make it a choice")
		case y.Type == "choice" && len(y.Options) < 2:
			l.at(at+".type", "a choice has at least two options", "")
			q.Options = []Option{{}, {}} // so that its answers are text in what follows
		case y.Type != "yes-no" && y.Type != "choice":
			l.at(at+".type", "type is "+y.Type+"; it must be yes-no or choice", "")
		}
		l.env[y.ID], l.options[y.ID] = q.blank(), values
		b.Questions = append(b.Questions, q)
	}
}

func (l *bundleLoader) known(id string) bool { _, there := l.env[id]; return there }

// speakable reports whether an expression may use the word as a name.
func (l *bundleLoader) speakable(id string) bool {
	p, err := expr.Compile(id, expr.Env(map[string]any{id: false}), expr.DisableAllBuiltins())
	if err != nil {
		return false
	}
	_, ok := p.Node().(*ast.IdentifierNode)
	return ok
}

func (l *bundleLoader) parts(b *Bundle, all []partYAML, services []string) {
	for i, y := range all {
		at := fmt.Sprintf("parts[%d]", i)
		switch {
		case !word.MatchString(y.ID):
			l.at(at+".id", y.ID+" is not the name of a part", "use small letters, digits and hyphens")
		case slices.ContainsFunc(b.Parts, func(p Part) bool { return p.ID == y.ID }):
			l.at(at+".id", "there are two parts "+y.ID, "")
		}
		if !slices.Contains(services, y.Service) {
			l.at(at+".service", y.Service+" is not a service", strict.Suggest(y.Service, services))
		}
		if y.Municipality != "old" && y.Municipality != "new" {
			l.at(at+".municipality", "municipality is "+y.Municipality+"; it must be old or new", "old is the one that is left")
		}
		b.Parts = append(b.Parts, Part{
			ID: y.ID, Service: y.Service, Old: y.Municipality == "old", When: y.When, Hint: y.Hint, when: l.condition(at+".when", y.When),
		})
	}
	if len(all) == 0 {
		l.at("parts", "parts is empty", "a bundle holds at least one")
	}
}

// condition compiles an expression over the answers known so far.
func (l *bundleLoader) condition(key, src string) *vm.Program {
	if src == "" {
		return nil
	}
	n := strict.At(l.top, key)
	v := &answerVisitor{l: l}
	prog, err := expr.Compile(src, expr.Env(l.env), expr.AsBool(), expr.DisableAllBuiltins(), expr.MaxNodes(500), expr.Patch(v))
	if err == nil && v.err != nil {
		err = v.err
	}
	if err == nil {
		_, err = expr.Run(prog, l.env)
	}
	if err != nil {
		l.wrong(n, err)
		return nil
	}
	return prog
}

// wrong puts the complaint of an expression at its place in the file.
func (l *bundleLoader) wrong(n *yaml.Node, err error) {
	f := mapping.Finding{File: l.file, Line: n.Line, Column: n.Column, Message: "when: " + err.Error()}
	var at *file.Error
	if errors.As(err, &at) {
		f.Message = "when: " + at.Message
		if name, ok := strings.CutPrefix(at.Message, "unknown name "); ok {
			f.Message = "when: " + name + " is no answer that is known here"
			f.Suggestion = strict.Suggest(name, slices.Sorted(maps.Keys(l.env)))
		}
		switch {
		case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
			f.Column += at.Column + 1
		case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0:
			f.Column += at.Column
		}
	}
	l.found = append(l.found, f)
}

// answerVisitor notes which answers an expression uses, and holds what they are
// compared with against their options.
type answerVisitor struct {
	l   *bundleLoader
	err error
}

// Visit implements ast.Visitor.
func (v *answerVisitor) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		v.l.used[n.Value] = true
	case *ast.BinaryNode:
		switch n.Operator {
		case "==", "!=":
			v.compare(n.Left, n.Right)
			v.compare(n.Right, n.Left)
		case "in":
			if list, ok := n.Right.(*ast.ArrayNode); ok {
				for _, item := range list.Nodes {
					v.compare(n.Left, item)
				}
			}
		}
	}
}

func (v *answerVisitor) compare(answer, with ast.Node) {
	id, ok := answer.(*ast.IdentifierNode)
	text, isText := with.(*ast.StringNode)
	if !ok || !isText || v.err != nil {
		return
	}
	options := v.l.options[id.Value]
	if len(options) == 0 || slices.Contains(options, text.Value) {
		return
	}
	message := fmt.Sprintf("%q is no option of %s", text.Value, id.Value)
	if near := strict.Suggest(text.Value, options); near != "" {
		message += "; " + near
	}
	at := text.Location()
	v.err = &file.Error{Location: at, Column: at.From, Message: message}
}
