package hub_test

import (
	"strings"
	"testing"
	"time"

	"stellwerk/internal/hub"
)

// deliveries writes each as "role state code", a ? behind the role means optional.
func deliveries(words ...string) []hub.Delivery {
	ids := hub.IDs{}
	id := ids.New()
	var all []hub.Delivery
	for i, w := range words {
		f := append(strings.Fields(w), "", "")
		role, optional := strings.CutSuffix(f[0], "?")
		d := hub.Delivery{ID: id.Delivery(i + 1), Role: role, Optional: optional, State: hub.DeliveryState(f[1]), Code: f[2]}
		if reason, ok := strings.CutPrefix(f[1], "parked:"); ok {
			d.State, d.Reason = hub.DeliveryParked, hub.ParkReason(reason)
		}
		all = append(all, d)
	}
	return all
}

func TestStandingOf(t *testing.T) {
	for name, test := range map[string]struct {
		state  hub.SubmissionState
		reason hub.ParkReason
		parts  []hub.Delivery
		want   hub.CaseStatus
		who    hub.Party
		do     string
	}{
		"accepted":                {hub.SubmissionAccepted, "", nil, hub.CaseReceived, "", ""},
		"parked itself":           {hub.SubmissionParked, hub.ParkUnmapped, nil, hub.CaseProcessing, hub.PartyOperator, hub.DoReview},
		"damaged":                 {hub.SubmissionDamaged, "", deliveries("finance delivered"), hub.CaseProcessing, hub.PartyOperator, hub.DoReview},
		"ended without delivery":  {hub.SubmissionSettled, "", nil, hub.CaseRejected, "", ""},
		"erased":                  {hub.SubmissionErased, "", nil, hub.CaseCompleted, "", ""},
		"all there, and erased":   {hub.SubmissionErased, "", deliveries("records delivered", "citizen? closed erased"), hub.CaseCompleted, "", ""},
		"asked again":             {hub.SubmissionRunning, "", deliveries("authority awaiting asked-again"), hub.CaseCompleted, "", ""},
		"its end is asked for":    {hub.SubmissionRunning, "", deliveries("authority sending remote-rejected"), hub.CaseRejected, "", ""},
		"under way":               {hub.SubmissionRunning, "", deliveries("records delivered", "finance pending http-503"), hub.CaseProcessing, "", ""},
		"office has not answered": {hub.SubmissionRunning, "", deliveries("district awaiting processing"), hub.CaseProcessing, "", ""},
		"all there":               {hub.SubmissionSettled, "", deliveries("records delivered", "finance delivered http-503"), hub.CaseCompleted, "", ""},

		"to be paid":                     {hub.SubmissionRunning, "", deliveries("payment awaiting payment-open", "district waiting"), hub.CaseActionRequired, hub.PartyCitizen, hub.DoPay},
		"to be paid, asked for":          {hub.SubmissionRunning, "", deliveries("payment sending payment-open", "district waiting"), hub.CaseActionRequired, hub.PartyCitizen, hub.DoPay},
		"to be paid, another one parked": {hub.SubmissionParked, "", deliveries("records parked:refused http-422", "payment awaiting payment-open"), hub.CaseActionRequired, hub.PartyCitizen, hub.DoPay},
		"paid":                           {hub.SubmissionRunning, "", deliveries("payment delivered payment-open", "district pending"), hub.CaseProcessing, "", ""},
		"no link":                        {hub.SubmissionRunning, "", deliveries("payment awaiting payment-url-missing"), hub.CaseProcessing, "", ""},
		"to be done elsewhere":           {hub.SubmissionRunning, "", deliveries("district awaiting action-required"), hub.CaseActionRequired, hub.PartyCitizen, hub.DoAct},
		"pays no more":                   {hub.SubmissionRunning, "", deliveries("payment pending payment-open"), hub.CaseProcessing, "", ""},

		"refused":          {hub.SubmissionParked, "", deliveries("records delivered", "finance parked:refused http-422"), hub.CaseProcessing, hub.PartyClerk, hub.DoReview},
		"unclear":          {hub.SubmissionParked, "", deliveries("finance parked:unclear timeout"), hub.CaseProcessing, hub.PartyOperator, hub.DoReview},
		"unclear, refused": {hub.SubmissionParked, "", deliveries("finance parked:unclear timeout", "waste parked:refused x", "records parked:exhausted y"), hub.CaseProcessing, hub.PartyClerk, hub.DoReview},
		"optional parked":  {hub.SubmissionSettled, "", deliveries("records delivered", "finance? parked:refused http-422"), hub.CaseCompleted, "", ""},
		"optional pending": {hub.SubmissionRunning, "", deliveries("records delivered", "finance? pending"), hub.CaseProcessing, "", ""},

		"citizen's message pending": {hub.SubmissionRunning, "", deliveries("records delivered", "citizen? pending http-503", "citizen-mail? waiting"), hub.CaseCompleted, "", ""},
		"only a message":            {hub.SubmissionRunning, "", deliveries("citizen pending"), hub.CaseProcessing, "", ""},
		"callback pending":          {hub.SubmissionSettled, "", deliveries("records delivered", "portal? pending"), hub.CaseCompleted, "", ""},
		"callback parked":           {hub.SubmissionSettled, "", deliveries("records delivered", "portal? parked:refused gone"), hub.CaseCompleted, "", ""},
		"only a message, callback":  {hub.SubmissionSettled, "", deliveries("citizen delivered", "portal? pending"), hub.CaseCompleted, "", ""},

		"payment cancelled":     {hub.SubmissionSettled, "", deliveries("payment closed payment-cancelled", "district closed payment-cancelled"), hub.CaseCancelled, "", ""},
		"payment lapsed":        {hub.SubmissionSettled, "", deliveries("records delivered", "payment closed payment-lapsed"), hub.CaseCancelled, "", ""},
		"payment closed":        {hub.SubmissionSettled, "", deliveries("payment closed payment-failed", "district closed not-paid"), hub.CaseCancelled, "", ""},
		"cancelled there":       {hub.SubmissionSettled, "", deliveries("district closed remote-cancelled"), hub.CaseCancelled, "", ""},
		"cancelled there, paid": {hub.SubmissionSettled, "", deliveries("authority closed remote-refund"), hub.CaseCancelled, hub.PartyClerk, hub.DoRefund},
		"rejected there":        {hub.SubmissionSettled, "", deliveries("payment delivered", "district closed remote-rejected"), hub.CaseRejected, "", ""},
		"paid, and closed":      {hub.SubmissionSettled, "", deliveries("payment delivered", "records closed http-422", "citizen-mail? closed"), hub.CaseRejected, "", ""},
		"paid, nothing else":    {hub.SubmissionSettled, "", deliveries("payment delivered"), hub.CaseCompleted, "", ""},
		"paid, one closed":      {hub.SubmissionSettled, "", deliveries("payment delivered", "district closed http-422", "records delivered"), hub.CaseCompleted, "", ""},
		"all closed":            {hub.SubmissionSettled, "", deliveries("records closed http-422", "finance closed"), hub.CaseRejected, "", ""},
		"one closed":            {hub.SubmissionSettled, "", deliveries("records delivered", "finance closed http-422"), hub.CaseCompleted, "", ""},
		"optional closed":       {hub.SubmissionSettled, "", deliveries("records delivered", "finance? closed withdrawn"), hub.CaseCompleted, "", ""},
		"optional alone":        {hub.SubmissionSettled, "", deliveries("records closed http-422", "finance? delivered"), hub.CaseRejected, "", ""},
		"all optional":          {hub.SubmissionSettled, "", deliveries("finance? closed remote-cancelled"), hub.CaseCancelled, "", ""},
	} {
		got := hub.StandingOf(&hub.Submission{State: test.state, Reason: test.reason}, test.parts)
		if got.Status != test.want || got.Action.Who != test.who || got.Action.Do != test.do {
			t.Errorf("%s: %s, %s to %s; want %s, %s to %s", name, got.Status, got.Action.Who, got.Action.Do, test.want, test.who, test.do)
		}
		if got.Text.De == "" || got.Text.En == "" || got.Action.Do != "" && (got.Action.Text.De == "" || got.Action.Text.En == "") {
			t.Errorf("%s has no sentence: %+v", name, got)
		}
		if got.Action.Who == hub.PartyCitizen == got.Action.Delivery.Zero() {
			t.Errorf("%s: the delivery to act on is %s", name, got.Action.Delivery)
		}
	}
}

