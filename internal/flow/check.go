package flow

import "stellwerk/internal/mapping"

// check asks whether this hub may handle the submission at all: consent, and a
// municipality that offers the service and one that decides it.
func check(w *work) error {
	w.index()
	s := &w.c.Submission
	binding, ok := w.snapshot.Binding(s.Municipality, s.Service)
	if !ok {
		w.park("not-offered") // it was when the portal pushed it: the operator took it away
		return errDone
	}
	if binding.Route.ConsentRequired && !s.Consent.Given {
		w.park("no-consent")
		return errDone
	}
	w.binding = binding
	w.env.Municipality = mapping.Municipality{AGS: binding.Competent.AGS, ARS: binding.Competent.ARS, Name: binding.Competent.Name}
	w.env.Ordinances = binding.Competent.Ordinances
	return nil
}
