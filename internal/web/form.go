package web

import (
	"encoding/hex"
	"strings"
	"time"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/web/admin"
)

// The JSON forms of what the functions give.

func (s *Server) submissionForm(status *store.Status) admin.Submission {
	return submissionForm(s.Live.Get(), &status.Submission, status.Deliveries)
}

func submissionForm(snap *config.Snapshot, s *hub.Submission, deliveries []hub.Delivery) admin.Submission {
	told := hub.StandingOf(s, deliveries)
	out := admin.Submission{
		ID: s.ID, Number: s.ID.Number(), State: s.State, Reason: s.Reason, Code: s.Code,
		Status: told.Status, Told: told.Text.De, Waits: told.Action.Who, WaitsTo: told.Action.Do, PortalKnows: s.Told,
		Municipality: s.Municipality, Service: s.Service, Portal: s.Portal, Channel: s.Channel, Consent: s.Consent,
		ReceivedAt: s.ReceivedAt, SettledAt: s.SettledAt, Revision: s.Revision, Format: s.Format,
		SHA256: hex.EncodeToString(s.SHA256[:]), Size: s.Size, Attachments: s.Attachments, Trace: s.Trace,
		Deliveries: make([]admin.Delivery, len(deliveries)), Withdrawal: hub.WithdrawalOf(s, deliveries),
	}
	if !s.Bundle.Zero() {
		out.Bundle = &admin.InBundle{ID: s.Bundle, Number: s.Bundle.Number(), Part: s.Part}
	}
	if s.Hold.On() {
		hold := s.Hold
		out.Hold = &hold
	}
	if s.Erased != (hub.Erased{}) {
		erased := s.Erased
		out.Erased = &erased
	}
	if m := snap.Municipalities[s.Municipality]; m != nil {
		out.MunicipalityName = m.Name
	}
	if r := snap.Routes[s.Service]; r != nil {
		out.Title = r.Title
	}
	for i := range deliveries {
		d := &deliveries[i]
		out.Deliveries[i] = admin.Delivery{
			ID: d.ID, Ordinal: d.ID.Ordinal(), Role: d.Role, System: d.System, Document: d.Document, After: d.After,
			Optional: d.Optional, State: d.State, Reason: d.Reason, Code: d.Code, NotBefore: d.NotBefore,
			Attempts: d.Attempts, UpdatedAt: d.UpdatedAt, SettledAt: d.SettledAt,
			Uncertain: d.Uncertain, SHA256: d.SHA256,
		}
		if d.State.Settled() || d.State == hub.DeliveryParked {
			out.Deliveries[i].NotBefore = time.Time{} // nothing will happen then
		}
	}
	return out
}

func (s *Server) pageForm(rows []store.Row, next hub.ID) admin.Page {
	p := admin.Page{Submissions: make([]admin.Submission, len(rows)), Next: next}
	snap := s.Live.Get()
	for i := range rows {
		p.Submissions[i] = submissionForm(snap, &rows[i].Submission, rows[i].Deliveries)
	}
	return p
}

func (s *Server) traceForm(t *story) admin.Trace {
	out := admin.Trace{Submission: s.submissionForm(t.Status), Reference: t.Reference, Withheld: t.Withheld,
		Events: t.Events, Attempts: make([]admin.Attempt, len(t.Attempts))}
	if out.Events == nil {
		out.Events = []hub.Event{}
	}
	for i, a := range t.Attempts {
		out.Attempts[i] = admin.Attempt{Delivery: a.Delivery, Ordinal: a.Delivery.Ordinal(), N: a.N, At: a.At,
			Milliseconds: milliseconds(a.Took), Node: a.Node, Kind: a.Kind, Outcome: a.Outcome, Code: a.Code, Detail: a.Detail}
	}
	return out
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func documentForm(c *content) admin.Document {
	return admin.Document{Delivery: c.Delivery, Name: c.Name, ContentType: c.ContentType, SHA256: c.SHA256, Revision: c.Revision, Body: c.Body}
}

func itemForm(i item) admin.ParkedItem {
	s := &i.Submission
	out := admin.ParkedItem{Submission: s.ID, Number: s.ID.Number(), Municipality: s.Municipality, Service: s.Service,
		ReceivedAt: s.ReceivedAt, Reason: i.Reason, Code: i.Code}
	if d := i.Delivery; d != nil {
		out.Delivery, out.Ordinal, out.Role, out.System, out.Since = d.ID, d.ID.Ordinal(), d.Role, d.System, d.UpdatedAt
	}
	return out
}

func systemForm(s *standing) admin.System {
	out := admin.System{Name: s.Name, State: s.State, Paused: s.Paused, Until: s.Until, Breaker: s.Breaker,
		Pending: s.Pending, Sending: s.Sending, Awaiting: s.Awaiting, Parked: s.Parked, Oldest: s.oldest(), Gone: s.System == nil}
	if s.System != nil {
		out.Kind, out.Profile = s.System.Kind, s.System.Profile
	}
	return out
}

func filterOf(f *admin.Filter) query {
	return query{Number: f.Number, InBundle: f.Bundle, Value: strings.TrimSpace(f.Search), Filter: store.Filter{
		Municipality: f.Municipality, Service: f.Service, Portal: f.Portal, State: f.State, DeliveryState: f.DeliveryState,
		System: f.System, Reason: f.Reason, Code: f.Code, Since: f.Since, Until: f.Until, Before: f.Before, Limit: f.Limit, Held: f.Held,
	}}
}
