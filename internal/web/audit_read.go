package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/web/admin"
)

const (
	auditBatch = 1000  // entries read at once
	auditLooks = 20000 // entries one call looks at, so that a rare actor keeps nobody waiting
)

// actors are the kinds of those who act; see hub.AuditEntry.
var actors = []string{"operator", "portal", "counter", "hub"}

func (s *Server) apiAudit(r *http.Request, _ string) (any, error) {
	f, err := auditFilter(r)
	if err != nil {
		return nil, err
	}
	return s.trail(r.Context(), f)
}

func auditFilter(r *http.Request) (f admin.AuditFilter, err error) {
	q := r.URL.Query()
	for _, v := range []struct {
		name string
		into *int64
	}{{"from", &f.From}, {"before", &f.Before}} {
		if text := q.Get(v.name); text != "" {
			if *v.into, err = strconv.ParseInt(text, 10, 64); err != nil || *v.into < 1 {
				return f, wrong("%s is a sequence number", v.name)
			}
		}
	}
	if f.From > 0 && f.Before > 0 {
		return f, wrong("from reads on from there, before reads back from there: give one of them")
	}
	f.Limit = 100
	if text := q.Get("limit"); text != "" {
		if f.Limit, err = strconv.Atoi(text); err != nil || f.Limit < 1 || f.Limit > auditBatch {
			return f, wrong("limit is 1 to %d", auditBatch)
		}
	}
	f.Actor, f.Action, f.Object = q.Get("actor"), q.Get("action"), q.Get("object")
	// A name alone would find nothing, and look as if that person had done nothing.
	if kind, _, _ := strings.Cut(f.Actor, ":"); f.Actor != "" && !slices.Contains(actors, kind) {
		return f, wrong("%q is no actor: write one of %s, or a person as operator:NAME", f.Actor, strings.Join(actors, ", "))
	}
	return f, nil
}

// trail reads a piece of the audit trail.
func (d *desk) trail(ctx context.Context, f admin.AuditFilter) (*admin.Trail, error) {
	wanted, err := d.auditWanted(ctx, f)
	if err != nil {
		return nil, err
	}
	out := &admin.Trail{Entries: []hub.AuditEntry{}}
	if f.From > 0 {
		start, err := d.Store.AuditStart(ctx)
		if err != nil {
			return nil, err
		}
		if start.Seq > 0 {
			out.Start = &admin.AuditStart{Seq: start.Seq, Hash: start.Hash}
		}
	}
	from, before := f.From, f.Before
	size := auditBatch
	if f.Actor+f.Action+f.Object == "" {
		size = f.Limit // whatever is damaged behind them is for the next piece to tell
	}
	for looked := 0; looked < auditLooks; looked += size {
		var batch []hub.AuditEntry
		if f.From > 0 {
			batch, err = d.Store.AuditTrail(ctx, from, size)
		} else {
			batch, err = d.Store.AuditTail(ctx, before, size)
		}
		var damaged *store.DamagedAudit
		if err != nil && !errors.As(err, &damaged) {
			return nil, fmt.Errorf("read the audit trail: %w", err)
		}
		if damaged != nil && out.Damaged == 0 {
			out.Damaged = damaged.First
		}
		for i := range batch {
			out.Next = follows(f, &batch[i])
			if wanted(&batch[i]) {
				out.Entries = append(out.Entries, batch[i])
			}
			if len(out.Entries) == f.Limit {
				return out, nil
			}
		}
		if len(batch) < size || out.Next == 0 {
			out.Next = 0
			return out, nil
		}
		from, before = out.Next, out.Next
	}
	return out, nil
}

// follows is the cursor behind an entry; 0 where it is the first one.
func follows(f admin.AuditFilter, e *hub.AuditEntry) int64 {
	switch {
	case f.From > 0:
		return e.Seq + 1
	case e.Seq == 1:
		return 0
	}
	return e.Seq
}

// auditWanted is the condition of a filter. An object may be a case, by its id or
// number: then its deliveries are meant, too.
func (d *desk) auditWanted(ctx context.Context, f admin.AuditFilter) (func(*hub.AuditEntry) bool, error) {
	object := func(e *hub.AuditEntry) bool { return f.Object == "" || e.Object == f.Object }
	if f.Object != "" && d.Live.Get().Systems[f.Object] == nil { // a system's name may read as a number
		id, err := hub.ParseID(f.Object)
		if _, _, no := hub.ParseNumber(f.Object); err != nil && no == nil {
			status, err := d.find(ctx, f.Object)
			if err != nil {
				return nil, err
			}
			id = status.Submission.ID
		}
		if !id.Zero() {
			object = func(e *hub.AuditEntry) bool {
				about, err := hub.ParseID(e.Object)
				return err == nil && (about == id || id.Ordinal() == 0 && about.Submission() == id)
			}
		}
	}
	return func(e *hub.AuditEntry) bool {
		return (e.Actor == f.Actor || strings.HasPrefix(e.Actor, f.Actor+":") || f.Actor == "") && (f.Action == "" || e.Action == f.Action) && object(e)
	}, nil
}
