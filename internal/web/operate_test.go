package web

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/store/sqlite"
	"stellwerk/internal/web/admin"
)

func TestReplayPutsBackRingsAndIsAudited(t *testing.T) {
	f := newFixture(t)
	id, d := f.parked("http-422")
	s, err := f.client.Replay(t.Context(), d, admin.Replay{Reason: "Kasse hat das Feld ergänzt"})
	f.must(err)
	if s.State != hub.SubmissionRunning || s.Deliveries[0].State != hub.DeliveryPending {
		t.Errorf("after the replay it is %s, its delivery %s", s.State, s.Deliveries[0].State)
	}
	if !slices.Contains(f.woke, system) || !slices.Contains(f.rang, id) {
		t.Errorf("nobody was told: woke %v, rang %v", f.woke, f.rang)
	}
	trail, err := f.store.AuditTrail(t.Context(), 0, 100)
	f.must(err)
	last := trail[len(trail)-1]
	if last.Actor != "operator:leitstelle" || last.Object != d.String() || last.Reason != "Kasse hat das Feld ergänzt" {
		t.Errorf("the audit trail ends with %+v", last)
	}
	_, err = f.client.Replay(t.Context(), d, admin.Replay{Reason: "again"})
	f.problem(err, http.StatusConflict, admin.CodeState)
}

func TestOrdersNeedAReason(t *testing.T) {
	f := newFixture(t)
	id, d := f.parked("http-422")
	for _, why := range []string{"", "  ", "two\nlines", strings.Repeat("x", 501)} {
		_, err := f.client.Replay(t.Context(), d, admin.Replay{Reason: why})
		f.problem(err, http.StatusBadRequest, admin.CodeInvalid)
		_, err = f.client.Close(t.Context(), d, why)
		f.problem(err, http.StatusBadRequest, admin.CodeInvalid)
		_, err = f.client.Pause(t.Context(), system, why)
		f.problem(err, http.StatusBadRequest, admin.CodeInvalid)
		_, err = f.client.Reopen(t.Context(), id.String(), why)
		f.problem(err, http.StatusBadRequest, admin.CodeInvalid)
		_, err = f.client.ReplayMany(t.Context(), admin.ReplayMany{Replay: admin.Replay{Reason: why}})
		f.problem(err, http.StatusBadRequest, admin.CodeInvalid)
	}
	if s, err := f.client.Submission(t.Context(), id.String()); err != nil || s.Deliveries[0].State != hub.DeliveryParked {
		t.Errorf("something was done without a reason: %+v, %v", s, err)
	}
}

func TestDeliveredIsReplayedWithForceOnly(t *testing.T) {
	f := newFixture(t)
	id, key := f.accept("<hund/>")
	d := f.plan(id, key, "{}", "1")
	f.record(key, hub.DeliveryDelivered, "", "", "")
	_, err := f.client.Replay(t.Context(), d, admin.Replay{Reason: "lost there"})
	f.problem(err, http.StatusConflict, admin.CodeState)
	_, err = f.client.ReplayMany(t.Context(), admin.ReplayMany{Replay: admin.Replay{Reason: "lost there"}, Filter: admin.Filter{DeliveryState: hub.DeliveryDelivered}})
	f.problem(err, http.StatusBadRequest, admin.CodeInvalid)
	o, err := f.client.ReplayMany(t.Context(), admin.ReplayMany{Replay: admin.Replay{Reason: "lost there", Force: true}, Filter: admin.Filter{DeliveryState: hub.DeliveryDelivered, System: system}})
	f.must(err)
	if o.Done != 1 {
		t.Errorf("with force %+v, want one put back", o)
	}
}

// What was never mapped has no bytes to send again: whoever asks for them is told the
// way, not that it is under way or has come to its end.
func TestUnmappedIsMappedAnew(t *testing.T) {
	f := newFixture(t)
	id, _ := f.accept("<hund/>")
	d := id.Delivery(1)
	f.must(f.store.Advance(t.Context(), id, 1, &store.Advance{At: f.now, State: hub.SubmissionParked,
		Deliveries: []store.NewDelivery{{Delivery: hub.Delivery{ID: d, Role: "finance", System: system, Document: "finance",
			State: hub.DeliveryParked, Reason: hub.ParkUnmapped, Code: "unknown-code", UpdatedAt: f.now}}}}))
	_, err := f.client.Replay(t.Context(), d, admin.Replay{Reason: "Ticket 1"})
	f.problem(err, http.StatusConflict, admin.CodeState)
	o, many := f.client.ReplayMany(t.Context(), admin.ReplayMany{Replay: admin.Replay{Reason: "Ticket 1"}, Filter: admin.Filter{Reason: hub.ParkUnmapped}})
	f.must(many)
	if len(o.Refused) != 1 || o.Refused[0].Detail != err.Error() || !strings.Contains(err.Error(), "--anew") {
		t.Errorf("says %v, and %+v", err, o.Refused)
	}
}

