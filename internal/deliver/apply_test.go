package deliver

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"stellwerk/connectors"
	"stellwerk/internal/config"
	"stellwerk/internal/store"
)

// opening is a kind that notes what it is opened with, or cannot be opened.
type opening struct {
	backend
	fail   error
	with   []connectors.Environment
	closed int
	probed int
}

func (o *opening) Open(e connectors.Environment) (connectors.Connector, error) {
	o.with = append(o.with, e)
	return o, o.fail
}

func (o *opening) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed++
	return nil
}

func (o *opening) closes() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.closed
}

func (o *opening) Probe(context.Context) error {
	o.probed++
	return errDown
}

var errDown = errors.New("down")

// A system is opened with what it may do, above all with the addresses that it may be
// reached at.
func TestSystemIsOpenedWithItsLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := newTown(t, map[string]*backend{"finance": {}})
		defer tw.end()
		o := &opening{}
		system := tw.snap.Systems["finance"]
		system.Config, system.Allow, tw.snap.Dir = o, []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}, "/etc/stellwerk"
		tw.start()
		if len(o.with) != 1 || o.with[0].System != "finance" || o.with[0].Dir != "/etc/stellwerk" || !slices.Equal(o.with[0].Allow, system.Allow) ||
			o.with[0].Concurrency != system.Limits.Concurrency || o.with[0].Now == nil || !o.with[0].Now().Equal(time.Now()) {
			t.Errorf("opened with %+v", o.with)
		}
	})
}

// One system that cannot be opened leaves everything as it was, and nothing open behind.
func TestApplyChangesAllOrNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := newTown(t, map[string]*backend{"finance": {}})
		defer tw.end()
		old := &opening{}
		tw.snap.Systems["finance"].Config = old
		tw.start()
		fresh, broken := &opening{}, &opening{fail: errors.New("its folder is missing")}
		changed := *tw.snap.Systems["finance"]
		changed.Config = fresh
		err := tw.d.Apply(&config.Snapshot{Systems: map[string]*config.System{"finance": &changed, "records": {Name: "records", Config: broken}}})
		if err == nil || !strings.Contains(err.Error(), "open system records: its folder is missing") {
			t.Errorf("%v", err)
		}
		after(time.Second)
		if fresh.closes() != len(fresh.with) || old.closes() != 0 {
			t.Errorf("the new one was opened %d and closed %d times, the old one closed %d times", len(fresh.with), fresh.closes(), old.closes())
		}
		tw.submit(nil, "finance")
		after(time.Second)
		if old.count() != 1 || fresh.count() != 0 {
			t.Errorf("calls %v, then %v", old.calls, fresh.calls)
		}
		if b := tw.d.Breakers(); len(b) != 1 || b["finance"] != "closed" {
			t.Errorf("breakers %v", b)
		}

		if err := tw.d.Apply(&config.Snapshot{Systems: map[string]*config.System{"finance": &changed}}); err != nil {
			t.Fatal(err)
		}
		after(time.Second)
		if old.closes() != 1 || fresh.closes() != len(fresh.with)-1 {
			t.Errorf("the old one was closed %d times, the new one opened %d and closed %d times", old.closes(), len(fresh.with), fresh.closes())
		}
		if err := tw.d.Apply(&config.Snapshot{}); err != nil {
			t.Fatal(err)
		}
		after(time.Second)
		if b := tw.d.Breakers(); len(b) != 0 || fresh.closes() != len(fresh.with) {
			t.Errorf("a system that is gone: breakers %v, opened %d and closed %d times", b, len(fresh.with), fresh.closes())
		}
	})
}

// A probe asks the system, and says why where it cannot.
func TestProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := newTown(t, map[string]*backend{"finance": {}, "records": {}})
		defer tw.end()
		o := &opening{}
		tw.snap.Systems["finance"].Config = o
		tw.start()
		if err := tw.d.Probe(t.Context(), "finance"); !errors.Is(err, errDown) || o.probed != 1 {
			t.Errorf("%v after %d probes", err, o.probed)
		}
		if err := tw.d.Probe(t.Context(), "records"); err == nil || err.Error() != "probe records: kind test has no probe" {
			t.Errorf("%v", err)
		}
		if err := tw.d.Probe(t.Context(), "nobody"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%v", err)
		}
	})
}

// New limits hold from the reload on: a new rate, and a breaker that counts anew.
func TestReloadTakesNewLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &backend{}
		down := &backend{answer: always(connectors.Receipt{Outcome: connectors.Retry, Code: "down", Fault: true})}
		tw := newTown(t, map[string]*backend{"finance": slow, "records": down})
		defer tw.end()
		tw.snap.Systems["finance"].Limits.Rate = 1
		tw.start()
		for range 20 {
			tw.submit(nil, "finance")
		}
		for range 3 {
			tw.submit(nil, "records")
		}
		after(2 * time.Second)
		if n, b := slow.count(), tw.d.Breakers()["records"]; n < 2 || n > 4 || b != "open" {
			t.Fatalf("%d at one a second, the breaker is %s", n, b)
		}
		finance, records := *tw.snap.Systems["finance"], *tw.snap.Systems["records"]
		finance.Limits.Rate, records.Breaker.OpenAfter = 100, 50
		if err := tw.d.Apply(&config.Snapshot{Systems: map[string]*config.System{"finance": &finance, "records": &records}}); err != nil {
			t.Fatal(err)
		}
		tried := down.count()
		after(20 * time.Second)
		if b := tw.d.Breakers()["records"]; slow.count() != 20 || b != "closed" || down.count() == tried {
			t.Errorf("%d at a hundred a second; the breaker is %s after %d more attempts", slow.count(), b, down.count()-tried)
		}
	})
}

// A connector is closed behind its last attempt, and at the latest by the stop.
func TestConnectorIsClosedBehindItsLastAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := newTown(t, map[string]*backend{"finance": {}})
		old, fresh := &opening{}, &opening{}
		for _, o := range []*opening{old, fresh} {
			o.answer = func(string, *connectors.Message, int) connectors.Receipt {
				time.Sleep(5 * time.Second) // moved time
				if o.closes() != 0 {
					t.Error("it was closed under an attempt")
				}
				return connectors.Receipt{Outcome: connectors.Delivered}
			}
		}
		tw.snap.Systems["finance"].Config = old
		tw.start()
		tw.submit(nil, "finance")
		after(time.Second)
		changed := *tw.snap.Systems["finance"]
		changed.Config = fresh
		if err := tw.d.Apply(&config.Snapshot{Systems: map[string]*config.System{"finance": &changed}}); err != nil {
			t.Fatal(err)
		}
		after(time.Second)
		if old.closes() != 0 {
			t.Error("it was closed by the reload")
		}
		after(10 * time.Second)
		if old.closes() != 1 {
			t.Errorf("closed %d times", old.closes())
		}
		tw.submit(nil, "finance")
		after(time.Second)
		tw.end()
		if fresh.closes() != 1 || fresh.count() != 1 {
			t.Errorf("after the stop it was closed %d times, calls %v", fresh.closes(), fresh.calls)
		}
	})
}
