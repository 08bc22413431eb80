package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/route"
	"stellwerk/internal/store"
	"stellwerk/internal/vault"
)

// backend plays flow and deliverer on the world's journal.
type backend interface {
	Advance(context.Context, hub.ID, int64, *store.Advance) error
	Claim(context.Context, store.Claim) ([]store.Task, error)
	Record(context.Context, *store.Record) (store.Effect, error)
}

// plan gives a submission one delivery a role, each to a system of that name.
func (w *world) plan(id hub.ID, roles ...string) {
	w.t.Helper()
	step := &store.Advance{At: w.clock(), State: hub.SubmissionRunning}
	for i, role := range roles {
		d := id.Delivery(i + 1)
		step.Deliveries = append(step.Deliveries, store.NewDelivery{
			Delivery: hub.Delivery{ID: d, Role: role, System: role, State: hub.DeliveryPending, NotBefore: w.clock()},
			Document: &store.Rendered{Delivery: d, Head: []byte("h"), Body: []byte("b")},
		})
	}
	if err := w.store.Store.(backend).Advance(w.t.Context(), id, 1, step); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) claim(system string) store.Task {
	w.t.Helper()
	w.advance(time.Hour)
	tasks, err := w.store.Store.(backend).Claim(w.t.Context(), store.Claim{System: system, Owner: "node", Now: w.clock(), Lease: time.Minute, Limit: 1})
	if err != nil || len(tasks) != 1 {
		w.t.Fatal(len(tasks), err)
	}
	return tasks[0]
}

// end records the end of an attempt with a sealed answer; nil for none.
func (w *world) end(task store.Task, state hub.DeliveryState, code string, answer map[string]string) {
	w.t.Helper()
	r := &store.Record{
		Attempt: hub.Attempt{Delivery: task.Delivery.ID, N: task.Delivery.Attempts, At: w.clock(), Node: "node", Kind: "send", Code: code},
		Owner:   "node", Fence: task.Fence, State: state, Token: []byte("token"),
	}
	if answer != nil {
		plain, err := json.Marshal(answer)
		if err != nil {
			w.t.Fatal(err)
		}
		r.Answer = w.key(task).Seal(hub.RecordAnswer(task.Delivery.ID), plain)
	}
	w.record(r)
}

func (w *world) record(r *store.Record) {
	w.t.Helper()
	if _, err := w.store.Store.(backend).Record(w.t.Context(), r); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) key(task store.Task) *vault.Key {
	w.t.Helper()
	key, err := w.vault.Unwrap(task.Submission.ID, task.Submission.Municipality, task.DataKey)
	if err != nil {
		w.t.Fatal(err)
	}
	return key
}

