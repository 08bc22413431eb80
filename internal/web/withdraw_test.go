package web

import (
	"net/http"
	"slices"
	"testing"

	"stellwerk/internal/hub"
	"stellwerk/internal/web/admin"
)

func TestWithdrawNamesWhatHasLeft(t *testing.T) {
	f := newFixture(t)
	id, key := f.accept("<hund/>")
	d := f.plan(id, key, "{}", "1")
	_, err := f.client.Withdraw(t.Context(), id.String(), " ")
	f.problem(err, http.StatusBadRequest, admin.CodeInvalid)
	s, err := f.client.Withdraw(t.Context(), id.Number(), "Anruf der Halterin, Ticket 12")
	f.must(err)
	if s.State != hub.SubmissionSettled || s.Withdrawal == nil || !slices.Equal(s.Withdrawal.Cancelled, []string{s.Deliveries[0].Role}) || len(s.Withdrawal.Left) > 0 {
		t.Fatalf("%+v", s)
	}
	if !slices.Contains(f.rang, id) {
		t.Error("the flow was not told")
	}
	trail, err := f.store.AuditTrail(t.Context(), 0, 100)
	f.must(err)
	if e := trail[len(trail)-1]; e.Actor != "operator:leitstelle" || e.Action != "withdrawn" || e.Object != id.String() || e.Reason != "Anruf der Halterin, Ticket 12" {
		t.Errorf("the audit trail ends with %+v", e)
	}
	for _, order := range []admin.Replay{{Reason: "x"}, {Reason: "x", Anew: true}, {Reason: "x", Force: true}} {
		_, err = f.client.Replay(t.Context(), d, order)
		f.problem(err, http.StatusConflict, admin.CodeState)
	}
	again, err := f.client.Withdraw(t.Context(), id.String(), "again")
	f.must(err)
	if !again.Withdrawal.At.Equal(s.Withdrawal.At) {
		t.Errorf("again: %+v", again.Withdrawal)
	}

	late, key := f.accept("<hund/>")
	f.plan(late, key, "{}", "1")
	f.record(key, hub.DeliveryDelivered, "", "", "")
	_, err = f.client.Withdraw(t.Context(), late.String(), "too late")
	f.problem(err, http.StatusConflict, admin.CodeState)
	_, err = f.client.Withdraw(t.Context(), f.ids.New().String(), "x")
	f.problem(err, http.StatusNotFound, admin.CodeNotFound)
}
