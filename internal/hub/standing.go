package hub

import "slices"

// CaseStatus is where a case stands, in the one word that portals, citizens and
// other hubs are told. The first six are the federal mailbox's; that one has no word
// for an end that is no success.
type CaseStatus string

// The words of a case's status.
const (
	CaseInitiated      CaseStatus = "INITIATED"       // begun, not sent off: a part of a bundle that is still open
	CaseSubmitted      CaseStatus = "SUBMITTED"       // sent off, not arrived at this hub
	CaseReceived       CaseStatus = "RECEIVED"        // durable here
	CaseProcessing     CaseStatus = "PROCESSING"      // under way, or before a person of the administration
	CaseActionRequired CaseStatus = "ACTION_REQUIRED" // waits for the citizen; Action says what for
	CaseCompleted      CaseStatus = "COMPLETED"       // with every office in charge
	CaseRejected       CaseStatus = "REJECTED"        // ended by the administration, without reaching an office
	CaseCancelled      CaseStatus = "CANCELLED"       // ended by the citizen: withdrawn, not paid
)

// CaseStatuses are all of them, in their usual order.
var CaseStatuses = []CaseStatus{
	CaseInitiated, CaseSubmitted, CaseReceived, CaseProcessing, CaseActionRequired, CaseCompleted, CaseRejected, CaseCancelled,
}

// Final reports whether the case has come to its end; a replay may bring it back.
func (s CaseStatus) Final() bool {
	return s == CaseCompleted || s == CaseRejected || s == CaseCancelled
}

// Codes of a delivery that say something of the case as a whole. Connectors and
// commands give them; see package connectors.
const (
	CodePaymentOpen      = "payment-open"       // awaiting: the citizen must pay
	CodeActionRequired   = "action-required"    // awaiting: the citizen must act
	CodePaymentCancelled = "payment-cancelled"  // closed: the citizen has cancelled the payment
	CodePaymentLapsed    = "payment-lapsed"     // closed: nobody has paid in time
	CodeRemoteCancelled  = "remote-cancelled"   // closed: it was cancelled at the other hub
	CodeRemoteRefund     = "remote-refund"      // closed: it was cancelled at the other hub, which has a fee to give back
	CodeRemoteUnknown    = "submission-unknown" // parked: the other hub had taken it, and does not know it any more
	CodeRemoteErased     = "remote-erased"      // parked: the other hub has deleted it, and nobody can say how it ended
	CodeRemoteRejected   = "remote-rejected"    // parked or closed: the other hub has told it as rejected
)

// Roles whose deliveries tell somebody of the case and are no part of it.
const (
	RolePortal      = "portal"       // callbacks; planned by the hub, never by a route
	RoleCitizen     = "citizen"      // a message to the citizen's mailbox
	RoleCitizenMail = "citizen-mail" // a message by mail
)

// RoleAuthority is whose hub a submission is handed on to as a whole.
const RoleAuthority = "authority"

// AnswerPaymentURL is the answer that has the link where a citizen pays.
const AnswerPaymentURL = "payment-url"

// Text is a sentence in both languages; German is what portals show to citizens.
type Text struct{ De, En string }

// Party is somebody who can do something about a case or a problem.
type Party string

// The parties.
const (
	PartyCitizen  Party = "citizen"
	PartyPortal   Party = "portal"
	PartyClerk    Party = "clerk"    // of the office in charge
	PartyOperator Party = "operator" // of the hub
	PartyBackend  Party = "backend"  // the system that a delivery goes to: it has to answer
)

// What is to be done.
const (
	DoPay    = "pay"    // the citizen, at the payment link
	DoAct    = "act"    // the citizen, as the office in charge tells them
	DoReview = "review" // somebody of the administration looks at the case
	DoRefund = "refund" // the authority that has taken the fee gives it back
)

// Action is who must do what before a case goes on.
type Action struct {
	Who      Party
	Do       string
	Delivery ID // whose answers help: a payment link; zero for the case as a whole
	Text     Text
}

// Standing is what is told of a case.
type Standing struct {
	Status CaseStatus
	Text   Text
	Action Action // Do is empty where nobody has to do anything but wait
}

