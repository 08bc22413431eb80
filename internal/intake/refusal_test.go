package intake

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"stellwerk/internal/config"
)

func TestRefusalsOfAPayloadAlone(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		body    string
		headers []string
		code    Code
	}{
		"no key":                  {antrag, []string{"Idempotency-Key", ""}, CodeKeyMissing},
		"key with a blank":        {antrag, []string{"Idempotency-Key", "a b"}, CodeKeyMalformed},
		"key too long":            {antrag, []string{"Idempotency-Key", strings.Repeat("k", maxKey+1)}, CodeKeyMalformed},
		"key of quotes only":      {antrag, []string{"Idempotency-Key", `""`}, CodeKeyMalformed},
		"key not ASCII":           {antrag, []string{"Idempotency-Key", "schlüssel"}, CodeKeyMalformed},
		"no type":                 {antrag, []string{"Content-Type", ""}, CodeMediaType},
		"PDF":                     {antrag, []string{"Content-Type", "application/pdf"}, CodeMediaType},
		"form":                    {antrag, []string{"Content-Type", "application/x-www-form-urlencoded"}, CodeMediaType},
		"no boundary":             {antrag, []string{"Content-Type", "multipart/form-data"}, CodeMediaType},
		"packed":                  {antrag, []string{"Content-Encoding", "gzip"}, CodeContentEncoding},
		"no metadata":             {antrag, []string{"Stellwerk-Municipality", "", "Stellwerk-Service", ""}, CodeMetaInvalid},
		"short AGS":               {antrag, []string{"Stellwerk-Municipality", "5974040"}, CodeMetaInvalid},
		"service's case":          {antrag, []string{"Stellwerk-Service", "Hund"}, CodeMetaInvalid},
		"consent yes":             {antrag, []string{"Stellwerk-Consent", "yes"}, CodeMetaInvalid},
		"consent without time":    {antrag, []string{"Stellwerk-Consent-At", ""}, CodeMetaInvalid},
		"consent without zone":    {antrag, []string{"Stellwerk-Consent-At", "2026-11-23T09:30:00"}, CodeMetaInvalid},
		"consent in the future":   {antrag, []string{"Stellwerk-Consent-At", "2026-11-23T09:06:00Z"}, CodeMetaInvalid},
		"consent before any year": {antrag, []string{"Stellwerk-Consent-At", "0000-01-01T00:00:00+01:00"}, CodeMetaInvalid},
		"consent at no time":      {antrag, []string{"Stellwerk-Consent-At", "1970-01-01T00:00:00Z"}, CodeMetaInvalid},
		"trust level 5":           {antrag, []string{"Stellwerk-Trust-Level", "STORK-QAA-Level-5"}, CodeMetaInvalid},
		"long reference":          {antrag, []string{"Stellwerk-Reference", strings.Repeat("x", maxName+1)}, CodeMetaInvalid},
		"reference not UTF-8":     {antrag, []string{"Stellwerk-Reference", "M\xfcller"}, CodeMetaInvalid},
		"long wording":            {antrag, []string{"Stellwerk-Consent-Wording", strings.Repeat("x", maxWord+1)}, CodeMetaInvalid},
		"odd version":             {antrag, []string{"Stellwerk-Version", "1/2"}, CodeMetaInvalid},
		"no such version":         {antrag, []string{"Stellwerk-Version", "7"}, CodeMediaType},
		"out of scope":            {antrag, []string{"Stellwerk-Municipality", iserlohn}, CodeOutOfScope},
		"town nobody knows":       {antrag, []string{"Stellwerk-Municipality", "05999999"}, CodeOutOfScope},
		"service out of scope":    {antrag, []string{"Authorization", "Bearer " + keyIserlohn, "Stellwerk-Municipality", iserlohn, "Stellwerk-Service", "tonne"}, CodeOutOfScope},
		"not offered":             {antrag, []string{"Stellwerk-Municipality", werl, "Stellwerk-Service", "tonne"}, CodeNotOffered},
		"no such service":         {antrag, []string{"Stellwerk-Service", "katze"}, CodeNotOffered},
		"no consent":              {antrag, []string{"Stellwerk-Consent", "", "Stellwerk-Consent-At", ""}, CodeConsent},
		"consent denied":          {antrag, []string{"Stellwerk-Consent", "false"}, CodeConsent},
		"empty":                   {"", nil, CodePayloadMissing},
		"too large":               {"<a>" + strings.Repeat(" ", 1<<20) + "</a>", nil, CodePayloadLarge},
		"DOCTYPE":                 {"<!DOCTYPE a>" + antrag, nil, CodePayloadMalformed},
		"not closed":              {"<antrag><name>Geheimnis", nil, CodePayloadMalformed},
		"too deep":                {strings.Repeat("<a>", 101) + strings.Repeat("</a>", 101), nil, CodePayloadComplex},
		"EBCDIC":                  {`<?xml version="1.0" encoding="ebcdic-de"?>` + antrag, nil, CodePayloadEncoding},
		"JSON in XML's name":      {`{"a":1}`, nil, CodePayloadMalformed},
		"JSON key twice":          {`{"halter":{"name":"Geheimnis"},"halter":{}}`, []string{"Content-Type", "application/json"}, CodePayloadMalformed},
		"JSON against its schema": {`{"halter":{"name":"Geheimnis Geheimnis Geheimnis"},"hund":[{"chip":"1"}],"Frau Geheimnis":1}`, []string{"Content-Type", "application/json"}, CodePayloadInvalid},
		"XML where JSON is taken": {antrag, []string{"Stellwerk-Service", "tonne"}, CodeMediaType},
	} {
		t.Run(name, func(t *testing.T) {
			w := w.in(t)
			for _, language := range []string{"", "en", "de-AT, en;q=0.5", "fr"} {
				a := w.do("POST", "/v1/submissions", c.body, dog("k-1", append(c.headers, "Accept-Language", language)...)...)
				p := w.refused(a, c.code)
				e, _ := find(c.code)
				want := e.Title.De
				if language == "en" {
					want = e.Title.En
				}
				if p.Title != want || a.Header.Get("Content-Language") == "" {
					t.Errorf("Accept-Language %q: title %q", language, p.Title)
				}
				if !strings.HasPrefix(p.Instance, "urn:uuid:") {
					t.Errorf("instance %q", p.Instance)
				}
			}
			if w.store.last != nil {
				t.Error("reached the store")
			}
		})
	}
	if _, err := w.store.Store.Earlier(t.Context(), "soest", "k-1", [32]byte{}); err == nil {
		t.Error("a refused submission has used up its key")
	}
}

