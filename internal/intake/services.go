package intake

import (
	"maps"
	"path"
	"slices"
	"time"

	"stellwerk/internal/config"
	"stellwerk/internal/route"
)

// Service is one service of the catalogue: enough to offer it in a portal.
type Service struct {
	Service        string         `json:"service"`
	Title          string         `json:"title"`
	Description    string         `json:"description,omitempty"`
	Leika          string         `json:"leika,omitempty"`
	Revision       int            `json:"revision"`
	Consent        string         `json:"consent"` // "required" or "not-needed"
	Wording        *Wording       `json:"consent-wording,omitempty"`
	Municipalities []Municipality `json:"municipalities"`
	Inputs         []Input        `json:"inputs"`
	Examples       []Example      `json:"examples"`
	Metadata       []Item         `json:"metadata"`
	URL            string         `json:"url"`
}

// Wording is the text that the citizen consents to.
type Wording struct {
	Version string `json:"version"`
	Text    string `json:"text"` // German
}

// Municipality offers a service; Competent decides it, mostly the same.
type Municipality struct {
	AGS       string `json:"ags"`
	Name      string `json:"name"`
	Competent *Town  `json:"competent,omitempty"` // absent: itself
}

// Town is a municipality by key and name.
type Town struct {
	AGS  string `json:"ags"`
	Name string `json:"name"`
}

// Input is one form in which the service is taken.
type Input struct {
	Format    string    `json:"format"`
	MediaType string    `json:"media-type"`
	Version   string    `json:"version"`
	Schema    string    `json:"schema,omitempty"` // address
	From      time.Time `json:"from,omitzero"`
	Until     time.Time `json:"until,omitzero"`
}

// Example is a complete payload.
type Example struct {
	Name    string `json:"name"`
	Title   string `json:"title,omitempty"`
	Format  string `json:"format"`
	Version string `json:"version"` // of the input it is for
	URL     string `json:"url"`
}

// Item is one metadata item, and whether this service needs it.
type Item struct {
	Pointer  string `json:"pointer"`          // in the part metadata
	Header   string `json:"header,omitempty"` // for a payload that comes alone; without one it cannot have the item
	Required bool   `json:"required"`
}

// services lists what this portal may submit, all or for one municipality.
func (a *API) services(c *call) *refusal {
	var ags string
	switch given := c.r.URL.Query()["municipality"]; {
	case len(given) > 1:
		return refuse(CodeMetaInvalid).with(Finding{Parameter: "municipality", Rule: "twice", Detail: twice.in(c.lang)})
	case len(given) == 1 && !agsForm.MatchString(given[0]):
		return refuse(CodeMetaInvalid).with(Finding{Parameter: "municipality", Rule: "format", Detail: agsComplaint.in(c.lang)})
	case len(given) == 1:
		ags = given[0]
	}
	out := struct {
		Services []Service `json:"services"`
	}{[]Service{}}
	for _, name := range slices.Sorted(maps.Keys(c.snap.Routes)) {
		if s, ok := offered(c, c.snap.Routes[name], ags); ok {
			out.Services = append(out.Services, s)
		}
	}
	return a.json(c, out)
}

// service describes one service.
func (a *API) service(c *call) *refusal {
	s, _, p := a.find(c)
	if p != nil {
		return p
	}
	return a.json(c, s)
}

// schema gives a schema's text.
func (a *API) schema(c *call) *refusal {
	_, rt, p := a.find(c)
	if p != nil {
		return p
	}
	for i := range rt.Inputs {
		in := &rt.Inputs[i]
		if path.Base(in.SchemaFile) == c.r.PathValue("file") && len(in.SchemaText) > 0 {
			contentType := "application/xml"
			if in.Format == "json" {
				contentType = "application/schema+json"
			}
			return a.bytes(c, contentType, in.SchemaText)
		}
	}
	return refuse(CodeNotFound)
}

// example gives an example's text.
func (a *API) example(c *call) *refusal {
	_, rt, p := a.find(c)
	if p != nil {
		return p
	}
	for i := range rt.Examples {
		if e := &rt.Examples[i]; path.Base(e.Path) == c.r.PathValue("file") {
			return a.bytes(c, mediaTypeOf(e.Format), e.Body)
		}
	}
	return refuse(CodeNotFound)
}

// find gives the service that the address names, if this portal may submit it
// anywhere.
func (a *API) find(c *call) (Service, *route.Route, *refusal) {
	if rt, ok := c.snap.Routes[c.r.PathValue("service")]; ok {
		if s, ok := offered(c, rt, ""); ok {
			return s, rt, nil
		}
	}
	return Service{}, nil, refuse(CodeService)
}

// offered describes a service as this portal may submit it; ok is false where it
// may not, or nobody offers it. An empty ags means any municipality.
func offered(c *call, rt *route.Route, ags string) (Service, bool) {
	url := public(c.snap) + "/v1/services/" + rt.Service
	s := Service{
		Service: rt.Service, Title: rt.Title, Description: rt.Description, Leika: rt.Leika, Revision: rt.Revision,
		Consent: "not-needed", Inputs: []Input{}, Examples: []Example{}, URL: url,
	}
	if rt.ConsentRequired {
		s.Consent = "required"
	}
	if rt.Consent.Text != "" {
		s.Wording = &Wording{Version: rt.Consent.Version, Text: rt.Consent.Text}
	}
	for _, name := range slices.Sorted(maps.Keys(c.snap.Municipalities)) {
		b, ok := c.snap.Binding(name, rt.Service)
		if !ok || ags != "" && name != ags || !c.portal.Allows(name, rt.Service) {
			continue
		}
		s.Municipalities = append(s.Municipalities, offering(b))
	}
	if len(s.Municipalities) == 0 {
		return s, false
	}
	for i := range rt.Inputs {
		in := &rt.Inputs[i]
		if !in.Until.IsZero() && !c.at.Before(in.Until) {
			continue
		}
		input := Input{Format: in.Format, MediaType: mediaTypeOf(in.Format), Version: in.Version, From: in.From, Until: in.Until}
		if len(in.SchemaText) > 0 {
			input.Schema = url + "/schemas/" + path.Base(in.SchemaFile)
		}
		s.Inputs = append(s.Inputs, input)
	}
	for i := range rt.Examples {
		e := &rt.Examples[i]
		s.Examples = append(s.Examples, Example{Name: e.Name, Title: e.Title, Format: e.Format, Version: e.Version, URL: url + "/examples/" + path.Base(e.Path)})
	}
	for _, f := range fields {
		if f.pointer == clerkPointer && !c.portal.Operator || c.portal.Hub != nil && (f.pointer == "/trust-level" || f.pointer == "/mailbox") {
			continue
		}
		required := f.pointer == clerkPointer || f.pointer == "/municipality" || f.pointer == "/service" ||
			rt.ConsentRequired && (f.pointer == "/consent/given" || f.pointer == "/consent/at")
		s.Metadata = append(s.Metadata, Item{Pointer: f.pointer, Header: f.header, Required: required})
	}
	if c.portal.Hub == nil {
		s.Metadata = append(s.Metadata, Item{Pointer: accountPointer})
	}
	return s, true
}

func offering(b *config.Binding) Municipality {
	m := Municipality{AGS: b.Municipality.AGS, Name: b.Municipality.Name}
	if b.Competent != nil && b.Competent.AGS != m.AGS {
		m.Competent = &Town{AGS: b.Competent.AGS, Name: b.Competent.Name}
	}
	return m
}
