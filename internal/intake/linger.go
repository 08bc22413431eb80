package intake

import (
	"io"
	"net/http"
	"time"
)

// lingerTime is how long a refused portal may go on sending; a stop waits longer.
const lingerTime = 8 * time.Second

// linger reads, and drops, what a portal still sends behind a refusal that no repetition
// heals. Many clients write all of a request before they read: to them a line that is
// closed meanwhile is broken, and what is broken is repeated, for ever. What may be
// repeated anyway is cut. So are strangers, of whom no byte is read, and whoever waits
// for 100 Continue sends nothing more.
func (a *API) linger(c *call, p *refusal) {
	if !p.unread || p.Repeat != repeatNever || c.portal == nil || c.r.ProtoMajor != 1 || c.r.ContentLength == 0 || c.r.Header.Get("Expect") != "" {
		return
	}
	defer a.lingering.Add(-1)
	if a.lingering.Add(1) > int64(c.snap.Hub.Limits.Requests) {
		return
	}
	to := http.NewResponseController(c.w)
	if to.Flush() != nil || to.SetReadDeadline(time.Now().Add(lingerTime)) != nil {
		return
	}
	_, _ = io.Copy(io.Discard, c.r.Body) // to its end, or as long as it may take
}
