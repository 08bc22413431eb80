package deliver

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"stellwerk/connectors"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/vault"
)

// untried holds a delivery that was put back against what that means: it waits, a minute
// or so, and nothing counts.
func (tw *town) untried(id hub.ID, code string) {
	tw.t.Helper()
	s := tw.status(id)
	if d := s.Deliveries[0]; s.Submission.State != hub.SubmissionRunning || d.State != hub.DeliveryPending || d.Attempts != 0 {
		tw.t.Errorf("the submission is %s, the delivery %s after %d attempts", s.Submission.State, d.State, d.Attempts)
	}
	attempts, err := tw.store.Attempts(tw.t.Context(), id.Delivery(1))
	if err != nil || len(attempts) != 1 || attempts[0].Code != code || attempts[0].Outcome != connectors.Retry.String() || attempts[0].Node != "node" || attempts[0].At.IsZero() {
		tw.t.Errorf("its story: %+v, %v; want one %s", attempts, err, code)
	}
}

// A key that is missing in the keyring is no damage: it is given, and everything goes on.
func TestKeyringLacksTheKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{}
		tw := newTown(t, map[string]*backend{"finance": b})
		id := tw.submit(nil, "finance")
		tw.d.Vault = emptyVault(t)
		tw.start()
		after(50 * time.Second)
		tw.untried(id, "no-key")
		if err := tw.d.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		tw.restart()
		defer tw.end()
		after(time.Minute)
		tw.expect(id, 1, hub.DeliveryDelivered, "")
		if d := tw.status(id).Deliveries[0]; d.Attempts != 1 || b.count() != 1 {
			t.Errorf("%d attempts counted, calls %v", d.Attempts, b.calls)
		}
	})
}

// What a protocol asks for beside the document: it comes along, it is waited for, or its
// damage keeps everything from being sent.
func TestMetadata(t *testing.T) {
	for name, tt := range map[string]struct {
		err   error
		spoil bool
	}{"whole": {}, "not readable now": {err: errors.New("too many open files")}, "its row is damaged": {err: store.ErrDamaged}, "a flipped bit": {spoil: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got map[string]string
				b := &backend{traits: connectors.Traits{Meta: true}, answer: func(_ string, m *connectors.Message, _ int) connectors.Receipt {
					got = m.Meta
					return connectors.Receipt{Outcome: connectors.Delivered}
				}}
				tw := newTown(t, map[string]*backend{"finance": b})
				defer tw.end()
				alerts := tw.alerts()
				given := time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)
				tw.consent = hub.Consent{Given: true, At: given, Wording: "2026-01"}
				tw.meta = hub.Meta{TrustLevel: "STORK-QAA-Level-3", Reference: "BP-17", Account: map[string]string{"mail": "a@example.de"}, Via: []string{"kreis", "stadt"}}
				tw.d.Case = func(ctx context.Context, id hub.ID) (*store.Case, error) {
					if tt.err != nil {
						return nil, tt.err
					}
					c, err := tw.store.Case(ctx, id)
					if tt.spoil {
						c.Meta = bytes.Clone(c.Meta)
						c.Meta[len(c.Meta)-1] ^= 1
					}
					return c, err
				}
				tw.start()
				id := tw.submit(nil, "finance")
				after(50 * time.Second)
				switch {
				case errors.Is(tt.err, store.ErrDamaged), tt.spoil:
					if s := tw.status(id); s.Submission.State != hub.SubmissionDamaged || b.count() != 0 || *alerts != "damaged" {
						t.Errorf("the submission is %s, calls %v, alerts %q", s.Submission.State, b.calls, *alerts)
					}
				case tt.err != nil:
					tw.untried(id, "unreadable")
				default:
					tw.expect(id, 1, hub.DeliveryDelivered, "")
					// What is empty is not there at all.
					if want := map[string]string{"trust-level": "STORK-QAA-Level-3", "reference": "BP-17", "account.mail": "a@example.de", "via": "kreis stadt",
						"consent-at": "2026-11-23T09:30:00Z", "consent-wording": "2026-01"}; !maps.Equal(got, want) {
						t.Errorf("got %v, want %v", got, want)
					}
				}
			})
		})
	}
}

