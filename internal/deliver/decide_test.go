package deliver

import (
	"testing"
	"time"

	"stellwerk/connectors"
	"stellwerk/internal/config"
	"stellwerk/internal/hub"
)

func TestDecide(t *testing.T) {
	now := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	retry := config.Retry{Schedule: []time.Duration{0, 30 * time.Second, 5 * time.Minute}, Then: 6 * time.Hour, GiveUpAfter: 14 * 24 * time.Hour}
	plain := connectors.Traits{}
	repeatable := connectors.Traits{Repeatable: true}
	askable := connectors.Traits{Askable: true}
	fresh := hub.Delivery{Attempts: 1, FirstAt: now}
	nth := func(n int) hub.Delivery { return hub.Delivery{Attempts: n, FirstAt: now.Add(-time.Hour)} }
	old := hub.Delivery{Attempts: 60, FirstAt: now.Add(-15 * 24 * time.Hour)}
	uncertain := hub.Delivery{Attempts: 2, FirstAt: now, Uncertain: true}
	after := func(code string) hub.Delivery {
		return hub.Delivery{Attempts: 2, FirstAt: now, Uncertain: true, Code: code}
	}

	tests := []struct {
		name     string
		receipt  connectors.Receipt
		delivery hub.Delivery
		traits   connectors.Traits
		want     Decision
		pause    time.Duration // NotBefore is now plus this, plus up to a tenth
	}{
		{"delivered", connectors.Receipt{Outcome: connectors.Delivered}, fresh, plain, Decision{State: hub.DeliveryDelivered}, 0},
		{"refused", connectors.Receipt{Outcome: connectors.Refused}, fresh, repeatable, Decision{State: hub.DeliveryParked, Reason: hub.ParkRefused}, 0},
		{"the citizen has ended it", connectors.Receipt{Outcome: connectors.Cancelled, Code: "payment-cancelled"}, fresh, askable, Decision{State: hub.DeliveryClosed}, 0},
		{"first retry is at once", connectors.Receipt{Outcome: connectors.Retry}, fresh, plain, Decision{State: hub.DeliveryPending}, 0},
		{"second retry", connectors.Receipt{Outcome: connectors.Retry}, nth(2), plain, Decision{State: hub.DeliveryPending}, 30 * time.Second},
		{"after the schedule", connectors.Receipt{Outcome: connectors.Retry}, nth(9), plain, Decision{State: hub.DeliveryPending}, 6 * time.Hour},
		{"the system asks for more time", connectors.Receipt{Outcome: connectors.Retry, RetryAfter: time.Hour}, nth(2), plain, Decision{State: hub.DeliveryPending}, time.Hour},
		{"given up", connectors.Receipt{Outcome: connectors.Retry}, old, plain, Decision{State: hub.DeliveryParked, Reason: hub.ParkExhausted}, 0},
		{"given up, and it may have arrived", connectors.Receipt{Outcome: connectors.Retry}, hub.Delivery{Attempts: 60, FirstAt: old.FirstAt, Uncertain: true}, askable, Decision{State: hub.DeliveryParked, Reason: hub.ParkExhausted, Uncertain: true}, 0},
		{"unknown, plain", connectors.Receipt{Outcome: connectors.Unknown}, fresh, plain, Decision{State: hub.DeliveryParked, Reason: hub.ParkUnclear, Uncertain: true}, 0},
		{"unknown, repeatable", connectors.Receipt{Outcome: connectors.Unknown}, nth(2), repeatable, Decision{State: hub.DeliveryPending, Uncertain: true}, 30 * time.Second},
		{"unknown, askable", connectors.Receipt{Outcome: connectors.Unknown}, nth(2), askable, Decision{State: hub.DeliveryPending, Uncertain: true}, 30 * time.Second},
		{"unknown, only a person can tell", connectors.Receipt{Outcome: connectors.Unknown, Person: true}, fresh, askable, Decision{State: hub.DeliveryParked, Reason: hub.ParkUnclear, Uncertain: true}, 0},
		{"unknown for too long", connectors.Receipt{Outcome: connectors.Unknown}, old, repeatable, Decision{State: hub.DeliveryParked, Reason: hub.ParkUnclear, Uncertain: true}, 0},
		{"asked: never arrived", connectors.Receipt{Outcome: connectors.Retry, Code: NotFound}, uncertain, askable, Decision{State: hub.DeliveryPending}, 0},
		{"not there yet: the system may be at work on it", connectors.Receipt{Outcome: connectors.Retry, Code: NotFound}, after("timeout"), askable, Decision{State: hub.DeliveryPending, Uncertain: true}, time.Minute},
		{"not there yet, behind a gateway", connectors.Receipt{Outcome: connectors.Retry, Code: NotFound}, after("http-504"), askable, Decision{State: hub.DeliveryPending, Uncertain: true}, time.Minute},
		{"still not there", connectors.Receipt{Outcome: connectors.Retry, Code: NotFound}, after(NotFound), askable, Decision{State: hub.DeliveryPending}, 0},
		{"not there, and nobody is at work", connectors.Receipt{Outcome: connectors.Retry, Code: NotFound}, after("connection-broken"), askable, Decision{State: hub.DeliveryPending}, 0},
		{"could not be asked while the system may be at work", connectors.Receipt{Outcome: connectors.Unknown, Code: "connection-broken"}, after("timeout"), askable, Decision{State: hub.DeliveryPending, Uncertain: true, KeepCode: true}, 30 * time.Second},
		{"at work on the question, too", connectors.Receipt{Outcome: connectors.Unknown, Code: "http-504"}, after("timeout"), askable, Decision{State: hub.DeliveryPending, Uncertain: true}, 30 * time.Second},
		{"a retry does not clear up what was unknown", connectors.Receipt{Outcome: connectors.Retry}, uncertain, askable, Decision{State: hub.DeliveryPending, Uncertain: true}, 30 * time.Second},
		{"awaiting never gives up", connectors.Receipt{Outcome: connectors.Awaiting}, old, askable, Decision{State: hub.DeliveryAwaiting}, 6 * time.Hour},
		{"the zero receipt is unknown", connectors.Receipt{}, fresh, plain, Decision{State: hub.DeliveryParked, Reason: hub.ParkUnclear, Uncertain: true}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Decide(test.receipt, &test.delivery, retry, test.traits, now)
			if got.State != hub.DeliveryPending && got.State != hub.DeliveryAwaiting {
				got.NotBefore = time.Time{}
			} else if pause := got.NotBefore.Sub(now); pause < test.pause || pause > test.pause+test.pause/10 {
				t.Errorf("next attempt after %s, want %s and up to a tenth more", pause, test.pause)
			}
			got.NotBefore = time.Time{}
			if got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// Where nobody says when to give up, nobody does.
func TestNeverGivenUp(t *testing.T) {
	now := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	d := hub.Delivery{Attempts: 900, FirstAt: now.AddDate(-1, 0, 0)}
	if got := Decide(connectors.Receipt{Outcome: connectors.Retry}, &d, config.Retry{Then: time.Hour}, connectors.Traits{}, now); got.State != hub.DeliveryPending {
		t.Errorf("got %+v", got)
	}
}

// A thousand deliveries do not come back in the same second.
func TestPausesDiffer(t *testing.T) {
	now := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	at := map[time.Time]bool{}
	for range 100 {
		d := Decide(connectors.Receipt{Outcome: connectors.Retry}, &hub.Delivery{Attempts: 1, FirstAt: now}, config.Retry{Then: time.Hour}, connectors.Traits{}, now)
		at[d.NotBefore] = true
	}
	if len(at) < 90 {
		t.Errorf("a hundred come back at %d moments", len(at))
	}
}
