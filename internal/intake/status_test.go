package intake

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

func TestStatusByIDAndByNumber(t *testing.T) {
	w := newWorld(t)
	r := w.accepted(w.submit("k-1"))
	for _, name := range []string{r.ID.String(), r.Number, strings.ToLower(strings.ReplaceAll(r.Number, "-", ""))} {
		a := w.do("GET", "/v1/submissions/"+name, "")
		if a.StatusCode != 200 {
			t.Fatalf("%s: %d %s", name, a.StatusCode, a.body)
		}
		var s Status
		a.decode(t, &s)
		if s.ID != r.ID || s.Number != r.Number || s.State != hub.SubmissionAccepted || s.SHA256 != r.SHA256 || s.Text != "Ihr Antrag ist eingegangen." || s.Status != hub.CaseReceived || s.Action != nil || s.Answers == nil ||
			s.Municipality != soest || s.Service != "hund" || s.Deliveries == nil || !s.ReceivedAt.Equal(r.ReceivedAt) {
			t.Errorf("%+v", s)
		}
	}
	a := w.do("GET", "/v1/submissions/"+r.ID.String(), "", "Accept-Language", "en-GB")
	if !strings.Contains(string(a.body), "Your application has arrived.") {
		t.Errorf("English: %s", a.body)
	}
}

func TestStatusETag(t *testing.T) {
	w := newWorld(t)
	path := "/v1/submissions/" + w.accepted(w.submit("k-1")).ID.String()
	a := w.do("GET", path, "")
	tag := a.Header.Get("ETag")
	for _, match := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
		if a := w.do("GET", path, "", "If-None-Match", match); a.StatusCode != http.StatusNotModified || len(a.body) > 0 || a.Header.Get("ETag") != tag {
			t.Errorf("If-None-Match %s: %d %q", match, a.StatusCode, a.Header.Get("ETag"))
		}
	}
	if a := w.do("GET", path, "", "If-None-Match", `"x"`); a.StatusCode != 200 {
		t.Errorf("another tag: %d", a.StatusCode)
	}
	if a := w.do("GET", path, "", "If-None-Match", tag, "Accept-Language", "en"); a.StatusCode != 200 || a.Header.Get("ETag") == tag {
		t.Errorf("another language: %d", a.StatusCode)
	}
	if a := w.do("HEAD", path, ""); a.StatusCode != 200 || a.Header.Get("ETag") != tag || len(a.body) > 0 {
		t.Errorf("HEAD: %d %q", a.StatusCode, a.Header.Get("ETag"))
	}
}

// Whether a submission is another portal's or none at all cannot be told apart.
func TestAnotherPortalsSubmissionIsUnknown(t *testing.T) {
	w := newWorld(t)
	r := w.accepted(w.submit("k-1"))
	id := regexp.MustCompile(`urn:uuid:[0-9a-f-]{36}`)
	var bodies []string
	for _, name := range []string{r.ID.String(), r.Number, r.ID.Delivery(1).String(), "019ab9c4-4f7a-7c00-9d5e-2f1a6b7c8d00", "0000-0000-0000", "x", "%00", "..%2f.."} {
		for _, tail := range []string{"", "/events"} {
			a := w.do("GET", "/v1/submissions/"+name+tail, "", "Authorization", "Bearer "+keyIserlohn)
			w.refused(a, CodeSubmission)
			bodies = append(bodies, id.ReplaceAllString(string(a.body), ""))
		}
	}
	for _, b := range bodies {
		if b != bodies[0] {
			t.Errorf("%s\n%s", bodies[0], b)
		}
	}
	w.store.set(func(f *faults) { f.lookup = errors.New("disk on fire") })
	w.refused(w.do("GET", "/v1/submissions/"+r.ID.String(), ""), CodeUnavailable)
}

func TestEventsNameNobody(t *testing.T) {
	w := newWorld(t)
	r := w.accepted(w.submit("k-1"))
	a := w.do("GET", "/v1/submissions/"+r.ID.String()+"/events", "")
	var story struct {
		ID     hub.ID
		Events []Event
	}
	a.decode(t, &story)
	if story.ID != r.ID || len(story.Events) == 0 || story.Events[0].Type != "accepted" || story.Events[0].Text != "Eingegangen." {
		t.Errorf("%s", a.body)
	}
	if strings.Contains(string(a.body), "portal:") {
		t.Errorf("the actor is not the portal's business: %s", a.body)
	}
	if a := w.do("GET", "/v1/submissions/"+r.ID.String()+"/events", "", "If-None-Match", a.Header.Get("ETag")); a.StatusCode != http.StatusNotModified {
		t.Errorf("ETag: %d", a.StatusCode)
	}
}

