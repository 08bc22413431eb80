package intake

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// Status is what a portal reads of its submission. Systems, error codes and
// people of the town hall are not its business.
type Status struct {
	ID           hub.ID              `json:"id"`
	Number       string              `json:"number"`
	Municipality string              `json:"municipality"`
	Service      string              `json:"service"`
	Status       hub.CaseStatus      `json:"status"`
	Text         string              `json:"text"` // of the status, for the citizen
	Action       *Action             `json:"action,omitempty"`
	Answers      map[string]string   `json:"answers"` // those that the route releases
	State        hub.SubmissionState `json:"state"`
	ReceivedAt   time.Time           `json:"received-at"`
	SettledAt    time.Time           `json:"settled-at,omitzero"`
	Erased       *hub.Erased         `json:"erased,omitempty"`
	Withdrawal   *hub.Withdrawal     `json:"withdrawal,omitempty"`
	SHA256       string              `json:"sha256"`
	Size         int64               `json:"size"`
	Attachments  int                 `json:"attachments"`
	Bundle       *InBundle           `json:"bundle,omitempty"` // that it belongs to
	Deliveries   []DeliveryStatus    `json:"deliveries"`
	Events       string              `json:"events"` // where the story is
}

// Action is who must do what before the case goes on.
type Action struct {
	Who  hub.Party `json:"who"` // citizen, clerk or operator
	Do   string    `json:"do"`  // pay, act or review
	Text string    `json:"text"`
	URL  string    `json:"url,omitempty"` // where it is done
}

// InBundle is where a submission of a bundle belongs.
type InBundle struct {
	ID   hub.ID `json:"id"`
	Part string `json:"part"`
	URL  string `json:"url"`
}

// DeliveryStatus is how far one receiver's document is.
type DeliveryStatus struct {
	Role      string            `json:"role"`
	State     hub.DeliveryState `json:"state"`
	Text      string            `json:"text"`
	UpdatedAt time.Time         `json:"updated-at,omitzero"`
	SettledAt time.Time         `json:"settled-at,omitzero"`
}

// status answers with one submission of the portal.
func (a *API) status(c *call) *refusal {
	s, p := a.own(c)
	if p != nil {
		return p
	}
	return a.statusOf(c, s)
}

// statusOf answers with what the portal is told of a submission.
func (a *API) statusOf(c *call, s *store.Status) *refusal {
	sub := &s.Submission
	told, p := a.told(c, s)
	if p != nil {
		return p
	}
	standing := hub.StandingOf(sub, s.Deliveries)
	out := Status{
		ID: sub.ID, Number: sub.ID.Number(), Municipality: sub.Municipality, Service: sub.Service,
		Status: standing.Status, Text: text(standing.Text).in(c.lang), Answers: told.answers, State: sub.State,
		ReceivedAt: sub.ReceivedAt.UTC(), SettledAt: sub.SettledAt, SHA256: hex.EncodeToString(sub.SHA256[:]),
		Size: sub.Size, Attachments: sub.Attachments, Deliveries: make([]DeliveryStatus, 0, len(s.Deliveries)),
		Events: statusURL(c, sub.ID) + "/events",
	}
	if !sub.Bundle.Zero() {
		out.Bundle = &InBundle{ID: sub.Bundle, Part: sub.Part, URL: bundleURL(c, sub.Bundle)}
	}
	if do := standing.Action; do.Do != "" {
		out.Action = &Action{Who: do.Who, Do: do.Do, Text: text(do.Text).in(c.lang), URL: told.links[do.Delivery]}
	}
	for i := range s.Deliveries {
		d := &s.Deliveries[i]
		if d.Role == hub.RolePortal {
			continue // its own callbacks
		}
		out.Deliveries = append(out.Deliveries, DeliveryStatus{
			Role: d.Role, State: d.State, Text: deliveryTexts[d.State].in(c.lang), UpdatedAt: d.UpdatedAt, SettledAt: d.SettledAt,
		})
	}
	if sub.Erased != (hub.Erased{}) {
		erased := sub.Erased
		out.Erased = &erased
	}
	out.Withdrawal = hub.WithdrawalOf(sub, s.Deliveries)
	return a.json(c, out)
}

// Event is one line of a submission's story, as a portal reads it.
type Event struct {
	At   time.Time `json:"at"`
	Type string    `json:"type"`
	Role string    `json:"role,omitempty"`
	Text string    `json:"text,omitempty"`
}

// events answers with the story of one submission of the portal.
func (a *API) events(c *call) *refusal {
	s, p := a.own(c)
	if p != nil {
		return p
	}
	story, err := a.Store.Events(c.r.Context(), s.Submission.ID)
	if err != nil {
		return storeProblem(err)
	}
	out := struct {
		ID     hub.ID  `json:"id"`
		Events []Event `json:"events"`
	}{s.Submission.ID, make([]Event, 0, len(story))}
	for _, e := range askedOnce(story) {
		if e.Role == hub.RolePortal {
			continue // its own callbacks
		}
		t := eventTexts[e.Type]
		if e.Type == "settled" {
			t = whole(s, t)
		}
		out.Events = append(out.Events, Event{At: e.At.UTC(), Type: e.Type, Role: e.Role, Text: t.in(c.lang)})
	}
	return a.json(c, out)
}

