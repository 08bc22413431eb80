package cli

import (
	"fmt"
	"strings"

	"stellwerk/internal/hub"
	"stellwerk/internal/web/admin"
)

// advice says in a sentence each why a case stands where it stands, and what comes
// next or is to be done. attempts may be nil; they tell how a system answered.
func advice(p *Program, s *admin.Submission, attempts []admin.Attempt) (cause, next string) {
	switch s.State {
	case hub.SubmissionSettled:
		return settledAdvice(s)
	case hub.SubmissionErased:
		return "it had settled and was deleted; only this row is left", "stellwerk deletions " + s.Number + " says when and why"
	case hub.SubmissionDamaged:
		return "a stored record failed its check, so nothing more of this case is sent",
			"look at the disk and restore the record from the backup, then: stellwerk mend " + s.Number + " --reason …; or ask the portal to submit again and end this one: stellwerk close " + s.Number + " --reason …"
	case hub.SubmissionAccepted:
		return "it is on disk and not planned yet", "nothing to do; if this lasts longer than a minute: stellwerk doctor"
	}
	var parked []*admin.Delivery
	for i := range s.Deliveries {
		if d := &s.Deliveries[i]; d.State == hub.DeliveryParked {
			parked = append(parked, d)
		}
	}
	if len(parked) > 0 {
		cause, next = parkedAdvice(s, parked[0], attempts)
		if len(parked) > 1 {
			cause += fmt.Sprintf("; besides, %s parked", plural(len(parked)-1, "delivery is", "deliveries are"))
		}
		return cause, next
	}
	if s.State == hub.SubmissionParked {
		return wholeAdvice(s, s.Code, s.Number)
	}
	return openAdvice(p, s)
}

func settledAdvice(s *admin.Submission) (cause, next string) {
	var parked, closed, there []string
	for i := range s.Deliveries {
		switch d := &s.Deliveries[i]; d.State {
		case hub.DeliveryParked:
			parked = append(parked, name(s, d))
		case hub.DeliveryClosed:
			if d.Code == hub.CodeRemoteCancelled || d.Code == hub.CodeRemoteRejected {
				there = append(there, d.Role)
			}
			closed = append(closed, d.Role)
		}
	}
	if isWithdrawn(s) {
		return withdrawnAdvice(s)
	}
	if len(parked) > 0 {
		return "everything that must arrive has arrived; an optional delivery is parked",
			"stellwerk replay " + strings.Join(parked, " ") + " or stellwerk close …, each with --reason"
	}
	if len(closed) > 0 {
		if d := unpaid(s); d != nil {
			cause = "it was not paid (" + d.Code + "), so what waits for the payment was closed: "
			if d.Code != hub.CodePaymentCancelled && d.Code != hub.CodePaymentLapsed {
				cause = "the payment was ended by a person (" + d.Code + "), so what waits for it was closed: "
			}
			return cause + strings.Join(closed, ", "),
				"nothing to do; paid late, or on another way: stellwerk replay " + name(s, d) + " --reason … asks the provider again; stellwerk replay NUMBER/N --anew --reason … lets a part go on"
		}
		if len(there) == len(closed) {
			return "everything has come to its end; ended at the other hub: " + strings.Join(there, ", "), "nothing to do here; what is taken up again there comes back by itself"
		}
		return "everything has come to its end; closed by a person: " + strings.Join(closed, ", "), "nothing to do"
	}
	return "every system has acknowledged its document", "nothing to do"
}

// unpaid is the payment that was closed, by the citizen, the time or a person.
func unpaid(s *admin.Submission) *admin.Delivery {
	for i := range s.Deliveries {
		if d := &s.Deliveries[i]; d.Role == hub.RolePayment && d.State == hub.DeliveryClosed {
			return d
		}
	}
	return nil
}

