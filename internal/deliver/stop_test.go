package deliver

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"stellwerk/connectors"
	"stellwerk/internal/config"
	"stellwerk/internal/hub"
)

func TestStopDrainsWithNothingRedelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{answer: func(string, *connectors.Message, int) connectors.Receipt {
			time.Sleep(3 * time.Second) // moved time
			return connectors.Receipt{Outcome: connectors.Delivered}
		}}
		tw := newTown(t, map[string]*backend{"finance": b})
		var ids []hub.ID
		for range 8 { // twice as many as may be under way
			ids = append(ids, tw.submit(nil, "finance"))
		}
		tw.start()
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := tw.d.Stop(ctx); err != nil {
			t.Fatal(err)
		}
		if b.count() != 4 {
			t.Errorf("%d were sent, want the 4 that were under way", b.count())
		}
		tw.d = tw.deliverer("node") // the next process
		tw.start()
		after(time.Minute)
		for _, id := range ids {
			tw.expect(id, 1, hub.DeliveryDelivered, "")
		}
		if b.count() != 8 {
			t.Errorf("8 deliveries took %d sends", b.count())
		}
		tw.end()
	})
}

// silent takes a message and never answers.
type silent struct{ backend }

func (b *silent) Open(connectors.Environment) (connectors.Connector, error) { return b, nil }
func (b *silent) Deliver(ctx context.Context, m *connectors.Message) connectors.Receipt {
	b.call("send", m)
	<-ctx.Done()
	return connectors.Receipt{Outcome: connectors.Unknown, Code: "cancelled"}
}

// A system that was taken out of the configuration does not keep the hub from its stop.
func TestStopDoesNotWaitForASystemThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := newTown(t, map[string]*backend{"finance": {}})
		tw.snap.Systems["finance"].Config = &silent{}
		tw.snap.Systems["finance"].Limits.Timeout = time.Hour
		defer func() { _ = tw.store.Close() }()
		tw.start()
		id := tw.submit(nil, "finance")
		after(time.Second)
		if err := tw.d.Apply(&config.Snapshot{}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		if err := tw.d.Stop(ctx); err == nil {
			t.Error("the stop says nothing of the attempt that was cut off")
		}
		if took := time.Since(began); took > 11*time.Second {
			t.Errorf("the stop took %s", took)
		}
		tw.expect(id, 1, hub.DeliveryParked, hub.ParkUnclear)
	})
}
