package web

import (
	"database/sql"
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stellwerk/internal/hub"
	"stellwerk/internal/route"
	"stellwerk/internal/store"
	"stellwerk/internal/web/admin"
)

// settled is a submission that has come to its end.
func (f *fixture) settled() hub.ID {
	f.Helper()
	id, key := f.accept("<hund/>")
	f.plan(id, key, "{}", "1")
	f.record(key, hub.DeliveryDelivered, "", "", "")
	return id
}

func TestEraseWithProof(t *testing.T) {
	f := newFixture(t)
	id, other := f.settled(), f.settled()
	_, err := f.client.Erase(t.Context(), admin.Erase{Submissions: []string{id.String()}})
	f.problem(err, http.StatusBadRequest, admin.CodeInvalid) // no reason
	_, err = f.client.Erase(t.Context(), admin.Erase{Reason: "x"})
	f.problem(err, http.StatusBadRequest, admin.CodeInvalid) // of whom?
	_, err = f.client.Erase(t.Context(), admin.Erase{Reason: "x", Submissions: []string{id.String()}, Search: []string{"Beispiel"}})
	f.problem(err, http.StatusBadRequest, admin.CodeInvalid)
	_, err = f.client.Erase(t.Context(), admin.Erase{Reason: "x", Search: []string{" "}})
	f.problem(err, http.StatusBadRequest, admin.CodeInvalid)
	_, err = f.client.Erase(t.Context(), admin.Erase{Reason: "x", Submissions: []string{"no-number"}})
	f.problem(err, http.StatusNotFound, admin.CodeNotFound)

	dry, err := f.client.Erase(t.Context(), admin.Erase{DryRun: true, Submissions: []string{id.String()}})
	f.must(err)
	if dry.Matched != 1 || len(dry.Found) != 1 || dry.Found[0].ID != id || len(dry.Deletions) != 0 || !dry.Order.Zero() {
		t.Errorf("dry run: %+v", dry)
	}
	// Named twice, it is deleted once.
	unknown := f.ids.New().String()
	done, err := f.client.Erase(t.Context(), admin.Erase{Reason: "Ticket 12", Submissions: []string{unknown, id.String(), id.Number()}})
	f.must(err)
	if done.Matched != 1 || len(done.Refused) != 1 || done.Refused[0].Number != unknown || done.Refused[0].Code != admin.CodeNotFound || len(done.Deletions) != 1 || done.Files.Keys != 1 || done.Files.Remaining != 0 || !done.Files.LogEmptied {
		t.Fatalf("%+v", done)
	}
	d := done.Deletions[0]
	if d.Submission != id || d.Number != id.Number() || d.Actor != "operator:leitstelle" || d.Reason != "Ticket 12" || d.Order != done.Order || !d.KeyDestroyed {
		t.Errorf("%+v", d)
	}
	if !slices.Contains(f.rang, id) {
		t.Error("whoever holds it in memory was not told")
	}
	s, err := f.client.Submission(t.Context(), id.String())
	f.must(err)
	if s.State != hub.SubmissionErased || s.Erased == nil || s.Erased.Metadata.IsZero() {
		t.Errorf("%+v", s)
	}
	_, err = f.client.Payload(t.Context(), id.String())
	f.problem(err, http.StatusGone, admin.CodeDestroyed)
	_, err = f.client.Document(t.Context(), id.Delivery(1))
	f.problem(err, http.StatusNotFound, admin.CodeNotFound)
	trace, err := f.client.Trace(t.Context(), id.String())
	f.must(err)
	if trace.Withheld == "" {
		t.Error("the trace says nothing of it")
	}
	// Damaged it is not, and its neighbour can be read.
	if figures, err := f.client.Figures(t.Context()); err != nil || figures.Submissions[hub.SubmissionDamaged] != 0 {
		t.Errorf("%+v %v", figures, err)
	}
	_, err = f.client.Payload(t.Context(), other.String())
	f.must(err)
	// More than one request can take is one order, of one person for one reason.
	more, err := f.client.Erase(t.Context(), admin.Erase{Reason: "Ticket 12", Submissions: []string{f.settled().String()}, Order: done.Order})
	f.must(err)
	if more.Order != done.Order || len(more.Deletions) != 1 || more.Deletions[0].Order != done.Order {
		t.Errorf("%+v", more)
	}
	_, err = f.client.Erase(t.Context(), admin.Erase{Reason: "Ticket 13", Submissions: []string{other.String()}, Order: done.Order})
	f.problem(err, http.StatusBadRequest, admin.CodeInvalid)
	_, err = f.client.Erase(t.Context(), admin.Erase{Reason: "Ticket 12", Submissions: []string{other.String()}, Order: id})
	f.problem(err, http.StatusBadRequest, admin.CodeInvalid)
	again, err := f.client.Erase(t.Context(), admin.Erase{Reason: "again", Submissions: []string{id.String()}})
	f.must(err)
	if len(again.Deletions) != 0 || len(again.Refused) != 1 || again.Refused[0].Code != admin.CodeDestroyed {
		t.Errorf("again: %+v", again)
	}
	all, err := f.client.Deletions(t.Context(), id.Number(), hub.ID{}, 0, 10)
	f.must(err)
	if len(all.Deletions) != 1 || all.Deletions[0].SHA256 != d.SHA256 {
		t.Errorf("%+v", all)
	}
	if page, err := f.client.Deletions(t.Context(), "", done.Order, d.N+1, 1); err != nil || page.Next != d.N {
		t.Errorf("%+v %v", page, err)
	}
	if page, err := f.client.Deletions(t.Context(), "", hub.ID{}, d.N, 1); err != nil || len(page.Deletions) != 0 {
		t.Errorf("%+v %v", page, err)
	}
}