// parkedAdvice is for a delivery that waits for a person.
func parkedAdvice(s *admin.Submission, d *admin.Delivery, attempts []admin.Attempt) (cause, next string) {
	if isWithdrawn(s) {
		return withdrawnUnclear(s, d)
	}
	who := fmt.Sprintf("%s (%s)", d.Role, d.System)
	n := name(s, d)
	after := ""
	if d.Code != "" {
		after = " (" + d.Code + ")"
	}
	quote := ""
	for _, a := range attempts {
		if a.Delivery == d.ID && a.Detail != "" {
			quote = ": " + oneLine(a.Detail)
		}
	}
	if d.Code == hub.CodeSystemGone {
		cause = "the configuration does not know " + d.System + " any more, and the document for " + d.Role + " waits for it"
		next = "put systems/" + d.System + ".yaml back and reload: it goes on by itself then; "
		switch {
		case d.Reason == hub.ParkUnclear:
			cause += "; it may have arrived there before"
			next += "otherwise " + fmt.Sprintf("ask there for %s (id %s), and end it: stellwerk close %s --reason …", s.Number, d.ID, n)
		case d.Role == hub.RolePortal:
			next += "otherwise end it, the portal reads the status anyway: stellwerk close " + n + " --reason …"
		default:
			next += "where another system has the role by now: stellwerk replay " + n + " --anew --reason …; or end it: stellwerk close " + n + " --reason …"
		}
		return cause, next
	}
	if d.Role == hub.RolePayment && (d.Reason == hub.ParkUnclear || d.Code == "payment-failed") {
		cause = fmt.Sprintf("the payment at %s is not certain%s%s", who, after, quote)
		if d.Code == "payment-exists" { // the provider tells its transaction to nobody: asking again finds nothing
			return cause, fmt.Sprintf("look it up in the provider's console (id %s); stellwerk close %s --reason … ends it and what waits for it; if it is paid, stellwerk replay NUMBER/N --anew --reason … then lets each of those go on", d.ID, n)
		}
		return cause,
			fmt.Sprintf("look it up in the provider's console (id %s); if it is paid: stellwerk replay %s --reason … asks again; if not: stellwerk close %s --reason … ends it and everything that waits for it", d.ID, n, n)
	}
	switch d.Reason {
	case hub.ParkRefused:
		return who + " refused the document" + after + quote,
			"correct what it complains about (data, mapping or settings of the system), then: stellwerk replay " + n + " --anew --reason …, or end it: stellwerk close " + n + " --reason …"
	case hub.ParkUnclear:
		switch d.Code {
		case hub.CodeRemoteUnknown:
			return who + " had taken the case and does not know it any more" + after + ": it was restored from an older backup, or has deleted it",
				fmt.Sprintf("ask there which; after a restore: stellwerk replay %s --reason … asks once more, and hands it on under the same id only if it is not there, which makes no second one; deleted there: stellwerk close %s --reason …", n, n)
		case hub.CodeRemoteErased:
			return who + " has deleted the case before it was asked how that had ended" + after,
				fmt.Sprintf("ask there for %s, then: stellwerk close %s --reason …", s.Number, n)
		}
		return "nobody knows whether " + who + " took the document" + after + quote,
			fmt.Sprintf("ask there for %s (id %s); if it has arrived: stellwerk close %s --reason …; if not: stellwerk replay %s --reason …", s.Number, d.ID, n, n)
	case hub.ParkExhausted:
		if d.Uncertain { // of a system that recognises the id: others are asked, or left to a person at once
			return fmt.Sprintf("nobody knows whether %s took the document: the outcome of an attempt is not known, and after %d the schedule gave up%s%s", who, d.Attempts, after, quote),
				"stellwerk systems probe " + d.System + "; when it works again: stellwerk replay --system " + d.System + " --reason … sends it under the same id, which makes no second one"
		}
		return fmt.Sprintf("%s did not take the document in %d attempts%s, and the schedule gave up%s", who, d.Attempts, after, quote),
			"stellwerk systems probe " + d.System + "; when it works again: stellwerk replay --system " + d.System + " --reason …"
	case hub.ParkUnmapped:
		switch d.Code {
		case "not-offered", "no-consent", "payload-unreadable", "internal-error": // met when the case was under way
			return wholeAdvice(s, d.Code, n)
		}
		cause = "the mapping " + d.Document + " for " + who + " needs a decision" + after + quote
		if hub.TroubleOf(d.Code).Who == hub.PartyClerk { // it is about what the applicant says, and no rule is lacking
			return cause, "ask the applicant; where the whole case is wrong: stellwerk withdraw " + s.Number + " --reason …, and have it submitted again; where only this is: enter it there by hand, then: stellwerk close " + n +
				" --reason …; if the mapping is wrong, amend it, stellwerk reload, then: stellwerk replay " + n + " --anew --reason …"
		}
		return cause,
			"amend the mapping or the code list, stellwerk check, stellwerk reload, then: stellwerk replay " + n + " --anew --reason …"
	}
	return who + " is parked" + after + quote, "stellwerk replay " + n + " --reason … or stellwerk close " + n + " --reason …"
}

// wholeAdvice is for a submission that was parked before it had deliveries, and for one of
// its deliveries that cannot be mapped for such a reason. n is how either is named.
func wholeAdvice(s *admin.Submission, code, n string) (cause, next string) {
	again := "; then: stellwerk replay " + n + " --anew --reason …, or end it: stellwerk close " + n + " --reason …"
	where := s.Municipality
	if s.MunicipalityName != "" {
		where = s.MunicipalityName
	}
	switch {
	case code == "not-offered":
		return where + " does not offer " + s.Service + " any more", "offer it again in municipalities/" + s.Municipality + ".yaml and reload" + again
	case code == "no-consent":
		return "the service needs the citizen's consent, and there is none", "ask the portal to submit again with the consent, and end this one: stellwerk close " + n + " --reason …"
	case code == "no-delivery":
		return "by its route this case goes to nobody", "stellwerk explain " + s.Municipality + " " + s.Service + " shows the conditions; amend the route or the systems and reload" + again
	case code == "payload-unreadable":
		return "the payload cannot be read by this version's rules", "stellwerk show " + s.Number + " --payload writes it; ask the portal to submit again, and end this one: stellwerk close " + n + " --reason …"
	case strings.HasPrefix(code, "route-"):
		return "a condition of the route cannot be decided for this case (" + code + ")", "amend the route and reload" + again
	}
	return "it could not be planned (" + code + ")", "the hub's log has the details" + again
}