func TestFindingsNameTheirPlace(t *testing.T) {
	w := newWorld(t)
	post := func(body string, headers ...string) problemBody {
		t.Helper()
		a := w.do("POST", "/v1/submissions", body, dog("k-1", headers...)...)
		var p problemBody
		a.decode(t, &p)
		if len(p.Errors) == 0 {
			t.Fatalf("no errors: %s", a.body)
		}
		return p
	}
	if f := post("<antrag>\n <a></b>\n</antrag>").Errors[0]; f.Line != 2 || f.Column == 0 || f.Rule == "" || !strings.Contains(f.Detail, "Zeile 2") {
		t.Errorf("XML: %+v", f)
	}
	p := post(`{"hund":[{"chip":"1"}],"halter":{}}`, "Content-Type", "application/json", "Accept-Language", "en")
	var pointers []string
	for _, f := range p.Errors {
		pointers = append(pointers, f.Pointer)
		if f.Line != 1 || f.Detail == "" {
			t.Errorf("JSON: %+v", f)
		}
	}
	if !slices.Contains(pointers, "/hund/0/chip") || !slices.Contains(pointers, "/halter") {
		t.Errorf("JSON: %v", pointers)
	}
	p = post(antrag, "Stellwerk-Municipality", "1", "Stellwerk-Consent", "ja")
	if len(p.Errors) != 2 || p.Errors[0].Header != "Stellwerk-Municipality" || p.Errors[1].Header != "Stellwerk-Consent" {
		t.Errorf("headers: %+v", p.Errors)
	}
	req, err := http.NewRequest("POST", w.url+"/v1/submissions", strings.NewReader(antrag))
	if err != nil {
		t.Fatal(err)
	}
	req.Header["Stellwerk-Consent"] = []string{"false", "true"}
	headers := dog("k-1", "Stellwerk-Consent", "")[:8]
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	req.Header["Stellwerk-Consent"] = []string{"false", "true"}
	if p := w.refused(w.send(req), CodeMetaInvalid); len(p.Errors) != 1 || p.Errors[0].Rule != "twice" {
		t.Errorf("header twice: %+v", p.Errors)
	}
}

