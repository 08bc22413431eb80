package sim

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// portal receives callbacks about its submissions. With a key it takes signed
// ones only, as Standard Webhooks has it: webhook-id, webhook-timestamp (Unix
// seconds, at most five minutes off) and webhook-signature, "v1a," and the base64
// of an ed25519 signature over id.timestamp.body.
type portal struct {
	*partner
	key ed25519.PublicKey
}

func newPortal(p *partner, key ed25519.PublicKey) http.Handler {
	d := &portal{p, key}
	p.refuse = func(w http.ResponseWriter) {
		p.refused()
		answer(w, http.StatusUnprocessableEntity, map[string]string{"code": "abgelehnt"})
	}
	m := http.NewServeMux()
	m.HandleFunc("POST /callbacks", d.callback)
	m.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	return m
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
	case d.key != nil && !d.signed(r.Header, body):
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

// signed checks time and signature; one of several signatures has to fit.
func (d *portal) signed(h http.Header, body []byte) bool {
	stamp := h.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || d.now().Sub(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return false
	}
	text := []byte(h.Get("webhook-id") + "." + stamp + "." + string(body))
	for _, one := range strings.Fields(h.Get("webhook-signature")) {
		b64, ok := strings.CutPrefix(one, "v1a,")
		if sig, err := base64.StdEncoding.DecodeString(b64); ok && err == nil && ed25519.Verify(d.key, text, sig) {
			return true
		}
	}
	return false
}
