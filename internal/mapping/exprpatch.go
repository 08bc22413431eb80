package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
)

// exprPatcher binds the names of an expression before its types are checked.
type exprPatcher struct {
	c   *compiler
	err error
}

func (p *exprPatcher) fail(n ast.Node, format string, args ...any) {
	if p.err == nil {
		p.err = &file.Error{Location: n.Location(), Column: n.Location().From, Message: fmt.Sprintf(format, args...)}
	}
}

func call(name string, args ...ast.Node) ast.Node {
	return &ast.CallNode{Callee: &ast.IdentifierNode{Value: name}, Arguments: args}
}

var stNode = func() ast.Node { return &ast.IdentifierNode{Value: "__st"} }

// factWords are the names that stand for a group of facts.
var factWords = []string{"submission", "municipality", "meta"}

func (p *exprPatcher) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		p.name(node, n)
	case *ast.MemberNode:
		p.member(node, n)
	case *ast.CallNode:
		p.call(node, n)
	default:
		patchArithmetic(node, p.fail)
	}
}

// patchArithmetic makes literals exact and refuses what is not.
func patchArithmetic(node *ast.Node, fail func(ast.Node, string, ...any)) {
	switch n := (*node).(type) {
	case *ast.FloatNode:
		d, err := ParseDecimal(shortest(n.Value))
		if err != nil {
			fail(n, "the number %v", err)
			return
		}
		ast.Patch(node, &ast.ConstantNode{Value: d})
	case *ast.UnaryNode:
		if k, ok := n.Node.(*ast.ConstantNode); ok && n.Operator == "-" {
			if d, ok := k.Value.(Decimal); ok {
				ast.Patch(node, &ast.ConstantNode{Value: d.Neg()})
			}
		}
	case *ast.BinaryNode:
		switch n.Operator {
		case "/", "**", "^":
			fail(n, "%s is not exact; use divide(a, b, places)", n.Operator)
		}
	}
}

func (p *exprPatcher) name(node *ast.Node, n *ast.IdentifierNode) {
	switch {
	case strings.HasPrefix(n.Value, "__"), n.Value == "$env":
		p.fail(n, "%s is not a name here", n.Value)
	case n.Value == "position":
		ast.Patch(node, call("__position", stNode()))
	case n.Value == "attachments":
		ast.Patch(node, call("__attachments", stNode()))
	default:
		ref, ok := p.c.let(n.Value)
		if !ok {
			return // a function, a bare path, or unknown: the checker says so
		}
		fn := [...]string{kindText: "__letText", kindBool: "__letBool", kindNumber: "__letNumber", kindDate: "__letDate"}[ref.def.kind]
		ast.Patch(node, call(fn, stNode(), &ast.IntegerNode{Value: p.c.letIndex(ref)}))
	}
}

// member binds submission.receivedOn and the like.
func (p *exprPatcher) member(node *ast.Node, n *ast.MemberNode) {
	base, ok := n.Node.(*ast.IdentifierNode)
	if !ok || !slices.Contains(factWords, base.Value) {
		return
	}
	prop, ok := n.Property.(*ast.StringNode)
	if !ok {
		p.fail(n, "%s needs a fixed name behind the point", base.Value)
		return
	}
	var names []string
	for i, f := range facts() {
		if f.scheme != base.Value {
			continue
		}
		if camel(f.name) == prop.Value {
			fn := "__fact"
			if prop.Value == "receivedOn" {
				fn = "__receivedOn"
			}
			ast.Patch(node, call(fn, stNode(), &ast.IntegerNode{Value: i}))
			return
		}
		names = append(names, camel(f.name))
	}
	p.fail(n, "%s.%s is not known%s", base.Value, prop.Value, inParens(didYouMean(prop.Value, names)))
}