// What cannot be deleted is named with what to do first; the rest is.
func TestEraseRefusedNamesTheRemedy(t *testing.T) {
	f := newFixture(t)
	good, held := f.settled(), f.settled()
	parked, _ := f.parked("http-422")
	damaged := f.settled()
	running, key := f.accept("<hund/>")
	f.plan(running, key, "{}", "1")
	f.must(f.store.Damage(t.Context(), damaged, "payload", f.now))
	_, err := f.client.Hold(t.Context(), held.String(), " ")
	f.problem(err, http.StatusBadRequest, admin.CodeInvalid)
	s, err := f.client.Hold(t.Context(), held.String(), "Klage")
	f.must(err)
	if s.Hold == nil || s.Hold.By != "operator:leitstelle" || s.Hold.Reason != "Klage" {
		t.Errorf("%+v", s.Hold)
	}
	if page, err := f.client.List(t.Context(), admin.Filter{Held: true}); err != nil || len(page.Submissions) != 1 || page.Submissions[0].ID != held {
		t.Errorf("%+v %v", page, err)
	}
	var names []string
	for _, id := range []hub.ID{good, held, running, parked, damaged} {
		names = append(names, id.String())
	}
	dry, err := f.client.Erase(t.Context(), admin.Erase{DryRun: true, Submissions: names})
	f.must(err)
	done, err := f.client.Erase(t.Context(), admin.Erase{Reason: "Ticket 12", Submissions: names})
	f.must(err)
	if len(done.Deletions) != 1 || done.Deletions[0].Submission != good || len(done.Refused) != 4 {
		t.Fatalf("%+v", done)
	}
	if len(dry.Found) != 5 || !slices.Equal(dry.Refused, done.Refused) {
		t.Errorf("the dry run finds %d and would refuse %+v, want what the order refused: %+v", len(dry.Found), dry.Refused, done.Refused)
	}
	again, err := f.client.Erase(t.Context(), admin.Erase{DryRun: true, Submissions: names[:1]})
	f.must(err)
	if len(again.Refused) != 1 || again.Refused[0].Code != admin.CodeDestroyed {
		t.Errorf("of what is deleted the dry run says %+v", again.Refused)
	}
	for id, want := range map[hub.ID]string{held: "stellwerk release", running: "stellwerk withdraw " + running.Number(), parked: "stellwerk withdraw " + parked.Number(), damaged: "stellwerk close " + damaged.Number()} {
		i := slices.IndexFunc(done.Refused, func(r admin.NotErased) bool { return r.Submission == id })
		if i < 0 || done.Refused[i].Code != admin.CodeState || !strings.Contains(done.Refused[i].Detail, want) {
			t.Errorf("%q is missing in %+v", want, done.Refused)
		}
	}
	_, err = f.client.Release(t.Context(), good.String(), "x")
	f.problem(err, http.StatusConflict, admin.CodeState)
	_, err = f.client.Release(t.Context(), running.String(), "x")
	if f.problem(err, http.StatusConflict, admin.CodeState); !strings.Contains(err.Error(), "no legal hold") {
		t.Errorf("of one that nobody holds: %v", err)
	}
	_, err = f.client.Mend(t.Context(), running.String(), "x")
	if f.problem(err, http.StatusConflict, admin.CodeState); !strings.Contains(err.Error(), "not damaged") {
		t.Errorf("of one that is whole: %v", err)
	}
	s, err = f.client.Release(t.Context(), held.String(), "over")
	f.must(err)
	if s.Hold != nil {
		t.Errorf("%+v", s.Hold)
	}
}