// openAdvice is for a case under way: what is held back first, for a person may
// have to do something about it, then the first delivery that is not through.
func openAdvice(p *Program, s *admin.Submission) (cause, next string) {
	for i := range s.Deliveries {
		if d := &s.Deliveries[i]; d.Held != nil {
			return p.heldAdvice(fmt.Sprintf("%s (%s)", d.Role, d.System), name(s, d), d)
		}
	}
	for i := range s.Deliveries {
		d := &s.Deliveries[i]
		who := fmt.Sprintf("%s (%s)", d.Role, d.System)
		if isAskedAgain(d) {
			return who + " has had its say and has told that there is news", "nothing to do; it is asked again" + p.at(d)
		}
		switch d.State {
		case hub.DeliverySending:
			if isAsked(d) {
				return who + " has taken the document; its answer is still to come", "nothing to do; it is being asked at this moment"
			}
			return who + " is being sent its document", "nothing to do"
		case hub.DeliveryAwaiting:
			return who + " has taken the document; its answer is still to come", "nothing to do; the hub asks again" + p.at(d)
		case hub.DeliveryPending:
			if d.Attempts == 0 {
				return "the document for " + who + " is ready to be sent" + p.later(d), "nothing to do; if it stays so: stellwerk systems"
			}
			if d.Uncertain {
				return fmt.Sprintf("it is not known yet whether %s took the document (%s, %d attempts)", who, d.Code, d.Attempts),
					"nothing to do; the hub asks, or sends it under the same id," + p.at(d) + " (stellwerk systems probe " + d.System + " looks now)"
			}
			return fmt.Sprintf("%s has not taken the document yet (%s, %d attempts)", who, d.Code, d.Attempts),
				"nothing to do; the hub tries again" + p.at(d) + " (stellwerk systems probe " + d.System + " looks now, stellwerk systems resume " + d.System + " tries now)"
		}
	}
	return "deliveries wait for their predecessors", "nothing to do"
}

// isAskedAgain reports whether a system is asked for a newer answer than the one that the
// delivery stands by.
func isAskedAgain(d *admin.Delivery) bool {
	return hub.Stands(d.Code) && (d.State == hub.DeliverySending || d.State == hub.DeliveryAwaiting)
}

// isAsked reports whether a system that has taken the document long since is being asked
// for its answer, which takes a moment.
func isAsked(d *admin.Delivery) bool {
	return d.State == hub.DeliverySending && (d.Code == hub.CodePaymentOpen || d.Code == hub.CodeActionRequired || d.Code == "processing")
}

// heldAdvice is for a delivery that something else keeps from being sent.
func (p *Program) heldAdvice(who, number string, d *admin.Delivery) (cause, next string) {
	h := d.Held
	switch h.By {
	case "order":
		cause = "the document for " + who + " waits for the earlier case " + h.Number + ", which is " + string(h.State)
		if h.State == hub.SubmissionParked {
			return cause, "stellwerk trace " + h.Number + " says what that one needs: replay it, or end it with stellwerk close; then this one goes on by itself. Are the two not about the same thing, a mistyped or a stranger's number: stellwerk replay " + number + " --force --reason … lets this one go ahead"
		}
		return cause, "nothing to do; it goes when that one is through (stellwerk trace " + h.Number + ")"
	case "gone":
		return "the document for " + who + " waits: the configuration does not know " + d.System + " any more",
			"put systems/" + d.System + ".yaml back and reload, or end it: stellwerk close " + number + " --reason …"
	case "paused":
		return "the document for " + who + " waits: " + d.System + " is paused (" + h.Reason + ")", "when the reason is gone: stellwerk systems resume " + d.System
	case "window":
		return "the document for " + who + " waits: " + d.System + " is in its maintenance window until " + p.when(h.Until), "nothing to do; the hub sends it then"
	}
	cause = "the document for " + who + " waits: " + d.System + " kept failing, so the hub has opened its breaker"
	if d.Code != "" {
		cause += fmt.Sprintf(" (%s, %d attempts)", d.Code, d.Attempts)
	}
	return cause, "nothing to do; the hub tries again by itself (stellwerk systems probe " + d.System + " looks now, stellwerk systems resume " + d.System + " tries now)"
}

func (p *Program) at(d *admin.Delivery) string {
	if !d.NotBefore.After(p.Now()) {
		return " at once"
	}
	return " at " + p.when(d.NotBefore)
}

func (p *Program) later(d *admin.Delivery) string {
	if !d.NotBefore.After(p.Now()) {
		return ""
	}
	return " from " + p.when(d.NotBefore) + " on"
}