func TestStandingOfWhatWasWithdrawn(t *testing.T) {
	for name, test := range map[string]struct {
		state hub.SubmissionState
		parts []hub.Delivery
		want  hub.CaseStatus
		de    string
	}{
		"before it was planned":   {hub.SubmissionSettled, nil, hub.CaseCancelled, "an keine Stelle weitergeleitet"},
		"before it left":          {hub.SubmissionSettled, deliveries("records closed withdrawn", "finance closed withdrawn"), hub.CaseCancelled, "an keine Stelle"},
		"in the middle":           {hub.SubmissionSettled, deliveries("records delivered", "finance closed withdrawn"), hub.CaseCancelled, "soweit er noch nicht"},
		"while it is sent":        {hub.SubmissionRunning, deliveries("records sending", "finance closed withdrawn"), hub.CaseProcessing, "wird noch geklärt"},
		"unclear":                 {hub.SubmissionParked, deliveries("records parked:unclear withdrawn", "finance closed withdrawn"), hub.CaseProcessing, "wird noch geklärt"},
		"while it was to be paid": {hub.SubmissionRunning, deliveries("payment awaiting payment-open", "district closed withdrawn"), hub.CaseCancelled, "bezahlen Sie die Gebühr nicht mehr"},
		"the provider is asked":   {hub.SubmissionRunning, deliveries("payment sending payment-open", "district closed withdrawn"), hub.CaseCancelled, "bezahlen Sie die Gebühr nicht mehr"},
		"paid all the same":       {hub.SubmissionSettled, deliveries("payment delivered", "district closed withdrawn"), hub.CaseCancelled, "wegen der Erstattung"},
		"to be given back":        {hub.SubmissionParked, deliveries("payment parked:refund refund", "district closed withdrawn"), hub.CaseCancelled, "wegen der Erstattung"},
		"given back":              {hub.SubmissionSettled, deliveries("payment closed refund", "district closed withdrawn"), hub.CaseCancelled, "hat sich der bezahlten Gebühr angenommen"},
		"paid there":              {hub.SubmissionSettled, deliveries("authority closed remote-refund"), hub.CaseCancelled, "ist dort bezahlt"},
		"paid there, asked again": {hub.SubmissionRunning, deliveries("authority sending remote-refund"), hub.CaseCancelled, "ist dort bezahlt"},
		"paid, and at an office":  {hub.SubmissionSettled, deliveries("payment delivered", "district delivered", "records closed withdrawn"), hub.CaseCancelled, "soweit er"},
		"paid, and told so":       {hub.SubmissionParked, deliveries("payment parked:refund refund", "records closed withdrawn", "citizen-mail? delivered"), hub.CaseCancelled, "wegen der Erstattung"},
		"it had been handed on":   {hub.SubmissionSettled, deliveries("authority closed remote-cancelled"), hub.CaseCancelled, "bei der zuständigen Stelle nicht weiter"},
		"with a callback":         {hub.SubmissionSettled, deliveries("records closed withdrawn", "portal? pending"), hub.CaseCancelled, "an keine Stelle"},
	} {
		got := hub.StandingOf(&hub.Submission{State: test.state, WithdrawnAt: time.Unix(1, 0)}, test.parts)
		if got.Status != test.want || !strings.Contains(got.Text.De, test.de) || got.Text.En == "" {
			t.Errorf("%s: %+v", name, got)
		}
		owes := name == "to be given back" || name == "paid, and told so" || strings.HasPrefix(name, "paid there")
		if (got.Action.Do == hub.DoRefund) != owes || owes && (got.Action.Who != hub.PartyClerk || got.Action.Text.De == "") {
			t.Errorf("%s: %+v", name, got.Action)
		}
	}
	s := &hub.Submission{State: hub.SubmissionParked, WithdrawnAt: time.Unix(1, 0)}
	if w := hub.WithdrawalOf(s, deliveries("payment parked:refund refund", "district closed withdrawn", "authority sending remote-cancelled")); len(w.Left) != 1 || len(w.Cancelled) != 2 || len(w.Open) != 0 {
		t.Errorf("%+v", w)
	}
}

// What was ended by one part is not told as being with every office.
func TestWhatWasEndedHasNotArrived(t *testing.T) {
	settled := &hub.Submission{State: hub.SubmissionSettled}
	all := hub.StandingOf(settled, deliveries("records delivered", "finance delivered"))
	part := hub.StandingOf(settled, deliveries("records delivered", "finance closed"))
	if all.Text == part.Text || all.Status != part.Status {
		t.Errorf("%+v\n%+v", all, part)
	}
}

func TestEveryStatusHasItsSentence(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range hub.CaseStatuses {
		text := s.Text()
		if text.De == "" || text.En == "" || seen[text.De] {
			t.Errorf("%s: %+v", s, text)
		}
		seen[text.De] = true
		final := s == hub.CaseCompleted || s == hub.CaseRejected || s == hub.CaseCancelled
		if s.Final() != final {
			t.Errorf("%s is final: %v", s, s.Final())
		}
	}
}
