package mapping

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker/nature"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
	"go.yaml.in/yaml/v4"
)

// exprEnv is all that an expression sees; every name in it becomes a call on St when it
// is compiled.
type exprEnv struct {
	St *state `expr:"__st"`
}

// kind is the type of a value that has a name.
type kind uint8

const (
	kindText kind = iota
	kindBool
	kindNumber
	kindDate
)

// program is a compiled expression.
type program struct {
	src  string
	prog *vm.Program
	kind kind
}

// maxExpr bounds the nodes of one expression.
const maxExpr = 500

// program compiles an expression. Paths in it are compiled and noted, lets are bound.
func (c *compiler) program(src string) (*program, error) {
	p := &exprPatcher{c: c}
	prog, err := expr.Compile(src, exprOptions(exprEnv{}, p)...)
	if p.err != nil {
		return nil, p.err
	}
	if err != nil {
		if _, _, panicked := strings.Cut(err.Error(), "\ngoroutine "); panicked { // the library gives its stack as the error
			return nil, errors.New("the expression is more than can be compiled; say it in simpler ones, with let")
		}
		return nil, err
	}
	out := &program{src: src, prog: prog}
	switch t := prog.Node().Type(); {
	case t == nil || t.Kind() == reflect.Interface:
	case t.Kind() == reflect.Bool:
		out.kind = kindBool
	case t.Kind() == reflect.Int || t == reflect.TypeFor[Decimal]():
		out.kind = kindNumber
	case t == reflect.TypeFor[Date]():
		out.kind = kindDate
	case t.Kind() != reflect.String:
		return nil, fmt.Errorf("the expression gives a %s; a text, a truth, a number or a date is wanted", typeWord(t))
	}
	return out, nil
}

func typeWord(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Float32, reflect.Float64:
		return "floating-point number (use decimal(\"1.5\") and divide)"
	case reflect.Slice:
		return "list"
	}
	return t.String()
}

// condition compiles an expression that must give a truth.
func (c *compiler) condition(src string) (*program, error) {
	p, err := c.program(src)
	if err == nil && p.kind != kindBool {
		return nil, errors.New("the condition does not give true or false; compare it with something")
	}
	return p, err
}

func exprOptions(env any, p ast.Visitor) []expr.Option {
	opts := []expr.Option{expr.Env(env), expr.DisableAllBuiltins(), expr.MaxNodes(maxExpr), expr.Patch(p), expr.Patch(untyped{})}
	for _, name := range []string{"all", "any", "none", "one", "filter", "len"} {
		opts = append(opts, expr.EnableBuiltin(name))
	}
	for _, f := range exprFunctions() {
		opts = append(opts, expr.Function(f.name, f.fn, f.types...))
	}
	for op, fn := range exprOperators {
		opts = append(opts, expr.Operator(op, fn))
	}
	return append(opts, expr.Patch(untypedAgain{})) // behind the operators: what they made of the arguments is checked
}

// untyped makes the library look into the arguments of a call again. A call whose type it
// knows once is not looked into any more: what the names in it were bound to would have no
// type, operators on them would not be ours (2.50 is not equal to 2.5 then), and nothing
// wrong in them would be found at load.
type untyped struct{}

func (untyped) Visit(node *ast.Node) {
	if n, ok := (*node).(*ast.CallNode); ok {
		n.SetNature(nature.Nature{})
	}
}

// untypedAgain does so each time that operators have been bound.
type untypedAgain struct{ untyped }

func (untypedAgain) Reset()             {}
func (untypedAgain) ShouldRepeat() bool { return false }

var exprOperators = map[string]string{"+": "__add", "-": "__sub", "*": "__mul",
	"<": "__lt", "<=": "__le", ">": "__gt", ">=": "__ge", "==": "__eq", "!=": "__ne"}

func (p *program) run(st *state) (any, *refusal) {
	if st.depth == len(st.vms) {
		st.vms = append(st.vms, &vm.VM{})
	}
	machine := st.vms[st.depth]
	st.depth++
	v, err := machine.Run(p.prog, &st.expr)
	st.depth--
	if err == nil {
		return v, nil
	}
	var ref *refusal
	if errors.As(err, &ref) {
		return nil, ref
	}
	var fe *file.Error
	if errors.As(err, &fe) && fe.Prev != nil {
		err = fe.Prev
	}
	if errors.Is(err, errOverflow) {
		return nil, &refusal{code: CodeNotANumber, message: "a number in the expression " + err.Error()}
	}
	if errors.Is(err, errYears) {
		return nil, &refusal{code: CodeNotADate, message: "a date in the expression " + err.Error()}
	}
	return nil, &refusal{code: CodeExpression, detail: p.src, message: "the expression stopped with an error"}
}

func (p *program) truth(st *state) (bool, *refusal) {
	v, ref := p.run(st)
	yes, _ := v.(bool)
	return yes, ref
}

// text runs the expression and writes its result.
func (p *program) text(st *state) (string, *refusal) {
	v, ref := p.run(st)
	if ref != nil {
		return "", ref
	}
	s, err := exprText(v)
	if err != nil {
		return "", &refusal{code: CodeExpression, detail: p.src, message: err.Error()}
	}
	return s, nil
}

// exprFinding puts the complaint of an expression at its place in the file.
func (r *reader) exprFinding(n *yaml.Node, what string, err error) {
	var fe *file.Error
	if !errors.As(err, &fe) {
		r.addf(n, "%s: %v", what, err)
		return
	}
	msg, sug := fe.Message, ""
	if word, ok := strings.CutPrefix(msg, "unknown name "); ok {
		msg = word + " is not a name here"
		sug = `a path is written text("…"), number("…") or exists("…")`
	}
	r.add(n, what+": "+msg, sug)
	f := &r.findings[len(r.findings)-1]
	switch {
	case fe.Line == 0: // of the whole expression, not of a place in it
	case n.Style == 0, n.Style == yaml.FlowStyle:
		f.Column += fe.Column
	case n.Style == yaml.SingleQuotedStyle: // a quote in it is written twice
		f.Column += fe.Column + 1 + strings.Count(firstRunes(n.Value, fe.Column), "'")
	case n.Style == yaml.DoubleQuotedStyle:
		f.Column += fe.Column + 1
	default: // a block: its lines follow the indicator
		f.Line, f.Column = r.inBlock(n, fe.Line, fe.Column)
	}
}

// inBlock is the place in the file of a line and column of a block's text. A folded block
// has joined its lines with blanks.
func (r *reader) inBlock(n *yaml.Node, line, column int) (int, int) {
	offset := column // in the text, in characters
	for _, before := range strings.SplitAfter(n.Value, "\n")[:line-1] {
		offset += utf8.RuneCountInString(before)
	}
	indent := -1
	for i := n.Line; i < len(r.lines); i++ {
		text := strings.TrimRight(r.lines[i], "\r")
		if strings.TrimSpace(text) == "" {
			if n.Style == yaml.LiteralStyle {
				offset--
			}
			continue
		}
		if indent < 0 {
			indent = len(text) - len(strings.TrimLeft(text, " "))
		}
		length := utf8.RuneCountInString(text) - indent
		if offset <= length {
			return i + 1, indent + offset + 1
		}
		offset -= length + 1
	}
	return n.Line, n.Column
}

func firstRunes(s string, n int) string {
	runes := []rune(s)
	return string(runes[:min(n, len(runes))])
}
