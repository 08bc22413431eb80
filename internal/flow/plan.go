package flow

import (
	"errors"
	"slices"

	"stellwerk/internal/hub"
	"stellwerk/internal/mapping"
	"stellwerk/internal/store"
)

// plan turns the route into this submission's deliveries, once. Everything that
// needs a person is found here or in render, before anything has left.
func plan(w *work) error {
	if len(w.c.Deliveries) > 0 {
		return nil
	}
	chosen, err := w.binding.Route.Plan(w.root, w.env)
	var hold *mapping.Hold
	if errors.As(err, &hold) {
		w.park("route-" + string(hold.Code))
		return errDone
	}
	if err != nil {
		return err
	}
	s := &w.c.Submission
	ordinals := map[string]int{}
	for _, i := range chosen {
		if d := &w.binding.Deliveries[i]; d.System != nil {
			ordinals[d.Route.To] = len(ordinals) + 1
		}
	}
	if len(ordinals) == 0 {
		w.park("no-delivery")
		return errDone
	}
	order := w.orderKey()
	for _, i := range chosen {
		d := &w.binding.Deliveries[i]
		if d.System == nil {
			continue
		}
		n := ordinals[d.Route.To]
		delivery := hub.Delivery{
			ID: s.ID.Delivery(n), Role: d.Route.To, System: d.System.Name, Document: d.Mapping.Name(),
			Optional: d.Route.Optional, State: hub.DeliveryWaiting, NotBefore: w.now, UpdatedAt: w.now,
		}
		for _, role := range d.Route.After {
			if before, ok := ordinals[role]; ok { // one that does not happen is not waited for
				delivery.After = append(delivery.After, before)
			}
		}
		slices.Sort(delivery.After)
		w.step.Deliveries = append(w.step.Deliveries, store.NewDelivery{Delivery: delivery, OrderKey: order})
	}
	return nil
}

// orderKey keeps the submissions about one thing in order of receipt.
func (w *work) orderKey() []byte {
	v := w.binding.Route.OrderValue(w.root)
	if v == "" {
		return nil
	}
	return w.Vault.Hash("order", w.c.Submission.Municipality, v)
}
