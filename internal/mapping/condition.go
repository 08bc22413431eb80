package mapping

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

// condition is the when of an ordinance's row: an expression over its keys alone.
type condition struct {
	src  string
	prog *vm.Program
}

type keysEnv struct {
	Keys []keyValue `expr:"__keys"`
}

type keysPatcher struct {
	keys []OrdinanceKey
	err  error
}

func (p *keysPatcher) fail(n ast.Node, format string, args ...any) {
	if p.err == nil {
		p.err = &file.Error{Location: n.Location(), Column: n.Location().From, Message: fmt.Sprintf(format, args...)}
	}
}

func (p *keysPatcher) Visit(node *ast.Node) {
	n, ok := (*node).(*ast.IdentifierNode)
	if !ok {
		patchArithmetic(node, p.fail)
		return
	}
	i := slices.IndexFunc(p.keys, func(k OrdinanceKey) bool { return k.Name == n.Value })
	if i < 0 {
		return
	}
	fn := "__keyText"
	if p.keys[i].Number {
		fn = "__keyNumber"
	}
	ast.Patch(node, call(fn, &ast.IdentifierNode{Value: "__keys"}, &ast.IntegerNode{Value: i}))
}

func compileCondition(src string, keys []OrdinanceKey) (*condition, error) {
	p := &keysPatcher{keys: keys}
	opts := []expr.Option{expr.Env(keysEnv{}), expr.DisableAllBuiltins(), expr.MaxNodes(maxExpr), expr.Patch(p)}
	for _, f := range numberFunctions() {
		opts = append(opts, expr.Function(f.name, f.fn, f.types...))
	}
	opts = append(opts,
		expr.Function("__keyText", func(a ...any) (any, error) { return a[0].([]keyValue)[a[1].(int)].text, nil }, new(func([]keyValue, int) string)),
		expr.Function("__keyNumber", func(a ...any) (any, error) { return a[0].([]keyValue)[a[1].(int)].number, nil }, new(func([]keyValue, int) Decimal)))
	for op, fn := range exprOperators {
		opts = append(opts, expr.Operator(op, fn))
	}
	prog, err := expr.Compile(src, opts...)
	if p.err != nil {
		return nil, p.err
	}
	if err != nil {
		return nil, err
	}
	if t := prog.Node().Type(); t == nil || t.Kind() != reflect.Bool {
		return nil, errors.New("the condition does not give true or false")
	}
	return &condition{src, prog}, nil
}

func (c *condition) holds(keys []keyValue) (bool, error) {
	v, err := expr.Run(c.prog, keysEnv{keys})
	if err != nil {
		return false, fmt.Errorf("the condition %s stopped with an error", c.src)
	}
	yes, _ := v.(bool)
	return yes, nil
}