// Attachments are read while they are sent. Nothing of a damaged one counts as sent, one
// that cannot be read now is tried again without counting, and what the system says it
// has is believed.
func TestAttachments(t *testing.T) {
	content := strings.Repeat("a scan of the vaccination card", 5000) // read in many steps
	fault := func(m *connectors.Message) error {
		if len(m.Attachments) != 1 {
			return errors.New("not one attachment")
		}
		a := m.Attachments[0]
		r, err := a.Open()
		if err != nil {
			return err
		}
		got, err := io.ReadAll(r)
		if err == nil && (string(got) != content || a.Name != "impfpass.pdf" || a.ContentType != "application/pdf" || a.Size != int64(len(content)) || a.SHA256 != sumOf(content)) {
			err = errors.New("another one has arrived")
		}
		return errors.Join(err, r.Close())
	}
	type on struct {
		spoil   func(file []byte, info *hub.Attachment) []byte // of what is stored
		open    error
		outcome connectors.Outcome // where it cannot be read
	}
	whole := func(file []byte, _ *hub.Attachment) []byte { return file }
	for name, tt := range map[string]struct {
		on
		state  hub.SubmissionState
		reason hub.ParkReason
		code   string // put back with it
	}{
		"whole":                 {on{whole, nil, connectors.Retry}, hub.SubmissionSettled, "", ""},
		"a flipped bit":         {on{func(f []byte, _ *hub.Attachment) []byte { f[len(f)-1] ^= 1; return f }, nil, connectors.Retry}, hub.SubmissionDamaged, "", ""},
		"cut off":               {on{func(f []byte, _ *hub.Attachment) []byte { return f[:10] }, nil, connectors.Retry}, hub.SubmissionDamaged, "", ""},
		"another's content":     {on{func(f []byte, i *hub.Attachment) []byte { i.SHA256 = strings.Repeat("0", 64); return f }, nil, connectors.Retry}, hub.SubmissionDamaged, "", ""},
		"gone":                  {on{whole, fs.ErrNotExist, connectors.Retry}, hub.SubmissionDamaged, "", ""},
		"gone, unknown outcome": {on{whole, fs.ErrNotExist, connectors.Unknown}, hub.SubmissionDamaged, "", ""},
		"gone, and delivered":   {on{whole, fs.ErrNotExist, connectors.Delivered}, hub.SubmissionSettled, "", ""},
		"its sum is longer":     {on{func(f []byte, i *hub.Attachment) []byte { i.SHA256 += "0"; return f }, nil, connectors.Retry}, hub.SubmissionDamaged, "", ""},
		"not readable now":      {on{whole, errors.New("too many open files"), connectors.Retry}, hub.SubmissionRunning, "", "unreadable"},
		"unreadable, delivered": {on{whole, errors.New("too many open files"), connectors.Delivered}, hub.SubmissionSettled, "", ""},
		"unreadable, unknown":   {on{whole, errors.New("too many open files"), connectors.Unknown}, hub.SubmissionParked, hub.ParkUnclear, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &backend{answer: func(_ string, m *connectors.Message, _ int) connectors.Receipt {
					if err := fault(m); err != nil {
						return connectors.Receipt{Outcome: tt.outcome, Code: "attachment"}
					}
					return connectors.Receipt{Outcome: connectors.Delivered}
				}}
				tw := newTown(t, map[string]*backend{"finance": b})
				defer tw.end()
				alerts := tw.alerts()
				tw.attachment, tw.spoil = content, tt.spoil
				tw.d.Attachments = func(string) (io.ReadCloser, error) {
					if tt.open != nil {
						return nil, tt.open
					}
					return io.NopCloser(bytes.NewReader(tw.file)), nil
				}
				tw.start()
				id := tw.submit(nil, "finance")
				after(50 * time.Second)
				if tt.code != "" {
					tw.untried(id, tt.code)
				}
				s := tw.status(id)
				if s.Submission.State != tt.state || s.Deliveries[0].Reason != tt.reason || b.count() != 1 {
					t.Errorf("the submission is %s, the delivery %s %s, calls %v", s.Submission.State, s.Deliveries[0].State, s.Deliveries[0].Reason, b.calls)
				}
				if damaged := tt.state == hub.SubmissionDamaged; damaged != (*alerts == "damaged") {
					t.Errorf("alerts %q", *alerts)
				}
			})
		})
	}
}

