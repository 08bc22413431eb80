package intake

import (
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"stellwerk/connectors"
	"stellwerk/connectors/hub/envelope"
	"stellwerk/internal/config"
	"stellwerk/internal/hub"
)

const keyHub = "swp_stadt_U3RlbGx3ZXJr"

// bridge is a system of kind hub, as far as intake looks at one.
type bridge struct {
	connectors.Config
	here string
	keys []ed25519.PublicKey
}

func (b bridge) Here() string                 { return b.here }
func (b bridge) Authority(ags string) string  { return ags }
func (b bridge) Callers() []ed25519.PublicKey { return b.keys }

// handing is another hub that hands on to this one.
type handing struct {
	*world
	private ed25519.PrivateKey
	old     ed25519.PrivateKey // still good
}

func newHanding(t *testing.T, required bool) *handing {
	h := &handing{world: newWorld(t)}
	var keys []ed25519.PublicKey
	for _, k := range []*ed25519.PrivateKey{&h.private, &h.old} {
		public, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		*k, keys = private, append(keys, public)
	}
	h.change(func(s *config.Snapshot) {
		portals := map[string]*config.Portal{"stadt": {
			Name: "stadt", Municipalities: []string{soest, werl}, Keys: []config.Key{hashed(keyHub)},
			Hub: &config.OtherHub{Issuer: "hub-stadt", Keys: keys, Required: required},
		}}
		for name, p := range s.Portals {
			portals[name] = p
		}
		s.Portals = portals
		s.Systems = map[string]*config.System{"kreis": {Name: "kreis", Config: bridge{here: "hub-here"}}}
	})
	return h
}

var account = envelope.Account{
	TrustLevel: "STORK-QAA-Level-4", Mailbox: "postkorb-4711", Attributes: map[string]string{"surname": "Geheimnis", "mail": "g@example.org"},
}

func (h *handing) sign(key string, change func(*envelope.About, *envelope.Content)) string {
	h.t.Helper()
	about, content := envelope.About{Issuer: "hub-stadt", Subject: key, Audience: soest}, envelope.Content{Account: account}
	if change != nil {
		change(&about, &content)
	}
	text, err := envelope.Sign(h.private, about, content, h.clock())
	if err != nil {
		h.t.Fatal(err)
	}
	return text
}

// hand submits as the other hub does.
func (h *handing) hand(key, envelopeText string, more ...string) answer {
	h.t.Helper()
	headers := []string{"Authorization", "Bearer " + keyHub}
	if envelopeText != "" {
		headers = append(headers, envelope.Header, envelopeText)
	}
	return h.sendMulti(multi(h.t, meta(nil), xmlPart), key, append(headers, more...)...)
}

func (h *handing) stored(id hub.ID) hub.Meta {
	h.t.Helper()
	key, err := h.vault.Unwrap(id, soest, h.store.last.DataKey)
	if err != nil {
		h.t.Fatal(err)
	}
	plain, err := key.Open(hub.RecordMeta, h.store.last.Meta)
	if err != nil {
		h.t.Fatal(err)
	}
	var m hub.Meta
	if err := json.Unmarshal(plain, &m); err != nil {
		h.t.Fatal(err)
	}
	return m
}

