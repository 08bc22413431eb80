package intake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// metaOf is the metadata of one submission within a bundle's call, for a part of the bundle.
func metaOf(of, service, ags string, change func(map[string]any)) part {
	return meta(func(m map[string]any) {
		m["part"], m["service"], m["municipality"] = of, service, ags
		if change != nil {
			change(m)
		}
	})
}

func (w *world) sendBundle(key string, parts ...part) answer {
	w.t.Helper()
	return w.postForm("/v1/bundles", multi(w.t, parts...), "Idempotency-Key", key)
}

// One call, four submissions: one is refused by the gate, one for its consent, and
// the others have their own success.
func TestBundleInOneCall(t *testing.T) {
	w := moving(t)
	call := []part{
		bundlePart,
		metaOf("hund-ab", "hund", werl, nil), {"payload", "application/xml", "", "<antrag>"}, {"attachment", "application/pdf", "impfpass.pdf", strings.Repeat("x", 100_000)},
		metaOf("hund-an", "hund", soest, nil), dogPart, {"attachment", "application/pdf", "impfpass.pdf", "%PDF"},
		metaOf("hund-an", "hund", soest, func(m map[string]any) { m["consent"] = map[string]any{"given": false} }), dogPart,
		metaOf("tonne", "tonne", soest, nil), tonnePart,
	}
	first := w.sendBundle("k-1", call...)
	r := w.opened(first, http.StatusMultiStatus)
	var got []string
	for _, p := range r.Parts {
		var problem problemBody
		if p.Problem != nil {
			if err := json.Unmarshal(p.Problem, &problem); err != nil {
				t.Fatal(err)
			}
		}
		got = append(got, fmt.Sprintf("%d %s %d %s", p.N, p.Part, p.Status, problem.Code))
	}
	if !slices.Equal(got, []string{"1 hund-ab 400 payload-malformed", "2 hund-an 202 ", "3 hund-an 422 consent-missing", "4 tonne 202 "}) {
		t.Fatalf("%q", got)
	}
	if w.ringing() != 2 {
		t.Errorf("rung %d times", w.ringing())
	}
	if files := w.spooledFiles(); len(files) != 1 {
		t.Errorf("attachments: %v", files)
	}
	if s := w.bundle(r.ID); s.list() != "hund-ab!?, hund-an! RECEIVED, tonne! RECEIVED" {
		t.Error(s.list())
	}
	// Again: what was accepted has its receipt, byte for byte; what was refused is judged anew.
	w.advance(3600e9)
	again := w.opened(w.sendBundle("k-1", call...), http.StatusMultiStatus)
	for i := range r.Parts {
		if !bytes.Equal(again.Parts[i].Receipt, r.Parts[i].Receipt) || again.Parts[i].Status != r.Parts[i].Status {
			t.Errorf("again: %+v", again.Parts[i])
		}
	}
	if w.ringing() != 2 {
		t.Errorf("rung %d times", w.ringing())
	}
	// Put right, with the same key: nothing is there twice.
	call[2].body = antrag
	mended := w.opened(w.sendBundle("k-1", call...), http.StatusMultiStatus)
	if mended.ID != r.ID || mended.Parts[0].Status != 202 || !bytes.Equal(mended.Parts[1].Receipt, r.Parts[1].Receipt) {
		t.Errorf("%+v", mended)
	}
	if rows, err := w.store.List(t.Context(), store.Filter{Bundle: r.ID}); err != nil || len(rows) != 3 {
		t.Errorf("%d submissions, %v", len(rows), err)
	}
	// The log and the figures know each one.
	var accepted int
	for _, o := range w.outcomes {
		if o == outcomeAccepted {
			accepted++
		}
	}
	if accepted != 3 {
		t.Errorf("outcomes %q", w.outcomes)
	}
}

// A repeated call is recognised by what it holds, not by the order of it.
func TestBundleCallIsRecognisedByWhatItHolds(t *testing.T) {
	w := moving(t)
	bad := []part{metaOf("tonne", "tonne", soest, nil), {"payload", "application/json", "", "["}}
	one := []part{metaOf("tonne", "tonne", soest, nil), tonnePart}
	two := []part{metaOf("tonne", "tonne", soest, func(m map[string]any) { m["reference"] = "2" }), tonnePart}
	call := func(parts ...[]part) []part { return append([]part{bundlePart}, slices.Concat(parts...)...) }
	first := w.opened(w.sendBundle("k-1", call(bad, one, two)...), http.StatusMultiStatus)
	for name, parts := range map[string][]part{"without the refused one": call(one, two), "the other way round": call(two, one), "one alone": call(two)} {
		again := w.opened(w.sendBundle("k-1", parts...), http.StatusCreated)
		for _, p := range again.Parts {
			if !bytes.Equal(p.Receipt, first.Parts[1].Receipt) && !bytes.Equal(p.Receipt, first.Parts[2].Receipt) {
				t.Errorf("%s: a second case: %s", name, p.Receipt)
			}
		}
	}
	// Other content in the place of what was accepted is no new case either.
	changed := []part{metaOf("tonne", "tonne", soest, func(m map[string]any) { m["reference"] = "3" }), tonnePart}
	r := w.opened(w.sendBundle("k-1", call(bad, changed)...), http.StatusMultiStatus)
	var p problemBody
	if err := json.Unmarshal(r.Parts[1].Problem, &p); err != nil || p.Code != CodeKeyReused {
		t.Errorf("%+v, %v", r.Parts[1], err)
	}
	// What was accepted is answered although it would be refused now.
	w.change(func(s *config.Snapshot) {
		m := *s.Municipalities[soest]
		m.Services = map[string]*config.Binding{"hund": m.Services["hund"]}
		s.Municipalities = map[string]*config.Municipality{soest: &m}
	})
	again := w.opened(w.sendBundle("k-1", call(two)...), http.StatusCreated)
	if !bytes.Equal(again.Parts[0].Receipt, first.Parts[2].Receipt) {
		t.Errorf("%+v", again)
	}
	if rows, err := w.store.List(t.Context(), store.Filter{}); err != nil || len(rows) != 2 {
		t.Errorf("%d submissions, %v", len(rows), err)
	}
}

