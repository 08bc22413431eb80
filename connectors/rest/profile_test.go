package rest_test

import (
	"io/fs"
	"strings"
	"testing"

	"stellwerk/connectors"
	"stellwerk/connectors/connectortest"
	"stellwerk/connectors/rest"
	"stellwerk/internal/sim"
)

func readProfile(t testing.TB, name string) string {
	t.Helper()
	if name == "" {
		return ""
	}
	b, err := fs.ReadFile(rest.Kind().Profiles, "profiles/"+name+".yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// profileCase is a profile with its simulated partner, and a document for it.
type profileCase struct {
	partner     string
	settings    func(*sim.Town) string
	body        string
	contentType string
	attach      bool
	answer      string // name of the answer that has to come
	refusedCode string
}

const finance = `{"mandant":"05999040","vorgangsart":"neu","referenz":"7K2M","abgabeart":"hundesteuer","zahlungspflichtiger":{"name":"Beispiel","strasse":"Musterweg","plz":"59999","ort":"Musterstadt"},"beginn":"2026-03-01","jahresbetrag":"85.80"}`

var profileCases = map[string]profileCase{
	"generic-json": {
		partner: "sink", body: `{"name":"Beispiel"}`, contentType: "application/json", refusedCode: "http-422",
		settings: func(tw *sim.Town) string { return "address: " + tw.Sink + "/kasse\nrepeatable: true" },
	},
	"generic-xml": {
		partner: "sink", body: `<name>Beispiel</name>`, contentType: "application/xml", refusedCode: "http-422",
		settings: func(tw *sim.Town) string { return "address: " + tw.Sink + "/kasse\nrepeatable: true" },
	},
	"kasse-json": {
		partner: "finance", body: finance, contentType: "application/json", answer: "kassenzeichen", refusedCode: "feldpruefung",
		settings: func(tw *sim.Town) string { return "address: " + tw.Finance },
	},
	"ordnungsamt-json": {
		partner: "public-order", contentType: "application/json", answer: "vorgang", refusedCode: "feldpruefung",
		body:     `{"vorgang":"7K2M","halter":{"name":"Beispiel","vorname":"Jörg","strasse":"Musterweg","plz":"59999","ort":"Musterstadt"},"hunde":[{"rasse":"rottweiler","chip":"276098100000017","gelistet":true}]}`,
		settings: func(tw *sim.Town) string { return "address: " + tw.PublicOrder },
	},
	"entsorger-json": {
		partner: "waste", contentType: "application/json", answer: "auftrag", refusedCode: "feldpruefung",
		body:     `{"auftrag":"7K2M","mandant":"05999040","anlass":"NEU","ab":"2026-04-15","besteller":{"name":"Beispiel","rolle":"eigentuemer"},"grundstueck":{"strasse":"Musterweg","hausnummer":"12","plz":"59999","ort":"Musterstadt","personen":4,"restvolumen":80,"bioabfall":"behaelter"},"behaelter":[{"zeile":1,"fraktion":"R","typ":"MGB80","liter":80,"anzahl":1,"aktion":"AUF"},{"zeile":2,"fraktion":"B","typ":"MGB120","liter":120,"anzahl":1,"aktion":"AUF"}]}`,
		settings: func(tw *sim.Town) string { return "address: " + tw.Waste },
	},
	"reitregister-json": {
		partner: "district", contentType: "application/json", answer: "kennzeichen", refusedCode: "feldpruefung",
		body:     `{"vorgang":"7K2M","kreis":"05999","art":"NEU","nutzung":"P","jahr":2026,"anzahl":1,"halter":{"name":"Beispiel","vorname":"Jörg","geburtsdatum":"1979-08-23","gemeinde":"05999040","strasse":"Musterweg","plz":"59999","ort":"Musterstadt"},"gebuehr":"39.50"}`,
		settings: func(tw *sim.Town) string { return "address: " + tw.District },
	},
	"postkorb-json": {
		partner: "mailbox", contentType: "application/json", answer: "nachricht", refusedCode: "feldpruefung",
		body:     `{"postfach":"00000000-0000-4000-8000-00000000aaaa","betreff":"Ihr Antrag","vorgangsnummer":"7K2M","text":"Guten Tag Jörg Beispiel, er ist da."}`,
		settings: func(tw *sim.Town) string { return "address: " + tw.Mailbox },
	},
	"eakte": {
		partner: "records", body: `{"shortname":"Hundeanmeldung Beispiel","foreignnr":"BP-4711"}`, contentType: "application/json", attach: true, answer: "aktenzeichen", refusedCode: "dms-refused",
		settings: func(tw *sim.Town) string {
			return "address: " + tw.Records + "\ncredentials: {basic: {user: " + sim.User + ", password: 'env:PROFILE_PASSWORD'}}\n" +
				"values: {anwendung: STELLWERK, userlogin: eingang, joboe: COO.1.2300.1.847, jobposition: DocumentManager}"
		},
	},
	"dvelop": {
		partner: "dms", contentType: "application/json", attach: true, answer: "dokument", refusedCode: "http-400",
		body: `{"sourceId":"/dms/r/r1/source","sourceCategory":"hund","sourceProperties":{"properties":[{"key":"name","values":["Beispiel"]}]}}`,
		settings: func(tw *sim.Town) string {
			return "address: " + tw.DMS + "\ncredentials: {bearer: {token: 'env:PROFILE_PASSWORD'}}\nvalues: {repository: r1, origin: '" + tw.DMS + "'}"
		},
	},
}

// Every shipped profile works with the partner it was written for.
func TestProfiles(t *testing.T) {
	files, err := fs.Glob(rest.Kind().Profiles, "profiles/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(f, "profiles/"), ".yaml")
		test, ok := profileCases[name]
		if !ok {
			t.Errorf("profile %s has no test", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Setenv("PROFILE_PASSWORD", sim.Password)
			tw, err := sim.Start(t.Context(), sim.Options{Dir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = tw.Close() })
			p := &profileRun{T: t, profileCase: test, town: sim.Client{Control: tw.Control}, config: configure(t, name, test.settings(tw))}
			c, err := p.config.Open(environment(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			p.connector = c
			p.delivers()
			p.refused()
			p.answerLost()
			p.busy()
		})
	}
}

type profileRun struct {
	*testing.T
	profileCase
	town      sim.Client
	config    connectors.Config
	connector connectors.Connector
}

func (p *profileRun) message(n int) *connectors.Message {
	m := connectortest.Message(n)
	m.Body, m.ContentType = []byte(p.body), p.contentType
	if p.attach {
		connectortest.Attach(m, "sachkunde.pdf", "application/pdf", []byte("%PDF-1.7"))
	}
	return m
}

func (p *profileRun) suffer(f sim.Faults) {
	p.Helper()
	if err := p.town.Suffer(p.Context(), p.partner, f); err != nil {
		p.Fatal(err)
	}
}

// taken counts what the partner has.
func (p *profileRun) taken() int {
	p.Helper()
	if p.partner == "sink" {
		counts, err := p.town.SinkCounts(p.Context())
		if err != nil {
			p.Fatal(err)
		}
		return counts.Documents
	}
	all, err := p.town.Received(p.Context(), p.partner, 0)
	if err != nil {
		p.Fatal(err)
	}
	return len(all)
}

func (p *profileRun) expect(what string, r connectors.Receipt, outcome connectors.Outcome, code string, taken int) {
	p.Helper()
	connectortest.Answers(p.T, p.config, r)
	if r.Outcome != outcome || code != "" && r.Code != code {
		p.Errorf("%s: %s %s (%s), want %s %s", what, r.Outcome, r.Code, r.Detail, outcome, code)
	}
	if got := p.taken(); got != taken {
		p.Errorf("%s: the partner has %d documents, want %d", what, got, taken)
	}
}

func (p *profileRun) delivers() {
	p.Helper()
	r := p.connector.Deliver(p.Context(), p.message(1))
	p.expect("delivery", r, connectors.Delivered, "", 1)
	if p.answer != "" && r.Answer[p.answer] == "" {
		p.Errorf("the answer %v lacks %s", r.Answer, p.answer)
	}
	if p.config.Traits().Repeatable {
		p.expect("repetition", p.connector.Deliver(p.Context(), p.message(1)), connectors.Delivered, "", 1)
	}
	if p.attach && p.taken() > 0 {
		all, _ := p.town.Received(p.Context(), p.partner, 0)
		if len(all[0].Attachments) != 1 || all[0].Attachments[0].Name != "sachkunde.pdf" || all[0].Attachments[0].SHA256 != p.message(1).Attachments[0].SHA256 {
			p.Errorf("attachments arrived as %+v", all[0].Attachments)
		}
	}
	if err := p.connector.(connectors.Prober).Probe(p.Context()); err != nil {
		p.Error(err)
	}
}

func (p *profileRun) refused() {
	p.Helper()
	p.suffer(sim.Faults{Refuse: "Beispiel"})
	r := p.connector.Deliver(p.Context(), p.message(2))
	code := p.refusedCode
	if p.partner == "dms" {
		code = "create-" + code
	}
	p.expect("refusal", r, connectors.Refused, code, 1)
	if r.Fault {
		p.Error("a refusal speaks against the system's health")
	}
}

func (p *profileRun) answerLost() {
	p.Helper()
	lost := sim.Faults{AnswerLost: true}
	if p.partner == "dms" {
		lost.Every = 2 // the blob arrives, the object's answer gets lost
	}
	p.suffer(lost)
	m := p.message(3)
	p.expect("answer lost", p.connector.Deliver(p.Context(), m), connectors.Unknown, "", 2)
	p.suffer(sim.Faults{})
	if p.config.Traits().Askable {
		r := p.connector.(connectors.Asker).Ask(p.Context(), m)
		p.expect("question", r, connectors.Delivered, "", 2)
		if p.answer != "" && r.Answer[p.answer] == "" {
			p.Errorf("the answer %v lacks %s", r.Answer, p.answer)
		}
		p.expect("question for what never came", p.connector.(connectors.Asker).Ask(p.Context(), p.message(99)), connectors.Retry, "not-found", 2)
		p.suffer(sim.Faults{Status: 503})
		p.expect("question to a system that is down", p.connector.(connectors.Asker).Ask(p.Context(), m), connectors.Unknown, "", 2)
	}
	if p.config.Traits().Repeatable {
		p.suffer(sim.Faults{})
		p.expect("repetition", p.connector.Deliver(p.Context(), m), connectors.Delivered, "", 2)
	}
}

func (p *profileRun) busy() {
	p.Helper()
	p.suffer(sim.Faults{Status: 503, RetryAfter: 30})
	r := p.connector.Deliver(p.Context(), p.message(4))
	p.expect("busy", r, connectors.Retry, "", 2)
	if r.RetryAfter.Seconds() != 30 || !r.Fault {
		p.Errorf("busy: again after %s, fault %v", r.RetryAfter, r.Fault)
	}
	p.suffer(sim.Faults{Down: true})
	if r := p.connector.Deliver(p.Context(), p.message(4)); r.Outcome == connectors.Delivered || !r.Fault {
		p.Errorf("down: %s, fault %v", r.Outcome, r.Fault)
	}
	if err := p.connector.(connectors.Prober).Probe(p.Context()); err == nil {
		p.Error("a system that is down answers the probe")
	}
}

// The interface answers 400 for everything behind it; the body decides.
func TestRecordsBehindTheInterface(t *testing.T) {
	t.Setenv("PROFILE_PASSWORD", sim.Password)
	tw, err := sim.Start(t.Context(), sim.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tw.Close() })
	c, err := configure(t, "eakte", profileCases["eakte"].settings(tw)).Open(environment(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	for status, want := range map[int]connectors.Outcome{503: connectors.Retry, 500: connectors.Unknown, 504: connectors.Unknown, 400: connectors.Refused, 409: connectors.Refused} {
		if err := (sim.Client{Control: tw.Control}).Suffer(t.Context(), "records", sim.Faults{Behind: status}); err != nil {
			t.Fatal(err)
		}
		m := connectortest.Message(1)
		if r := c.Deliver(t.Context(), m); r.Outcome != want || r.Fault != (want != connectors.Refused) {
			t.Errorf("the DMS behind says %d: %s %s, fault %v", status, r.Outcome, r.Code, r.Fault)
		}
	}
}

// A title that the DMS can be searched by needs the document to have one.
func TestRecordsNeedTitle(t *testing.T) {
	t.Setenv("PROFILE_PASSWORD", sim.Password)
	c, err := configure(t, "eakte", "address: http://127.0.0.1:1\ncredentials: {bearer: {token: 'env:PROFILE_PASSWORD'}}\nvalues: {anwendung: a, userlogin: b, joboe: c, jobposition: d}").Open(environment(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	m := connectortest.Message(1)
	for _, body := range []string{`{"foreignnr":"x"}`, `<xml/>`, `null`} {
		m.Body = []byte(body)
		if r := c.Deliver(t.Context(), m); r.Outcome != connectors.Refused || r.Code != "document-unfit" || r.Fault {
			t.Errorf("%s: %s %s", body, r.Outcome, r.Code)
		}
	}
}
