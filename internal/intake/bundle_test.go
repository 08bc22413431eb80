package intake

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/route"
	"stellwerk/internal/store"
)

var moves = fstest.MapFS{"umzug.yaml": {Data: []byte(`bundle: umzug
revision: 1
title: Umzug
questions:
  - {id: hund, text: Hund?, type: choice, options: [{value: mit, text: ja}, {value: ohne, text: nein}]}
  - {id: gross, text: "Groß?", type: yes-no, when: hund == "mit"}
parts:
  - {id: hund-ab, service: hund, municipality: old, when: hund == "mit"}
  - {id: hund-an, service: hund, municipality: new, when: hund == "mit", hint: Binnen zwei Wochen.}
  - {id: tonne, service: tonne, municipality: new}
`)}}

// moving gives the world a bundle, and its portal a second town.
func moving(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	b, found := route.LoadBundle(moves, "umzug", []string{"hund", "tonne"})
	if b == nil {
		t.Fatal(found)
	}
	w.change(func(s *config.Snapshot) { s.Bundles = map[string]*route.Bundle{"umzug": b} })
	return w
}

const opening = `{"bundle":"umzug","old":"05974052","new":"05974040","answers":{"hund":"mit"}}`

func (w *world) openBundle(key, body string, headers ...string) answer {
	w.t.Helper()
	return w.do("POST", "/v1/bundles", body, append([]string{"Idempotency-Key", key, "Content-Type", "application/json"}, headers...)...)
}

func (w *world) opened(a answer, status int) BundleReceipt {
	w.t.Helper()
	var r BundleReceipt
	if a.StatusCode != status {
		w.t.Fatalf("want %d, got %d: %s", status, a.StatusCode, a.body)
	}
	a.decode(w.t, &r)
	if a.Header.Get("Location") != "https://hub.example/v1/bundles/"+r.ID.String() || r.Status != a.Header.Get("Location") || r.Number != r.ID.Number() {
		w.t.Fatalf("Location %q, receipt %s", a.Header.Get("Location"), a.body)
	}
	return r
}

