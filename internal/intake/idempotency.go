package intake

import (
	"net/http"
	"strings"
	"sync"
)

const maxKey = 128 // characters of an idempotency key

// idempotencyKey reads the header. The draft (draft-ietf-httpapi-idempotency-key-header)
// has a quoted string; most clients send a bare one. Both name the same key.
func idempotencyKey(h http.Header) (string, *refusal) {
	given := h["Idempotency-Key"]
	if len(given) == 0 || len(given) == 1 && given[0] == "" {
		return "", refuse(CodeKeyMissing).leavingBody()
	}
	key := given[0]
	if n := len(key); n >= 2 && key[0] == '"' && key[n-1] == '"' {
		key = key[1 : n-1]
	}
	bad := func(r rune) bool { return r < '!' || r > '~' || r == '"' || r == '\\' }
	if len(given) > 1 || key == "" || len(key) > maxKey || strings.ContainsFunc(key, bad) {
		return "", refuse(CodeKeyMalformed, maxKey).leavingBody()
	}
	return key, nil
}

// flight knows which keys are being worked on in this process. Several nodes are
// kept apart by the store's unique key.
type flight struct {
	mu   sync.Mutex
	keys map[[2]string]struct{}
}

// enter marks a portal's key as under way; ok is false where it already is.
func (f *flight) enter(portal, key string) (leave func(), ok bool) {
	k := [2]string{portal, key}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, there := f.keys[k]; there {
		return nil, false
	}
	if f.keys == nil {
		f.keys = make(map[[2]string]struct{})
	}
	f.keys[k] = struct{}{}
	return func() {
		f.mu.Lock()
		delete(f.keys, k)
		f.mu.Unlock()
	}, true
}
