package web

import (
	"net/http"
	"testing"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/web/admin"
)

func TestBundleIsRead(t *testing.T) {
	f := newFixture(t)
	b := f.ids.New()
	_, err := f.store.OpenBundle(t.Context(), &store.BundleOpening{
		Bundle: hub.Bundle{ID: b, Name: "umzugsmappe", Portal: "buergerportal", OpenedAt: f.now, Revision: "0123456789ab", Version: 1}, Key: "b", Actor: "portal:buergerportal",
	})
	f.must(err)
	alone, _ := f.accept("<hund/>")
	id := f.ids.New()
	_, err = f.store.Accept(t.Context(), &store.Acceptance{
		Submission: hub.Submission{ID: id, Municipality: ags, Service: "hundeanmeldung", Portal: "buergerportal", Channel: "portal",
			State: hub.SubmissionAccepted, ReceivedAt: f.now, Format: "xml", Bundle: b, Part: "hund-anmelden", Version: 1},
		Key: "s", Actor: "portal:buergerportal",
	})
	f.must(err)
	for _, name := range []string{b.String(), b.Number()} {
		got, err := f.client.Bundle(t.Context(), name)
		f.must(err)
		if got.ID != b || got.Bundle != "umzugsmappe" || got.State != "open" || got.Status != hub.CaseReceived || got.Told == "" ||
			len(got.Submissions) != 1 || got.Submissions[0].ID != id || len(got.Events) != 2 {
			t.Errorf("%s: %+v", name, got)
		}
		page, err := f.client.List(t.Context(), admin.Filter{Bundle: name})
		f.must(err)
		if len(page.Submissions) != 1 || page.Submissions[0].Bundle == nil || *page.Submissions[0].Bundle != (admin.InBundle{ID: b, Number: b.Number(), Part: "hund-anmelden"}) {
			t.Errorf("%s: %+v", name, page.Submissions)
		}
	}
	s, err := f.client.Submission(t.Context(), alone.String())
	f.must(err)
	if s.Bundle != nil {
		t.Errorf("a bundle out of nowhere: %+v", s.Bundle)
	}
	for _, name := range []string{alone.String(), alone.Number(), "x"} {
		_, err = f.client.Bundle(t.Context(), name)
		f.problem(err, http.StatusNotFound, admin.CodeNotFound)
		_, err = f.client.List(t.Context(), admin.Filter{Bundle: name})
		if name != alone.String() { // an id is taken at its word: the list is empty
			f.problem(err, http.StatusNotFound, admin.CodeNotFound)
		}
	}
}
