package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed are the arrows of the house: what a package may import of ours, besides
// internal/hub, which everybody may. A pattern ending in / stands for everything
// below it; "" for nothing. What is not listed may import nothing.
var allowed = map[string][]string{
	"cmd/stellwerk":            {"internal/cli"},
	"connectors":               {},
	"connectors/all":           {"connectors", "connectors/"},
	"connectors/wire":          {"connectors"},
	"internal/app":             {"connectors/all", "internal/", "mappings", "routes", "connectors"},
	"internal/audit":           {},
	"internal/bus":             {"internal/crew"},
	"internal/cli":             {"connectors", "connectors/", "internal/", "routes", "mappings", "testdata"},
	"internal/config":          {"connectors", "internal/config/strict", "internal/gate", "internal/mapping", "internal/route", "internal/xsd"},
	"internal/config/strict":   {"connectors", "internal/mapping"},
	"internal/crew":            {"-internal/hub"},
	"internal/deliver":         {"connectors", "internal/crew", "internal/config", "internal/route", "internal/mapping", "internal/store", "internal/bus", "internal/vault"},
	"internal/flow":            {"connectors", "internal/config", "internal/gate", "internal/route", "internal/mapping", "internal/store", "internal/bus", "internal/vault", "internal/xoev"},
	"internal/gate":            {"internal/xsd"},
	"internal/hub":             {},
	"internal/intake":          {"internal/store", "internal/bus", "internal/config", "internal/gate", "internal/route", "internal/mapping", "internal/vault", "internal/audit", "internal/xoev", "connectors/hub/envelope", "connectors/webhook"},
	"internal/mapping":         {},
	"internal/route":           {"internal/config/strict", "internal/gate", "internal/mapping", "internal/xsd"},
	"internal/retention":       {"internal/route", "internal/store"},
	"internal/sim":             {"connectors/webhook"},
	"internal/store":           {},
	"internal/store/sqlite":    {"internal/audit", "internal/store"},
	"internal/store/storetest": {"internal/audit", "internal/store"},
	"internal/vault":           {},
	"internal/web":             {"internal/store", "internal/bus", "internal/config", "internal/gate", "internal/mapping", "internal/retention", "internal/route", "internal/vault", "internal/audit", "internal/web/admin"},
	"internal/web/admin":       {"internal/config"},
	"internal/xoev":            {},
	"internal/xsd":             {"-internal/hub"},
	"connectors/connectortest": {"connectors", "internal/config/strict"},
	"mappings":                 {},
	"routes":                   {},
	"testdata":                 {},
}

// kinds may import the contract, what kinds share, and what lies below themselves.
func kinds(pkg string) []string { return []string{"connectors", "connectors/wire", pkg + "/"} }

func TestArrows(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "stellwerk/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	dec := json.NewDecoder(bytes.NewReader(out))
	seen := 0
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		seen++
		for _, bad := range wrongArrows(strings.TrimPrefix(p.ImportPath, "stellwerk/"), p.Imports) {
			t.Error(bad)
		}
	}
	if seen < 20 {
		t.Errorf("only %d packages were looked at", seen)
	}
}

func wrongArrows(pkg string, imports []string) (bad []string) {
	may, known := allowed[pkg]
	if !known && strings.HasPrefix(pkg, "connectors/") {
		may, known = kinds(pkg), true
	}
	for _, imp := range imports {
		ours, ok := strings.CutPrefix(imp, "stellwerk/")
		if !ok || ours == "internal/hub" && !slices.Contains(may, "-internal/hub") && !strings.HasPrefix(pkg, "connectors") {
			continue
		}
		if !known || !slices.ContainsFunc(may, func(m string) bool {
			return m == ours || strings.HasSuffix(m, "/") && strings.HasPrefix(ours, m)
		}) {
			bad = append(bad, pkg+" → "+ours+" is no arrow of the house")
		}
	}
	return bad
}

// The guard notices what it is there for.
func TestArrowsNotice(t *testing.T) {
	for pkg, imp := range map[string]string{
		"internal/web":     "internal/flow",
		"internal/intake":  "internal/deliver",
		"internal/flow":    "internal/web",
		"connectors/rest":  "internal/hub",
		"connectors/sftp":  "connectors/rest",
		"connectors":       "internal/hub",
		"internal/mapping": "internal/store",
		"internal/config":  "connectors/rest",
		"internal/hub":     "internal/store",
		"internal/new":     "internal/store",
		"internal/xsd":     "internal/hub",
	} {
		if len(wrongArrows(pkg, []string{"stellwerk/" + imp})) == 0 {
			t.Errorf("%s → %s is not noticed", pkg, imp)
		}
	}
}
