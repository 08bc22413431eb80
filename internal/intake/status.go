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
	State        hub.SubmissionState `json:"state"`
	Text         string              `json:"text"` // for the citizen
	ReceivedAt   time.Time           `json:"received-at"`
	SettledAt    time.Time           `json:"settled-at,omitzero"`
	Withdrawal   *hub.Withdrawal     `json:"withdrawal,omitempty"`
	SHA256       string              `json:"sha256"`
	Size         int64               `json:"size"`
	Attachments  int                 `json:"attachments"`
	Deliveries   []DeliveryStatus    `json:"deliveries"`
	Events       string              `json:"events"` // where the story is
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
	return a.json(c, a.statusOf(c, s))
}

func (a *API) statusOf(c *call, s *store.Status) Status {
	sub := &s.Submission
	out := Status{
		ID: sub.ID, Number: sub.ID.Number(), Municipality: sub.Municipality, Service: sub.Service,
		State: sub.State, Text: whole(s, submissionTexts[sub.State]).in(c.lang),
		ReceivedAt: sub.ReceivedAt.UTC(), SettledAt: sub.SettledAt, SHA256: hex.EncodeToString(sub.SHA256[:]),
		Size: sub.Size, Attachments: sub.Attachments, Deliveries: make([]DeliveryStatus, 0, len(s.Deliveries)),
		Events: statusURL(c, sub.ID) + "/events",
	}
	for i := range s.Deliveries {
		d := &s.Deliveries[i]
		out.Deliveries = append(out.Deliveries, DeliveryStatus{
			Role: d.Role, State: d.State, Text: deliveryTexts[d.State].in(c.lang), UpdatedAt: d.UpdatedAt, SettledAt: d.SettledAt,
		})
	}
	if out.Withdrawal = hub.WithdrawalOf(sub, s.Deliveries); out.Withdrawal != nil {
		out.Text = withdrawn(out.Withdrawal).in(c.lang)
	}
	return out
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
	for _, e := range story {
		t := eventTexts[e.Type]
		if e.Type == "settled" {
			t = whole(s, t)
		}
		out.Events = append(out.Events, Event{At: e.At.UTC(), Type: e.Type, Role: e.Role, Text: t.in(c.lang)})
	}
	return a.json(c, out)
}

// whole keeps a text from saying that a settled application has reached every
// office where it, or one of its deliveries, was ended on its way.
func whole(s *store.Status, t text) text {
	closed := func(d hub.Delivery) bool { return d.State == hub.DeliveryClosed }
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
	s, err := a.Store.Submission(ctx, id)
	if err != nil {
		return nil, lookupProblem(err)
	}
	if s.Submission.Portal != c.portal.Name {
		return nil, refuse(CodeSubmission)
	}
	c.id, c.municipality, c.service = id, s.Submission.Municipality, s.Submission.Service
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
	submissionTexts = map[hub.SubmissionState]text{
		hub.SubmissionAccepted: {"Ihr Antrag ist eingegangen.", "Your application has arrived."},
		hub.SubmissionRunning:  {"Ihr Antrag wird an die zuständigen Stellen weitergeleitet.", "Your application is being passed to the offices in charge."},
		hub.SubmissionParked:   {"Ihr Antrag ist eingegangen und wird von der Verwaltung geprüft.", "Your application has arrived and is being looked at by the administration."},
		hub.SubmissionSettled:  {"Ihr Antrag liegt allen zuständigen Stellen vor.", "Your application is with all offices in charge."},
		hub.SubmissionDamaged:  {"Ihr Antrag ist eingegangen und wird von der Verwaltung geprüft.", "Your application has arrived and is being looked at by the administration."},
	}
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
		"reopened":  {"Erneut bearbeitet.", "Worked on again."},
		"withdrawn": {"Zurückgezogen.", "Withdrawn."},
		"closed":    {"Ohne Zustellung beendet.", "Ended without being delivered."},
		"settled":   {"Bei allen zuständigen Stellen angekommen.", "Arrived at all offices in charge."},
		"damaged":   {"Zur Prüfung vorgelegt.", "Put before a person."},
	}
)