// A payment that is open for a week is told once; what is different is told.
func TestOpenPaymentIsToldOnce(t *testing.T) {
	id, err := hub.ParseID("018f4a00-0000-7000-8000-000000000000")
	if err != nil {
		t.Fatal(err)
	}
	event := func(n int, kind, text string) hub.Event {
		return hub.Event{Delivery: id.Delivery(n), Type: kind, Text: text}
	}
	open := event(1, "attempt", "awaiting")
	got := askedOnce([]hub.Event{{Type: "accepted"}, open, event(2, "attempt", "retry"), event(2, "attempt", "retry"), open, open, event(1, "attempt", "unknown"), open, open, event(1, "delivered", "")})
	var kinds []string
	for _, e := range got {
		kinds = append(kinds, strings.TrimSpace(e.Type+" "+e.Text))
	}
	if want := "accepted, attempt awaiting, attempt retry, attempt retry, attempt unknown, attempt awaiting, delivered"; strings.Join(kinds, ", ") != want {
		t.Errorf("told: %v, want %s", kinds, want)
	}
}

func TestEveryStateHasItsSentence(t *testing.T) {
	for _, s := range []hub.DeliveryState{hub.DeliveryWaiting, hub.DeliveryPending, hub.DeliverySending, hub.DeliveryAwaiting, hub.DeliveryDelivered, hub.DeliveryParked, hub.DeliveryClosed} {
		if v := deliveryTexts[s]; v.De == "" || v.En == "" {
			t.Errorf("delivery %s", s)
		}
	}
}

// Nobody tells a citizen that every office has what was ended on its way.
func TestWhatWasEndedHasNotArrived(t *testing.T) {
	w := newWorld(t)
	r := w.accepted(w.submit("k-1"))
	journal := w.store.Store.(interface {
		Advance(context.Context, hub.ID, int64, *store.Advance) error
		CloseDelivery(context.Context, hub.ID, string, string, time.Time) (store.Effect, error)
	})
	if err := journal.Advance(t.Context(), r.ID, 1, &store.Advance{State: hub.SubmissionParked, Reason: hub.ParkUnmapped, Code: "no-delivery", At: w.clock()}); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.CloseDelivery(t.Context(), r.ID, "operator:x", "twice", w.clock()); err != nil {
		t.Fatal(err)
	}
	var s Status
	w.do("GET", "/v1/submissions/"+r.ID.String(), "").decode(t, &s)
	if s.State != hub.SubmissionSettled || s.Status != hub.CaseRejected || s.Text != "Ihr Antrag wurde nicht angenommen. Bitte wenden Sie sich an Ihre Kommune." {
		t.Errorf("%s, %s: %s", s.State, s.Status, s.Text)
	}
	one := func(states ...hub.DeliveryState) *store.Status {
		s := &store.Status{Submission: hub.Submission{State: hub.SubmissionSettled}}
		for _, state := range states {
			s.Deliveries = append(s.Deliveries, hub.Delivery{State: state})
		}
		return s
	}
	told := text{"Angekommen.", "Arrived."}
	if got := whole(one(hub.DeliveryDelivered, hub.DeliveryDelivered), told); got != told {
		t.Errorf("all delivered: %v", got)
	}
	if got := whole(one(hub.DeliveryDelivered, hub.DeliveryClosed), told); got == told {
		t.Errorf("one closed: %v", got)
	}
}

// The receipt and the status name the same moment, though the store keeps
// microseconds.
func TestReceiptNamesTheStoredMoment(t *testing.T) {
	w := newWorld(t)
	w.advance(123456789 * time.Nanosecond)
	r := w.accepted(w.submit("k-1"))
	var s Status
	w.do("GET", "/v1/submissions/"+r.ID.String(), "").decode(t, &s)
	if !s.ReceivedAt.Equal(r.ReceivedAt) {
		t.Errorf("the receipt says %v, the status %v", r.ReceivedAt, s.ReceivedAt)
	}
}

func TestTraceparent(t *testing.T) {
	const good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for given, want := range map[string]string{
		good: good, "": "", "00-x": "", strings.ToUpper(good): "", good + "-x": "", "ff" + good[2:]: "",
		"00-" + strings.Repeat("0", 32) + good[35:]: "",
		good[:36] + strings.Repeat("0", 16) + "-01": "",
		strings.Replace(good, "-00f", "x00f", 1):    "",
		strings.Replace(good, "4bf9", "4b\x009", 1): "",
	} {
		if got := traceparent(http.Header{"Traceparent": {given}}); got != want {
			t.Errorf("%q: %q", given, got)
		}
	}
	if traceparent(http.Header{"Traceparent": {good, good}}) != "" {
		t.Error("two are taken")
	}
}

func TestNewWantsEverything(t *testing.T) {
	if _, err := New(Settings{}); err == nil {
		t.Error("no complaint")
	}
}

