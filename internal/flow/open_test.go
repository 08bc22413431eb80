package flow

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/mapping"
	"stellwerk/internal/store"
)

// opened is a run that has opened a submission and decided nothing.
func (d *desk) opened(id hub.ID) *work {
	d.t.Helper()
	c, err := d.store.Case(d.t.Context(), id)
	if err != nil {
		d.t.Fatal(err)
	}
	w := &work{Flow: d.Flow, ctx: d.t.Context(), now: d.now, snapshot: d.Live.Get(), c: c}
	if err := open(w); err != nil {
		d.t.Fatal(err)
	}
	return w
}

// What mappings may use besides the payload is what was received, and no more.
func TestWhatMappingsMayUse(t *testing.T) {
	d := newDesk(t)
	bundle := d.ids.New()
	id := d.accept("labrador.xml", nil, func(a *store.Acceptance) {
		key, err := d.Vault.Unwrap(a.Submission.ID, town, a.DataKey)
		if err != nil {
			t.Fatal(err)
		}
		seal := func(name string, v any) []byte {
			plain, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			return key.Seal(name, plain)
		}
		a.Meta = seal(hub.RecordMeta, hub.Meta{Reference: "BP-1", MediaType: "application/xml", TrustLevel: "STORK-QAA-Level-3", Mailbox: "m", Clerk: "c", Account: map[string]string{"mail": "a@example.de"}})
		a.Submission.Channel, a.Submission.Attachments = "counter", 1
		a.Attachments = []store.SealedAttachment{{N: 1, File: "1", Info: seal(hub.RecordAttachmentInfo(1), hub.Attachment{N: 1, Name: "impfpass.pdf", ContentType: "application/pdf", Size: 7, SHA256: "ab"})}}
	})
	w := d.opened(id)
	got := *w.env
	got.Now, got.Next, got.Original = nil, nil, nil
	want := mapping.Env{
		Submission: mapping.Submission{ID: id.String(), Number: id.Number(), Service: "hundeanmeldung", Portal: "buergerportal", Reference: "BP-1", ReceivedAt: d.now},
		Meta: mapping.Meta{
			TrustLevel: "STORK-QAA-Level-3", Mailbox: "m", Channel: "counter", Clerk: "c", Email: "a@example.de", Account: map[string]string{"mail": "a@example.de"},
			ConsentAt: d.now, ConsentVersion: "1",
		},
		Attachments: []mapping.Attachment{{ID: hub.RecordAttachment(1), Name: "impfpass.pdf", Type: "application/pdf", Size: 7, SHA256: "ab"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if len(w.attachments) != 1 || w.attachments[0].File != "1" {
		t.Errorf("what goes along: %+v", w.attachments)
	}
	if w.env.Now == nil || !w.env.Now().Equal(d.now) || w.env.Next == nil {
		t.Error("it has no clock, or no numbers")
	}
	w.c.Submission.Bundle = bundle
	if err := open(w); err != nil || w.env.Submission.Bundle != bundle.String() {
		t.Errorf("its bundle is %q, %v", w.env.Submission.Bundle, err)
	}
	media, body, err := w.original()
	if err != nil || media != "application/xml" || len(body) == 0 || int64(len(body)) != w.c.Submission.Size {
		t.Errorf("the original: %s, %d bytes, %v", media, len(body), err)
	}
}

// The answer of a system is open to later mappings once its delivery is delivered: a link
// under which a citizen has yet to pay is none.
func TestAnswersOfWhatIsDelivered(t *testing.T) {
	d := newDesk(t)
	id := d.accept("labrador.xml", nil, nil)
	d.run(id)
	answers := func() map[string]map[string]string { return d.opened(id).env.Answers }
	if got := answers(); got != nil {
		t.Errorf("before any answer: %v", got)
	}
	tasks, err := d.store.Claim(t.Context(), store.Claim{System: "akte-musterstadt", Owner: "node", Now: d.now, Lease: time.Minute, Limit: 1})
	if err != nil || len(tasks) != 1 {
		t.Fatalf("%+v, %v", tasks, err)
	}
	key, err := d.Vault.Unwrap(id, town, tasks[0].DataKey)
	if err != nil {
		t.Fatal(err)
	}
	of := id.Delivery(1)
	if _, err := d.store.Record(t.Context(), &store.Record{
		Attempt: hub.Attempt{Delivery: of, N: 1, At: d.now, Node: "node", Kind: "send", Outcome: "awaiting"}, Owner: "node", Fence: tasks[0].Fence,
		State: hub.DeliveryAwaiting, NotBefore: d.now, Answer: key.Seal(hub.RecordAnswer(of), []byte(`{"payment-url":"https://pay.example"}`)),
	}); err != nil {
		t.Fatal(err)
	}
	if got := answers(); got != nil {
		t.Errorf("of what is awaited: %v", got)
	}
	d.now = d.now.Add(time.Minute)
	d.deliver(id, 1, "akte-musterstadt", map[string]string{"aktenzeichen": "A-7"})
	if got := answers(); got["records"]["aktenzeichen"] != "A-7" || len(got) != 1 {
		t.Errorf("of what is delivered: %v", got)
	}
}