func camel(s string) string {
	parts := strings.Split(s, "-")
	for i := 1; i < len(parts); i++ {
		parts[i] = strings.ToUpper(parts[i][:1]) + parts[i][1:]
	}
	return strings.Join(parts, "")
}

// pathFunctions take a path, and most of them a value too.
var pathFunctions = []string{"text", "number", "count", "exists", "date", "sum", "distinct"}

func (p *exprPatcher) call(node *ast.Node, n *ast.CallNode) {
	id, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		return
	}
	switch {
	case slices.Contains(pathFunctions, id.Value) && len(n.Arguments) == 1:
		p.pathCall(node, n, id.Value)
	case id.Value == "join":
		separator, ok := literal(n, 1)
		if !ok || len(n.Arguments) != 2 {
			p.fail(n, `join is written join("path", "separator")`)
			return
		}
		p.pathCall(node, n, "join", &ast.StringNode{Value: separator})
	case id.Value == "answer":
		role, ok1 := literal(n, 0)
		key, ok2 := literal(n, 1)
		if !ok1 || !ok2 || len(n.Arguments) != 2 {
			p.fail(n, `answer is written answer("role", "key")`)
			return
		}
		p.c.answers[role+"/"+key] = true
		ast.Patch(node, call("__answer", append([]ast.Node{stNode()}, n.Arguments...)...))
	case id.Value == "ordinance":
		name, ok := literal(n, 0)
		if !ok || len(n.Arguments) > 2 {
			p.fail(n, `ordinance is written ordinance("name/column") or ordinance("name/column", date)`)
			return
		}
		i := p.c.ordinanceByName(name)
		args := append([]ast.Node{stNode(), &ast.IntegerNode{Value: i}}, n.Arguments[1:]...)
		ast.Patch(node, call([]string{"__ordinance", "__ordinanceOn"}[len(n.Arguments)-1], args...))
	case id.Value == "lookup" || id.Value == "inList":
		name, ok := literal(n, 0)
		if !ok || len(n.Arguments) != 2 {
			p.fail(n, `%s is written with the list in quotes and a value`, id.Value)
			return
		}
		i, err := p.c.lookupIndex(name, id.Value == "lookup")
		if err != nil {
			p.fail(n, "%v", err)
			return
		}
		ast.Patch(node, call("__"+id.Value, stNode(), &ast.IntegerNode{Value: i}, n.Arguments[1]))
	}
}

func literal(n *ast.CallNode, i int) (string, bool) {
	if i >= len(n.Arguments) {
		return "", false
	}
	s, ok := n.Arguments[i].(*ast.StringNode)
	if !ok {
		return "", false
	}
	return s.Value, true
}

func (p *exprPatcher) pathCall(node *ast.Node, n *ast.CallNode, fn string, more ...ast.Node) {
	src, isPath := literal(n, 0)
	if id, ok := n.Arguments[0].(*ast.IdentifierNode); ok && isName(id.Value) {
		src, isPath = id.Value, true
	}
	if !isPath {
		if fn == "count" || fn == "sum" || fn == "distinct" || fn == "join" {
			p.fail(n, "%s takes a path in quotes", fn)
		}
		return // a value: the function itself
	}
	if fn == "date" {
		if d, err := ParseDate(src); err == nil && d.IsSet() {
			ast.Patch(node, &ast.ConstantNode{Value: d})
			return
		}
	}
	if scheme, name, ok := strings.Cut(src, ":"); ok && slices.Contains(reservedPrefixes, scheme) {
		p.fail(n, "%s:%s is not a path; see the names of expressions", scheme, name)
		return
	}
	path, err := compilePath(src, p.c.ns)
	if err != nil {
		p.fail(n, "%v", err)
		return
	}
	p.c.reads(path)
	p.c.m.paths = append(p.c.m.paths, path)
	ast.Patch(node, call("__"+fn, append([]ast.Node{stNode(), &ast.IntegerNode{Value: len(p.c.m.paths) - 1}}, more...)...))
}