func TestBytesText(t *testing.T) {
	for n, want := range map[int64]string{10 << 20: "10 MiB", 10e6: "10 MB", 2e9: "2 GB", 1 << 30: "1 GiB", 1000: "1 KB", 1025: "1025 Byte", 16 << 10: "16 KiB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}

func TestFullDisk(t *testing.T) {
	p := diskProblem(fmt.Errorf("write an attachment: %w", &fs.PathError{Op: "write", Path: "/srv/hub/attachments/x", Err: syscall.ENOSPC}))
	if p.Code != CodeFull || p.retryAfter == 0 || strings.Contains(p.cause.Error(), "/srv") {
		t.Errorf("%s, %v, %v", p.Code, p.retryAfter, p.cause)
	}
}

func TestDiskFaults(t *testing.T) {
	w := newWorld(t)
	w.api.Attachments = w.dir + "/nobody\x00"
	a := w.sendMulti(multi(t, meta(nil), xmlPart, part{"attachment", "", "impfpass.pdf", "x"}), "k-1")
	w.refused(a, CodeUnavailable)
	if strings.Contains(string(a.body), w.dir) {
		t.Errorf("the folder is named: %s", a.body)
	}
	w.api.Attachments = w.dir
	if err := os.WriteFile(w.dir+"/2026-11-23", nil, 0o600); err != nil { // a file where the day's folder belongs
		t.Fatal(err)
	}
	w.refused(w.sendMulti(multi(t, meta(nil), xmlPart, part{"attachment", "", "impfpass.pdf", "x"}), "k-1"), CodeUnavailable)
	if err := os.Remove(w.dir + "/2026-11-23"); err != nil {
		t.Fatal(err)
	}
	w.accepted(w.sendMulti(multi(t, meta(nil), xmlPart, part{"attachment", "", "impfpass.pdf", "x"}), "k-1"))
	w.advance(24 * time.Hour)
	w.accepted(w.sendMulti(multi(t, meta(nil), xmlPart, part{"attachment", "", "impfpass.pdf", "x"}), "k-2"))
}

// A portal that hangs up while it asks is no fault of the store: nobody is called for it.
func TestWhoHangsUpIsNoFaultOfTheStore(t *testing.T) {
	w := newWorld(t)
	r := w.accepted(w.submit("k-1"))
	ask := func(ctx context.Context) string {
		t.Helper()
		req := httptest.NewRequestWithContext(ctx, "GET", "/v1/submissions/"+r.ID.String(), nil)
		req.Header.Set("Authorization", "Bearer "+keySoest)
		w.api.ServeHTTP(httptest.NewRecorder(), req)
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.outcomes[len(w.outcomes)-1]
	}
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	if code := ask(gone); code != string(CodeInterrupted) || strings.Contains(w.logged.String(), "ERROR") {
		t.Errorf("%s:\n%s", code, w.logged)
	}
	w.store.set(func(f *faults) { f.lookup = fmt.Errorf("read the store: %w", context.Canceled) })
	if code := ask(t.Context()); code != string(CodeUnavailable) {
		t.Errorf("while the portal waits: %s", code)
	}
	w.store.set(func(f *faults) { f.lookup = errors.New("disk") })
	if code := ask(gone); code != string(CodeUnavailable) {
		t.Errorf("a fault that nobody waits for: %s", code)
	}
}

// A submission whose row fails its check, which nobody has come upon before, is told as
// damaged: the store is well.
func TestWhatIsFoundDamagedIsSetAside(t *testing.T) {
	w := newWorld(t)
	r := w.accepted(w.submit("k-1"))
	db, err := sql.Open("sqlite", filepath.Join(filepath.Dir(w.dir), "stellwerk.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("UPDATE submission SET body = zeroblob(length(body)) WHERE id = ?", r.ID[:]); err != nil {
		t.Fatal(err)
	}
	var s Status
	if a := w.do("GET", "/v1/submissions/"+r.ID.String(), ""); a.StatusCode == http.StatusOK {
		a.decode(t, &s)
	} else {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	if s.State != hub.SubmissionDamaged || s.Status != hub.CaseProcessing {
		t.Errorf("%+v", s)
	}
	rows, err := w.store.List(t.Context(), store.Filter{State: hub.SubmissionDamaged})
	if err != nil || len(rows) != 1 {
		t.Errorf("set aside: %d, %v", len(rows), err)
	}
	if a := w.do("GET", "/v1/submissions/"+r.ID.String()+"/events", ""); a.StatusCode != http.StatusOK || !strings.Contains(string(a.body), `"damaged"`) {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	w.refused(w.do("GET", "/v1/submissions/"+r.ID.String(), "", "Authorization", "Bearer "+keyIserlohn), CodeSubmission)
}
