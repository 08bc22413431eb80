package flow

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/mapping"
	"stellwerk/internal/store"
)

// render maps every waiting delivery whose predecessors have settled. The document
// is stored before anything is sent: a retry sends the same bytes.
func render(w *work) error {
	for i := range w.step.Deliveries {
		d := &w.step.Deliveries[i]
		if len(d.After) > 0 {
			continue
		}
		doc, hold, err := w.document(&d.Delivery)
		if err != nil {
			return err
		}
		if hold != nil {
			d.State, d.Reason, d.Code, d.Detail = hub.DeliveryParked, hub.ParkUnmapped, hold.Code, hold.Detail
			continue
		}
		d.State, d.Document, d.SHA256 = hub.DeliveryPending, doc, doc.SHA256
	}
	for _, d := range w.toMap() {
		doc, hold, err := w.document(d)
		if err != nil {
			return err
		}
		if hold != nil {
			w.step.Unmapped = append(w.step.Unmapped, *hold)
			continue
		}
		w.step.Rendered = append(w.step.Rendered, *doc)
	}
	return nil
}

// toMap are the planned deliveries that wait for their document and for nobody else.
func (w *work) toMap() (now []*hub.Delivery) {
	settled := map[int]bool{}
	for _, d := range w.c.Deliveries {
		settled[d.ID.Ordinal()] = d.State.Settled()
	}
	for i := range w.c.Deliveries {
		if d := &w.c.Deliveries[i]; d.State == hub.DeliveryWaiting && ready(d.After, settled) {
			now = append(now, d)
		}
	}
	return now
}

func ready(after []int, settled map[int]bool) bool {
	for _, n := range after {
		if !settled[n] {
			return false
		}
	}
	return true
}

// document renders one delivery, or says what a person must decide.
func (w *work) document(d *hub.Delivery) (*store.Rendered, *store.Unmapped, error) {
	bound := w.bound(d)
	if bound == nil {
		return nil, w.hold(d, &mapping.Hold{Code: "no-mapping", Message: "the configuration has no delivery to this role any more"}), nil
	}
	env := *w.env
	env.Submission.Delivery = d.ID.String()
	doc, err := bound.Mapping.Apply(w.root, &env)
	var hold *mapping.Hold
	if errors.As(err, &hold) {
		return nil, w.hold(d, hold), nil
	}
	if err != nil {
		return nil, nil, err
	}
	to := *d
	if bound.System.Name != to.System { // another one has the role by now, and its documents are its own
		to.System = bound.System.Name
		w.step.Audit = append(w.step.Audit, hub.AuditEntry{At: w.now, Actor: "hub", Action: "moved", Object: d.ID.String(), Reason: "from " + d.System + " to " + to.System})
	}
	name := doc.FileName
	if name == "" {
		name = d.ID.String() + "." + string(doc.Format)
	}
	sum := sha256.Sum256(doc.Body)
	return &store.Rendered{
		Delivery: d.ID,
		Head:     w.sealJSON(hub.RecordHead(d.ID), hub.DocumentHead{Name: name, ContentType: doc.ContentType}),
		Body:     w.key.Seal(hub.RecordBody(d.ID), doc.Body),
		SHA256:   hex.EncodeToString(sum[:]),
		Revision: w.snapshot.Revision,
		System:   to.System,
		Mapping:  bound.Mapping.Name(),
		Lease:    w.lease(&to),
	}, nil, nil
}

// bound is what today's configuration says of a planned delivery.
func (w *work) bound(d *hub.Delivery) *config.Delivery {
	for i := range w.binding.Deliveries {
		if b := &w.binding.Deliveries[i]; b.Route.To == d.Role && b.System != nil {
			return b
		}
	}
	return nil
}

// hold keeps the reason for operators, sealed: it may quote the value.
func (w *work) hold(d *hub.Delivery, h *mapping.Hold) *store.Unmapped {
	w.unmapped++
	detail := h.Message
	if h.Mapping != "" {
		detail = h.Error()
	}
	if h.Value != "" {
		detail += "\nvalue: " + h.Value
	}
	return &store.Unmapped{Delivery: d.ID, Code: string(h.Code), Detail: w.key.Seal(hub.RecordDetail(d.ID, 0), []byte(detail))}
}
