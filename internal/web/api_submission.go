package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/web/admin"
)

func (s *Server) apiSearch(r *http.Request, actor string) (any, error) {
	var f admin.Filter
	if err := decode(r, small, &f); err != nil {
		return nil, err
	}
	return s.listAnswer(r, actor, &f)
}

func (s *Server) apiList(r *http.Request, actor string) (any, error) {
	f, err := filterFrom(r.URL.Query())
	if err != nil {
		return nil, err
	}
	return s.listAnswer(r, actor, f)
}

func (s *Server) listAnswer(r *http.Request, actor string, f *admin.Filter) (any, error) {
	if err := s.checkFilter(r.Context(), f); err != nil {
		return nil, err
	}
	rows, next, err := s.list(r.Context(), actor, filterOf(f))
	if err != nil {
		return nil, err
	}
	return s.pageForm(rows, next), nil
}

// filterFrom reads a filter from an address. A search value has no place there:
// addresses end up in logs and histories.
func filterFrom(q url.Values) (*admin.Filter, error) {
	var f admin.Filter
	for name, values := range q {
		if len(values) != 1 {
			return nil, wrong("%s stands more than once", name)
		}
		v, err := values[0], error(nil)
		switch name {
		case "state":
			f.State = hub.SubmissionState(v)
		case "service":
			f.Service = v
		case "municipality":
			f.Municipality = v
		case "portal":
			f.Portal = v
		case "delivery-state":
			f.DeliveryState = hub.DeliveryState(v)
		case "system":
			f.System = v
		case "reason":
			f.Reason = hub.ParkReason(v)
		case "code":
			f.Code = v
		case "held":
			f.Held, err = strconv.ParseBool(v)
		case "number":
			f.Number = v
		case "bundle":
			f.Bundle = v
		case "since":
			f.Since, err = time.Parse(time.RFC3339, v)
		case "until":
			f.Until, err = time.Parse(time.RFC3339, v)
		case "before":
			f.Before, err = hub.ParseID(v)
		case "limit":
			f.Limit, err = strconv.Atoi(v)
		case "search":
			return nil, wrong("search is personal: POST it to /admin/v1/submissions/search")
		default:
			return nil, wrong("%q is not a filter", name)
		}
		if err != nil {
			return nil, wrong("%s cannot be read; times are RFC 3339, before is an id", name)
		}
	}
	return &f, nil
}

// checkFilter refuses words that are no states and names that nobody has: a list that
// is empty because of a typing error looks like good news.
func (s *Server) checkFilter(ctx context.Context, f *admin.Filter) error {
	switch f.State {
	case "", hub.SubmissionAccepted, hub.SubmissionRunning, hub.SubmissionParked, hub.SubmissionSettled, hub.SubmissionDamaged, hub.SubmissionErased:
	default:
		return wrong("%q is not a state; there are accepted, running, parked, settled, damaged, erased", f.State)
	}
	switch f.DeliveryState {
	case "", hub.DeliveryWaiting, hub.DeliveryPending, hub.DeliverySending, hub.DeliveryAwaiting, hub.DeliveryDelivered, hub.DeliveryParked, hub.DeliveryClosed:
	default:
		return wrong("%q is not a delivery's state; there are waiting, pending, sending, awaiting, delivered, parked, closed", f.DeliveryState)
	}
	switch f.Reason {
	case "", hub.ParkRefused, hub.ParkUnclear, hub.ParkExhausted, hub.ParkUnmapped, hub.ParkRefund, damagedReason:
	default:
		return wrong("%q is not a reason; there are refused, unclear, exhausted, unmapped, refund, damaged", f.Reason)
	}
	return s.known(ctx, filterOf(f).Filter)
}

func (s *Server) apiSubmission(r *http.Request, _ string) (any, error) {
	status, err := s.find(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	out := s.submissionForm(status)
	return out, s.addHeld(r.Context(), &out)
}

func (s *Server) apiTrace(r *http.Request, actor string) (any, error) {
	t, err := s.trace(r.Context(), actor, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	out := s.traceForm(t)
	return out, s.addHeld(r.Context(), &out.Submission)
}

func (s *Server) apiPayload(r *http.Request, actor string) (any, error) {
	c, err := s.payload(r.Context(), actor, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return documentForm(c), nil
}

func (s *Server) apiReopen(r *http.Request, actor string) (any, error) {
	var why admin.Reason
	if err := decode(r, small, &why); err != nil {
		return nil, err
	}
	status, err := s.reopen(r.Context(), actor, r.PathValue("id"), why.Reason)
	if err != nil {
		return nil, err
	}
	return s.submissionForm(status), nil
}

func (s *Server) apiMend(r *http.Request, actor string) (any, error) {
	var why admin.Reason
	if err := decode(r, small, &why); err != nil {
		return nil, err
	}
	status, err := s.mend(r.Context(), actor, r.PathValue("id"), why.Reason)
	if err != nil {
		return nil, err
	}
	return s.submissionForm(status), nil
}
