package intake

import (
	"maps"
	"slices"

	"stellwerk/internal/route"
)

// BundleForm is one bundle of the catalogue: what to ask, and what may follow.
type BundleForm struct {
	Bundle      string     `json:"bundle"`
	Title       string     `json:"title"`
	Description string     `json:"description,omitempty"`
	Revision    int        `json:"revision"`
	Questions   []Question `json:"questions"`
	Parts       []FormPart `json:"parts"`
	URL         string     `json:"url"`
}

// Question is one question of a bundle.
type Question struct {
	ID      string   `json:"id"`
	Text    string   `json:"text"`
	Type    string   `json:"type"`              // "yes-no" or "choice"
	Options []Option `json:"options,omitempty"` // of a choice
	When    string   `json:"when,omitempty"`    // asked only then; the bundle's list says whether it is
}

// Option is one answer to choose from.
type Option struct {
	Value string `json:"value"`
	Text  string `json:"text"`
}

// FormPart is one part of a bundle.
type FormPart struct {
	Part         string `json:"part"`
	Service      string `json:"service"`
	Title        string `json:"title,omitempty"` // of the service
	Municipality string `json:"municipality"`    // "old" or "new"
	Hint         string `json:"hint,omitempty"`
	Offered      bool   `json:"offered"` // this portal may submit it, for one municipality at least
}

// bundleForms lists the bundles that this portal may open.
func (a *API) bundleForms(c *call) *refusal {
	out := struct {
		Forms []BundleForm `json:"bundle-forms"`
	}{[]BundleForm{}}
	for _, name := range slices.Sorted(maps.Keys(c.snap.Bundles)) {
		if form, ok := bundleFormOf(c, name); ok {
			out.Forms = append(out.Forms, describe(c, form))
		}
	}
	return a.json(c, out)
}

// bundleForm describes one of them.
func (a *API) bundleForm(c *call) *refusal {
	form, ok := bundleFormOf(c, c.r.PathValue("bundle"))
	if !ok {
		return refuse(CodeBundleForm)
	}
	return a.json(c, describe(c, form))
}

func describe(c *call, form *route.Bundle) BundleForm {
	f := BundleForm{
		Bundle: form.Name, Title: form.Title, Description: form.Description, Revision: form.Revision,
		Questions: []Question{}, URL: public(c.snap) + "/v1/bundle-forms/" + form.Name,
	}
	for i := range form.Questions {
		f.Questions = append(f.Questions, questionOf(&form.Questions[i]))
	}
	for i := range form.Parts {
		p := &form.Parts[i]
		f.Parts = append(f.Parts, FormPart{
			Part: p.ID, Service: p.Service, Title: titleOf(c, p.Service), Municipality: sideOf(p.Old), Hint: p.Hint,
			Offered: offeredAnywhere(c.snap, c.portal, p.Service),
		})
	}
	return f
}

func questionOf(q *route.Question) Question {
	out := Question{ID: q.ID, Text: q.Text, Type: "yes-no", When: q.When}
	for _, o := range q.Options {
		out.Type = "choice"
		out.Options = append(out.Options, Option(o))
	}
	return out
}

func sideOf(old bool) string {
	if old {
		return "old"
	}
	return "new"
}

func titleOf(c *call, service string) string {
	if rt := c.snap.Routes[service]; rt != nil {
		return rt.Title
	}
	return ""
}
