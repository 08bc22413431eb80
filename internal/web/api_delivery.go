package web

import (
	"net/http"

	"stellwerk/internal/hub"
	"stellwerk/internal/web/admin"
)

// deliveryID reads the delivery an address names.
func deliveryID(r *http.Request) (hub.ID, error) {
	id, err := hub.ParseID(r.PathValue("id"))
	if err != nil {
		return hub.ID{}, err
	}
	if id.Ordinal() == 0 {
		return hub.ID{}, wrong("this is the id of a submission; a delivery's id ends in its ordinal")
	}
	return id, nil
}

func (s *Server) apiDocument(r *http.Request, actor string) (any, error) {
	id, err := deliveryID(r)
	if err != nil {
		return nil, err
	}
	c, err := s.document(r.Context(), actor, id)
	if err != nil {
		return nil, err
	}
	return documentForm(c), nil
}

func (s *Server) apiReplay(r *http.Request, actor string) (any, error) {
	id, err := deliveryID(r)
	if err != nil {
		return nil, err
	}
	var order admin.Replay
	if err := decode(r, small, &order); err != nil {
		return nil, err
	}
	status, err := s.replay(r.Context(), id, putBack{Anew: order.Anew, Force: order.Force, Actor: actor, Reason: order.Reason})
	if err != nil {
		return nil, err
	}
	return s.submissionForm(status), nil
}

func (s *Server) apiClose(r *http.Request, actor string) (any, error) {
	id, err := deliveryID(r)
	if err != nil {
		return nil, err
	}
	var why admin.Reason
	if err := decode(r, small, &why); err != nil {
		return nil, err
	}
	status, err := s.closeDelivery(r.Context(), actor, id, why.Reason)
	if err != nil {
		return nil, err
	}
	return s.submissionForm(status), nil
}

func (s *Server) apiCloseSubmission(r *http.Request, actor string) (any, error) {
	var why admin.Reason
	if err := decode(r, small, &why); err != nil {
		return nil, err
	}
	status, err := s.closeSubmission(r.Context(), actor, r.PathValue("id"), why.Reason)
	if err != nil {
		return nil, err
	}
	return s.submissionForm(status), nil
}

func (s *Server) apiReplayMany(r *http.Request, actor string) (any, error) {
	var order admin.ReplayMany
	if err := decode(r, small, &order); err != nil {
		return nil, err
	}
	if err := s.checkFilter(r.Context(), &order.Filter); err != nil {
		return nil, err
	}
	p := putBack{Anew: order.Anew, Force: order.Force, Actor: actor, Reason: order.Reason}
	m, err := s.replayMany(r.Context(), filterOf(&order.Filter), p, order.Limit, order.DryRun)
	if err != nil {
		return nil, err
	}
	return orderAnswer(m, order.DryRun), nil
}

func (s *Server) apiCloseMany(r *http.Request, actor string) (any, error) {
	var order admin.CloseMany
	if err := decode(r, small, &order); err != nil {
		return nil, err
	}
	if err := s.checkFilter(r.Context(), &order.Filter); err != nil {
		return nil, err
	}
	m, err := s.closeMany(r.Context(), filterOf(&order.Filter), actor, order.Reason, order.Limit, order.DryRun)
	if err != nil {
		return nil, err
	}
	return orderAnswer(m, order.DryRun), nil
}

func orderAnswer(m *many, dry bool) admin.Order {
	out := admin.Order{Matched: m.Matched, Done: m.Done, More: m.More, DryRun: dry}
	for _, ref := range m.Refused {
		why := problemOf(ref.Err)
		out.Refused = append(out.Refused, admin.Refusal{Delivery: ref.ID, Number: ref.ID.Number(), Code: why.Code, Detail: why.Detail})
	}
	return out
}

func (s *Server) apiParkedList(r *http.Request, _ string) (any, error) {
	f, err := filterFrom(r.URL.Query())
	if err != nil {
		return nil, err
	}
	return s.parkedAnswer(r, f)
}

func (s *Server) apiParkedSearch(r *http.Request, _ string) (any, error) {
	var f admin.Filter
	if err := decode(r, small, &f); err != nil {
		return nil, err
	}
	return s.parkedAnswer(r, &f)
}

func (s *Server) parkedAnswer(r *http.Request, f *admin.Filter) (any, error) {
	if err := s.checkFilter(r.Context(), f); err != nil {
		return nil, err
	}
	items, next, err := s.parked(r.Context(), filterOf(f))
	if err != nil {
		return nil, err
	}
	p := admin.ParkedPage{Items: make([]admin.ParkedItem, len(items)), Next: next}
	for i := range items {
		p.Items[i] = itemForm(items[i])
	}
	return p, nil
}

func (s *Server) apiParkedGroups(r *http.Request, _ string) (any, error) {
	var f admin.Filter
	if err := decode(r, small, &f); err != nil {
		return nil, err
	}
	if err := s.checkFilter(r.Context(), &f); err != nil {
		return nil, err
	}
	groups, complete, err := s.parkedGroups(r.Context(), filterOf(&f))
	if err != nil {
		return nil, err
	}
	out := admin.ParkedGroups{Groups: make([]admin.ParkedGroup, len(groups)), Complete: complete}
	for i, g := range groups {
		out.Groups[i] = admin.ParkedGroup{System: g.System, Service: g.Service, Reason: g.Reason, Code: g.Code,
			Count: g.Count, Oldest: g.Oldest, Example: g.Example.Number()}
	}
	return out, nil
}
