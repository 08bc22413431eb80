package intake

import (
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"

	"stellwerk/internal/hub"
)

func TestProblemCatalogue(t *testing.T) {
	w := newWorld(t)
	var out struct {
		Problems []ProblemKind
		Cases    []Trouble
	}
	a := w.do("GET", "/v1/problems", "")
	a.decode(t, &out)
	if len(out.Problems) != len(catalogue) || strings.Contains(string(a.body), "%") {
		t.Errorf("%s", a.body)
	}
	parties := []hub.Party{hub.PartyCitizen, hub.PartyPortal, hub.PartyClerk, hub.PartyOperator, hub.PartyBackend}
	for _, p := range out.Problems {
		if !slices.Contains(parties, p.Who) || p.Title == "" || p.Detail == "" {
			t.Errorf("%+v says not who must act", p)
		}
	}
	if len(out.Cases) != len(hub.Troubles) || out.Cases[0] != (Trouble{"refused", hub.PartyClerk, "Abgelehnt", hub.Troubles[0].Means.De}) {
		t.Errorf("%+v", out.Cases)
	}
	var one ProblemKind
	a = w.do("GET", "/v1/problems/consent-missing", "", "Accept-Language", "en")
	a.decode(t, &one)
	if one.Code != CodeConsent || one.Type != "urn:stellwerk:problem:consent-missing" || one.Title != "Consent is missing" {
		t.Errorf("%s", a.body)
	}
	w.refused(w.do("GET", "/v1/problems/no-such", ""), CodeProblem)
}

// The page is whole, German, and loads nothing.
func TestPage(t *testing.T) {
	w := newWorld(t)
	a := w.do("GET", "/docs", "")
	page := string(a.body)
	if a.StatusCode != 200 || a.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%d %s", a.StatusCode, a.Header.Get("Content-Type"))
	}
	for _, loads := range []string{"<script", "<link", "<img", "<iframe", "src=", "@import", "url(", "javascript:", "onclick"} {
		if strings.Contains(page, loads) {
			t.Errorf("the page has %s", loads)
		}
	}
	policy := a.Header.Get("Content-Security-Policy")
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(page)
	if style == nil || style[1] != pageStyle || policy != pagePolicy || !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") {
		t.Errorf("the style does not have the hash of the policy %s", policy)
	}
	plain := html.UnescapeString(page)
	for _, e := range w.api.routes {
		if !strings.Contains(plain, "<b>"+e.method+"</b> <code>"+e.pattern+"</code>") {
			t.Errorf("the page lacks %s %s", e.method, e.pattern)
		}
	}
	for _, e := range catalogue {
		if !strings.Contains(plain, e.Title.De) {
			t.Errorf("the page lacks the problem %s", e.Code)
		}
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if ids[m[1]] {
			t.Errorf("id %s is there twice", m[1])
		}
		ids[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if !ids[m[1]] {
			t.Errorf("#%s leads nowhere", m[1])
		}
	}
	// What goes in and comes out is linked, written out or not, and a value of two types has both.
	for _, want := range []string{
		`<code>application/json</code> (<a href="#schema-bundle-opening">bundle-opening</a>)`,
		`<code>application/json</code> (<a href="#schema-bundle-answers">bundle-answers</a>)`,
		`metadata[]: <a href="#schema-metadata">metadata</a>, payload[], attachment[]`,
		`services[]: <a href="#schema-service">service</a>`,
		`problems[]: <a href="#schema-problem-kind">problem-kind</a>`,
		`<b>POST</b> <code>status</code>`, // the webhook
		`true/false oder Text`,
		`nicht, wenn er mit ihr in einem Aufruf kommt`, // said beside a reference
	} {
		if !strings.Contains(plain, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, path := range []string{"/openapi.yaml", "/openapi.json"} {
		if a := w.do("GET", path, ""); a.StatusCode != 200 || len(a.body) == 0 {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
}
