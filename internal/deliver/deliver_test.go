package deliver

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"stellwerk/connectors"
	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

func TestDeliversAndSettles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		finance, records := &backend{}, &backend{}
		tw := newTown(t, map[string]*backend{"finance": finance, "records": records})
		defer tw.end()
		tw.start()
		id := tw.submit(nil, "finance", "records")
		after(time.Second)
		if s := tw.status(id); s.Submission.State != hub.SubmissionSettled {
			t.Errorf("the submission is %s", s.Submission.State)
		}
		if finance.count() != 1 || records.count() != 1 {
			t.Errorf("finance got %v, records got %v", finance.calls, records.calls)
		}
		if c, err := tw.store.Case(t.Context(), id); err != nil || len(c.Answers) != 0 {
			t.Errorf("nobody has answered anything: %v, %v", c.Answers, err)
		}
		if len(tw.rung) != 0 {
			t.Error("the flow was rung although there is nothing left to render")
		}
	})
}

// Eight wrong IBANs must not close the line for everyone.
func TestRefusalsParkAndLeaveTheBreakerClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		finance := &backend{answer: always(connectors.Receipt{Outcome: connectors.Refused, Code: "http-422"})}
		tw := newTown(t, map[string]*backend{"finance": finance})
		defer tw.end()
		tw.start()
		var ids []hub.ID
		for range 8 {
			ids = append(ids, tw.submit(nil, "finance"))
		}
		after(time.Minute)
		for _, id := range ids {
			tw.expect(id, 1, hub.DeliveryParked, hub.ParkRefused)
		}
		if finance.count() != 8 {
			t.Errorf("%d attempts, want 8: a refusal is not repeated", finance.count())
		}
		if got := tw.d.Breakers()["finance"]; got != "closed" {
			t.Errorf("the breaker is %s", got)
		}
	})
}

func TestDeadBackendOpensItsBreakerAndSlowsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var up atomic.Bool
		finance := brokenUntil(&up, "connection-refused")
		records := &backend{}
		tw := newTown(t, map[string]*backend{"finance": finance, "records": records})
		defer tw.end()
		tw.start()
		var ids []hub.ID
		for range 10 {
			ids = append(ids, tw.submit(nil, "finance", "records"))
		}
		after(2 * time.Second)
		if records.count() != 10 {
			t.Errorf("records got %d of 10 while finance was down", records.count())
		}
		if got := tw.d.Breakers()["finance"]; got != "open" {
			t.Errorf("the breaker is %s", got)
		}
		tried := finance.count()
		after(20 * time.Second)
		if finance.count() != tried {
			t.Errorf("%d attempts while the breaker was open", finance.count()-tried)
		}
		after(15 * time.Second) // half-open since seven seconds: one was let through
		if finance.count() != tried+1 {
			t.Errorf("%d attempts while the breaker was half-open, want one", finance.count()-tried)
		}
		up.Store(true)
		after(3 * time.Minute)
		for _, id := range ids {
			tw.expect(id, 1, hub.DeliveryDelivered, "")
		}
	})
}

func TestUnknownOutcome(t *testing.T) {
	lost := connectors.Receipt{Outcome: connectors.Unknown, Code: "timeout", Fault: true}
	tests := []struct {
		name   string
		traits connectors.Traits
		then   connectors.Receipt // after the first answer was lost
		kinds  []string
		state  hub.DeliveryState
		reason hub.ParkReason
	}{
		{"a plain system is never sent it again", connectors.Traits{}, connectors.Receipt{}, []string{"send"}, hub.DeliveryParked, hub.ParkUnclear},
		{"a repeatable one gets the same id", connectors.Traits{Repeatable: true}, connectors.Receipt{Outcome: connectors.Delivered}, []string{"send", "send"}, hub.DeliveryDelivered, ""},
		{"an askable one is asked", connectors.Traits{Askable: true}, connectors.Receipt{Outcome: connectors.Delivered}, []string{"send", "ask"}, hub.DeliveryDelivered, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &backend{traits: test.traits, answer: func(_ string, _ *connectors.Message, n int) connectors.Receipt {
					if n == 1 {
						return lost
					}
					return test.then
				}}
				tw := newTown(t, map[string]*backend{"finance": b})
				defer tw.end()
				unclear := tw.unclear()
				tw.start()
				id := tw.submit(nil, "finance")
				after(10 * time.Minute)
				tw.expect(id, 1, test.state, test.reason)
				if parked := test.reason == hub.ParkUnclear; parked != (*unclear == 1) {
					t.Errorf("%d alerts of an unclear outcome", *unclear)
				}
				if len(b.calls) != len(test.kinds) {
					t.Fatalf("calls %v, want %v", b.calls, test.kinds)
				}
				for i, kind := range test.kinds {
					if want := kind + " " + id.Delivery(1).String(); b.calls[i] != want {
						t.Errorf("call %d is %q, want %q", i+1, b.calls[i], want)
					}
				}
			})
		})
	}
}

