package flow

import "stellwerk/internal/hub"

// answers opens what came back from the deliveries that have settled: a later
// delivery of the same submission may use the Kassenzeichen of an earlier one.
func (w *work) answers() error {
	for _, d := range w.c.Deliveries {
		sealed := w.c.Answers[d.ID]
		if len(sealed) == 0 || d.State != hub.DeliveryDelivered {
			continue
		}
		var answer map[string]string
		if err := w.unsealJSON(hub.RecordAnswer(d.ID), sealed, &answer); err != nil {
			return err
		}
		if w.env.Answers == nil {
			w.env.Answers = map[string]map[string]string{}
		}
		w.env.Answers[d.Role] = answer
	}
	return nil
}