// What is not taken as it comes says which statement is meant: a portal that sends
// multipart/form-data is not told that multipart/form-data would be taken.
func TestUnsupportedNamesItsPlace(t *testing.T) {
	w := newWorld(t)
	seven := meta(func(m map[string]any) { m["version"] = "7" })
	xmlPart := part{"payload", "application/xml", "", antrag}
	alone := func(headers ...string) answer {
		return w.do("POST", "/v1/submissions", antrag, dog("k-1", headers...)...)
	}
	for name, c := range map[string]struct {
		got  answer
		code Code
		want Finding
	}{
		"no boundary":          {alone("Content-Type", "multipart/form-data"), CodeMediaType, Finding{Header: "Content-Type", Rule: "boundary"}},
		"no such version":      {alone("Stellwerk-Version", "7"), CodeMediaType, Finding{Header: "Stellwerk-Version", Rule: "version"}},
		"version in a part":    {w.sendMulti(multi(t, seven, xmlPart), "k-1"), CodeMediaType, Finding{Part: "metadata", Pointer: "/version", Rule: "version"}},
		"payload without type": {w.sendMulti(multi(t, meta(nil), part{"payload", "", "", antrag}), "k-1"), CodeMediaType, Finding{Part: "payload", Rule: "media-type"}},
		"metadata as XML":      {w.sendMulti(multi(t, part{"metadata", "application/xml", "", "<x/>"}, xmlPart), "k-1"), CodeMediaType, Finding{Part: "metadata", Rule: "media-type"}},
		"payload empty":        {w.sendMulti(multi(t, meta(nil), part{"payload", "application/xml", "", ""}), "k-1"), CodePayloadMissing, Finding{Part: "payload", Rule: "empty"}},
	} {
		p := w.refused(c.got, c.code)
		if len(p.Errors) != 1 || p.Errors[0].Detail == "" {
			t.Errorf("%s: %+v", name, p.Errors)
			continue
		}
		if c.want.Detail = p.Errors[0].Detail; p.Errors[0] != c.want {
			t.Errorf("%s: %+v, want %+v", name, p.Errors[0], c.want)
		}
	}
	// Where a whole form is not taken there is no other version to name.
	if p := w.refused(alone("Stellwerk-Service", "tonne", "Stellwerk-Version", "1"), CodeMediaType); len(p.Errors) != 0 {
		t.Errorf("XML where JSON is taken: %+v", p.Errors)
	}
	// JSON is UTF-8 (RFC 8259): the other encodings are XML's.
	p := w.refused(w.do("POST", "/v1/submissions", "{}", dog("k-1", "Content-Type", "application/json; charset=iso-8859-1")...), CodePayloadEncoding)
	if len(p.Errors) != 1 || !strings.Contains(p.Errors[0].Detail, "in XML auch") {
		t.Errorf("JSON in ISO-8859-1: %+v", p.Errors)
	}
}

// A value of the wrong type is told which one belongs there: portals write null for
// what they do not know, and true in quotes.
func TestWrongTypeNamesTheRightOne(t *testing.T) {
	for item, want := range map[string]string{
		`"reference":null`:            "weggelassen",
		`"municipality":5974040`:      "Text in Anführungszeichen",
		`"consent":{"given":"true"}`:  "true oder false",
		`"account":null`:              "Objekt",
		`"account":{"house":12}`:      "Texte",
		`"consent":{"at":1772353800}`: "Text in Anführungszeichen",
	} {
		_, findings, malformed := fromJSON([]byte("{"+item+"}"), german)
		if malformed || len(findings) != 1 || findings[0].Rule != "type" || !strings.Contains(findings[0].Detail, want) {
			t.Errorf("%s: %+v, want %q", item, findings, want)
		}
	}
}