// Asked and never seen: only now may it be sent again. A system that did not answer in
// time, or for whose answer the hub has not waited because it was stopped, may be at work
// still: it is asked twice, and what it finishes late is found.
func TestAskedAndNeverArrivedIsSent(t *testing.T) {
	for code, test := range map[string]struct {
		late bool
		want string
	}{
		"connection-broken": {false, "send ask send"},
		"timeout":           {false, "send ask ask send"},
		"create-timeout":    {true, "send ask ask"},
		"cancelled":         {true, "send ask ask"},
		"create-closed":     {true, "send ask ask"},
	} {
		t.Run(code, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &backend{traits: connectors.Traits{Askable: true}, answer: func(kind string, _ *connectors.Message, n int) connectors.Receipt {
					switch {
					case n == 1:
						return connectors.Receipt{Outcome: connectors.Unknown, Code: code, Fault: true}
					case kind == "ask" && (n == 2 || !test.late):
						return connectors.Receipt{Outcome: connectors.Retry, Code: NotFound}
					}
					return connectors.Receipt{Outcome: connectors.Delivered}
				}}
				tw := newTown(t, map[string]*backend{"finance": b})
				defer tw.end()
				tw.start()
				id := tw.submit(nil, "finance")
				after(3 * time.Minute)
				tw.expect(id, 1, hub.DeliveryDelivered, "")
				if got := b.kinds(); got != test.want {
					t.Errorf("calls %s, want %s", got, test.want)
				}
			})
		})
	}
}

// What the hub knows of a system that may be at work still is not forgotten over a
// question that nobody could answer.
func TestAtWorkThoughNobodyCouldBeAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done := time.Now().Add(30 * time.Second) // the system has it then
		b := &backend{traits: connectors.Traits{Askable: true}, answer: func(_ string, _ *connectors.Message, n int) connectors.Receipt {
			switch {
			case n == 1:
				return connectors.Receipt{Outcome: connectors.Unknown, Code: "timeout", Fault: true}
			case n == 2:
				return connectors.Receipt{Outcome: connectors.Retry, Code: "http-503", Fault: true}
			case time.Now().Before(done):
				return connectors.Receipt{Outcome: connectors.Retry, Code: NotFound}
			}
			return connectors.Receipt{Outcome: connectors.Delivered}
		}}
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		tw.start()
		id := tw.submit(nil, "finance")
		after(3 * time.Minute)
		tw.expect(id, 1, hub.DeliveryDelivered, "")
		if got := b.kinds(); got != "send ask ask ask" {
			t.Errorf("calls %s: sent again while the system was at work on it", got)
		}
		attempts, err := tw.store.Attempts(t.Context(), id.Delivery(1))
		if err != nil || len(attempts) != 4 || attempts[1].Code != "http-503" {
			t.Errorf("the story of the attempts: %+v, %v", attempts, err)
		}
	})
}

func maintenance(t *testing.T, from, until time.Time) config.Window {
	t.Helper()
	const minute = "2006-01-02 15:04"
	w, err := config.ParseWindow("maintenance", from.UTC().Format(minute)+"-"+until.UTC().Format(minute), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestMaintenanceWindowBurnsNoAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{answer: always(connectors.Receipt{Outcome: connectors.Retry, Code: "down", Fault: true})}
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		now := time.Now()
		tw.snap.Systems["finance"].Windows = []config.Window{maintenance(t, now.Add(-time.Hour), now.Add(time.Hour))}
		tw.start()
		id := tw.submit(nil, "finance")
		after(30 * time.Minute)
		if b.count() != 0 {
			t.Errorf("%d attempts in the window", b.count())
		}
		tw.expect(id, 1, hub.DeliveryPending, "")
		if got := tw.d.Breakers()["finance"]; got != "closed" {
			t.Errorf("the breaker is %s", got)
		}
		after(time.Hour)
		if b.count() == 0 {
			t.Error("no attempt after the window")
		}
	})
}

func TestScheduleGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{answer: always(connectors.Receipt{Outcome: connectors.Retry, Code: "busy"})}
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		tw.start()
		id := tw.submit(nil, "finance")
		after(2 * time.Hour)
		tw.expect(id, 1, hub.DeliveryParked, hub.ParkExhausted)
		tried := b.count()
		after(time.Hour)
		if b.count() != tried {
			t.Error("it was tried again after it had been parked")
		}
		// A person puts it back: a new life with a new schedule.
		if err := tw.store.Replay(t.Context(), id.Delivery(1), store.Replay{Actor: "operator:a", Reason: "repaired", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		b.mu.Lock()
		b.answer = nil
		b.mu.Unlock()
		after(10 * time.Second)
		tw.expect(id, 1, hub.DeliveryDelivered, "")
	})
}

