package intake

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v4"

	"stellwerk/internal/hub"
)

//go:embed openapi.yaml
var openapiText []byte

// docs is the API's description in its three forms, made once.
type docs struct {
	yaml, json, page []byte
}

func newDocs() (docs, error) {
	var doc any
	if err := yaml.Unmarshal(openapiText, &doc); err != nil {
		return docs{}, fmt.Errorf("read the API's description: %w", err)
	}
	var asJSON bytes.Buffer
	e := json.NewEncoder(&asJSON)
	e.SetEscapeHTML(false)
	if err := e.Encode(doc); err != nil {
		return docs{}, fmt.Errorf("write the API's description as JSON: %w", err)
	}
	page, err := renderPage()
	if err != nil {
		return docs{}, err
	}
	return docs{yaml: openapiText, json: asJSON.Bytes(), page: page}, nil
}

func (a *API) openapiYAML(c *call) *refusal { return a.bytes(c, "application/yaml", a.docs.yaml) }
func (a *API) openapiJSON(c *call) *refusal { return a.bytes(c, "application/json", a.docs.json) }

// page answers with the rendered description. It has no script and loads nothing.
func (a *API) page(c *call) *refusal {
	h := c.w.Header()
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Content-Language", "de")
	return a.bytes(c, "text/html; charset=utf-8", a.docs.page)
}

// ProblemKind is one entry of the catalogue of problems.
type ProblemKind struct {
	Code   Code      `json:"code"`
	Type   string    `json:"type"`
	Status int       `json:"status"`
	Repeat string    `json:"repeat"`
	Who    hub.Party `json:"who"` // must act
	Title  string    `json:"title"`
	Detail string    `json:"detail"`
}

// Trouble is one entry of the catalogue of what can befall a case on its way.
type Trouble struct {
	Code   string    `json:"code"` // or that of a family, such as http-4xx
	Who    hub.Party `json:"who"`  // must act
	Title  string    `json:"title"`
	Detail string    `json:"detail"`
}

// kind describes an entry without the values of a single case.
func (e *entry) kind(l lang) ProblemKind {
	return ProblemKind{
		Code: e.Code, Type: typePrefix + string(e.Code), Status: e.Status, Repeat: e.Repeat, Who: e.Who,
		Title: e.Title.in(l), Detail: general(e.Detail.in(l)),
	}
}

// problems lists the catalogue.
func (a *API) problems(c *call) *refusal {
	out := struct {
		Problems []ProblemKind `json:"problems"`
		Cases    []Trouble     `json:"cases"`
	}{make([]ProblemKind, 0, len(catalogue)), troubles(c.lang)}
	for i := range catalogue {
		out.Problems = append(out.Problems, catalogue[i].kind(c.lang))
	}
	return a.json(c, out)
}

// troubles lists what can befall a case on its way.
func troubles(l lang) []Trouble {
	all := make([]Trouble, 0, len(hub.Troubles))
	for _, t := range hub.Troubles {
		all = append(all, Trouble{Code: t.Code, Who: t.Who, Title: text(t.Title).in(l), Detail: text(t.Means).in(l)})
	}
	return all
}

// problem gives one entry of the catalogue.
func (a *API) problem(c *call) *refusal {
	e, ok := find(Code(c.r.PathValue("code")))
	if !ok {
		return refuse(CodeProblem)
	}
	return a.json(c, e.kind(c.lang))
}
