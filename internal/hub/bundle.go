package hub

import "time"

// Bundle is several submissions that belong together, as a portal has opened it.
// The submissions in it are independent; their parts name what each is for. What
// somebody answered to the bundle's questions is stored sealed.
type Bundle struct {
	ID        ID
	Name      string // of its form, such as umzugsmappe
	Portal    string
	OpenedAt  time.Time
	ClosedAt  time.Time  // zero while submissions may be added
	Revision  string     // of the configuration it was opened under
	ChangedAt time.Time  // opened, answered, a part added, closed
	Told      CaseStatus // that its portal was last told by a callback; empty before the first
	Version   int64      // rises with every change of the bundle itself, and with every part that is added
}

// Closed reports whether nothing is added any more.
func (b *Bundle) Closed() bool { return !b.ClosedAt.IsZero() }

// News reports whether its portal wants to know a status of the bundle. The answer to
// its opening has told the beginning.
func (b *Bundle) News(now CaseStatus) bool {
	told := b.Told
	if told == "" {
		told = CaseInitiated
	}
	return News(told, now)
}

// BundleAnswers is what somebody said about a bundle. It is stored sealed.
type BundleAnswers struct {
	Old     string         `json:"old,omitempty"` // AGS of the municipality that is left
	New     string         `json:"new,omitempty"` // AGS of the one that is moved to
	Answers map[string]any `json:"answers,omitempty"`
}

// PartStatus is the status of a bundle's part. One that was erased had settled; how,
// nobody knows any more.
func PartStatus(s *Submission, deliveries []Delivery) CaseStatus {
	if s.State == SubmissionErased {
		return CaseCompleted
	}
	return StandingOf(s, deliveries).Status
}

// BundleStanding computes what is told of a bundle from the statuses of its parts.
// While it is open more may come, so it is not completed before somebody closes it.
// One part that was rejected takes no success away from the others.
func BundleStanding(closed bool, parts []CaseStatus) Standing {
	count := map[CaseStatus]int{}
	final := 0
	for _, s := range parts {
		count[s]++
		if s.Final() {
			final++
		}
	}
	received := count[CaseInitiated] + count[CaseSubmitted] + count[CaseReceived]
	switch {
	case len(parts) == 0 && closed:
		return Standing{Status: CaseCancelled, Text: textBundleEmpty}
	case len(parts) == 0:
		return Standing{Status: CaseInitiated, Text: textBundleInitiated}
	case count[CaseActionRequired] > 0:
		return Standing{Status: CaseActionRequired, Text: textBundleAction, Action: Action{Who: PartyCitizen, Do: DoAct, Text: textBundleAction}}
	case received == len(parts):
		return Standing{Status: CaseReceived, Text: textBundleReceived}
	case final < len(parts):
		return Standing{Status: CaseProcessing, Text: textBundleProcessing}
	case !closed:
		return Standing{Status: CaseProcessing, Text: textBundleOpen}
	case count[CaseCompleted] == len(parts):
		return Standing{Status: CaseCompleted, Text: textBundleCompleted}
	case count[CaseCompleted] > 0:
		return Standing{Status: CaseCompleted, Text: textBundlePartly}
	case count[CaseCancelled] == len(parts):
		return Standing{Status: CaseCancelled, Text: textBundleCancelled}
	}
	return Standing{Status: CaseRejected, Text: textBundleRejected}
}

// What citizens are told of a bundle.
var (
	textBundleInitiated  = Text{"Ihre Mappe ist angelegt; eingereicht ist noch nichts.", "Your bundle is there; nothing has been submitted yet."}
	textBundleEmpty      = Text{"Ihre Mappe ist abgeschlossen; eingereicht wurde nichts.", "Your bundle is closed; nothing was submitted."}
	textBundleReceived   = Text{"Ihre Anträge sind eingegangen.", "Your applications have arrived."}
	textBundleProcessing = Text{"Ihre Anträge sind auf dem Weg zu den zuständigen Stellen.", "Your applications are on their way to the offices in charge."}
	textBundleAction     = Text{"Zu einem Ihrer Anträge müssen Sie noch etwas tun.", "One of your applications needs something from you."}
	textBundleOpen       = Text{"Was Sie eingereicht haben, ist abgeschlossen. Ihre Mappe ist noch offen.", "What you have submitted has come to its end. Your bundle is still open."}
	textBundleCompleted  = Text{"Alle Anträge Ihrer Mappe liegen den zuständigen Stellen vor.", "All applications of your bundle are with the offices in charge."}
	textBundlePartly     = Text{"Ihre Mappe ist abgeschlossen. Nicht alle Anträge liegen den zuständigen Stellen vor.", "Your bundle has come to its end. Not all applications are with the offices in charge."}
	textBundleRejected   = Text{"Die Anträge Ihrer Mappe wurden nicht angenommen. Bitte wenden Sie sich an Ihre Kommune.", "The applications of your bundle were not accepted. Please get in touch with your municipality."}
	textBundleCancelled  = Text{"Die Anträge Ihrer Mappe sind zurückgezogen oder beendet.", "The applications of your bundle have been withdrawn or ended."}
)
