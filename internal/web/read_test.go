package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/route"
	"stellwerk/internal/store"
	"stellwerk/internal/vault"
	"stellwerk/internal/web/admin"
)

func TestListPagesByKeyset(t *testing.T) {
	f := newFixture(t)
	var ids []hub.ID
	for range 5 {
		id, _ := f.accept("<hund/>")
		ids = append(ids, id)
	}
	var got []hub.ID
	filter := admin.Filter{Limit: 2}
	for {
		page, err := f.client.List(t.Context(), filter)
		f.must(err)
		for _, s := range page.Submissions {
			got = append(got, s.ID)
		}
		if page.Next.Zero() {
			break
		}
		filter.Before = page.Next
	}
	if len(got) != 5 {
		t.Fatalf("%d of 5 listed", len(got))
	}
	for i := range got {
		if got[i] != ids[4-i] {
			t.Errorf("place %d has %s, want the newest first: %s", i, got[i], ids[4-i])
		}
	}
}

func TestFilters(t *testing.T) {
	f := newFixture(t)
	id, _ := f.parked("http-422")
	fresh, _ := f.accept("<hund/>")
	snap := f.server.Live.Get()
	snap.Systems["akte"] = &config.System{Name: "akte"}
	snap.Routes["reitkennzeichen"] = &route.Route{Service: "reitkennzeichen"}
	for name, c := range map[string]struct {
		filter admin.Filter
		want   []hub.ID
	}{
		"state":            {admin.Filter{State: hub.SubmissionParked}, []hub.ID{id}},
		"delivery state":   {admin.Filter{DeliveryState: hub.DeliveryParked}, []hub.ID{id}},
		"system":           {admin.Filter{System: system}, []hub.ID{id}},
		"another system":   {admin.Filter{System: "akte"}, nil},
		"reason and code":  {admin.Filter{Reason: hub.ParkRefused, Code: "http-422"}, []hub.ID{id}},
		"number":           {admin.Filter{Number: id.Number()}, []hub.ID{id}},
		"id":               {admin.Filter{Number: fresh.String()}, []hub.ID{fresh}},
		"service":          {admin.Filter{Service: "reitkennzeichen"}, nil},
		"since later":      {admin.Filter{Since: f.now.Add(time.Hour)}, nil},
		"search":           {admin.Filter{Search: "276098100000017"}, []hub.ID{id}},
		"search in a town": {admin.Filter{Search: "276098100000017", Municipality: ags}, []hub.ID{id}},
		"search elsewhere": {admin.Filter{Search: "276098100000017", Municipality: "05999"}, nil},
		"search nothing":   {admin.Filter{Search: "27609810000001"}, nil},
	} {
		page, err := f.client.List(t.Context(), c.filter)
		f.must(err)
		if len(page.Submissions) != len(c.want) || len(c.want) == 1 && page.Submissions[0].ID != c.want[0] {
			t.Errorf("%s: got %d submissions, want %v", name, len(page.Submissions), c.want)
		}
	}
	for _, e := range f.audited("searched") {
		if strings.Contains(e.Object+e.Reason, "2760981") {
			t.Errorf("the audit trail keeps what was searched for: %+v", e)
		}
	}
	if n := len(f.audited("searched")); n != 4 {
		t.Errorf("%d searches were audited, want 4", n)
	}
}