// What another hub tells of the citizen is kept sealed, once it is verified.
func TestAVerifiedEnvelopeIsBelieved(t *testing.T) {
	h := newHanding(t, true)
	r := h.accepted(h.hand("k-1", h.sign("k-1", func(_ *envelope.About, c *envelope.Content) { c.Via = []string{"hub-werl"} })))
	want := hub.Meta{
		TrustLevel: account.TrustLevel, Mailbox: account.Mailbox, MediaType: "application/xml",
		Account: account.Attributes, Via: []string{"hub-werl", "hub-stadt"},
	}
	if got := h.stored(r.ID); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if a := h.store.last; a.Submission.Channel != "hub" || a.Actor != "hub:stadt" {
		t.Errorf("channel %q, actor %q", a.Submission.Channel, a.Actor)
	}
	// A repetition signs anew, and is the same submission for all that.
	h.advance(time.Hour)
	if again := h.accepted(h.hand("k-1", h.sign("k-1", nil))); again.ID != r.ID {
		t.Errorf("repeated: %s, %s", again.ID, r.ID)
	}
	// Of another citizen it is not.
	h.refused(h.hand("k-1", h.sign("k-1", func(_ *envelope.About, c *envelope.Content) {
		c.Attributes = map[string]string{"surname": "Andere"}
	})), CodeKeyReused)
	// While the other hub exchanges its keys, the old one is good, too.
	young := h.private
	h.private = h.old
	h.accepted(h.hand("k-2", h.sign("k-2", nil)))
	h.private = young
	// Nothing known of the citizen is no trust.
	r = h.accepted(h.hand("k-3", h.sign("k-3", func(_ *envelope.About, c *envelope.Content) { c.Account = envelope.Account{} })))
	if got := h.stored(r.ID); got.TrustLevel != "" || got.Mailbox != "" || got.Account != nil {
		t.Errorf("%+v", got)
	}
}

// Every envelope that is not believed is a problem of its own, and nothing is stored.
func TestEnvelopesThatAreNotBelieved(t *testing.T) {
	h := newHanding(t, true)
	_, strange, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	good := h.sign("k-1", nil)
	stale := good
	content := func(change func(*envelope.Content)) string {
		return h.sign("k-1", func(_ *envelope.About, c *envelope.Content) { change(c) })
	}
	own := h.private
	h.private = strange
	forged := h.sign("k-1", nil)
	h.private = own
	for name, c := range map[string]struct {
		text string
		want Code
	}{
		"none":                 {"", CodeEnvelopeMissing},
		"rubbish":              {"e30.e30.e30", CodeEnvelopeMalformed},
		"cut":                  {good[:len(good)/2], CodeEnvelopeMalformed},
		"body of another":      {strings.Join([]string{strings.Split(good, ".")[0], strings.Split(content(func(c *envelope.Content) { c.TrustLevel = "STORK-QAA-Level-1" }), ".")[1], strings.Split(good, ".")[2]}, "."), CodeEnvelopeSignature},
		"strange key":          {forged, CodeEnvelopeSignature},
		"unknown issuer":       {h.sign("k-1", func(a *envelope.About, _ *envelope.Content) { a.Issuer = "hub-werl" }), CodeEnvelopeIssuer},
		"another submission":   {h.sign("k-2", nil), CodeEnvelopeSubject},
		"another authority":    {h.sign("k-1", func(a *envelope.About, _ *envelope.Content) { a.Audience = werl }), CodeEnvelopeAudience},
		"no authority":         {h.sign("k-1", func(a *envelope.About, _ *envelope.Content) { a.Audience = "" }), CodeEnvelopeAudience},
		"level out of nowhere": {content(func(c *envelope.Content) { c.TrustLevel = "STORK-QAA-Level-5" }), CodeEnvelopeMalformed},
		"mailbox with control": {content(func(c *envelope.Content) { c.Mailbox = "a\x1b[2Jb" }), CodeEnvelopeMalformed},
		"attribute's name":     {content(func(c *envelope.Content) { c.Attributes = map[string]string{"a b": "x"} }), CodeEnvelopeMalformed},
		"hub's name":           {content(func(c *envelope.Content) { c.Via = []string{"a b"} }), CodeEnvelopeMalformed},
		"was here before":      {content(func(c *envelope.Content) { c.Via = []string{"hub-here"} }), CodeCircle},
		"wandered too far":     {content(func(c *envelope.Content) { c.Via = strings.Fields("a b c d e f g h") }), CodeCircle},
	} {
		t.Run(name, func(t *testing.T) {
			h.in(t).refused(h.hand("k-1", c.text), c.want)
		})
	}
	twice, err := http.NewRequest(http.MethodPost, h.url+"/v1/submissions", strings.NewReader(antrag))
	if err != nil {
		t.Fatal(err)
	}
	twice.Header[envelope.Header] = []string{good, good}
	h.refused(h.send(twice, dog("k-1", "Authorization", "Bearer "+keyHub)...), CodeEnvelopeMalformed)
	// At a portal that is no hub, even a good one.
	h.refused(h.submit("k-1", envelope.Header, good), CodeEnvelopeNotAllowed)
	h.advance(envelope.Life + envelope.Skew)
	h.refused(h.hand("k-1", stale), CodeEnvelopeExpired)
	if n := h.ringing(); n != 0 {
		t.Errorf("%d were taken", n)
	}
	// The control: the same request with a fresh one is taken.
	h.accepted(h.hand("k-1", h.sign("k-1", nil)))
}