func TestMetadataInJSONAreTakenExactly(t *testing.T) {
	at := `"at":"2026-11-23T09:30:00+01:00"`
	for name, c := range map[string]struct {
		json string
		want string // pointers and rules of the findings
	}{
		"complete":               {`{"municipality":"05974040","service":"hund","consent":{"given":true,` + at + `,"wording":"1"},"reference":"ä","trust-level":"stork-qaa-level-4","mailbox":"x","version":"1"}`, ""},
		"unknown":                {`{"municipality":"05974040","service":"hund","consnet":{"given":true}}`, "/consnet unknown"},
		"unknown and no word":    {`{"municipality":"05974040","service":"hund","Frau Müller":1}`, " unknown"},
		"unknown below":          {`{"municipality":"05974040","service":"hund","consent":{"yes":[1,{"a":2}]}}`, "/consent/yes unknown"},
		"name in capitals":       {`{"Municipality":"05974040","service":"hund"}`, "/Municipality unknown, /municipality required"},
		"twice":                  {`{"municipality":"05974040","service":"hund","consent":{"given":true,"given":false}}`, "/consent/given twice, /consent/at required"},
		"path for a name":        {`{"municipality":"05974040","service":"hund","consent/given":true,"consent/at":"2026-11-23T08:30:00Z"}`, " unknown,  unknown"},
		"object twice":           {`{"municipality":"05974040","service":"hund","consent":{},"consent":{}}`, "/consent twice"},
		"number":                 {`{"municipality":5974040,"service":"hund"}`, "/municipality type"},
		"null":                   {`{"municipality":"05974040","service":null}`, "/service type"},
		"given as text":          {`{"municipality":"05974040","service":"hund","consent":{"given":"true"}}`, "/consent/given type"},
		"bool as text":           {`{"municipality":true,"service":"hund"}`, "/municipality type"},
		"consent without a time": {`{"municipality":"05974040","service":"hund","consent":{"given":true}}`, "/consent/at required"},
		"control characters":     {`{"municipality":"05974040","service":"hund","mailbox":"a\u001b[2Jb"}`, "/mailbox length"},
		"half a surrogate":       {`{"municipality":"05974040","service":"hund","reference":"\ud800"}`, "/reference length"},
		"account":                {`{"municipality":"05974040","service":"hund","account":{"surname":"Müßig","birthdate":"1979-08-23"}}`, ""},
		"account is a list":      {`{"municipality":"05974040","service":"hund","account":[1,{"a":2}]}`, "/account type"},
		"account is a text":      {`{"municipality":"05974040","service":"hund","account":"x"}`, "/account type"},
		"account twice":          {`{"municipality":"05974040","service":"hund","account":{},"account":{"a":"x"}}`, "/account twice"},
		"attribute twice":        {`{"municipality":"05974040","service":"hund","account":{"a":"x","a":"y"}}`, "/account twice"},
		"attribute is a number":  {`{"municipality":"05974040","service":"hund","account":{"a":1}}`, "/account type"},
		"attribute's name":       {`{"municipality":"05974040","service":"hund","account":{"Frau Müller":"x"}}`, "/account format"},
		"attribute too long":     {`{"municipality":"05974040","service":"hund","account":{"a":"` + strings.Repeat("x", 256) + `"}}`, "/account length"},
		"too many attributes":    {`{"municipality":"05974040","service":"hund","account":` + manyAttributes(33) + `}`, "/account length"},
		"nothing":                {`{}`, "/municipality required, /service required"},
	} {
		t.Run(name, func(t *testing.T) {
			m, findings, malformed := fromJSON([]byte(c.json), german)
			if malformed {
				t.Fatal("malformed")
			}
			var got []string
			for _, f := range m.complete(findings, true, &config.Portal{}, time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC), german) {
				got = append(got, f.Pointer+" "+f.Rule)
				if f.Part != "metadata" || f.Detail == "" {
					t.Errorf("finding %+v", f)
				}
			}
			if s := strings.Join(got, ", "); s != c.want {
				t.Errorf("got %q, want %q", s, c.want)
			}
		})
	}
	for _, broken := range []string{"", "x", "{", `{"a"}`, `{"a":1`, `{"consent":[]}`, `{"consent":true}`, `[]`, `null`, `{}x`, `{}{}`, `{"a":"` + "\xff" + `"}`} {
		if _, _, malformed := fromJSON([]byte(broken), german); !malformed {
			t.Errorf("%q is taken for metadata", broken)
		}
	}
}