// A citizen pays some day: the system is asked, and never sent it again. One that
// recognises what it has needs no question.
func TestSentOrAsked(t *testing.T) {
	for name, tt := range map[string]struct {
		traits connectors.Traits
		first  connectors.Receipt
		want   string
	}{
		"awaiting":            {connectors.Traits{Askable: true}, connectors.Receipt{Outcome: connectors.Awaiting, Token: "t"}, "send ask"},
		"awaiting, either":    {connectors.Traits{Askable: true, Repeatable: true}, connectors.Receipt{Outcome: connectors.Awaiting, Token: "t"}, "send ask"},
		"unknown, either":     {connectors.Traits{Askable: true, Repeatable: true}, connectors.Receipt{Outcome: connectors.Unknown, Code: "broken"}, "send send"},
		"not taken, askable":  {connectors.Traits{Askable: true}, connectors.Receipt{Outcome: connectors.Retry, Code: "busy"}, "send send"},
		"it has panicked":     {connectors.Traits{Repeatable: true}, connectors.Receipt{Outcome: -1}, "send send"},
		"it cannot be asked":  {connectors.Traits{}, connectors.Receipt{Outcome: connectors.Unknown, Code: "broken"}, "send"},
		"refused by a person": {connectors.Traits{Repeatable: true}, connectors.Receipt{Outcome: connectors.Refused, Code: "http-422"}, "send"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &backend{traits: tt.traits, answer: func(_ string, m *connectors.Message, n int) connectors.Receipt {
					switch {
					case n > 1 && m.Token != tt.first.Token:
						return connectors.Receipt{Outcome: connectors.Refused, Code: "token-lost"}
					case n > 1:
						return connectors.Receipt{Outcome: connectors.Delivered}
					case tt.first.Outcome < 0:
						panic("poison")
					}
					return tt.first
				}}
				tw := newTown(t, map[string]*backend{"finance": b})
				defer tw.end()
				tw.start()
				id := tw.submit(nil, "finance")
				after(3 * time.Minute)
				if got := b.kinds(); got != tt.want {
					t.Errorf("calls %s, want %s", got, tt.want)
				}
				if b.count() > 1 {
					tw.expect(id, 1, hub.DeliveryDelivered, "")
				}
			})
		})
	}
}

// A breaker that opens between the claim and the attempt keeps that from the system, and
// it counts as none.
func TestBreakerOpensBehindTheClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{answer: always(connectors.Receipt{Outcome: connectors.Retry, Code: "connection-refused", Fault: true})}
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		tw.d.Trace = func(_ context.Context, parent, _ string) (string, func(string)) {
			if parent == "late" {
				time.Sleep(500 * time.Millisecond) // moved time: the three others have failed meanwhile
			}
			return parent, func(string) {}
		}
		for range 3 {
			tw.submit(nil, "finance")
		}
		tw.trace = "late"
		late := tw.submit(nil, "finance")
		tw.start()
		after(time.Second)
		tw.untried(late, "breaker-open")
		if b.count() != 3 {
			t.Errorf("%d calls, want those of the three others", b.count())
		}
	})
}

// What may have arrived is known to have been there once it is put back, too: what awaits
// is asked for by its token, and a system that may be at work still is asked twice.
func TestPutBackForgetsNothing(t *testing.T) {
	for name, tt := range map[string]struct {
		first connectors.Receipt
		state hub.DeliveryState
		want  string
	}{
		"awaiting":      {connectors.Receipt{Outcome: connectors.Awaiting, Token: "t"}, hub.DeliveryAwaiting, "send ask"},
		"may be there":  {connectors.Receipt{Outcome: connectors.Unknown, Code: "broken", Token: "t"}, hub.DeliveryPending, "send ask send"},
		"may be worked": {connectors.Receipt{Outcome: connectors.Unknown, Code: "timeout", Token: "t"}, hub.DeliveryPending, "send ask ask send"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &backend{traits: connectors.Traits{Askable: true}, answer: func(kind string, m *connectors.Message, n int) connectors.Receipt {
					switch {
					case n == 1:
						return tt.first
					case kind == "ask" && m.Token != "t":
						return connectors.Receipt{Outcome: connectors.Refused, Code: "token-lost"}
					case kind == "ask" && tt.first.Outcome == connectors.Unknown:
						return connectors.Receipt{Outcome: connectors.Retry, Code: NotFound}
					}
					return connectors.Receipt{Outcome: connectors.Delivered}
				}}
				tw := newTown(t, map[string]*backend{"finance": b})
				tw.start()
				id := tw.submit(nil, "finance")
				after(500 * time.Millisecond)
				mine := tw.vault
				for _, v := range []*vault.Vault{emptyVault(t), mine} {
					tw.expect(id, 1, tt.state, "")
					if err := tw.d.Stop(t.Context()); err != nil {
						t.Fatal(err)
					}
					tw.vault = v
					tw.restart()
					after(30 * time.Second)
				}
				defer tw.end()
				after(5 * time.Minute)
				tw.expect(id, 1, hub.DeliveryDelivered, "")
				if got := b.kinds(); got != tt.want {
					t.Errorf("calls %s, want %s", got, tt.want)
				}
			})
		})
	}
}

