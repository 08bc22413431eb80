package sim

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// portal receives callbacks about its submissions. With a key it takes signed
// ones only, as Standard Webhooks has it: webhook-id, webhook-timestamp (Unix
// seconds, at most five minutes off) and webhook-signature, "v1a," and the base64
// of an ed25519 signature over id.timestamp.body.
type portal struct {
	*partner
	keys atomic.Pointer[[]ed25519.PublicKey]
}

func newPortal(p *partner, key ed25519.PublicKey) (*portal, http.Handler) {
	d := &portal{partner: p}
	if key != nil {
		d.trust(key)
	}
	p.refuse = func(w http.ResponseWriter) {
		p.refused()
		answer(w, http.StatusUnprocessableEntity, map[string]string{"code": "abgelehnt"})
	}
	m := http.NewServeMux()
	m.HandleFunc("POST /callbacks", d.callback)
	m.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	return d, m
}

// trust is what the portal does when the hub's keys are exchanged: it takes what one
// of these has signed. With none it takes everything.
func (d *portal) trust(keys ...ed25519.PublicKey) { d.keys.Store(&keys) }

// putKeys reads keys as the hub's operator hands them out.
func (d *portal) putKeys(w http.ResponseWriter, r *http.Request) {
	var texts []string
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&texts); err != nil {
		reply(w, err)
		return
	}
	keys := make([]ed25519.PublicKey, len(texts))
	for i, text := range texts {
		b64, ok := strings.CutPrefix(text, "whpk_")
		raw, err := base64.StdEncoding.DecodeString(b64)
		if !ok || err != nil || len(raw) != ed25519.PublicKeySize {
			reply(w, fmt.Errorf("key %d is no whpk_…", i+1))
			return
		}
		keys[i] = raw
	}
	d.trust(keys...)
	reply(w, nil)
}

func (d *portal) callback(w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get("webhook-id")
	if id == "" {
		id = r.Header.Get("Idempotency-Key")
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // broke off
	}
	var doc map[string]any
	switch {
	case id == "" || json.Unmarshal(body, &doc) != nil || doc == nil:
		d.refused()
		answer(w, http.StatusBadRequest, map[string]string{"code": "kein-rueckruf"})
		return
	case !d.signed(r.Header, body):
		d.refused()
		answer(w, http.StatusUnauthorized, map[string]string{"code": "unterschrift"})
		return
	}
	_, what := d.take(incoming{id: id, contentType: r.Header.Get("Content-Type"), body: body}, d.currentFaults().Forgetful, func(int) map[string]string { return nil })
	if what == altered {
		answer(w, http.StatusConflict, map[string]string{"code": "kennung-vergeben"})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// signed checks time and signature; one of several signatures has to fit one of
// the keys.
func (d *portal) signed(h http.Header, body []byte) bool {
	keys := d.keys.Load()
	if keys == nil || len(*keys) == 0 {
		return true
	}
	stamp := h.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || d.now().Sub(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return false
	}
	text := []byte(h.Get("webhook-id") + "." + stamp + "." + string(body))
	for _, one := range strings.Fields(h.Get("webhook-signature")) {
		b64, ok := strings.CutPrefix(one, "v1a,")
		sig, err := base64.StdEncoding.DecodeString(b64)
		fits := func(key ed25519.PublicKey) bool { return ed25519.Verify(key, text, sig) }
		if ok && err == nil && slices.ContainsFunc(*keys, fits) {
			return true
		}
	}
	return false
}
