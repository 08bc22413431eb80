package connectortest

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"stellwerk/connectors"
)

// soon bounds what must return at once; generous for a loaded machine.
const soon = 10 * time.Second

// Test runs the suite. Every part has a partner of its own and must leave no
// goroutine behind.
func Test(t *testing.T, h Harness) {
	for _, part := range []struct {
		name string
		run  func(*testing.T, *bench)
	}{
		{"delivers the document as it is", delivers},
		{"same id twice is one document", twice},
		{"refused is no fault and takes nothing", refused},
		{"busy is tried again", busy},
		{"silence is unknown", silent},
		{"torn connection", torn},
		{"answer lost", answerLost},
		{"down is tried again", down},
		{"cancelled in the middle", cancelled},
		{"cancelled before", cancelledBefore},
		{"close ends calls under way", closes},
		{"damaged attachment completes nothing", damaged},
		{"big document", big},
		{"many at once", many},
	} {
		t.Run(part.name, func(t *testing.T) {
			ignore := goleak.IgnoreCurrent()
			partners := goleak.IgnoreAnyFunction("net/http.(*conn).serve") // lingers half a second after a broken request
			t.Cleanup(func() { goleak.VerifyNone(t, ignore, partners) })
			part.run(t, open(t, h))
		})
	}
}

// bench is a partner and an open connector to it.
type bench struct {
	Partner
	connectors.Connector
	t *testing.T
}

func open(t *testing.T, h Harness) *bench {
	t.Helper()
	b := &bench{Partner: h.Start(t), t: t}
	if b.Taken == connectors.Unknown {
		b.Taken = connectors.Delivered
	}
	if b.Same == nil {
		b.Same = func(got Received, m *connectors.Message) bool { return bytes.Equal(got.Body, m.Body) }
	}
	c, err := b.Config.Open(b.Environment)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	b.Connector = c
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return b
}

// message is the n-th sample that this partner takes.
func (b *bench) message(n int) *connectors.Message {
	if b.Message != nil {
		return b.Message(n, false)
	}
	return Message(n)
}

func (b *bench) suffer(f Fault) {
	b.t.Helper()
	if !b.Break(f) {
		b.t.Skipf("this protocol knows no partner that is %s", f)
	}
}

var stableCode = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// deliver sends and holds the receipt against the contract.
func (b *bench) deliver(ctx context.Context, m *connectors.Message) connectors.Receipt {
	b.t.Helper()
	return b.check(b.Deliver(ctx, m))
}

func (b *bench) check(r connectors.Receipt) connectors.Receipt {
	b.t.Helper()
	if r.Outcome != connectors.Delivered && !stableCode.MatchString(r.Code) {
		b.t.Errorf("%s has the code %q, which is no stable word", r.Outcome, r.Code)
	}
	if r.Outcome == connectors.Refused && r.Fault {
		b.t.Error("a refusal speaks against the system's health")
	}
	if r.Outcome == connectors.Awaiting && r.Token == "" {
		b.t.Error("awaiting without a token cannot be asked")
	}
	Answers(b.t, b.Config, r)
	all := fmt.Sprintf("%+v", r)
	for _, secret := range b.Secrets {
		if strings.Contains(all, secret) {
			b.t.Errorf("a secret is in the receipt of outcome %s", r.Outcome)
		}
	}
	return r
}

// Answers fails where a receipt carries an answer by a key that its system does not
// name beforehand, though it says that it knows them.
func Answers(t testing.TB, c connectors.Config, r connectors.Receipt) {
	t.Helper()
	named, ok := c.(connectors.Answering)
	for key := range r.Answer {
		if ok && !slices.Contains(named.Answers(), key) {
			t.Errorf("the answer %s is none of those that the system names: %v", key, named.Answers())
		}
	}
}

// want fails unless the outcome is one of those given.
func (b *bench) want(r connectors.Receipt, outcomes ...connectors.Outcome) {
	b.t.Helper()
	for _, o := range outcomes {
		if r.Outcome == o {
			return
		}
	}
	b.t.Fatalf("outcome is %s (%s: %s), want %v", r.Outcome, r.Code, r.Detail, outcomes)
}