// askedOnce tells of a delivery that waits for its answer once, and leaves out that it
// is asked again and again: a citizen may take a week to pay.
func askedOnce(story []hub.Event) []hub.Event {
	asked := map[hub.ID]bool{}
	return slices.DeleteFunc(story, func(e hub.Event) bool {
		waits := e.Type == "attempt" && e.Text == "awaiting"
		again := waits && asked[e.Delivery]
		asked[e.Delivery] = waits
		return again
	})
}

// whole keeps a text from saying that a settled application has reached every
// office where it, or one of its deliveries, was ended on its way.
func whole(s *store.Status, t text) text {
	closed := func(d hub.Delivery) bool { return d.State == hub.DeliveryClosed && d.Role != hub.RolePortal }
	if s.Submission.State == hub.SubmissionSettled && (len(s.Deliveries) == 0 || slices.ContainsFunc(s.Deliveries, closed)) {
		return text{"Die Weiterleitung Ihres Antrags ist abgeschlossen.", "The passing on of your application has come to its end."}
	}
	return t
}

// own finds the submission that the address names, by id or number, if it is this
// portal's. Another portal's is as unknown as one that does not exist.
func (a *API) own(c *call) (*store.Status, *refusal) {
	ctx, name := c.r.Context(), c.r.PathValue("id")
	id, err := hub.ParseID(name)
	if err != nil {
		if id, err = a.byNumber(ctx, c.portal.Name, name); err != nil {
			return nil, lookupProblem(err)
		}
	}
	if id.Ordinal() != 0 {
		return nil, refuse(CodeSubmission)
	}
	s, err := store.Read(ctx, a.Store, id, c.at)
	if err != nil {
		return nil, lookupProblem(err)
	}
	if s.Submission.Portal != c.portal.Name {
		return nil, refuse(CodeSubmission)
	}
	c.id, c.municipality, c.service = id, s.Submission.Municipality, s.Submission.Service
	if s.Submission.State == hub.SubmissionErased {
		return nil, refuse(CodeErased)
	}
	return s, nil
}

// byNumber finds a portal's submission by the number that was read out.
func (a *API) byNumber(ctx context.Context, portal, number string) (hub.ID, error) {
	first, last, err := hub.ParseNumber(number)
	if err != nil {
		return hub.ID{}, store.ErrNotFound
	}
	rows, err := a.Store.List(ctx, store.Filter{Portal: portal, First: first, Last: last, Limit: 2})
	if err != nil {
		return hub.ID{}, err
	}
	if len(rows) != 1 { // none, or a number that two share: only the id tells them apart
		return hub.ID{}, store.ErrNotFound
	}
	return rows[0].Submission.ID, nil
}

func lookupProblem(err error) *refusal {
	if errors.Is(err, store.ErrNotFound) {
		return refuse(CodeSubmission)
	}
	return storeProblem(err)
}

// What portals show to citizens.
var (
	deliveryTexts = map[hub.DeliveryState]text{
		hub.DeliveryWaiting:   {"Wartet auf einen vorherigen Schritt.", "Waits for an earlier step."},
		hub.DeliveryPending:   {"Wird zugestellt.", "About to be delivered."},
		hub.DeliverySending:   {"Wird gerade zugestellt.", "Being delivered."},
		hub.DeliveryAwaiting:  {"Zugestellt; die Antwort der Stelle steht noch aus.", "Delivered; the office has not answered yet."},
		hub.DeliveryDelivered: {"Zugestellt.", "Delivered."},
		hub.DeliveryParked:    {"Wird von der Verwaltung geprüft.", "Being looked at by the administration."},
		hub.DeliveryClosed:    {"Ohne Zustellung beendet.", "Ended without being delivered."},
	}
	eventTexts = map[string]text{
		"accepted":  {"Eingegangen.", "Received."},
		"planned":   {"Zuständige Stellen bestimmt.", "The offices in charge are known."},
		"attempt":   {"Zustellung versucht.", "A delivery was tried."},
		"delivered": {"Zugestellt.", "Delivered."},
		"awaiting":  {"Zugestellt; die Antwort der Stelle steht noch aus.", "Delivered; the office has not answered yet."},
		"parked":    {"Zur Prüfung vorgelegt.", "Put before a person."},
		"replayed":  {"Erneut zugestellt.", "Delivered again."},
		"noticed":   {"Die zuständige Stelle hat Neues mitgeteilt.", "The office in charge has something new."},
		"reopened":  {"Erneut bearbeitet.", "Worked on again."},
		"erased":    {"Inhalte gelöscht.", "Content deleted."},
		"withdrawn": {"Zurückgezogen.", "Withdrawn."},
		"closed":    {"Ohne Zustellung beendet.", "Ended without being delivered."},
		"settled":   {"Bei allen zuständigen Stellen angekommen.", "Arrived at all offices in charge."},
		"damaged":   {"Zur Prüfung vorgelegt.", "Put before a person."},
	}
)