func TestCloseSettles(t *testing.T) {
	f := newFixture(t)
	id, d := f.parked("http-422")
	s, err := f.client.Close(t.Context(), d, "auf Papier erledigt")
	f.must(err)
	if s.State != hub.SubmissionSettled || s.Deliveries[0].State != hub.DeliveryClosed {
		t.Errorf("after closing it is %s, its delivery %s", s.State, s.Deliveries[0].State)
	}
	if !slices.Contains(f.rang, id) {
		t.Error("the flow was not told that the submission has settled")
	}
	_, err = f.client.Close(t.Context(), d, "again")
	f.problem(err, http.StatusConflict, admin.CodeState)
	_, err = f.client.Close(t.Context(), id.Delivery(9), "nowhere")
	f.problem(err, http.StatusNotFound, admin.CodeNotFound)
}

// A submission parked before it had deliveries is ended as a whole; one with
// deliveries is not.
func TestCloseSubmission(t *testing.T) {
	f := newFixture(t)
	whole, _ := f.accept("<hund/>")
	f.must(f.store.Advance(t.Context(), whole, 1, &store.Advance{At: f.now, State: hub.SubmissionParked, Reason: hub.ParkUnmapped, Code: "no-delivery"}))
	_, err := f.client.CloseSubmission(t.Context(), whole.Number(), "")
	f.problem(err, http.StatusBadRequest, admin.CodeInvalid)
	s, err := f.client.CloseSubmission(t.Context(), whole.Number(), "doppelt eingereicht")
	f.must(err)
	if s.State != hub.SubmissionSettled {
		t.Errorf("after closing it is %s", s.State)
	}
	id, _ := f.parked("http-422")
	_, err = f.client.CloseSubmission(t.Context(), id.Number(), "no")
	f.problem(err, http.StatusConflict, admin.CodeState)
}

func TestParkedByCauseAndEach(t *testing.T) {
	f := newFixture(t)
	f.parked("http-422")
	f.now = f.now.Add(time.Hour)
	newest, _ := f.parked("http-422")
	whole, _ := f.accept("<hund/>")
	f.must(f.store.Advance(t.Context(), whole, 1, &store.Advance{At: f.now, State: hub.SubmissionParked, Reason: hub.ParkUnmapped, Code: "no-delivery"}))
	damaged, _ := f.accept("<hund/>")
	f.must(f.store.Damage(t.Context(), damaged, "payload", f.now))

	groups, err := f.client.ParkedGroups(t.Context(), admin.Filter{})
	f.must(err)
	if !groups.Complete || len(groups.Groups) != 3 {
		t.Fatalf("groups are %+v", groups)
	}
	if g := groups.Groups[0]; g.Count != 2 || g.System != system || g.Reason != "refused" || g.Code != "http-422" || g.Example != newest.Number() || !g.Oldest.Equal(f.now.Add(-time.Hour)) {
		t.Errorf("the first group is %+v", g)
	}
	for name, c := range map[string]struct {
		filter admin.Filter
		want   int
	}{
		"all":      {admin.Filter{}, 4},
		"refused":  {admin.Filter{Reason: hub.ParkRefused}, 2},
		"unmapped": {admin.Filter{Reason: hub.ParkUnmapped}, 1},
		"damaged":  {admin.Filter{Reason: "damaged"}, 1},
		"system":   {admin.Filter{System: system}, 2},
		"code":     {admin.Filter{Code: "no-delivery"}, 1},
		"nothing":  {admin.Filter{Municipality: "05999"}, 0},
		"one page": {admin.Filter{Limit: 2}, 2},
	} {
		page, err := f.client.Parked(t.Context(), c.filter)
		f.must(err)
		if len(page.Items) != c.want {
			t.Errorf("%s: %d items, want %d: %+v", name, len(page.Items), c.want, page.Items)
		}
	}
	_, err = f.client.Parked(t.Context(), admin.Filter{Search: "1"})
	f.problem(err, http.StatusBadRequest, admin.CodeInvalid)
}