func (w *world) bundle(id hub.ID, headers ...string) BundleStatus {
	w.t.Helper()
	a := w.do("GET", "/v1/bundles/"+id.String(), "", headers...)
	if a.StatusCode != http.StatusOK {
		w.t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	var s BundleStatus
	a.decode(w.t, &s)
	return s
}

// list is what a bundle's list says, in one line.
func (s *BundleStatus) list() string {
	var out []string
	for _, p := range s.Parts {
		line := p.Part
		if p.Applies {
			line += "!"
		}
		if p.Missing {
			line += "?"
		}
		for _, sub := range p.Submissions {
			line += " " + string(sub.Status)
		}
		out = append(out, line)
	}
	return strings.Join(out, ", ")
}

var (
	bundlePart = part{"bundle", "application/json", "", opening}
	tonnePart  = part{"payload", "application/json", "", "{}"}
	dogPart    = part{"payload", "application/xml", "", antrag}
)

func TestBundleIsOpenedOnce(t *testing.T) {
	w := moving(t)
	first := w.openBundle("k-1", opening)
	r := w.opened(first, http.StatusCreated)
	if r.Bundle != "umzug" || len(r.Parts) != 0 {
		t.Errorf("receipt %s", first.body)
	}
	again := w.openBundle("k-1", opening)
	if string(again.body) != string(first.body) || again.StatusCode != http.StatusCreated {
		t.Errorf("again %d %s", again.StatusCode, again.body)
	}
	w.refused(w.openBundle("k-1", strings.Replace(opening, "mit", "ohne", 1)), CodeKeyReused)
	if w.accepted(w.submit("k-1")).ID == r.ID {
		t.Error("a submission and a bundle share a key")
	}
	s := w.bundle(r.ID)
	if s.Status != hub.CaseInitiated || s.State != "open" || s.Old.Name != "Stadt Werl" || s.New.AGS != soest || s.Text == "" {
		t.Errorf("%+v", s)
	}
	if got := s.list(); got != "hund-ab!?, hund-an!?, tonne!?" {
		t.Error(got)
	}
}

func TestBundleAnswersAreSealedAndFollowed(t *testing.T) {
	w := moving(t)
	r := w.opened(w.openBundle("k-1", `{"bundle":"umzug"}`), http.StatusCreated)
	s := w.bundle(r.ID)
	if got := s.list(); got != "hund-ab, hund-an, tonne!?" || s.Old != nil || s.Questions[1].Asked {
		t.Errorf("%s %+v", got, s)
	}
	url := "/v1/bundles/" + r.ID.String() + "/answers"
	a := w.do("PUT", url, `{"old":"05962024","new":"05974040","answers":{"hund":"mit","gross":true}}`, "Content-Type", "application/json")
	a.decode(t, &s)
	if got := s.list(); a.StatusCode != 200 || got != "hund-ab!?, hund-an!?, tonne!?" || s.Questions[0].Answer != "mit" || s.Questions[1].Answer != true {
		t.Errorf("%d %s: %s", a.StatusCode, got, a.body)
	}
	// Iserlohn is not this portal's: the part is named, with where it leads, and not offered.
	if p := s.Parts[0]; p.Offered || p.Town.Name != "Stadt Iserlohn" || !s.Parts[1].Offered || s.Parts[1].Hint == "" {
		t.Errorf("%+v", s.Parts)
	}
	// Replaced, not merged.
	var replaced BundleStatus
	w.do("PUT", url, `{"new":"05974040"}`, "Content-Type", "application/json").decode(t, &replaced)
	if got := replaced.list(); got != "hund-ab, hund-an, tonne!?" || replaced.Old != nil {
		t.Error(got)
	}
	b, err := w.store.Bundle(t.Context(), r.ID)
	if err != nil || bytes.Contains(b.Answers, []byte(soest)) || len(b.Answers) == 0 {
		t.Errorf("the answers lie open: %q, %v", b.Answers, err)
	}
	for body, want := range map[string]string{
		`{"answers":{"hund":"wolf"}}`:   "/answers/hund option",
		`{"answers":{"gross":"ja"}}`:    "/answers/gross type",
		`{"answers":{"katze":true}}`:    "/answers/katze unknown",
		`{"answers":{"<b>":true}}`:      "/answers unknown",
		`{"old":"5974"}`:                "/old format",
		`{"old":5974}`:                  "/old type",
		`{"alt":"05974040"}`:            "/alt unknown",
		`{"bundle":"umzug"}`:            "/bundle unknown",
		`{"clerk":"Brandt"}`:            "/clerk counter-only",
		`{"old":"05974","old":"05974"}`: "/old twice",
	} {
		p := w.refused(w.do("PUT", url, body, "Content-Type", "application/json"), CodeMetaInvalid)
		if got := p.Errors[0].Pointer + " " + p.Errors[0].Rule; got != want || len(p.Errors) != 1 {
			t.Errorf("%s: %+v, want %s", body, p.Errors, want)
		}
	}
	for _, body := range []string{`[]`, `{`, `{} {}`, `{"answers":[]}`, "{\"old\":\"\xff\"}"} {
		w.refused(w.do("PUT", url, body, "Content-Type", "application/json"), CodeMetaMalformed)
	}
	w.refused(w.do("PUT", url, `{"old":"`+strings.Repeat("0", maxMetadata)+`"}`, "Content-Type", "application/json"), CodeMetaMalformed)
	w.refused(w.do("PUT", url, `{}`, "Content-Type", "text/plain"), CodeMediaType)
	w.refused(w.do("PUT", url, `{}`, "Content-Type", "application/json", "Content-Encoding", "gzip"), CodeContentEncoding)
}

func TestBundleOpeningRefused(t *testing.T) {
	w := moving(t)
	for body, want := range map[string]string{
		`{}`:                               "/bundle required",
		`{"bundle":"heirat"}`:              "/bundle unknown",
		`{"bundle":7}`:                     "/bundle type",
		`{"bundle":"umzug","close":"yes"}`: "/close type",
		`{"bundle":"umzug","answers":{"hund":"w"}}`: "/answers/hund option",
		`{"bundle":"umzug","new":"0","answers":{}}`: "/new format",
		`{"bundle":"umzug","schliessen":true}`:      "/schliessen unknown",
	} {
		p := w.refused(w.openBundle("k-1", body), CodeMetaInvalid)
		if got := p.Errors[0].Pointer + " " + p.Errors[0].Rule; got != want {
			t.Errorf("%s: %+v, want %s", body, p.Errors, want)
		}
	}
	w.refused(w.openBundle("", opening), CodeKeyMissing)
	if p := w.refused(w.openBundle("k-1", "{"), CodeMetaMalformed); !strings.Contains(p.Detail, "Inhalt") { // there is no part metadata to look at
		t.Errorf("%s", p.Detail)
	}
	w.refused(w.openBundle("k-1", opening, "Content-Type", "application/xml"), CodeMediaType)
	w.refused(w.openBundle("k-1", opening, "Authorization", "Bearer x"), CodeUnauthenticated)
	// A portal that may submit none of its services anywhere is offered no bundle.
	w.change(func(s *config.Snapshot) {
		p := *s.Portals["soest"]
		p.Municipalities = nil
		s.Portals = map[string]*config.Portal{"soest": &p}
	})
	w.refused(w.openBundle("k-1", opening), CodeMetaInvalid)
	w.refused(w.do("GET", "/v1/bundle-forms/umzug", ""), CodeBundleForm)
	if a := w.do("GET", "/v1/bundle-forms", ""); string(a.body) != "{\"bundle-forms\":[]}\n" {
		t.Errorf("%s", a.body)
	}
}

func TestBundleForms(t *testing.T) {
	w := moving(t)
	var all struct {
		Forms []BundleForm `json:"bundle-forms"`
	}
	w.do("GET", "/v1/bundle-forms", "").decode(t, &all)
	one := w.do("GET", "/v1/bundle-forms/umzug", "")
	var f BundleForm
	one.decode(t, &f)
	if len(all.Forms) != 1 || f.Title != "Umzug" || len(f.Questions) != 2 || f.Questions[0].Type != "choice" || f.Questions[1].Type != "yes-no" ||
		f.Parts[0].Municipality != "old" || f.Parts[1].Title != "Hund anmelden" || !f.Parts[2].Offered || f.URL != "https://hub.example/v1/bundle-forms/umzug" {
		t.Errorf("%s", one.body)
	}
	if a := w.do("GET", "/v1/bundle-forms/umzug", "", "If-None-Match", one.Header.Get("ETag")); a.StatusCode != http.StatusNotModified {
		t.Errorf("asked again: %d", a.StatusCode)
	}
	w.refused(w.do("GET", "/v1/bundle-forms/heirat", ""), CodeBundleForm)
}

// A submission to a bundle is a submission like any other.
func TestBundleIsFilledOverDays(t *testing.T) {
	w := moving(t)
	r := w.opened(w.openBundle("k-1", opening), http.StatusCreated)
	in := func(key, part string, more ...string) answer {
		return w.submit(key, append([]string{"Stellwerk-Bundle", r.ID.String(), "Stellwerk-Part", part}, more...)...)
	}
	w.advance(24 * 3600e9)
	sub := w.accepted(in("k-2", "hund-an"))
	if s := w.store.last.Submission; s.Bundle != r.ID || s.Part != "hund-an" {
		t.Errorf("%+v", s)
	}
	if again := w.accepted(in("k-2", "hund-an")); again.ID != sub.ID {
		t.Error("a repetition made a second case")
	}
	w.refused(in("k-2", "hund-ab"), CodeKeyReused)
	w.refused(w.submit("k-2"), CodeKeyReused)
	// What does not apply may be in it all the same.
	w.advance(3600e9)
	w.do("PUT", "/v1/bundles/"+r.ID.String()+"/answers", `{"answers":{"hund":"ohne"}}`, "Content-Type", "application/json")
	w.advance(3600e9)
	w.accepted(in("k-3", "hund-ab", "Stellwerk-Municipality", werl))
	s := w.bundle(r.ID)
	if got := s.list(); got != "hund-ab RECEIVED, hund-an RECEIVED, tonne!?" || s.Status != hub.CaseReceived {
		t.Errorf("%s %s", s.Status, got)
	}
	var one Status
	w.do("GET", "/v1/submissions/"+sub.ID.String(), "").decode(t, &one)
	if one.Bundle == nil || *one.Bundle != (InBundle{ID: r.ID, Part: "hund-an", URL: r.Status}) {
		t.Errorf("%+v", one.Bundle)
	}
	if p := s.Parts[1].Submissions[0]; p.ID != sub.ID || p.URL != sub.Status || p.Town.Name != "Stadt Soest" {
		t.Errorf("%+v", p)
	}

	for want, headers := range map[string][]string{
		"Stellwerk-Part unknown":    {"Stellwerk-Part", "katze"},
		"Stellwerk-Part service":    {"Stellwerk-Part", "tonne"},
		"Stellwerk-Part format":     {"Stellwerk-Part", "Hund"},
		"Stellwerk-Part required":   {"Stellwerk-Part", ""},
		"Stellwerk-Bundle format":   {"Stellwerk-Bundle", r.Number},
		"Stellwerk-Bundle required": {"Stellwerk-Bundle", ""},
	} {
		p := w.refused(in("k-4", "hund-an", headers...), CodeMetaInvalid)
		if got := p.Errors[0].Header + " " + p.Errors[0].Rule; got != want {
			t.Errorf("%+v, want %s", p.Errors, want)
		}
	}
	w.refused(in("k-4", "hund-an", "Stellwerk-Bundle", sub.ID.String()), CodeBundle)
	w.refused(in("k-4", "hund-an", "Stellwerk-Consent", "false"), CodeConsent)
	v := w.do("POST", "/v1/validations", antrag, dog("", "Stellwerk-Bundle", r.ID.String(), "Stellwerk-Part", "tonne")...)
	w.refused(v, CodeMetaInvalid)

	w.advance(3600e9)
	closed := w.do("POST", "/v1/bundles/"+r.ID.String()+"/close", "")
	closed.decode(t, &s)
	if s.State != "closed" || s.ClosedAt.IsZero() {
		t.Errorf("%s", closed.body)
	}
	w.advance(3600e9)
	if again := w.do("POST", "/v1/bundles/"+r.ID.String()+"/close", `{}`, "Content-Type", "application/json"); string(again.body) != string(closed.body) {
		t.Errorf("closed again: %s", again.body)
	}
	w.refused(in("k-4", "hund-an"), CodeBundleClosed)
	w.refused(w.do("POST", "/v1/validations", antrag, dog("", "Stellwerk-Bundle", r.ID.String(), "Stellwerk-Part", "hund-an")...), CodeBundleClosed)
	w.refused(w.do("PUT", "/v1/bundles/"+r.ID.String()+"/answers", `{}`, "Content-Type", "application/json"), CodeBundleClosed)
	w.refused(w.do("POST", "/v1/bundles/"+r.ID.String()+"/close", `{"clerk":"x"}`, "Content-Type", "application/json"), CodeMetaInvalid)
	w.accepted(in("k-2", "hund-an")) // what was accepted is answered all the same

	var story struct{ Events []BundleEvent }
	w.do("GET", "/v1/bundles/"+r.Number+"/events", "").decode(t, &story)
	var told []string
	for _, e := range story.Events {
		told = append(told, strings.TrimSpace(e.Type+" "+e.Part))
		if e.Text == "" {
			t.Errorf("%+v", e)
		}
	}
	if !slices.Equal(told, []string{"opened", "part-added hund-an", "answers-changed", "part-added hund-ab", "closed"}) {
		t.Errorf("%q", told)
	}
}

// A part for a town that its home does not lie in is refused at once: it would be handled
// there, and missing all the same.
func TestBundlePartForAnotherTown(t *testing.T) {
	w := moving(t)
	r := w.opened(w.openBundle("k-1", opening), http.StatusCreated)
	in := func(key, part, ags string) answer {
		return w.submit(key, "Stellwerk-Bundle", r.ID.String(), "Stellwerk-Part", part, "Stellwerk-Municipality", ags)
	}
	for part, ags := range map[string]string{"hund-ab": soest, "hund-an": werl} {
		p := w.refused(in("k-2", part, ags), CodeMetaInvalid)
		if len(p.Errors) != 1 || p.Errors[0].Header != "Stellwerk-Municipality" || p.Errors[0].Rule != "home" || !strings.Contains(p.Errors[0].Detail, "Stadt") {
			t.Errorf("%s for %s: %+v", part, ags, p.Errors)
		}
	}
	w.refused(w.do("POST", "/v1/validations", antrag, dog("", "Stellwerk-Bundle", r.ID.String(), "Stellwerk-Part", "hund-an", "Stellwerk-Municipality", werl)...), CodeMetaInvalid)
	w.accepted(in("k-2", "hund-ab", werl))
	// The answers are changed: what was accepted is answered all the same, and is not what is wanted any more.
	w.do("PUT", "/v1/bundles/"+r.ID.String()+"/answers", `{"old":"05974040","answers":{"hund":"mit"}}`, "Content-Type", "application/json")
	w.accepted(in("k-2", "hund-ab", werl))
	if s := w.bundle(r.ID); s.list() != "hund-ab!? RECEIVED, hund-an!?, tonne!?" {
		t.Error(s.list())
	}
	w.accepted(in("k-3", "hund-ab", soest))
	w.accepted(in("k-4", "hund-an", werl)) // no new home is named
	w.do("PUT", "/v1/bundles/"+r.ID.String()+"/answers", `{"old":"05974","answers":{"hund":"mit"}}`, "Content-Type", "application/json")
	w.accepted(in("k-5", "hund-ab", werl)) // of the home only the Kreis is known, and the town lies in it
	w.do("PUT", "/v1/bundles/"+r.ID.String()+"/answers", `{"old":"05974040","answers":{"hund":"mit"}}`, "Content-Type", "application/json")
	if s := w.bundle(r.ID); s.list() != "hund-ab! RECEIVED RECEIVED RECEIVED, hund-an! RECEIVED, tonne!?" {
		t.Error(s.list())
	}
}

// What only the Kreis offers is submitted to the Kreis of the home: the list says so, and it counts.
func TestBundlePartForTheKreis(t *testing.T) {
	w := moving(t)
	w.change(func(s *config.Snapshot) {
		towns := map[string]*config.Municipality{"05974": {AGS: "05974", Name: "Kreis Soest", Services: s.Municipalities[soest].Services}}
		for ags, m := range s.Municipalities {
			towns[ags] = m
		}
		town := *s.Municipalities[soest]
		town.Services = nil
		towns[soest] = &town
		p := *s.Portals["soest"]
		p.Municipalities = append([]string{"05974"}, p.Municipalities...)
		s.Municipalities, s.Portals = towns, map[string]*config.Portal{"soest": &p}
	})
	r := w.opened(w.openBundle("k-1", opening), http.StatusCreated)
	if p := w.bundle(r.ID).Parts[1]; p.Town.AGS != "05974" || !p.Offered || !p.Missing {
		t.Errorf("%+v %+v", p, p.Town)
	}
	w.accepted(w.submit("k-2", "Stellwerk-Bundle", r.ID.String(), "Stellwerk-Part", "hund-an", "Stellwerk-Municipality", "05974"))
	if s := w.bundle(r.ID); s.list() != "hund-ab!?, hund-an! RECEIVED, tonne!?" {
		t.Error(s.list())
	}
}

func TestBundleOfAnotherPortalIsUnknown(t *testing.T) {
	w := moving(t)
	r := w.opened(w.openBundle("k-1", opening), http.StatusCreated)
	other := []string{"Authorization", "Bearer " + keyIserlohn, "Content-Type", "application/json"}
	for _, id := range []string{r.ID.String(), r.Number, r.ID.Delivery(1).String(), "x"} {
		w.refused(w.do("GET", "/v1/bundles/"+id, "", other...), CodeBundle)
		w.refused(w.do("GET", "/v1/bundles/"+id+"/events", "", other...), CodeBundle)
		w.refused(w.do("PUT", "/v1/bundles/"+id+"/answers", "{}", other...), CodeBundle)
		w.refused(w.do("POST", "/v1/bundles/"+id+"/close", "", other...), CodeBundle)
	}
	w.refused(w.submit("k-2", "Authorization", "Bearer "+keyIserlohn, "Stellwerk-Municipality", iserlohn,
		"Stellwerk-Bundle", r.ID.String(), "Stellwerk-Part", "hund-an"), CodeBundle)
	if s := w.bundle(r.ID); s.State != "open" || s.list() != "hund-ab!?, hund-an!?, tonne!?" {
		t.Errorf("%+v", s)
	}
	a := w.do("GET", "/v1/bundles/"+r.Number, "")
	if b := w.do("GET", "/v1/bundles/"+r.ID.String(), "", "If-None-Match", a.Header.Get("ETag")); a.StatusCode != 200 || b.StatusCode != http.StatusNotModified {
		t.Errorf("by number %d, asked again %d", a.StatusCode, b.StatusCode)
	}
}

// What the form does not know any more is listed all the same.
func TestBundleOutlivesItsForm(t *testing.T) {
	w := moving(t)
	r := w.opened(w.openBundle("k-1", opening), http.StatusCreated)
	w.accepted(w.submit("k-2", "Stellwerk-Bundle", r.ID.String(), "Stellwerk-Part", "hund-an"))
	w.change(func(s *config.Snapshot) { s.Bundles = nil })
	if s := w.bundle(r.ID); s.list() != "hund-an RECEIVED" || len(s.Questions) != 0 || s.Parts[0].Service != "hund" {
		t.Errorf("%+v", s)
	}
	w.refused(w.submit("k-3", "Stellwerk-Bundle", r.ID.String(), "Stellwerk-Part", "hund-an"), CodeMetaInvalid)
	w.refused(w.do("PUT", "/v1/bundles/"+r.ID.String()+"/answers", `{"answers":{"hund":"mit"}}`, "Content-Type", "application/json"), CodeBundleForm)
}

// At a counter somebody answers for what is said about a bundle.
func TestBundleAtTheCounter(t *testing.T) {
	w := moving(t)
	desk := []string{"Authorization", "Bearer " + keyCounter, "Content-Type", "application/json"}
	w.refused(w.openBundle("k-1", opening, desk...), CodeMetaInvalid)
	r := w.opened(w.openBundle("k-1", strings.Replace(opening, "{", `{"clerk":" Brandt ",`, 1), desk...), http.StatusCreated)
	w.refused(w.do("PUT", "/v1/bundles/"+r.ID.String()+"/answers", `{}`, desk...), CodeMetaInvalid)
	w.refused(w.do("POST", "/v1/bundles/"+r.ID.String()+"/close", "", desk...), CodeMetaInvalid)
	if a := w.do("POST", "/v1/bundles/"+r.ID.String()+"/close", `{"clerk":"Brandt"}`, desk...); a.StatusCode != 200 {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	trail, err := w.store.Store.(store.Store).AuditTrail(t.Context(), 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range trail {
		if e.Actor != "counter:theke/Brandt" {
			t.Errorf("%+v", e)
		}
	}
}

// When the answers are forgotten the bundle and its submissions are still there.
func TestBundleAfterItsAnswersAreForgotten(t *testing.T) {
	w := moving(t)
	r := w.opened(w.openBundle("k-1", opening), http.StatusCreated)
	w.accepted(w.submit("k-2", "Stellwerk-Bundle", r.ID.String(), "Stellwerk-Part", "hund-an"))
	n, err := w.store.Store.(store.Store).ForgetAnswers(t.Context(), w.clock(), w.clock().Add(1e9), w.clock())
	if err != nil || n != 1 {
		t.Fatal(n, err)
	}
	s := w.bundle(r.ID)
	if s.list() != "hund-ab, hund-an RECEIVED, tonne!?" || s.State != "closed" || s.Old != nil || s.Questions[0].Answer != nil {
		t.Errorf("%s %+v", s.list(), s)
	}
	w.refused(w.do("PUT", "/v1/bundles/"+r.ID.String()+"/answers", `{}`, "Content-Type", "application/json"), CodeBundleClosed)
}

// A part that is coded again is one submission's problem, however long it is.
func TestBundlePassesOverWhatIsCoded(t *testing.T) {
	w := moving(t)
	for name, size := range map[string]int{"short": 10, "long": 100_000} {
		f := multi(t, part(bundlePart), part(metaOf("hund-an", "hund", soest, nil)), part(dogPart),
			part{"attachment", "application/pdf", "impfpass.pdf", strings.Repeat("x", size)}, part(metaOf("tonne", "tonne", soest, nil)), part(tonnePart))
		code := func(f form, at int) form { // the header of the part in which at lies
			at = bytes.LastIndex(f.body[:at], []byte("Content-Type"))
			f.body = slices.Concat(f.body[:at], []byte("Content-Transfer-Encoding: base64\r\n"), f.body[at:])
			return f
		}
		r := w.opened(w.postForm("/v1/bundles", code(f, bytes.Index(f.body, []byte("xxxx"))), "Idempotency-Key", name), http.StatusMultiStatus)
		if len(r.Parts) != 2 || r.Parts[0].Status != http.StatusUnsupportedMediaType || r.Parts[1].Status != http.StatusAccepted {
			t.Errorf("%s: %+v", name, r.Parts)
		}
		// And where it is the next one's, the one before is not to blame.
		r = w.opened(w.postForm("/v1/bundles", code(f, bytes.LastIndex(f.body, []byte("tonne"))), "Idempotency-Key", name+"-next"), http.StatusMultiStatus)
		if len(r.Parts) != 2 || r.Parts[0].Status != http.StatusAccepted || r.Parts[1].Status != http.StatusUnsupportedMediaType {
			t.Errorf("%s: %+v", name, r.Parts)
		}
	}
}
