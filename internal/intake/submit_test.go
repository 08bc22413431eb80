package intake

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

func TestSubmitStoresEverythingSealed(t *testing.T) {
	w := newWorld(t)
	r := w.accepted(w.submit("k-1",
		"Stellwerk-Reference", "HA-Müller", "Stellwerk-Trust-Level", "STORK-QAA-Level-3", "Stellwerk-Mailbox", "postkorb-4711",
		"Stellwerk-Consent-Wording", "2026-01", "Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))
	want := sum([]byte(antrag))
	if r.SHA256 != hex.EncodeToString(want[:]) || r.Number != r.ID.Number() || r.Attachments != nil {
		t.Errorf("receipt %+v", r)
	}
	if w.ringing() != 1 || w.rung[0] != r.ID {
		t.Errorf("rung: %v", w.rung)
	}
	a := w.store.last
	s := a.Submission
	if s.ID != r.ID || s.Municipality != soest || s.Service != "hund" || s.Portal != "soest" || s.Channel != "portal" ||
		s.State != hub.SubmissionAccepted || s.Version != 1 || s.Format != "xml" || s.SHA256 != want || s.Size != int64(len(antrag)) ||
		!s.Consent.Given || s.Consent.Wording != "2026-01" || s.Consent.At.IsZero() || s.Revision != "a1b2c3d4e5f6" ||
		s.Trace != "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" || !s.ReceivedAt.Equal(w.clock()) {
		t.Errorf("submission %+v", s)
	}
	if a.Key != "k-1" || a.Actor != "portal:soest" {
		t.Errorf("key %q, actor %q", a.Key, a.Actor)
	}
	if string(a.OrderKey) != string(w.vault.Hash("order", soest, "276098102345678")) {
		t.Error("the order key is not the hash of the trimmed value")
	}
	key, err := w.vault.Unwrap(r.ID, soest, a.DataKey)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := key.Open(hub.RecordPayload, a.Payload)
	if err != nil || string(payload) != antrag {
		t.Errorf("payload %q, %v", payload, err)
	}
	plain, err := key.Open(hub.RecordMeta, a.Meta)
	if err != nil {
		t.Fatal(err)
	}
	var meta hub.Meta
	if err := json.Unmarshal(plain, &meta); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(meta, hub.Meta{Reference: "HA-Müller", TrustLevel: "STORK-QAA-Level-3", Mailbox: "postkorb-4711", MediaType: "application/xml"}) {
		t.Errorf("meta %+v", meta)
	}
}

func TestSubmitJSONWithAnOlderTraceAndFromTheCounter(t *testing.T) {
	w := newWorld(t)
	body := `{"halter":{"name":"Geheimnis"},"hund":[{"chip":"276098102345678"}]}`
	w.accepted(w.do("POST", "/v1/submissions", body, dog("k-1", "Content-Type", "application/json; charset=utf-8",
		"Authorization", "Bearer "+keyCounter, "Stellwerk-Clerk", "Frau Übel", "Traceparent", "00-zzz")...))
	s := w.store.last.Submission
	if s.Channel != "counter" || w.store.last.Actor != "counter:theke/Frau Übel" || s.Format != "json" || s.Trace != "" {
		t.Errorf("submission %+v", s)
	}
	if string(w.store.last.OrderKey) != string(w.vault.Hash("order", soest, "276098102345678")) {
		t.Error("JSON and XML have different order keys")
	}
}

// A path that the watch does not know is looked up in a tree, with the same result.
func TestOrderByAnyPath(t *testing.T) {
	w := newWorld(t)
	for body, want := range map[string]string{
		`{"bestellung":{"leer":" ","nummer":" 7 "}}`: "7", `{"bestellung":{}}`: "", `{}`: "",
	} {
		w.accepted(w.do("POST", "/v1/submissions", body, dog(fmt.Sprint("k-", len(body)), "Content-Type", "application/json", "Stellwerk-Service", "tonne",
			"Stellwerk-Consent", "", "Stellwerk-Consent-At", "")...))
		got := w.store.last.OrderKey
		if want == "" && got != nil || want != "" && string(got) != string(w.vault.Hash("order", soest, want)) {
			t.Errorf("%s: order key %x", body, got)
		}
		if c := w.store.last.Submission.Consent; c.Given || !c.At.IsZero() {
			t.Errorf("consent out of nowhere: %+v", c)
		}
	}
}

func TestRepeatedKeyGetsTheSameAnswer(t *testing.T) {
	w := newWorld(t)
	first := w.submit("k-1")
	id := w.accepted(first).ID
	w.advance(3600e9)
	for _, key := range []string{"k-1", `"k-1"`} { // quoted, as the draft has it: the same key
		again := w.submit(key)
		if string(again.body) != string(first.body) || again.Header.Get("Location") != first.Header.Get("Location") || again.StatusCode != 202 {
			t.Errorf("first %s\nagain %d %s", first.body, again.StatusCode, again.body)
		}
	}
	if w.ringing() != 1 {
		t.Errorf("rung %d times", w.ringing())
	}
	w.refused(w.do("POST", "/v1/submissions", antrag+"\n", dog("k-1")...), CodeKeyReused)
	w.refused(w.submit("k-1", "Stellwerk-Reference", "other"), CodeKeyReused)
	// Another portal's key is its own.
	other := w.accepted(w.submit("k-1", "Authorization", "Bearer "+keyCounter, "Stellwerk-Clerk", "Brandt"))
	if other.ID == id {
		t.Error("two portals share a key")
	}
}

// Whatever has changed since: what was accepted stays accepted.
func TestRepeatedKeyIsAnsweredAlthoughTheContentWouldBeRefusedNow(t *testing.T) {
	w := newWorld(t)
	first := w.submit("k-1")
	w.accepted(first)
	with := multi(t, meta(nil), part{"payload", "application/xml", "", antrag}, part{"attachment", "application/pdf", "impfpass.pdf", "PDF"})
	second := w.sendMulti(with, "k-2")
	w.accepted(second)
	kept := w.spooledFiles()

	s := w.snap.Load()
	m := *s.Municipalities[soest]
	m.Services = nil
	w.change(func(s *config.Snapshot) { s.Municipalities = map[string]*config.Municipality{soest: &m} })
	if again := w.submit("k-1"); string(again.body) != string(first.body) {
		t.Errorf("alone: %d %s", again.StatusCode, again.body)
	}
	again := w.sendMulti(multi(t, meta(nil), part{"payload", "application/xml", "", antrag}, part{"attachment", "application/pdf", "impfpass.pdf", "PDF"}), "k-2")
	if string(again.body) != string(second.body) {
		t.Errorf("multipart: %d %s", again.StatusCode, again.body)
	}
	if now := w.spooledFiles(); len(now) != len(kept) {
		t.Errorf("files %v, before %v", now, kept)
	}
	w.refused(w.do("POST", "/v1/submissions", "<other/>", dog("k-1")...), CodeKeyReused)
	w.refused(w.submit("k-3"), CodeNotOffered)
}

func TestKeyInFlight(t *testing.T) {
	w := newWorld(t)
	hold, holding := make(chan struct{}), make(chan struct{}, 1)
	w.store.set(func(f *faults) { f.hold, f.holding = hold, holding })
	done := make(chan answer, 1)
	go func() { done <- w.submit("k-1") }()
	<-holding
	p := w.submit("k-1")
	w.refused(p, CodeKeyInFlight)
	if p.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	w.store.set(func(f *faults) { f.hold = nil })
	w.accepted(w.submit("k-2")) // another key is not held up
	close(hold)
	first := <-done
	w.accepted(first)
	if again := w.submit("k-1"); string(again.body) != string(first.body) {
		t.Errorf("again: %s", again.body)
	}
}

func TestStoreFaultsAreNeverA2xx(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		err   error
		code  Code
		files int
	}{
		{store.ErrFull, CodeFull, 0},
		{store.ErrUnknown, CodeUnknown, 1}, // it may be there after all: the file stays
		{errors.New("disk on fire"), CodeUnavailable, 1},
		{store.ErrKeyReused, CodeKeyReused, 1},
	} {
		w.store.set(func(f *faults) { f.accept = c.err })
		a := w.sendMulti(multi(t, meta(nil), part{"payload", "application/xml", "", antrag}, part{"attachment", "application/pdf", "impfpass.pdf", "PDF"}), "k-1")
		p := w.refused(a, c.code)
		if a.StatusCode == 503 && (a.Header.Get("Retry-After") == "" || p.Repeat != repeatSameKey) {
			t.Errorf("%v: Retry-After %q, repeat %s", c.err, a.Header.Get("Retry-After"), p.Repeat)
		}
		if n := len(w.spooledFiles()); n != c.files {
			t.Errorf("%v: %d files left, want %d", c.err, n, c.files)
		}
	}
	if w.ringing() != 0 {
		t.Error("rung without an accept")
	}
	w.store.set(func(f *faults) { f.accept, f.earlier = nil, errors.New("cannot read") })
	w.refused(w.submit("k-2", "Stellwerk-Consent", "false"), CodeUnavailable) // not known whether the key has an answer
	w.store.set(func(f *faults) { f.earlier = nil })
	w.accepted(w.submit("k-1"))
}

// On a full disk nothing new is taken, but what was accepted has its answer: the portal
// that lost it need not wait for room.
func TestReplayOnAFullDisk(t *testing.T) {
	w := newWorld(t)
	first := w.submit("k-1")
	w.accepted(first)
	w.store.set(func(f *faults) { f.accept = fmt.Errorf("accept: %w", store.ErrFull) })
	again := w.submit("k-1")
	w.accepted(again)
	if string(again.body) != string(first.body) {
		t.Errorf("another answer: %s", again.body)
	}
	w.refused(w.submit("k-1", "Stellwerk-Reference", "another"), CodeKeyReused)
	if a := w.submit("k-2"); a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	} else {
		w.refused(a, CodeFull)
	}
}

