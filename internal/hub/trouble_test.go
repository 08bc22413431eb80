package hub_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"stellwerk/internal/hub"
)

// givers are the packages that give a delivery or a submission a code.
var givers = []string{"../../connectors", "../deliver", "../flow", "../mapping", "../store/sqlite", "."}

// fine are the codes of what went well: nobody must act.
var fine = []string{"", "completed", "payed", "nothing-to-send", "smtp-250"}

// Whatever code the source gives has an entry of its own or of its family: the one for
// systems' own words is for theirs alone.
func TestEveryCodeIsInTheCatalogue(t *testing.T) {
	found := map[string]string{}
	for _, dir := range givers {
		err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
			switch {
			case err != nil || e.IsDir() || strings.HasSuffix(name, "_test.go") || strings.Contains(name, "connectortest"):
				return err
			case strings.HasSuffix(name, ".go"):
				return codesOf(name, found)
			case strings.HasSuffix(name, ".yaml"):
				return codesOfProfile(name, found)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for code, where := range found {
		if !slices.Contains(fine, code) && hub.TroubleOf(code).Code == hub.AnyOther {
			t.Errorf("%s gives the code %s, which is not in hub.Troubles", where, code)
		}
	}
	for _, must := range []string{"gone", "timeout", "breaker-open", "not-offered", "payment-failed", "unknown-code", "books-closed", "header-injection", "other-request", "interrupted", "withdrawn", "not-paid"} {
		if found[must] == "" {
			t.Errorf("the walk does not find %s: it finds nothing", must)
		}
	}
	if len(found) < 90 {
		t.Errorf("the walk finds %d codes only", len(found))
	}
}

// giving are functions that are handed a code, by the place of its argument, and those
// that return one.
var (
	giving    = map[string]int{"park": 0, "putBack": 1, "unfit": 0, "unclear": 0}
	returning = []string{"Reason", "belongs"}
)

func codesOf(name string, found map[string]string) error {
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
	if err != nil {
		return err
	}
	add := func(e ast.Expr) {
		if bin, ok := e.(*ast.BinaryExpr); ok {
			e = bin.X // "route-" + …
		}
		lit, ok := e.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return
		}
		if code, err := strconv.Unquote(lit.Value); err == nil {
			if strings.HasSuffix(code, "-") {
				code += "x"
			}
			found[code] = name
		}
	}
	named := func(e ast.Expr) string {
		switch e := e.(type) {
		case *ast.Ident:
			return e.Name
		case *ast.SelectorExpr:
			return e.Sel.Name
		}
		return ""
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.KeyValueExpr:
			if named(n.Key) == "Code" {
				add(n.Value)
			}
		case *ast.AssignStmt:
			for i, to := range n.Lhs {
				if sel, ok := to.(*ast.SelectorExpr); ok && sel.Sel.Name == "Code" && len(n.Lhs) == len(n.Rhs) {
					add(n.Rhs[i])
				}
			}
		case *ast.CompositeLit:
			switch named(n.Type) {
			case "unfitError", "tokenError":
				add(n.Elts[0])
			}
		case *ast.CallExpr:
			if at, ok := giving[named(n.Fun)]; ok && at < len(n.Args) {
				add(n.Args[at])
			}
		case *ast.ValueSpec:
			if named(n.Type) == "Code" || strings.HasPrefix(n.Names[0].Name, "Code") {
				for _, v := range n.Values {
					add(v)
				}
			}
		case *ast.FuncDecl:
			if slices.Contains(returning, n.Name.Name) {
				ast.Inspect(n, func(n ast.Node) bool {
					if r, ok := n.(*ast.ReturnStmt); ok && len(r.Results) > 0 {
						add(r.Results[0])
					}
					return true
				})
			}
		case *ast.CaseClause: // the providers' words that a kind goes by
			if strings.Contains(name, "xbezahldienste") {
				for _, e := range n.List {
					if lit, ok := e.(*ast.BasicLit); ok && strings.Contains(lit.Value, "_") {
						add(e)
					}
				}
			}
		}
		return true
	})
	return nil
}

var profileCode = regexp.MustCompile(`\bcode: ([a-z0-9-]+)`)

func codesOfProfile(name string, found map[string]string) error {
	text, err := os.ReadFile(name)
	for _, m := range profileCode.FindAllSubmatch(text, -1) {
		found[string(m[1])] = name
	}
	return err
}

func TestTroubleOf(t *testing.T) {
	for code, want := range map[string]string{
		"refused": "refused", "http-422": "http-4xx", "http-401": "http-401", "http-404": "http-404", "http-405": "http-405", "http-421": "http-421", "http-500": "http-5xx", "http-42": hub.AnyOther, "http-4222": hub.AnyOther,
		"route-not-a-number": "route-*", "blob-http-503": "http-503", "blob-timeout": "timeout", "token-http-401": "token-*", "smtp-550": "smtp-5xx",
		"E4711": hub.AnyOther, "": hub.AnyOther, "iban-falsch": hub.AnyOther, "CALCULATION_ERROR": "CALCULATION_ERROR", "payment-lapsed": "payment-lapsed",
	} {
		if got := hub.TroubleOf(code); got.Code != want {
			t.Errorf("%q: %s, want %s", code, got.Code, want)
		}
	}
}

func TestTroublesAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range hub.Troubles {
		if e.Code == "" || e.Who == "" || e.Title.De == "" || e.Title.En == "" || e.Means.De == "" || e.Means.En == "" || e.Title.De == e.Means.De {
			t.Errorf("%+v is not complete", e)
		}
		if seen[e.Code] {
			t.Errorf("%s stands twice", e.Code)
		}
		seen[e.Code] = true
	}
	// What a mapping leaves to a clerk is told with what to do: the data are wrong, and no rule is lacking.
	for _, code := range []string{"required", "refused", "not-a-date", "not-a-number", "formula"} {
		if e := hub.TroubleOf(code); e.Who != hub.PartyClerk || !strings.Contains(e.Means.De, "schließen") || !strings.Contains(e.Means.En, "close it") {
			t.Errorf("%s says no next step: %s, %s", code, e.Who, e.Means.De)
		}
	}
	if e := hub.TroubleOf("refused"); !strings.Contains(e.Means.De, "Zuordnung") {
		t.Errorf("refused is said of a system alone; a mapping's check says it, too: %s", e.Means.De)
	}
	for _, reason := range hub.ParkReasons {
		if hub.TroubleOf(string(reason)).Code != string(reason) {
			t.Errorf("the reason %s is not in the catalogue", reason)
		}
	}
}
