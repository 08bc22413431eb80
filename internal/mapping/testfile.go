package mapping

import (
	"fmt"
	"path"
	"time"

	"go.yaml.in/yaml/v4"
)

// Test is one entry of a mapping's tests:
//
//	tests:
//	  - name: Labrador
//	    given: examples/labrador.xml          # relative to the mapping file
//	    expect: examples/labrador.txt         # or hold: FIELD, with code: CODE if wanted
//	    env:                                  # optional, goes before the run's own sample
//	      submission: {id: …, number: …, reference: …, received-at: 2026-05-04T10:15:00+02:00}
//	      municipality: {ags: "05999999", name: Musterstadt}
//	      meta: {mailbox: …, trust-level: …}
//	      account: {surname: Beispiel}
//	      answers: {finance: {kassenzeichen: "4711"}}
//	      attachments: [{name: impfpass.pdf, type: application/pdf, size: 1234, sha256: …}]
//	      numbers: {steuermarke: "815"}
//	      ordinances: {hundesteuer: ../ordinances/hundesteuer.yaml}
//
// An ordinance that neither the run nor the test gives is taken from ordinances/NAME.yaml
// beside the mapping or in a folder above it; ordinances: {} says that there is none.
// hold is the target, or the end of it: objekte/rasse or rasse.
type Test struct {
	Name   string
	Line   int
	Given  string // input document, relative to the mapping file
	Expect string // expected document; compared byte for byte
	Hold   string // instead of Expect: the field that must be held
	Code   Code   // the reason it must be held for; optional

	env testEnv
}

// testEnv is what a test says about its submission; empty means: as the run says.
type testEnv struct {
	given       bool
	submission  map[string]string
	meta        map[string]string
	account     map[string]string
	place       map[string]string
	answers     map[string]map[string]string
	numbers     map[string]string
	ordinances  map[string]string
	attachments []Attachment
	noFiles     bool // attachments: [] says that there are none
}

func (c *compiler) tests(o *object) {
	names := map[string]int{}
	for _, n := range o.seq("tests") {
		to := c.r.object(n, "a test", "name", "given", "expect", "hold", "code", "env", "note")
		t := Test{Line: n.Line, Name: to.need("name", "a test"), Given: to.need("given", "a test"),
			Expect: to.str("expect"), Hold: to.str("hold"), Code: Code(to.str("code"))}
		if (t.Expect == "") == (t.Hold == "") {
			c.r.addf(n, "a test has either expect or hold")
		}
		if first, dup := names[t.Name]; dup {
			c.r.addf(n, "test %q is given twice, first in line %d", t.Name, first)
		}
		names[t.Name] = n.Line
		if to.has("env") {
			t.env = c.testEnv(to.vals["env"])
		}
		c.m.Tests = append(c.m.Tests, t)
	}
}

var submissionKeys = []string{"id", "number", "service", "portal", "reference", "bundle", "delivery", "received-at"}
var metaKeys = []string{"trust-level", "mailbox", "email", "channel", "clerk", "consent-at", "consent-version"}

func (c *compiler) testEnv(n *yaml.Node) testEnv {
	o := c.r.object(n, "env", "submission", "municipality", "meta", "account", "answers", "attachments", "numbers", "ordinances")
	e := testEnv{given: true, submission: c.words(o, "submission", submissionKeys), meta: c.words(o, "meta", metaKeys),
		place: c.words(o, "municipality", []string{"ags", "ars", "name"})}
	e.account = c.freeWords(o, "account")
	e.numbers, e.ordinances = c.freeWords(o, "numbers"), c.freeWords(o, "ordinances")
	o.pairs("answers", func(k, v *yaml.Node) {
		if e.answers == nil {
			e.answers = map[string]map[string]string{}
		}
		e.answers[k.Value] = map[string]string{}
		c.r.pairs(v, k.Value, func(kk, vv *yaml.Node) { e.answers[k.Value][kk.Value] = c.r.scalar(vv, kk.Value) })
	})
	for _, n := range o.seq("attachments") {
		a := c.r.object(n, "an attachment", "id", "name", "type", "size", "sha256")
		e.attachments = append(e.attachments, Attachment{ID: a.str("id"), Name: a.str("name"), Type: a.str("type"),
			Size: int64(a.integer("size", 0, 0, 1<<40)), SHA256: a.str("sha256")})
	}
	e.noFiles = o.has("attachments") && len(e.attachments) == 0
	for key, words := range map[string]map[string]string{"received-at": e.submission, "consent-at": e.meta} {
		if _, err := time.Parse(time.RFC3339, words[key]); words[key] != "" && err != nil {
			c.r.addf(n, "%s %s is not a time like 2026-05-04T10:15:00+02:00", key, words[key])
		}
	}
	return e
}