// Whatever breaks off a call, its repetition finds what was kept before.
func TestBundleCallIsRepeatable(t *testing.T) {
	w := moving(t)
	call := []part{bundlePart, metaOf("hund-an", "hund", soest, nil), dogPart, metaOf("tonne", "tonne", soest, nil), tonnePart}
	call[0].body = strings.Replace(opening, `"old"`, `"close":true,"old"`, 1)
	for i, fault := range []struct {
		err  error
		code Code
	}{{store.ErrUnknown, CodeUnknown}, {store.ErrFull, CodeFull}, {fmt.Errorf("disk"), CodeUnavailable}} {
		w.store.set(func(f *faults) { f.after, f.accept = max(0, 1-i), fault.err }) // the first one is kept by the first call
		w.refused(w.sendBundle("k-1", call...), fault.code)
	}
	w.store.set(func(f *faults) { f.accept = nil })
	if w.ringing() != 1 {
		t.Errorf("rung %d times", w.ringing())
	}
	r := w.opened(w.sendBundle("k-1", call...), http.StatusCreated)
	s := w.bundle(r.ID)
	if s.State != "closed" || s.list() != "hund-ab!?, hund-an! RECEIVED, tonne! RECEIVED" {
		t.Errorf("%s %s", s.State, s.list())
	}
	if rows, err := w.store.List(t.Context(), store.Filter{}); err != nil || len(rows) != 2 {
		t.Errorf("%d submissions, %v", len(rows), err)
	}
	// Also once it is closed.
	again := w.opened(w.sendBundle("k-1", call...), http.StatusCreated)
	if !bytes.Equal(again.Parts[0].Receipt, r.Parts[0].Receipt) || !bytes.Equal(again.Parts[1].Receipt, r.Parts[1].Receipt) {
		t.Errorf("%+v", again)
	}
}

// Nothing is told as done before it is on disk, and a repetition heals it.
func TestBundleWhileTheStoreFails(t *testing.T) {
	w := moving(t)
	r := w.opened(w.openBundle("k-1", opening), http.StatusCreated)
	url := "/v1/bundles/" + r.ID.String()
	for _, fault := range []struct {
		err  error
		code Code
	}{{store.ErrUnknown, CodeUnknown}, {store.ErrFull, CodeFull}, {fmt.Errorf("disk"), CodeUnavailable}} {
		w.store.set(func(f *faults) { f.bundles = fault.err })
		w.refused(w.openBundle("k-2", opening), fault.code)
		w.refused(w.do("PUT", url+"/answers", `{}`, "Content-Type", "application/json"), fault.code)
		w.refused(w.do("POST", url+"/close", ""), fault.code)
		call := part{"bundle", "application/json", "", `{"bundle":"umzug","close":true}`}
		w.refused(w.sendBundle("k-3", call, metaOf("tonne", "tonne", soest, nil), tonnePart), fault.code)
	}
	w.store.set(func(f *faults) { f.bundles = nil })
	if s := w.bundle(r.ID); s.State != "open" || s.list() != "hund-ab!?, hund-an!?, tonne!?" || w.ringing() != 0 {
		t.Errorf("%+v", s)
	}
	// It was closed, or is gone, between the look and the step.
	for err, code := range map[error]Code{store.ErrState: CodeBundleClosed, store.ErrNotFound: CodeBundle} {
		w.store.set(func(f *faults) { f.accept = err })
		w.refused(w.submit("k-4", "Stellwerk-Bundle", r.ID.String(), "Stellwerk-Part", "hund-an"), code)
	}
	w.store.set(func(f *faults) { f.accept, f.lookupBundle = nil, fmt.Errorf("disk") })
	w.refused(w.do("GET", url, ""), CodeUnavailable)
	w.refused(w.submit("k-4", "Stellwerk-Bundle", r.ID.String(), "Stellwerk-Part", "hund-an"), CodeUnavailable)
}

