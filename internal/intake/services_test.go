package intake

import (
	"strings"
	"testing"

	"stellwerk/internal/config"
)

func TestCatalogueShowsWhatThePortalMaySubmit(t *testing.T) {
	w := newWorld(t)
	list := func(path, key string) []Service {
		t.Helper()
		a := w.do("GET", path, "", "Authorization", "Bearer "+key)
		if a.StatusCode != 200 {
			t.Fatalf("%s: %d %s", path, a.StatusCode, a.body)
		}
		var out struct{ Services []Service }
		a.decode(t, &out)
		return out.Services
	}
	all := list("/v1/services", keySoest)
	if len(all) != 2 || all[0].Service != "hund" || len(all[0].Municipalities) != 2 || all[1].Service != "tonne" || len(all[1].Municipalities) != 1 {
		t.Fatalf("%+v", all)
	}
	if c := all[1].Municipalities[0].Competent; c == nil || c.AGS != werl {
		t.Errorf("who is competent: %+v", c)
	}
	if c := all[0].Municipalities[0].Competent; c != nil {
		t.Errorf("competent is itself: %+v", c)
	}
	if one := list("/v1/services?municipality="+werl, keySoest); len(one) != 1 || one[0].Service != "hund" {
		t.Errorf("Werl: %+v", one)
	}
	if none := list("/v1/services?municipality="+iserlohn, keySoest); len(none) != 0 {
		t.Errorf("another's town: %+v", none)
	}
	if one := list("/v1/services", keyIserlohn); len(one) != 1 || one[0].Municipalities[0].AGS != iserlohn {
		t.Errorf("Iserlohn: %+v", one)
	}
	// An empty place in a portal's template is not every municipality.
	for query, rule := range map[string]string{"=Soest": "format", "=": "format", "": "format", "=" + soest + "&municipality=" + werl: "twice"} {
		p := w.refused(w.do("GET", "/v1/services?municipality"+query, ""), CodeMetaInvalid)
		if len(p.Errors) != 1 || p.Errors[0].Parameter != "municipality" || p.Errors[0].Rule != rule || p.Errors[0].Pointer != "" {
			t.Errorf("municipality%s: %+v", query, p.Errors)
		}
	}
}

func TestServiceWithSchemasAndAnExampleThatIsAccepted(t *testing.T) {
	w := newWorld(t)
	var s Service
	a := w.do("GET", "/v1/services/hund", "")
	a.decode(t, &s)
	if s.Consent != "required" || s.Wording == nil || s.Wording.Version != "2026-01" || len(s.Inputs) != 2 || len(s.Examples) != 1 || s.Revision != 3 {
		t.Fatalf("%s", a.body)
	}
	local := func(url string) string { return strings.TrimPrefix(url, "https://hub.example") }
	for i, contentType := range []string{"application/xml", "application/schema+json"} {
		a := w.do("GET", local(s.Inputs[i].Schema), "")
		if a.StatusCode != 200 || a.Header.Get("Content-Type") != contentType || len(a.body) == 0 {
			t.Errorf("schema %s: %d %s", s.Inputs[i].Schema, a.StatusCode, a.Header.Get("Content-Type"))
		}
	}
	example := w.do("GET", local(s.Examples[0].URL), "")
	var headers []string
	for _, item := range s.Metadata {
		value, ok := map[string]string{"/municipality": s.Municipalities[0].AGS, "/service": s.Service, "/consent/given": "true", "/consent/at": "2026-11-23T09:30:00+01:00"}[item.Pointer]
		if item.Required != ok {
			t.Errorf("%s: required is %v", item.Pointer, item.Required)
		}
		if item.Required {
			headers = append(headers, item.Header, value)
		}
	}
	w.accepted(w.do("POST", "/v1/submissions", string(example.body), append(headers, "Idempotency-Key", "k-1", "Content-Type", example.Header.Get("Content-Type"))...))

	for _, path := range []string{"/v1/services/hund/schemas/labrador.xml", "/v1/services/hund/examples/hund.xsd", "/v1/services/hund/schemas/..%2froute.yaml"} {
		w.refused(w.do("GET", path, ""), CodeNotFound)
	}
	for _, path := range []string{"/v1/services/katze", "/v1/services/katze/schemas/x", "/v1/services/katze/examples/x"} {
		w.refused(w.do("GET", path, ""), CodeService)
	}
	w.refused(w.do("GET", "/v1/services/tonne", "", "Authorization", "Bearer "+keyIserlohn), CodeService)
	w.change(func(s *config.Snapshot) { s.Routes["hund"].Inputs[0].Until = w.clock() })
	a = w.do("GET", "/v1/services/hund", "")
	a.decode(t, &s)
	if len(s.Inputs) != 1 || s.Inputs[0].Format != "json" {
		t.Errorf("an input that is not taken any more: %s", a.body)
	}
	w.refused(w.submit("k-2"), CodeMediaType)
}

func TestValidateStoresNothing(t *testing.T) {
	w := newWorld(t)
	a := w.do("POST", "/v1/validations", antrag, dog("", "Idempotency-Key", "")...)
	var v Validation
	a.decode(t, &v)
	if a.StatusCode != 200 || !v.Valid || v.Service != "hund" || v.Format != "xml" || v.Version != "1" || v.Attachments != 0 {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	a = w.postForm("/v1/validations", multi(t, meta(func(m map[string]any) { m["version"] = "2" }),
		part{"payload", "application/json", "", `{"halter":{"name":"x"}}`}, part{"attachment", "", "impfpass.pdf", "x"}))
	a.decode(t, &v)
	if a.StatusCode != 200 || v.Version != "2" || v.Attachments != 1 {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	large := part{"attachment", "", "x", strings.Repeat("x", 1<<20+1)}
	w.refused(w.postForm("/v1/validations", multi(t, meta(nil), xmlPart, large)), CodeAttachmentLarge)
	w.refused(w.do("POST", "/v1/validations", "<a>", dog("", "Idempotency-Key", "")...), CodePayloadMalformed)
	w.refused(w.do("POST", "/v1/validations", antrag, dog("", "Idempotency-Key", "", "Stellwerk-Consent", "false")...), CodeConsent)
	if w.store.last != nil || len(w.spooledFiles()) > 0 || w.ringing() > 0 {
		t.Error("a validation has left something")
	}
}