// holds fails unless the partner has exactly the messages given, each once.
func (b *bench) holds(messages ...*connectors.Message) {
	b.t.Helper()
	got := b.Received()
	if len(got) != len(messages) {
		b.t.Fatalf("the partner has %d documents, want %d", len(got), len(messages))
	}
	for _, m := range messages {
		n := 0
		for _, r := range got {
			if b.Same(r, m) {
				n++
			}
		}
		if n != 1 {
			b.t.Errorf("the partner has document %s %d times", m.Name, n)
		}
	}
}

func delivers(t *testing.T, b *bench) {
	m := b.message(1)
	if !b.Bare {
		Attach(m, "impfpass.pdf", "application/pdf", bytes.Repeat([]byte("%PDF-1.7 ä\r\n"), 3000))
		Attach(m, "foto.jpg", "image/jpeg", []byte{0xff, 0xd8, 0, 1, 2, 0xff, 0xd9})
	}
	r := b.deliver(t.Context(), m)
	b.want(r, b.Taken)
	if r.Fault {
		t.Error("a delivery speaks against the system's health")
	}
	b.holds(m)
	got := b.Received()[0].Attachments
	if len(got) != len(m.Attachments) {
		t.Fatalf("the partner has %d attachments, want %d", len(got), len(m.Attachments))
	}
	for i, a := range m.Attachments {
		in, err := a.Open()
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		if _, err := want.ReadFrom(in); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got[i], want.Bytes()) {
			t.Errorf("attachment %s arrived altered", a.Name)
		}
	}
	if p, ok := b.Connector.(connectors.Prober); ok {
		if err := p.Probe(t.Context()); err != nil {
			t.Errorf("probe of a healthy system: %v", err)
		}
	}
}

func twice(t *testing.T, b *bench) {
	if !b.Config.Traits().Repeatable {
		t.Skip("the system does not recognise repeated ids")
	}
	m := b.message(2)
	first := b.deliver(t.Context(), m)
	b.want(first, b.Taken)
	m.Attempt = 2
	second := b.deliver(t.Context(), m)
	b.want(second, b.Taken)
	for k, v := range first.Answer {
		if second.Answer[k] != v {
			t.Errorf("answer %s was %q and is %q", k, v, second.Answer[k])
		}
	}
	b.holds(m)
}

func refused(t *testing.T, b *bench) {
	b.suffer(Refusing)
	b.want(b.deliver(t.Context(), b.message(3)), connectors.Refused)
	b.holds()
}

func busy(t *testing.T, b *bench) {
	b.suffer(Busy)
	m := b.message(4)
	r := b.deliver(t.Context(), m)
	b.want(r, connectors.Retry)
	if !r.Fault {
		t.Error("a busy system is a fault")
	}
	b.holds()
	b.Break(Healthy)
	b.want(b.deliver(t.Context(), m), b.Taken)
	b.holds(m)
}

func silent(t *testing.T, b *bench) {
	b.suffer(Silent)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	r := b.deliver(ctx, b.message(5))
	if took := time.Since(start); took > soon {
		t.Errorf("returned %s after the deadline", took)
	}
	b.want(r, connectors.Unknown)
	if !r.Fault {
		t.Error("a silent system is a fault")
	}
}

func torn(t *testing.T, b *bench) {
	b.suffer(Torn)
	m := b.message(6)
	r := b.deliver(t.Context(), m)
	b.want(r, connectors.Unknown, connectors.Retry)
	if !r.Fault {
		t.Error("a torn connection is a fault")
	}
	b.Break(Healthy)
	if !b.settle(r, m) {
		return
	}
	b.holds(m)
}

func answerLost(t *testing.T, b *bench) {
	b.suffer(AnswerLost)
	m := b.message(7)
	r := b.deliver(t.Context(), m)
	b.want(r, connectors.Unknown)
	b.holds(m)
	b.Break(Healthy)
	if b.settle(r, m) {
		b.holds(m)
	}
}