func TestBytesText(t *testing.T) {
	for n, want := range map[uint64]string{0: "0.0 MB", 300 << 10: "0.3 MB", 999_000_000: "999.0 MB", 2_500_000_000: "2.5 GB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestDryRun(t *testing.T) {
	f := newFixture(t)
	in := admin.Render{Municipality: ags, Service: "hundeanmeldung", MediaType: "application/xml", Payload: []byte("<hund/>")}
	out, err := f.client.Render(t.Context(), in)
	f.must(err)
	if len(out.Documents) != 1 || string(out.Documents[0].Body) != "<hund/>" || out.Documents[0].Role != "finance" {
		t.Errorf("documents are %+v", out)
	}
	in.Service = "reitkennzeichen"
	_, err = f.client.Render(t.Context(), in)
	f.problem(err, http.StatusNotFound, admin.CodeNotFound)
	in.Municipality = "musterstadt"
	_, err = f.client.Render(t.Context(), in)
	if f.problem(err, http.StatusNotFound, admin.CodeNotFound); !strings.Contains(err.Error(), "did you mean "+ags) {
		t.Errorf("by its name: %v", err)
	}
	in.Payload = make([]byte, 2<<20)
	_, err = f.client.Render(t.Context(), in)
	f.problem(err, http.StatusRequestEntityTooLarge, admin.CodeTooLarge)
}

func TestBodiesAreReadStrictly(t *testing.T) {
	f := newFixture(t)
	auth := http.Header{"Authorization": {"Bearer " + f.client.Key}}
	with := func(contentType string) http.Header {
		h := auth.Clone()
		h.Set("Content-Type", contentType)
		return h
	}
	for name, c := range map[string]struct {
		header http.Header
		body   string
		want   int
	}{
		"good":            {with("application/json"), `{"limit":1}`, http.StatusOK},
		"charset":         {with("application/json; charset=utf-8"), `{}`, http.StatusOK},
		"no media type":   {auth, `{}`, http.StatusUnsupportedMediaType},
		"a form":          {with("application/x-www-form-urlencoded"), "limit=1", http.StatusUnsupportedMediaType},
		"text":            {with("text/plain"), `{}`, http.StatusUnsupportedMediaType},
		"unknown key":     {with("application/json"), `{"limt":1}`, http.StatusBadRequest},
		"two values":      {with("application/json"), `{} {}`, http.StatusBadRequest},
		"broken":          {with("application/json"), `{"limit":`, http.StatusBadRequest},
		"nothing":         {with("application/json"), ``, http.StatusBadRequest},
		"larger than fit": {with("application/json"), `{"code":"` + strings.Repeat("x", small) + `"}`, http.StatusRequestEntityTooLarge},
	} {
		res, text := f.call(http.MethodPost, "/admin/v1/submissions/search", c.header, io.Reader(strings.NewReader(c.body)))
		if res.StatusCode != c.want {
			t.Errorf("%s answered %d, want %d: %s", name, res.StatusCode, c.want, text)
		}
	}
	if res, _ := f.call(http.MethodGet, "/admin/v1/nowhere", auth, nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("nowhere answered %d", res.StatusCode)
	}
	if res, _ := f.call(http.MethodDelete, "/admin/v1/systems", auth, nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("a method that is none answered %d", res.StatusCode)
	}
}

// hasty is a store whose deliverer claims right behind every step; the first one to be put
// back is slow.
type hasty struct {
	*sqlite.Store
	f      *fixture
	slow   hub.ID
	others chan struct{}
	mu     sync.Mutex
	sent   []hub.ID
}

func (h *hasty) claim() {
	tasks, err := h.Claim(h.f.Context(), store.Claim{System: system, Owner: "node-1", Now: h.f.now, Lease: time.Minute, Limit: 10})
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.f.Error(err)
	}
	for _, t := range tasks {
		h.sent = append(h.sent, t.Delivery.ID)
	}
}

func (h *hasty) Replay(ctx context.Context, id hub.ID, r store.Replay) error {
	if id == h.slow {
		<-h.others
	} else {
		defer close(h.others)
	}
	err := h.Store.Replay(ctx, id, r)
	h.claim()
	return err
}

func (h *hasty) ReplayAll(ctx context.Context, ids []hub.ID, r store.Replay) ([]error, error) {
	errs, err := h.Store.ReplayAll(ctx, ids, r)
	h.claim()
	return errs, err
}

// Whoever lists what is damaged has found it: every count knows of it from then on.
func TestListSetsAside(t *testing.T) {
	for name, look := range map[string]func(*fixture) error{
		"list":   func(f *fixture) error { _, err := f.client.List(t.Context(), admin.Filter{}); return err },
		"parked": func(f *fixture) error { _, err := f.client.ParkedGroups(t.Context(), admin.Filter{}); return err },
	} {
		f := newFixture(t)
		id, _ := f.parked("http-422")
		f.spoil(id)
		f.must(look(f))
		got, err := f.client.Figures(t.Context())
		f.must(err)
		if got.Submissions[hub.SubmissionDamaged] != 1 || len(f.audited("damaged")) != 1 {
			t.Errorf("%s: %+v, audited %v", name, got, f.audited("damaged"))
		}
	}
}

// A page of what is parked for one reason is not empty because there is much else.
func TestParkedPageLooksOn(t *testing.T) {
	f := newFixture(t)
	old, _ := f.accept("<hund/>")
	f.must(f.store.Advance(t.Context(), old, 1, &store.Advance{At: f.now, State: hub.SubmissionParked, Reason: hub.ParkUnmapped, Code: "no-delivery"}))
	f.now = f.now.Add(time.Minute)
	for range 3 {
		f.parked("http-422")
	}
	damaged, _ := f.accept("<hund/>")
	f.must(f.store.Damage(t.Context(), damaged, "payload", f.now))
	for name, filter := range map[string]admin.Filter{
		"reason": {Reason: hub.ParkUnmapped, Limit: 1},
		"code":   {Code: "no-delivery", Limit: 1},
	} {
		page, err := f.client.Parked(t.Context(), filter)
		f.must(err)
		if len(page.Items) != 1 || page.Items[0].Number != old.Number() {
			t.Errorf("%s: %+v, want the one that is parked so", name, page.Items)
		}
	}
}