// What is asked for most is given, whatever stands first.
func TestLanguageByWeight(t *testing.T) {
	for accept, want := range map[string]lang{
		"": german, "de": german, "de-DE,de;q=0.9,en;q=0.8": german, "de,en": german, "fr": german, "*": german, "en;q=0": german,
		"en": english, "en-US,en;q=0.9,de;q=0.8": english, "fr,en;q=0.5": english, "de;q=0.1,en;q=0.9": english, "de;q=0,en": english,
	} {
		if got := languageOf(http.Header{"Accept-Language": {accept}}); got != want {
			t.Errorf("%q: %s, want %s", accept, got, want)
		}
	}
}

func TestReadiness(t *testing.T) {
	w := newWorld(t)
	if a := w.do("GET", "/readyz", ""); a.StatusCode != 200 {
		t.Errorf("ready: %d", a.StatusCode)
	}
	w.store.set(func(f *faults) { f.notReady = errors.New("disk on fire") })
	w.advance(lookAgain)
	a := w.do("GET", "/readyz", "")
	w.refused(a, CodeNotReady)
	if strings.Contains(string(a.body), "fire") || !strings.Contains(w.logged.String(), "disk on fire") {
		t.Errorf("the reason belongs in the log only: %s", a.body)
	}
}

func TestPanicEndsOneRequestOnly(t *testing.T) {
	w := newWorld(t)
	w.api.Trace = func(context.Context) string { panic("Geheimnis") }
	w.refused(w.submit("k-1"), CodeInternal)
	w.api.Trace = func(context.Context) string { return "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" }
	w.accepted(w.submit("k-1"))
	if w.store.last.Submission.Trace == "" {
		t.Error("the span under way is not kept")
	}
}

func manyAttributes(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`"a%d":"x"`, i))
	}
	return "{" + strings.Join(all, ",") + "}"
}

func TestEveryProblemIsComplete(t *testing.T) {
	seen := map[Code]bool{}
	for _, e := range catalogue {
		if seen[e.Code] {
			t.Errorf("%s is there twice", e.Code)
		}
		seen[e.Code] = true
		if e.Title.De == "" || e.Title.En == "" || e.Detail.De == "" || e.Detail.En == "" || e.Status < 400 {
			t.Errorf("%s lacks something", e.Code)
		}
		if e.Repeat != repeatNever && e.Repeat != repeatSameKey && e.Repeat != repeatLater {
			t.Errorf("%s: repeat %q", e.Code, e.Repeat)
		}
		for _, verb := range []string{"%s", "%d"} {
			if strings.Count(e.Detail.De, verb) != strings.Count(e.Detail.En, verb) {
				t.Errorf("%s: the languages name different values", e.Code)
			}
		}
	}
	file, err := parser.ParseFile(token.NewFileSet(), "problems.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) == 0 || !strings.HasPrefix(spec.Names[0].Name, "Code") {
			return true
		}
		code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if named++; err != nil || !seen[Code(code)] {
			t.Errorf("%s (%s) is not in the catalogue: %v", spec.Names[0].Name, code, err)
		}
		return true
	})
	if named != len(catalogue) {
		t.Errorf("%d codes have names, %d are in the catalogue", named, len(catalogue))
	}
	if p := refuse("no-such-code"); p.Code != CodeInternal || p.cause == nil {
		t.Errorf("a code outside the catalogue: %+v", p)
	}
}

// Whether the store takes writes is found out by writing; whoever asks without a key
// must not make it write as often as he likes.
func TestReadinessIsLookedAtOnceASecond(t *testing.T) {
	w := newWorld(t)
	looked := 0
	w.api.Ready = func(ctx context.Context) error { looked++; return ctx.Err() }
	ask := func() { // has hung up by the time that it is looked at
		ctx, hangUp := context.WithCancel(t.Context())
		hangUp()
		w.api.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/readyz", nil).WithContext(ctx))
	}
	ask()
	for range 50 {
		if a := w.do("GET", "/readyz", ""); a.StatusCode != 200 {
			t.Fatalf("one who has hung up decides for the others: %d", a.StatusCode)
		}
	}
	if looked != 1 {
		t.Errorf("looked %d times in one moment", looked)
	}
	w.advance(lookAgain)
	w.api.Ready = func(context.Context) error { looked++; return errors.New("disk on fire") }
	if a := w.do("GET", "/readyz", ""); a.StatusCode != 503 || looked != 2 {
		t.Errorf("a second later: %d, looked %d times", a.StatusCode, looked)
	}
}