// Whatever a portal may change between two submissions makes them two.
func TestFingerprintTellsApart(t *testing.T) {
	prints := map[[32]byte]string{(&received{}).fingerprint(): "nothing"}
	at := time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)
	for name, in := range map[string]*received{
		"municipality": {metadata: metadata{municipality: "x"}}, "service": {metadata: metadata{service: "x"}}, "version": {metadata: metadata{version: "x"}},
		"consent": {metadata: metadata{consent: true}}, "its moment": {metadata: metadata{consentAt: at}}, "another moment": {metadata: metadata{consentAt: at.Add(time.Nanosecond)}},
		"wording": {metadata: metadata{wording: "x"}}, "reference": {metadata: metadata{reference: "x"}}, "trust": {metadata: metadata{trust: "x"}},
		"mailbox": {metadata: metadata{mailbox: "x"}}, "media type": {mediaType: "x"}, "payload": {sum: [32]byte{1}},
	} {
		print := in.fingerprint()
		if other, known := prints[print]; known {
			t.Errorf("%s is like %s", name, other)
		}
		prints[print] = name
	}
	zone := time.FixedZone("CET", 3600)
	if (&received{metadata: metadata{consentAt: at}}).fingerprint() != (&received{metadata: metadata{consentAt: at.In(zone)}}).fingerprint() {
		t.Error("the same moment in another zone is another submission")
	}
}
