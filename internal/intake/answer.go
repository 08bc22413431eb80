package intake

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// json answers 200 with an ETag over the body, or 304 where the portal has it.
func (a *API) json(c *call, v any) *refusal {
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return refuse(CodeInternal).because(err)
	}
	return a.bytes(c, "application/json", body.Bytes())
}

// bytes is json for a body that is there. Every such answer may be kept by the
// portal and asked for again; the language is part of it.
func (a *API) bytes(c *call, contentType string, body []byte) *refusal {
	if c.outcome == "" {
		c.outcome = outcomeRead
	}
	h := c.w.Header()
	if c.r.Method == http.MethodGet || c.r.Method == http.MethodHead {
		sum := sha256.Sum256(body)
		tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:15]) + `"`
		h.Set("ETag", tag)
		h.Set("Vary", "Accept-Language")
		h.Set("Cache-Control", "private, no-cache")
		if matches(c.r.Header.Values("If-None-Match"), tag) {
			c.w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(http.StatusOK)
	if c.r.Method != http.MethodHead {
		_, _ = c.w.Write(body)
	}
	return nil
}

// matches compares weakly, as If-None-Match wants it (RFC 9110, section 13.1.2).
func matches(given []string, tag string) bool {
	for _, line := range given {
		for one := range strings.SplitSeq(line, ",") {
			one = strings.TrimSpace(one)
			if one == "*" || strings.TrimPrefix(one, "W/") == tag {
				return true
			}
		}
	}
	return false
}