func TestRefusedFilters(t *testing.T) {
	f := newFixture(t)
	for name, filter := range map[string]admin.Filter{
		"state":          {State: "prked"},
		"delivery state": {DeliveryState: "lost"},
		"reason":         {Reason: "because"},
		"limit":          {Limit: 1001},
		"negative limit": {Limit: -1},
	} {
		_, err := f.client.List(t.Context(), filter)
		if p, ok := err.(*admin.Problem); !ok || p.Code != admin.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := f.client.List(t.Context(), admin.Filter{Number: "nonsense"})
	f.problem(err, http.StatusNotFound, admin.CodeNotFound)
}

// A mistyped name is told so, everywhere that one narrows a choice; what left the
// configuration is still found by its name.
func TestUnknownNamesAreNoGoodNews(t *testing.T) {
	f := newFixture(t)
	f.parked("http-422")
	for filter, want := range map[admin.Filter]string{
		{System: "kasse-mustrestadt"}:   `"kasse-mustrestadt" is not a system of this hub, and its journal has nothing of it (did you mean kasse-musterstadt?)`,
		{Service: "hundeanmeldng"}:      `"hundeanmeldng" is not a service of this hub, and its journal has nothing of it (did you mean hundeanmeldung?)`,
		{Municipality: "musterstadt"}:   `"musterstadt" is not a municipality of this hub, and its journal has nothing of it (did you mean 05999040?)`,
		{Portal: "serviceportal-sauer"}: `"serviceportal-sauer" is not a portal of this hub, and its journal has nothing of it`,
	} {
		_, list := f.client.List(t.Context(), filter)
		_, parked := f.client.Parked(t.Context(), filter)
		_, groups := f.client.ParkedGroups(t.Context(), filter)
		_, replay := f.client.ReplayMany(t.Context(), admin.ReplayMany{Replay: admin.Replay{Reason: "x"}, Filter: filter})
		_, closed := f.client.CloseMany(t.Context(), admin.CloseMany{Reason: "x", Filter: filter})
		for call, err := range map[string]error{"list": list, "parked": parked, "groups": groups, "replay": replay, "close": closed} {
			if p, ok := err.(*admin.Problem); !ok || p.Status != http.StatusNotFound || p.Code != admin.CodeNotFound || p.Detail != want {
				t.Errorf("%s %+v: %v, want %s", call, filter, err, want)
			}
		}
	}
	snap := f.server.Live.Get()
	delete(snap.Systems, system)
	delete(snap.Routes, "hundeanmeldung")
	delete(snap.Municipalities, ags)
	gone := admin.Filter{System: system, Service: "hundeanmeldung", Municipality: ags}
	if page, err := f.client.List(t.Context(), gone); err != nil || len(page.Submissions) != 1 {
		t.Errorf("what left the configuration: %+v, %v", page, err)
	}
	gone.Code = "http-500"
	if groups, err := f.client.ParkedGroups(t.Context(), gone); err != nil || len(groups.Groups) != 0 {
		t.Errorf("what left the configuration, and does not match: %+v, %v", groups, err)
	}
}

func TestAddressesCarryNoSearch(t *testing.T) {
	f := newFixture(t)
	h := http.Header{"Authorization": {"Bearer " + f.client.Key}}
	for query, want := range map[string]int{
		"?state=parked&limit=10": http.StatusOK,
		"?search=Beispiel":       http.StatusBadRequest,
		"?stat=parked":           http.StatusBadRequest,
		"?state=a&state=b":       http.StatusBadRequest,
		"?since=yesterday":       http.StatusBadRequest,
	} {
		if res, text := f.call(http.MethodGet, "/admin/v1/submissions"+query, h, nil); res.StatusCode != want {
			t.Errorf("%s answered %d, want %d: %s", query, res.StatusCode, want, text)
		}
	}
}

func TestShowByIDNumberAndDelivery(t *testing.T) {
	f := newFixture(t)
	id, d := f.parked("http-422")
	for _, name := range []string{id.String(), id.Number(), strings.ToLower(id.Number()), d.String()} {
		s, err := f.client.Submission(t.Context(), name)
		f.must(err)
		if s.ID != id || s.State != hub.SubmissionParked || s.Title != "Hund anmelden" || s.MunicipalityName != "Stadt Musterstadt" || len(s.Deliveries) != 1 {
			t.Errorf("%s gave %+v", name, s)
		}
	}
	other := (&hub.IDs{}).New()
	for _, name := range []string{"nonsense", other.String(), other.Number()} {
		_, err := f.client.Submission(t.Context(), name)
		f.problem(err, http.StatusNotFound, admin.CodeNotFound)
	}
}

func TestTraceOpensDetailsAndIsAudited(t *testing.T) {
	f := newFixture(t)
	id, _ := f.parked("http-422")
	tr, err := f.client.Trace(t.Context(), id.String())
	f.must(err)
	if tr.Reference != "BP-4711" || tr.Withheld != "" || len(tr.Events) == 0 {
		t.Errorf("trace is %+v", tr)
	}
	if len(tr.Attempts) != 1 || tr.Attempts[0].Detail != "HTTP 422: Frau Beispiel fehlt" || tr.Attempts[0].Milliseconds != 12 {
		t.Errorf("attempts are %+v", tr.Attempts)
	}
	if a := f.audited("trace-read"); len(a) != 1 || a[0].Actor != "operator:leitstelle" || a[0].Object != id.String() {
		t.Errorf("audited: %+v", a)
	}
}

func TestDocumentAndPayloadAreAudited(t *testing.T) {
	f := newFixture(t)
	id, d := f.parked("http-422")
	doc, err := f.client.Document(t.Context(), d)
	f.must(err)
	if string(doc.Body) != `{"chip":"1"}` || doc.Name != "a.json" || doc.ContentType != "application/json" || doc.Delivery != d {
		t.Errorf("document is %+v", doc)
	}
	payload, err := f.client.Payload(t.Context(), id.Number())
	f.must(err)
	if string(payload.Body) != "<hund/>" || payload.ContentType != "application/xml" {
		t.Errorf("payload is %+v", payload)
	}
	if a := f.audited("document-read"); len(a) != 1 || a[0].Object != d.String() {
		t.Errorf("audited: %+v", a)
	}
	if a := f.audited("payload-read"); len(a) != 1 || a[0].Object != id.String() {
		t.Errorf("audited: %+v", a)
	}
	_, err = f.client.Document(t.Context(), id.Delivery(2))
	f.problem(err, http.StatusNotFound, admin.CodeNotFound)
	_, err = f.client.Document(t.Context(), id)
	f.problem(err, http.StatusBadRequest, admin.CodeInvalid)
}

// A document that fails its check is never shown: its submission is set aside.
// The control is the same call over sound bytes.
func TestDamagedDocumentIsNotShown(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*store.Rendered)
		ok     bool
	}{
		"control":       {func(*store.Rendered) {}, true},
		"bit in body":   {func(r *store.Rendered) { r.Body[20] ^= 1 }, false},
		"bit in head":   {func(r *store.Rendered) { r.Head[20] ^= 1 }, false},
		"body for head": {func(r *store.Rendered) { r.Body = r.Head }, false},
		"other digest":  {func(r *store.Rendered) { r.SHA256 = strings.Repeat("0", 64) }, false},
	} {
		f := newFixture(t)
		id, key := f.accept("<hund/>")
		d := f.planned(id, key, `{"chip":"1"}`, "1", c.change)
		_, err := f.client.Document(t.Context(), d)
		state := hub.SubmissionRunning
		if c.ok {
			f.must(err)
		} else {
			f.problem(err, http.StatusConflict, admin.CodeDamaged)
			state = hub.SubmissionDamaged
		}
		if s, err := f.client.Submission(t.Context(), id.String()); err != nil || s.State != state {
			t.Errorf("%s: the submission is %s (%v), want %s", name, s.State, err, state)
		}
	}
}

// A keyring that lacks the key is the operator's mistake, not damage.
func TestMissingKeyIsNotDamage(t *testing.T) {
	f := newFixture(t)
	id, _ := f.accept("<hund/>")
	ring, err := vault.Generate()
	f.must(err)
	f.server.Vault, err = vault.Parse(ring)
	f.must(err)
	_, err = f.client.Payload(t.Context(), id.String())
	f.problem(err, http.StatusServiceUnavailable, admin.CodeUnavailable)
	tr, err := f.client.Trace(t.Context(), id.String())
	f.must(err)
	if tr.Withheld == "" || tr.State != hub.SubmissionAccepted {
		t.Errorf("the story is told without details, and says so: %+v", tr)
	}
}