// What a hub claims outside its envelope counts for nothing, whether it sends one or not.
func TestMetadataDoNotOverrideTheEnvelope(t *testing.T) {
	h := newHanding(t, false)
	claims := []part{
		meta(func(m map[string]any) { m["trust-level"] = "STORK-QAA-Level-4" }),
		meta(func(m map[string]any) { m["mailbox"] = "postkorb-4711" }),
		meta(func(m map[string]any) { m["account"] = map[string]string{"surname": "Geheimnis"} }),
	}
	auth := []string{"Authorization", "Bearer " + keyHub}
	for i, claim := range claims {
		for _, with := range [][]string{auth, append([]string{envelope.Header, h.sign("k-1", nil)}, auth...)} {
			p := h.refused(h.sendMulti(multi(t, claim, xmlPart), "k-1", with...), CodeMetaInvalid)
			if len(p.Errors) != 1 || p.Errors[0].Rule != "envelope-only" {
				t.Errorf("claim %d: %+v", i, p.Errors)
			}
		}
	}
	p := h.refused(h.submit("k-1", "Authorization", "Bearer "+keyHub, "Stellwerk-Trust-Level", "STORK-QAA-Level-4"), CodeMetaInvalid)
	if len(p.Errors) != 1 || p.Errors[0].Header != "Stellwerk-Trust-Level" || p.Errors[0].Rule != "envelope-only" {
		t.Errorf("%+v", p.Errors)
	}
	// Where envelopes are optional, none is no trust; a bad one is refused all the same.
	r := h.accepted(h.hand("k-2", ""))
	if got := h.stored(r.ID); got.TrustLevel != "" || got.Mailbox != "" || got.Account != nil || got.Via != nil {
		t.Errorf("%+v", got)
	}
	h.refused(h.hand("k-3", h.sign("k-4", nil)), CodeEnvelopeSubject)
}

// A validation stores nothing, so it needs no envelope; one that is given is looked at.
func TestValidationsAndEnvelopes(t *testing.T) {
	h := newHanding(t, true)
	ask := func(more ...string) answer {
		return h.postForm("/v1/validations", multi(t, meta(nil), xmlPart), append([]string{"Authorization", "Bearer " + keyHub}, more...)...)
	}
	if a := ask(); a.StatusCode != 200 {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if a := ask(envelope.Header, h.sign("k-1", nil), "Idempotency-Key", "k-1"); a.StatusCode != 200 {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	h.refused(ask(envelope.Header, h.sign("k-1", nil)), CodeKeyMissing)
	h.refused(ask(envelope.Header, h.sign("k-1", nil), "Idempotency-Key", "k-2"), CodeEnvelopeSubject)
}

// A portal's own word about the account is kept as it is given.
func TestAPortalTellsTheAccount(t *testing.T) {
	w := newWorld(t)
	tell := func(name string) form {
		return multi(t, meta(func(m map[string]any) { m["account"] = map[string]string{"surname": name} }), xmlPart)
	}
	w.accepted(w.sendMulti(tell("Geheimnis"), "k-1"))
	h := &handing{world: w}
	if got := h.stored(w.store.last.Submission.ID); !reflect.DeepEqual(got.Account, map[string]string{"surname": "Geheimnis"}) {
		t.Errorf("%+v", got)
	}
	w.refused(w.sendMulti(tell("Andere"), "k-1"), CodeKeyReused)
}