func (w *world) status(id hub.ID, header ...string) (s Status, tag string) {
	w.t.Helper()
	a := w.do("GET", "/v1/submissions/"+id.String(), "", header...)
	if a.StatusCode != http.StatusOK {
		w.t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	a.decode(w.t, &s)
	if strings.Contains(string(a.body), "geheim") {
		w.t.Errorf("what the route does not release has left: %s", a.body)
	}
	return s, a.Header.Get("ETag")
}

// The portal is told what the route releases, under the route's name, and never
// anything else of an answer.
func TestAnswersThatTheRouteReleases(t *testing.T) {
	w := newWorld(t)
	id := w.accepted(w.submit("k-1")).ID
	w.plan(id, "records", "finance")
	before, tag := w.status(id)
	if before.Status != hub.CaseProcessing || len(before.Answers) > 0 {
		t.Errorf("%+v", before)
	}
	w.end(w.claim("records"), hub.DeliveryDelivered, "", map[string]string{"aktenzeichen": "22.31-0815", "objid": "geheim"})
	w.end(w.claim("finance"), hub.DeliveryDelivered, "", map[string]string{"aktenzeichen": "geheim"})
	after, changed := w.status(id)
	if want := map[string]string{"aktenzeichen": "22.31-0815"}; after.Status != hub.CaseCompleted || !maps.Equal(after.Answers, want) {
		t.Errorf("%s %v", after.Status, after.Answers)
	}
	if changed == tag {
		t.Error("the ETag is the same with an answer")
	}
	w.change(func(s *config.Snapshot) {
		r := *s.Routes["hund"]
		r.Answers = nil
		s.Routes = map[string]*route.Route{"hund": &r}
	})
	if none, again := w.status(id); len(none.Answers) > 0 || again == changed {
		t.Errorf("released no more: %v, ETag %s", none.Answers, again)
	}
}

// A case that was taken back offers no link any more: what is paid then buys nothing.
func TestWithdrawnCaseIsNotPaid(t *testing.T) {
	w := newWorld(t)
	id := w.accepted(w.submit("k-1")).ID
	w.plan(id, "records", "finance")
	w.end(w.claim("records"), hub.DeliveryAwaiting, hub.CodePaymentOpen, map[string]string{"payment-url": "https://pay.example/1", "aktenzeichen": "22.31-0815"})
	if s, _ := w.status(id); s.Answers["payment-url"] == "" || s.Answers["aktenzeichen"] == "" {
		t.Fatalf("before: %v", s.Answers)
	}
	if a := w.do("POST", "/v1/submissions/"+id.String()+"/withdrawal", ""); a.StatusCode != http.StatusOK || strings.Contains(string(a.body), "pay.example") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if s, _ := w.status(id); s.Status != hub.CaseCancelled || s.Answers["payment-url"] != "" || s.Answers["aktenzeichen"] == "" {
		t.Errorf("after: %s %v", s.Status, s.Answers)
	}
}

// A citizen who must pay sees it and where, while the provider is asked, too, and
// while it does not answer.
func TestPaymentIsTheCitizensAction(t *testing.T) {
	w := newWorld(t)
	id := w.accepted(w.submit("k-1")).ID
	w.plan(id, "records", "finance")
	const link = "https://pay.example/1"
	pays := func(when string) {
		t.Helper()
		s, _ := w.status(id)
		if s.Status != hub.CaseActionRequired || s.Action == nil || s.Action.Who != hub.PartyCitizen || s.Action.Do != hub.DoPay || s.Action.URL != link || s.Answers["payment-url"] != link {
			t.Errorf("%s: %+v, action %+v", when, s, s.Action)
		}
	}
	task := w.claim("records")
	if s, _ := w.status(id); s.Status != hub.CaseProcessing || s.Action != nil {
		t.Errorf("while it is asked for: %+v", s)
	}
	w.end(task, hub.DeliveryAwaiting, hub.CodePaymentOpen, map[string]string{"payment-url": link, "transaction-id": "geheim"})
	pays("open")
	task = w.claim("records")
	pays("being asked")
	w.end(task, hub.DeliveryAwaiting, "http-503", nil)
	pays("not answered")
	s, _ := w.status(id, "Accept-Language", "en")
	if s.Action.Text != "Please pay the fee." || !strings.HasPrefix(s.Text, "Your application has arrived. Please pay") {
		t.Errorf("English: %q, %q", s.Text, s.Action.Text)
	}
	w.end(w.claim("records"), hub.DeliveryDelivered, "payed", map[string]string{"aktenzeichen": "1"})
	if s, _ := w.status(id); s.Status != hub.CaseProcessing || s.Action != nil || s.Answers["payment-url"] != "" {
		t.Errorf("paid: %+v", s)
	}
}

// A link that the route keeps back is not told by the way of the action.
func TestActionNamesNoLinkThatIsNotReleased(t *testing.T) {
	w := newWorld(t)
	id := w.accepted(w.submit("k-1")).ID
	w.plan(id, "finance")
	w.end(w.claim("finance"), hub.DeliveryAwaiting, hub.CodePaymentOpen, map[string]string{"payment-url": "https://geheim.example"})
	if s, _ := w.status(id); s.Status != hub.CaseActionRequired || s.Action.URL != "" {
		t.Errorf("%+v", s.Action)
	}
	// Nor where something else of the same role is told, and another role's link.
	w.change(func(s *config.Snapshot) {
		r := *s.Routes["hund"]
		r.Answers = append(slices.Clone(r.Answers), route.Answer{Name: "kassenzeichen", Role: "finance", Key: "kassenzeichen"})
		s.Routes = map[string]*route.Route{"hund": &r}
	})
	w.end(w.claim("finance"), hub.DeliveryAwaiting, hub.CodePaymentOpen, map[string]string{"payment-url": "https://geheim.example", "kassenzeichen": "0815"})
	if s, _ := w.status(id); s.Action.URL != "" || !maps.Equal(s.Answers, map[string]string{"kassenzeichen": "0815"}) {
		t.Errorf("%+v, %v", s.Action, s.Answers)
	}
}

// An answer that fails its check is left out; the status is told all the same.
func TestAnswerThatFailsItsCheck(t *testing.T) {
	w := newWorld(t)
	id := w.accepted(w.submit("k-1")).ID
	w.plan(id, "records")
	task := w.claim("records")
	w.record(&store.Record{
		Attempt: hub.Attempt{Delivery: task.Delivery.ID, N: 1, At: w.clock(), Node: "node", Kind: "send"},
		Owner:   "node", Fence: task.Fence, State: hub.DeliveryDelivered, Answer: []byte("no seal"),
	})
	s, _ := w.status(id)
	if s.Status != hub.CaseCompleted || len(s.Answers) > 0 || !strings.Contains(w.logged.String(), hub.RecordAnswer(task.Delivery.ID)) {
		t.Errorf("%+v", s)
	}
}

// The portal's own callbacks are no part of what it reads.
func TestCallbacksAreNotTold(t *testing.T) {
	w := newWorld(t)
	id := w.accepted(w.submit("k-1")).ID
	w.plan(id, "records", hub.RolePortal)
	w.end(w.claim(hub.RolePortal), hub.DeliveryParked, "gone", nil)
	s, _ := w.status(id)
	if len(s.Deliveries) != 1 || s.Status != hub.CaseProcessing {
		t.Errorf("%+v", s)
	}
	if a := w.do("GET", "/v1/submissions/"+id.String()+"/events", ""); strings.Contains(string(a.body), `"portal"`) {
		t.Errorf("%s", a.body)
	}
}

// Where the operator has taken away a key that is still needed, whoever asks is told to
// ask again, and when: a restart with the key heals it.
func TestWithoutTheOperatorsKey(t *testing.T) {
	w := moving(t)
	id := w.accepted(w.submit("k-1")).ID
	w.plan(id, "records")
	w.end(w.claim("records"), hub.DeliveryDelivered, "", map[string]string{"aktenzeichen": "A-1"})
	bundle := w.opened(w.openBundle("k-2", opening), http.StatusCreated).ID
	keyring, err := vault.Generate()
	if err != nil {
		t.Fatal(err)
	}
	if w.api.Vault, err = vault.Parse(bytes.Replace(keyring, []byte("\nk1"), []byte("\nk2"), 1)); err != nil {
		t.Fatal(err)
	}
	for name, a := range map[string]answer{
		"a submission": w.do("GET", "/v1/submissions/"+id.String(), ""),
		"a bundle":     w.do("GET", "/v1/bundles/"+bundle.String(), ""),
		"answers":      w.do("PUT", "/v1/bundles/"+bundle.String()+"/answers", `{}`, "Content-Type", "application/json"),
	} {
		w.refused(a, CodeUnavailable)
		if a.Header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", name)
		}
	}
}