// settle does what the hub does after an outcome that leaves the message open.
// It reports false where a person would have to decide.
func (b *bench) settle(r connectors.Receipt, m *connectors.Message) bool {
	b.t.Helper()
	traits := b.Config.Traits()
	m.Attempt++
	if r.Outcome == connectors.Unknown && !traits.Repeatable {
		asker, ok := b.Connector.(connectors.Asker)
		if !traits.Askable || !ok {
			return false
		}
		r = b.check(asker.Ask(b.t.Context(), m))
		b.want(r, b.Taken, connectors.Retry)
		if r.Outcome == b.Taken {
			return true
		}
	}
	b.want(b.deliver(b.t.Context(), m), b.Taken)
	return true
}

func down(t *testing.T, b *bench) {
	b.suffer(Down)
	m := b.message(8)
	r := b.deliver(t.Context(), m)
	b.want(r, connectors.Retry)
	if !r.Fault {
		t.Error("a system that is down is a fault")
	}
	if p, ok := b.Connector.(connectors.Prober); ok {
		err := p.Probe(t.Context())
		if err == nil {
			t.Error("probe of a system that is down succeeds")
		}
		for _, secret := range b.Secrets {
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Error("a secret is in the probe's error")
			}
		}
	}
	b.Break(Healthy)
	b.want(b.deliver(t.Context(), m), b.Taken)
	b.holds(m)
}

func cancelled(t *testing.T, b *bench) {
	b.suffer(Silent)
	ctx, cancel := context.WithCancel(t.Context())
	stop := time.AfterFunc(50*time.Millisecond, cancel)
	defer stop.Stop()
	start := time.Now()
	r := b.deliver(ctx, b.message(9))
	if took := time.Since(start); took > soon {
		t.Errorf("returned %s after the call was cancelled", took)
	}
	b.want(r, connectors.Unknown, connectors.Retry)
	if r.Fault {
		t.Error("a cancelled call speaks against the system's health")
	}
}

func cancelledBefore(t *testing.T, b *bench) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := b.deliver(ctx, b.message(10))
	b.want(r, connectors.Retry)
	if r.Fault {
		t.Error("a cancelled call speaks against the system's health")
	}
	b.holds()
}

func closes(t *testing.T, b *bench) {
	b.suffer(Silent)
	done := make(chan connectors.Receipt, 1)
	go func() { done <- b.Deliver(context.WithoutCancel(t.Context()), b.message(11)) }()
	timer := time.NewTimer(50 * time.Millisecond)
	<-timer.C
	if err := b.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	select {
	case r := <-done:
		b.want(b.check(r), connectors.Unknown, connectors.Retry)
	case <-time.After(soon):
		t.Fatal("a call under way outlives Close")
	}
	b.want(b.deliver(t.Context(), b.message(12)), connectors.Retry)
}

func damaged(t *testing.T, b *bench) {
	if b.Bare {
		t.Skip("attachments are not sent")
	}
	for i, size := range []int64{10, 100_000, 3_000_000} {
		m := b.message(13 + i)
		AttachDamaged(m, size)
		r := b.deliver(t.Context(), m)
		b.want(r, connectors.Refused)
	}
	b.holds()
	m := b.message(20)
	b.want(b.deliver(t.Context(), m), b.Taken)
	b.holds(m)
}

func big(t *testing.T, b *bench) {
	m := Message(21)
	m.Body = fmt.Appendf(nil, `{"vorgang":"0021","shortname":"groß","text":"%s"}`, strings.Repeat("Straße ", 1<<17))
	if b.Message != nil {
		if m = b.Message(21, true); m == nil {
			t.Skip("this protocol has no big documents")
		}
	}
	if !b.Bare {
		Attach(m, "plan.tif", "image/tiff", bytes.Repeat([]byte{7, 0, 255, 13, 10}, 1<<20))
	}
	b.want(b.deliver(t.Context(), m), b.Taken)
	b.holds(m)
}

func many(t *testing.T, b *bench) {
	const n = 48
	messages := make([]*connectors.Message, n)
	receipts := make([]connectors.Receipt, n)
	var wg sync.WaitGroup
	for i := range n {
		messages[i] = b.message(100 + i)
		wg.Go(func() { receipts[i] = b.Deliver(t.Context(), messages[i]) })
	}
	wg.Wait()
	for _, r := range receipts {
		b.want(b.check(r), b.Taken)
	}
	b.holds(messages...)
}