func TestPanickingConnectorHurtsOneDeliveryOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var poison string
		b := &backend{}
		b.answer = func(_ string, m *connectors.Message, _ int) connectors.Receipt {
			if m.ID == poison {
				panic("poison")
			}
			return connectors.Receipt{Outcome: connectors.Delivered}
		}
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		first, second := tw.submit(nil, "finance"), tw.submit(nil, "finance")
		poison = first.Delivery(1).String()
		tw.start()
		after(time.Minute)
		tw.expect(first, 1, hub.DeliveryParked, hub.ParkUnclear)
		tw.expect(second, 1, hub.DeliveryDelivered, "")
		// It speaks against the system's health, and the system may be at work on it.
		if d := tw.status(first).Deliveries[0]; !atWork(d.Code) {
			t.Errorf("its code is %q", d.Code)
		}
		b.answer = func(string, *connectors.Message, int) connectors.Receipt { panic("poison") }
		for range 3 {
			tw.submit(nil, "finance")
		}
		after(time.Second)
		if got := tw.d.Breakers()["finance"]; got != "open" {
			t.Errorf("the breaker is %s", got)
		}
	})
}

// One flipped bit: nothing of that submission is sent, its neighbour goes on. So it is
// with a document that is whole, and is not what was rendered.
func TestDamagedDocumentIsSetAside(t *testing.T) {
	flipped := func(b []byte) []byte {
		b = bytes.Clone(b)
		b[len(b)/2] ^= 1
		return b
	}
	for name, spoil := range map[string]func(*store.NewDelivery){
		"body": func(n *store.NewDelivery) { n.Document.Body = flipped(n.Document.Body) },
		"head": func(n *store.NewDelivery) { n.Document.Head = flipped(n.Document.Head) },
		"checksum": func(n *store.NewDelivery) {
			n.Document.SHA256, n.SHA256 = strings.Repeat("0", 64), strings.Repeat("0", 64)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &backend{}
				tw := newTown(t, map[string]*backend{"finance": b})
				defer tw.end()
				tw.start()
				damaged, good := tw.submit(spoil, "finance"), tw.submit(nil, "finance")
				after(time.Minute)
				if s := tw.status(damaged); s.Submission.State != hub.SubmissionDamaged {
					t.Errorf("the damaged submission is %s", s.Submission.State)
				}
				tw.expect(good, 1, hub.DeliveryDelivered, "")
				if b.count() != 1 {
					t.Errorf("the partner got %v", b.calls)
				}
			})
		})
	}
}

func TestReloadKeepsAttemptsUnderWayAndTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := &backend{answer: always(connectors.Receipt{Outcome: connectors.Retry, Code: "down", Fault: true})}
		tw := newTown(t, map[string]*backend{"finance": old})
		defer tw.end()
		tw.start()
		for range 3 {
			tw.submit(nil, "finance")
		}
		after(time.Second)
		if got := tw.d.Breakers()["finance"]; got != "open" {
			t.Fatalf("the breaker is %s", got)
		}
		fresh := &backend{}
		changed := *tw.snap.Systems["finance"]
		changed.Config = fresh
		if err := tw.d.Apply(&config.Snapshot{Systems: map[string]*config.System{"finance": &changed, "records": {Name: "records", Config: &backend{}, Limits: config.SystemLimits{Concurrency: 1, Timeout: time.Second}}}}); err != nil {
			t.Fatal(err)
		}
		if got := tw.d.Breakers()["finance"]; got != "open" {
			t.Errorf("the reload made the breaker %s", got)
		}
		id := tw.submit(nil, "records")
		after(3 * time.Minute)
		tw.expect(id, 1, hub.DeliveryDelivered, "")
		if fresh.count() != 3 {
			t.Errorf("the new settings delivered %d of 3", fresh.count())
		}
	})
}

// records notes what is told of answers.
type records struct {
	store.Deliver
	same []bool
}

func (r *records) Record(ctx context.Context, rec *store.Record) (store.Effect, error) {
	r.same = append(r.same, rec.Same)
	return r.Deliver.Record(ctx, rec)
}

// A system rings three times and has something new once: that alone is told as new.
func TestTheSameAnswerIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plates := []string{"MU-R 101", "MU-R 101", "MU-R 201", "MU-R 201"}
		b := &backend{traits: connectors.Traits{Askable: true, Notices: true}, answer: func(_ string, _ *connectors.Message, n int) connectors.Receipt {
			return connectors.Receipt{Outcome: connectors.Delivered, Token: "there", Answer: map[string]string{"kennzeichen": plates[n-1]}}
		}}
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		seen := &records{Deliver: tw.store}
		tw.d.Store = seen
		tw.start()
		id := tw.submit(nil, "finance")
		for range plates[1:] {
			after(time.Minute)
			if err := tw.store.Notice(t.Context(), id.Delivery(1), time.Now()); err != nil {
				t.Fatal(err)
			}
			tw.d.Wake("finance")
		}
		after(time.Minute)
		tw.expect(id, 1, hub.DeliveryDelivered, "")
		if want := []bool{false, true, false, true}; !slices.Equal(seen.same, want) {
			t.Errorf("the same answer: %v, want %v", seen.same, want)
		}
	})
}
