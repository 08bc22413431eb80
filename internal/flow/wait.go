package flow

// wait lets the systems of what was just planned make room, a moment at most: what is
// rendered then is sent at once and goes on while its submission is open in memory.
func wait(w *work) error {
	if w.Wait == nil || len(w.step.Deliveries) == 0 {
		return nil
	}
	var systems []string
	for i := range w.step.Deliveries {
		if d := &w.step.Deliveries[i]; len(d.After) == 0 && !d.NotBefore.After(w.now) {
			systems = append(systems, d.System)
		}
	}
	w.Wait(w.ctx, systems)
	return nil
}