func (c *compiler) words(o *object, key string, allowed []string) map[string]string {
	if !o.has(key) {
		return nil
	}
	out := map[string]string{}
	in := c.r.object(o.vals[key], key, allowed...)
	for k := range in.vals {
		out[k] = in.str(k)
	}
	return out
}

func (c *compiler) freeWords(o *object, key string) map[string]string {
	if !o.has(key) {
		return nil
	}
	out := map[string]string{}
	o.pairs(key, func(k, v *yaml.Node) { out[k.Value] = c.r.scalar(v, k.Value) })
	return out
}

// SampleEnv is the submission that tests run under where neither they nor the run say
// otherwise. Its values are invented.
func SampleEnv() *Env {
	at := time.Date(2026, 5, 4, 8, 15, 0, 0, time.UTC)
	return &Env{
		Submission: Submission{ID: "018f4a00-0000-7000-8000-000000000001", Number: "MU-7K2P-94", Service: "sample", Portal: "buergerportal",
			Reference: "BP-2026-000815", Delivery: "018f4a00-0000-7000-8000-0000000000d1", ReceivedAt: at},
		Municipality: Municipality{AGS: "05999999", ARS: "059990000999", Name: "Musterstadt"},
		Meta:         Meta{TrustLevel: "STORK-QAA-Level-3", Mailbox: "00000000-0000-4000-8000-00000000aaaa", Channel: "portal", ConsentAt: at, ConsentVersion: "2026-01"},
		Next:         func(name, _ string) (string, error) { return "", NoNumber("the test gives no number for " + name) },
		Now:          func() time.Time { return at.Add(2 * time.Second) },
	}
}

// apply lays what the test says over the run's environment.
func (e *testEnv) apply(env Env, load func(string) (*Ordinance, error)) (*Env, error) {
	set := func(words map[string]string, key string, at *string) {
		if v, ok := words[key]; ok {
			*at = v
		}
	}
	s, m, p := &env.Submission, &env.Meta, &env.Municipality
	for key, at := range map[string]*string{"id": &s.ID, "number": &s.Number, "service": &s.Service, "portal": &s.Portal,
		"reference": &s.Reference, "bundle": &s.Bundle, "delivery": &s.Delivery} {
		set(e.submission, key, at)
	}
	for key, at := range map[string]*string{"trust-level": &m.TrustLevel, "mailbox": &m.Mailbox, "email": &m.Email,
		"channel": &m.Channel, "clerk": &m.Clerk, "consent-version": &m.ConsentVersion} {
		set(e.meta, key, at)
	}
	for key, at := range map[string]*string{"ags": &p.AGS, "ars": &p.ARS, "name": &p.Name} {
		set(e.place, key, at)
	}
	if t, err := time.Parse(time.RFC3339, e.submission["received-at"]); err == nil {
		s.ReceivedAt = t
		env.Now = func() time.Time { return t.Add(2 * time.Second) }
	}
	if t, err := time.Parse(time.RFC3339, e.meta["consent-at"]); err == nil {
		m.ConsentAt = t
	}
	if e.account != nil {
		m.Account = e.account
	}
	if e.answers != nil {
		env.Answers = e.answers
	}
	if e.attachments != nil || e.noFiles {
		env.Attachments = e.attachments
	}
	if e.numbers != nil {
		next := env.Next
		env.Next = func(name, record string) (string, error) {
			if n, ok := e.numbers[name]; ok || next == nil {
				return n, nil
			}
			return next(name, record)
		}
	}
	if e.ordinances != nil {
		all := map[string]*Ordinance{}
		for k, v := range env.Ordinances {
			all[k] = v
		}
		for name, file := range e.ordinances {
			ord, err := load(file)
			if err != nil {
				return nil, fmt.Errorf("ordinance %s: %w", name, err)
			}
			all[name] = ord
		}
		env.Ordinances = all
	}
	return &env, nil
}

// beside gives the path of a file named in the mapping.
func (m *Mapping) beside(name string) string { return path.Join(path.Dir(m.Path), name) }