// StandingOf computes what is told of a submission from all its deliveries. It is
// a function of the two alone, so that everybody tells the same: the portals' API, the
// callbacks, the console and another hub that asks.
//
// A message that only tells the citizen or the portal is no part of the case: it is
// completed while the mail server is down.
func StandingOf(s *Submission, deliveries []Delivery) Standing {
	switch {
	case s.State == SubmissionErased:
		return Standing{Status: CaseCompleted, Text: textErased}
	case s.State == SubmissionDamaged:
		return Standing{CaseProcessing, textReview, Action{Who: PartyOperator, Do: DoReview, Text: textNothing}}
	case s.State == SubmissionParked && s.Reason != "":
		return Standing{CaseProcessing, textReview, Action{Who: PartyOperator, Do: DoReview, Text: textNothing}}
	case !s.WithdrawnAt.IsZero():
		parts := partsOf(deliveries)
		return withdrawn(WithdrawalOf(s, parts), parts)
	case len(deliveries) == 0 && s.State == SubmissionSettled:
		return Standing{Status: CaseRejected, Text: textRejected}
	case len(deliveries) == 0:
		return Standing{Status: CaseReceived, Text: textReceived}
	}
	return standing(partsOf(deliveries))
}

// partsOf leaves out the deliveries that only tell of the case, unless there are no others.
// What had its answer stands as it stood while it is asked for again.
func partsOf(deliveries []Delivery) []Delivery {
	parts := slices.DeleteFunc(slices.Clone(deliveries), func(d Delivery) bool {
		return d.Role == RolePortal || d.Role == RoleCitizen || d.Role == RoleCitizenMail
	})
	if len(parts) == 0 {
		parts = slices.DeleteFunc(slices.Clone(deliveries), func(d Delivery) bool { return d.Role == RolePortal })
	}
	for i := range parts {
		switch d := &parts[i]; {
		case d.askedAgain():
			d.State, d.Code = DeliveryDelivered, ""
		case d.endedThere():
			d.State = DeliveryClosed
		}
	}
	return parts
}

// askedAgain reports whether a delivery that was delivered is asked for again.
func (d *Delivery) askedAgain() bool {
	return d.Code == CodeAskedAgain && (d.State == DeliveryAwaiting || d.State == DeliverySending)
}

func standing(parts []Delivery) Standing {
	parked, open := Party(""), false
	for i := range parts {
		d := &parts[i]
		switch {
		case d.asksCitizen():
			return asked(d)
		case d.State == DeliveryParked && d.Optional:
		case d.State == DeliveryParked:
			parked = reviewer(parked, d.Reason)
		case !d.State.Settled():
			open = true
		}
	}
	switch {
	case parked != "":
		return Standing{CaseProcessing, textReview, Action{Who: parked, Do: DoReview, Text: textNothing}}
	case open:
		return Standing{Status: CaseProcessing, Text: textProcessing}
	}
	return ended(parts)
}

// withdrawn tells a case that the citizen has taken back. What is still being sent, or
// may have arrived, has to be cleared up first; nobody is asked to pay any more. A fee that
// has to be given back does not keep it from its end.
func withdrawn(w *Withdrawal, parts []Delivery) Standing {
	s := Standing{Status: CaseCancelled, Text: textCancelled}
	switch {
	case len(w.Open) > 0:
		s.Text = textCancelledOpen
	case len(w.Left) == 1 && w.Left[0] == RolePayment:
		s.Text = textCancelledUnpaid
		switch {
		case slices.ContainsFunc(parts, func(d Delivery) bool { return d.Role == RolePayment && d.State == DeliveryClosed }):
			s.Text = textCancelledRefunded
		case slices.ContainsFunc(parts, func(d Delivery) bool {
			return d.Role == RolePayment && (d.State == DeliveryDelivered || d.Code == CodeRefund)
		}):
			s.Text = textCancelledPaid
		}
	case len(w.Left) > 0:
		s.Text = textCancelledLate
	case slices.ContainsFunc(parts, func(d Delivery) bool { return d.endedThere() && d.Code == CodeRemoteRefund }):
		s.Text = textWithdrawnPaidThere
	case slices.ContainsFunc(parts, func(d Delivery) bool { return d.endedThere() && d.Code == CodeRemoteCancelled }):
		s.Text = textWithdrawnThere
	}
	if slices.ContainsFunc(parts, func(d Delivery) bool { return d.owes() }) {
		s.Action = Action{Who: PartyClerk, Do: DoRefund, Text: textRefundHow}
	}
	parked := Party("")
	for i := range parts {
		switch d := &parts[i]; {
		case d.owes():
		case d.State == DeliveryParked && !d.Optional:
			parked = reviewer(parked, d.Reason)
		case !d.State.Settled() && d.State != DeliveryAwaiting && !d.asksCitizen() && d.State != DeliveryParked:
			s.Status = CaseProcessing
		}
	}
	if parked != "" {
		s.Status, s.Action = CaseProcessing, Action{Who: parked, Do: DoReview, Text: textNothing}
	}
	return s
}