// A bundle that should be closed stays open while one of its submissions is refused.
func TestBundleStaysOpenForWhatWasRefused(t *testing.T) {
	w := moving(t)
	opening := part{"bundle", "application/json", "", `{"bundle":"umzug","close":true}`}
	r := w.opened(w.sendBundle("k-1", opening, metaOf("tonne", "tonne", soest, nil), part{"payload", "application/json", "", "["}), http.StatusMultiStatus)
	if s := w.bundle(r.ID); s.State != "open" || s.Status != hub.CaseInitiated {
		t.Errorf("%+v", s)
	}
	r = w.opened(w.sendBundle("k-2", opening), http.StatusCreated)
	if s := w.bundle(r.ID); s.State != "closed" || s.Status != hub.CaseCancelled {
		t.Errorf("%+v", s)
	}
}

func TestBundleCallThatCannotBeRead(t *testing.T) {
	w := moving(t)
	good := []part{metaOf("tonne", "tonne", soest, nil), tonnePart}
	for name, tt := range map[string]struct {
		parts []part
		code  Code
	}{
		"no bundle":        {good, CodeMultipart},
		"payload first":    {[]part{bundlePart, tonnePart}, CodeMultipart},
		"no payload":       {append([]part{bundlePart, good[0]}, good...), CodeMultipart},
		"another part":     {append([]part{bundlePart}, append(slices.Clone(good), part{"x", "", "", ""})...), CodeMultipart},
		"too many":         {append([]part{bundlePart}, slices.Repeat(good, maxSubmissions+1)...), CodeMultipart},
		"malformed bundle": {[]part{{"bundle", "application/json", "", "["}}, CodeMetaMalformed},
		"wrong bundle":     {[]part{{"bundle", "application/json", "", `{"bundle":"heirat"}`}}, CodeMetaInvalid},
		"too large":        {[]part{bundlePart, good[0], {"payload", "application/json", "", strings.Repeat(" ", 4<<20)}}, CodeRequestLarge},
	} {
		w.refused(w.sendBundle("k-"+strings.ReplaceAll(name, " ", "-"), tt.parts...), tt.code)
	}
	// What is wrong with one alone is its result.
	for name, tt := range map[string]struct {
		parts []part
		code  Code
	}{
		"names a bundle":    {[]part{metaOf("tonne", "tonne", soest, func(m map[string]any) { m["bundle"] = "019ab9c4-4f7a-7c00-9d5e-2f1a6b7c8d00" }), tonnePart}, CodeMetaInvalid},
		"names no part":     {[]part{metaOf("tonne", "tonne", soest, func(m map[string]any) { delete(m, "part") }), tonnePart}, CodeMetaInvalid},
		"another service":   {[]part{metaOf("tonne", "hund", soest, nil), dogPart}, CodeMetaInvalid},
		"out of scope":      {[]part{metaOf("hund-an", "hund", iserlohn, nil), dogPart}, CodeOutOfScope},
		"not offered":       {[]part{metaOf("tonne", "tonne", werl, nil), tonnePart}, CodeNotOffered},
		"no JSON":           {[]part{{"metadata", "application/json", "", "["}, tonnePart}, CodeMetaMalformed},
		"payload too large": {[]part{metaOf("tonne", "tonne", soest, nil), {"payload", "application/json", "", strings.Repeat(" ", 1<<20+1)}}, CodePayloadLarge},
		"too many files": {append([]part{metaOf("tonne", "tonne", soest, nil), tonnePart},
			slices.Repeat([]part{{"attachment", "application/pdf", "x.pdf", "%PDF"}}, 4)...), CodeAttachments},
	} {
		call := append(append([]part{bundlePart}, tt.parts...), good...)
		r := w.opened(w.sendBundle("r-"+strings.ReplaceAll(name, " ", "-"), call...), http.StatusMultiStatus)
		var p problemBody
		if err := json.Unmarshal(r.Parts[0].Problem, &p); err != nil || p.Code != tt.code || len(r.Parts) != 2 || r.Parts[1].Status != 202 {
			t.Errorf("%s: %+v %+v, %v", name, p, r, err)
		}
	}
}

// In one call the others go on; a repetition is judged by the answers as they are now.
func TestBundleCallForAnotherTown(t *testing.T) {
	w := moving(t)
	call := []part{bundlePart, metaOf("hund-an", "hund", werl, nil), dogPart, metaOf("tonne", "tonne", soest, nil), tonnePart}
	r := w.opened(w.sendBundle("k-1", call...), http.StatusMultiStatus)
	var p problemBody
	if err := json.Unmarshal(r.Parts[0].Problem, &p); err != nil || p.Code != CodeMetaInvalid || p.Errors[0].Pointer != "/municipality" || p.Errors[0].Part != "metadata" || r.Parts[1].Status != 202 {
		t.Errorf("%+v %+v, %v", p, r.Parts, err)
	}
	w.do("PUT", "/v1/bundles/"+r.ID.String()+"/answers", `{"new":"05974052","answers":{"hund":"mit"}}`, "Content-Type", "application/json")
	again := w.opened(w.sendBundle("k-1", call...), http.StatusCreated)
	if again.Parts[0].Status != 202 || !bytes.Equal(again.Parts[1].Receipt, r.Parts[1].Receipt) {
		t.Errorf("%+v", again.Parts)
	}
}