// emptyVault has none of the keys that anything was sealed with.
func emptyVault(t *testing.T) *vault.Vault {
	t.Helper()
	keyring, err := vault.Generate()
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Parse(keyring)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// What an attempt was is told to everybody who asks: the story, the log, the metrics and
// the trace. The partner's words are told to operators alone, and sealed.
func TestWhatAnAttemptLeavesBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var traced []string
		b := &backend{answer: func(_ string, m *connectors.Message, n int) connectors.Receipt {
			traced = append(traced, m.Trace)
			time.Sleep(3 * time.Second) // moved time
			if n == 1 {
				return connectors.Receipt{Outcome: connectors.Retry, Code: "busy", Detail: "the night's run"}
			}
			return connectors.Receipt{Outcome: connectors.Delivered, Code: "http-201", Answer: map[string]string{"kassenzeichen": "0815"}}
		}}
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		var log strings.Builder
		var metrics, spans []string
		tw.d.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
		tw.d.Attempted = func(system, outcome string, took time.Duration) {
			metrics = append(metrics, system+" "+outcome+" "+took.String())
		}
		tw.d.Trace = func(_ context.Context, parent, system string) (string, func(string)) {
			return parent + "/" + system, func(outcome string) { spans = append(spans, outcome) }
		}
		tw.trace = "push"
		began := time.Now()
		tw.start()
		id := tw.submit(nil, "finance")
		after(time.Minute)

		attempts, err := tw.store.Attempts(t.Context(), id.Delivery(1))
		if err != nil || len(attempts) != 2 {
			t.Fatalf("%+v, %v", attempts, err)
		}
		for i, want := range []hub.Attempt{{N: 1, Outcome: "retry", Code: "busy"}, {N: 2, Outcome: "delivered", Code: "http-201"}} {
			a := attempts[i].Attempt
			if a.Delivery != id.Delivery(1) || a.N != want.N || a.Kind != "send" || a.Outcome != want.Outcome || a.Code != want.Code || a.Node != "node" || a.Took != 3*time.Second {
				t.Errorf("attempt %d: %+v", i+1, a)
			}
		}
		if pause := attempts[1].At.Sub(attempts[0].At); attempts[0].At.Sub(began) != 0 || pause < 4*time.Second || pause > 5*time.Second {
			t.Errorf("begun at %s and %s", attempts[0].At, attempts[1].At)
		}
		c, err := tw.store.Case(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		key, err := tw.vault.Unwrap(id, "05974040", c.DataKey)
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := key.Open(hub.RecordDetail(id.Delivery(1), 1), attempts[0].Detail); err != nil || string(plain) != "the night's run" || attempts[1].Detail != nil {
			t.Errorf("its detail: %q %v, then %q", plain, err, attempts[1].Detail)
		}
		if plain, err := key.Open(hub.RecordAnswer(id.Delivery(1)), c.Answers[id.Delivery(1)]); err != nil || string(plain) != `{"kassenzeichen":"0815"}` {
			t.Errorf("its answer: %s %v", plain, err)
		}
		keys := " submission=" + id.String() + " delivery=" + id.Delivery(1).String() + " system=finance municipality=05974040 attempt="
		if want := `level=WARN msg="not delivered"` + keys + "1 outcome=retry code=busy took=3s\nlevel=INFO msg=delivered" + keys + "2 code=http-201 took=3s\n"; log.String() != want {
			t.Errorf("log:\n%swant:\n%s", log.String(), want)
		}
		if want := []string{"finance retry 3s", "finance delivered 3s"}; !slices.Equal(metrics, want) {
			t.Errorf("metrics %v", metrics)
		}
		if !slices.Equal(traced, []string{"push/finance", "push/finance"}) || !slices.Equal(spans, []string{"retry", "delivered"}) {
			t.Errorf("traced %v, spans %v", traced, spans)
		}
	})
}

// The system gets what was rendered for it, and what identifies it.
func TestWhatASystemIsGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []connectors.Message
		b := &backend{answer: func(_ string, m *connectors.Message, n int) connectors.Receipt {
			got = append(got, *m)
			if n == 1 {
				return connectors.Receipt{Outcome: connectors.Retry, Code: "busy"}
			}
			return connectors.Receipt{Outcome: connectors.Delivered}
		}}
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		tw.trace = "00-1-2-01"
		tw.start()
		id := tw.submit(nil, "finance")
		after(time.Minute)
		for i := range got {
			want := connectors.Message{
				ID: id.Delivery(1).String(), Submission: id.String(), Number: id.Number(), Attempt: i + 1, Municipality: "05974040", Service: "hundeanmeldung",
				Role: "finance", Name: "document.txt", ContentType: "text/plain", Body: []byte("document " + id.Delivery(1).String()), Trace: "00-1-2-01",
			}
			if !reflect.DeepEqual(got[i], want) {
				t.Errorf("attempt %d:\n got %+v\nwant %+v", i+1, got[i], want)
			}
		}
		if len(got) != 2 {
			t.Errorf("%d attempts", len(got))
		}
	})
}