// By person: every value must fit, and the number must be the one that was seen.
// The audit trail never learns what was searched for.
func TestEraseByPerson(t *testing.T) {
	f := newFixture(t)
	mine, namesake := f.settledAs("Beispiel", "276098100000017"), f.settledAs("Beispiel", "276098100000025")
	for _, test := range []struct {
		search []string
		cases  int
		found  int
	}{
		{[]string{"beispiel"}, 1, 2}, {[]string{"Beispiel", "276098100000017"}, 2, 1}, {[]string{"Beispiel", "nobody"}, 1, 0}, {[]string{"Beispiel", "276098100000017"}, 0, 1},
	} {
		_, err := f.client.Erase(t.Context(), admin.Erase{Reason: "x", Search: test.search, Cases: test.cases})
		f.problem(err, http.StatusConflict, admin.CodeStale)
		dry, err := f.client.Erase(t.Context(), admin.Erase{DryRun: true, Search: test.search})
		f.must(err)
		if dry.Matched != test.found {
			t.Errorf("%v finds %d, want %d", test.search, dry.Matched, test.found)
		}
		keys := []string{"name"}
		if slices.Contains(test.search, "276098100000017") {
			keys = []string{"chip", "name"}
		}
		if test.found != len(dry.FoundBy) || test.found > 0 && !slices.Equal(dry.FoundBy[0].Keys, keys) {
			t.Errorf("%v is found by %+v, want %v", test.search, dry.FoundBy, keys)
		}
	}
	_, err := f.client.Erase(t.Context(), admin.Erase{DryRun: true, Search: []string{"Beispiel"}, Service: "hundeanmeldng"})
	f.problem(err, http.StatusNotFound, admin.CodeNotFound) // no case found is an answer to the citizen: not one to a typing error
	f.server.Live.Get().Routes["another"] = &route.Route{Service: "another"}
	if dry, err := f.client.Erase(t.Context(), admin.Erase{DryRun: true, Search: []string{"Beispiel"}, Service: "another"}); err != nil || dry.Matched != 0 {
		t.Errorf("another service: %+v %v", dry, err)
	}
	delete(f.server.Live.Get().Municipalities, ags) // it has left; the person's data have not
	done, err := f.client.Erase(t.Context(), admin.Erase{Reason: "Ticket 12", Search: []string{"Beispiel", "276 0981 00000017"}, Cases: 1})
	f.must(err)
	if len(done.Deletions) != 1 || done.Deletions[0].Submission != mine {
		t.Fatalf("%+v", done)
	}
	if s, err := f.client.Submission(t.Context(), namesake.String()); err != nil || s.State != hub.SubmissionSettled {
		t.Errorf("the namesake: %+v %v", s, err)
	}
	trail, err := f.store.AuditTrail(t.Context(), 0, 1000)
	f.must(err)
	text, err := json.Marshal(trail)
	f.must(err)
	for _, secret := range []string{"eispiel", "276098100000017", "276 0981"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the audit trail holds %q", secret)
		}
	}
}

// settledAs is a settled submission of a person.
func (f *fixture) settledAs(name, chip string) hub.ID {
	f.Helper()
	id, key := f.accept("<hund/>")
	s, err := f.store.Submission(f.Context(), id)
	f.must(err)
	f.must(f.store.Advance(f.Context(), id, s.Submission.Version, &store.Advance{At: f.now, State: hub.SubmissionSettled,
		Search: [][]byte{f.vault.Hash("search:name", ags, name), f.vault.Hash("search:chip", ags, chip)}}))
	_ = key
	return id
}

// A record that fails its check is named and hides none of the others, page by page.
func TestDamagedDeletionHidesNoOther(t *testing.T) {
	f := newFixture(t)
	for range 3 {
		_, err := f.client.Erase(t.Context(), admin.Erase{Submissions: []string{f.settled().String()}, Reason: "Ticket 12"})
		f.must(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(f.dir, "stellwerk.db"))
	f.must(err)
	defer db.Close()
	_, err = db.Exec("UPDATE deletion SET body = zeroblob(length(body)) WHERE n = 2")
	f.must(err)
	all, err := f.client.Deletions(t.Context(), "", hub.ID{}, 0, 10)
	f.must(err)
	if len(all.Deletions) != 2 || all.Deletions[0].N != 3 || all.Deletions[1].N != 1 || !slices.Equal(all.Damaged, []int64{2}) || all.Next != 0 {
		t.Errorf("%+v", all)
	}
	page, err := f.client.Deletions(t.Context(), "", hub.ID{}, 3, 1)
	f.must(err)
	if len(page.Deletions) != 0 || !slices.Equal(page.Damaged, []int64{2}) || page.Next != 2 {
		t.Errorf("%+v", page)
	}
}