// asksCitizen reports whether the delivery waits for the citizen. While it is being
// asked for it is in sending, and its code is still the last word.
func (d *Delivery) asksCitizen() bool {
	waits := d.State == DeliveryAwaiting || d.State == DeliverySending
	return waits && (d.Code == CodePaymentOpen || d.Code == CodeActionRequired)
}

// owes reports whether a fee has to be given back, here or by the authority that it was
// handed on to.
func (d *Delivery) owes() bool {
	return d.State == DeliveryParked && d.Reason == ParkRefund || d.endedThere() && d.Code == CodeRemoteRefund
}

func asked(d *Delivery) Standing {
	if d.Code == CodePaymentOpen {
		return Standing{CaseActionRequired, textPay, Action{Who: PartyCitizen, Do: DoPay, Delivery: d.ID, Text: textPayHow}}
	}
	return Standing{CaseActionRequired, textAct, Action{Who: PartyCitizen, Do: DoAct, Delivery: d.ID, Text: textActHow}}
}

// reviewer is who looks at a parked delivery: what an office has refused is its
// clerks' business, everything else is the operator's first.
func reviewer(before Party, reason ParkReason) Party {
	if reason == ParkRefused || before == PartyClerk {
		return PartyClerk
	}
	return PartyOperator
}

// ended tells the end of a case by its required parts, or by all where every one is optional.
func ended(parts []Delivery) Standing {
	required := slices.DeleteFunc(slices.Clone(parts), func(d Delivery) bool { return d.Optional })
	if len(required) == 0 {
		required = parts
	}
	closed := func(codes ...string) bool {
		return slices.ContainsFunc(required, func(d Delivery) bool {
			return d.State == DeliveryClosed && (len(codes) == 0 || slices.Contains(codes, d.Code))
		})
	}
	// Who has taken the fee is no office in charge: what it was paid for may have ended.
	offices := slices.DeleteFunc(slices.Clone(required), func(d Delivery) bool { return d.Role == RolePayment })
	paid := len(offices) > 0 && slices.ContainsFunc(required, func(d Delivery) bool { return d.Role == RolePayment && d.State == DeliveryDelivered })
	if len(offices) == 0 {
		offices = required
	}
	delivered := slices.ContainsFunc(offices, func(d Delivery) bool { return d.State == DeliveryDelivered })
	switch {
	case closed(CodePaymentCancelled):
		return Standing{Status: CaseCancelled, Text: textNotPaid}
	case closed(CodeUnpaid):
		return Standing{Status: CaseCancelled, Text: textUnpaid}
	case closed(CodePaymentLapsed):
		return Standing{Status: CaseCancelled, Text: textLapsed}
	case closed(CodeRemoteRefund):
		return Standing{CaseCancelled, textPaidThere, Action{Who: PartyClerk, Do: DoRefund, Text: textRefundHow}}
	case closed(CodeRemoteCancelled):
		return Standing{Status: CaseCancelled, Text: textCancelledThere}
	case !delivered && paid:
		return Standing{Status: CaseRejected, Text: textRejectedPaid}
	case closed(CodeRemoteRejected), !delivered:
		return Standing{Status: CaseRejected, Text: textRejected}
	case closed():
		return Standing{Status: CaseCompleted, Text: textEnded}
	}
	return Standing{Status: CaseCompleted, Text: textCompleted}
}
