package cli

import (
	"strings"
	"testing"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/web/admin"
)

// Every state and every reason has a cause and a next step of its own.
func TestAdvice(t *testing.T) {
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	p := &Program{Now: func() time.Time { return now }, Zone: time.UTC}
	delivery := func(state hub.DeliveryState, change func(*admin.Delivery)) []admin.Delivery {
		d := admin.Delivery{ID: sampleID.Delivery(1), Ordinal: 1, Role: "finance", System: "kasse", Document: "finance", State: state}
		if change != nil {
			change(&d)
		}
		return []admin.Delivery{d}
	}
	because := func(r hub.ParkReason, code string) func(*admin.Delivery) {
		return func(d *admin.Delivery) { d.Reason, d.Code, d.Attempts = r, code, 3 }
	}
	held := func(h admin.Held) func(*admin.Delivery) { return func(d *admin.Delivery) { d.Held = &h } }
	for name, c := range map[string]struct {
		state       hub.SubmissionState
		code        string
		deliveries  []admin.Delivery
		cause, next string
	}{
		"accepted": {hub.SubmissionAccepted, "", nil, "not planned yet", "doctor"},
		"settled":  {hub.SubmissionSettled, "", delivery(hub.DeliveryDelivered, nil), "acknowledged", "nothing to do"},
		"closed":   {hub.SubmissionSettled, "", delivery(hub.DeliveryClosed, nil), "closed by a person: finance", "nothing to do"},
		"unpaid":   {hub.SubmissionSettled, "", delivery(hub.DeliveryClosed, func(d *admin.Delivery) { d.Role, d.Code = "payment", "payment-lapsed" }), "not paid (payment-lapsed)", "stellwerk replay N/1 --reason … asks the provider again"},
		"failed": {hub.SubmissionParked, "", delivery(hub.DeliveryParked, func(d *admin.Delivery) {
			because(hub.ParkRefused, "payment-failed")(d)
			d.Role = "payment"
		}), "is not certain (payment-failed)", "if not: stellwerk close N/1"},
		"exists": {hub.SubmissionParked, "", delivery(hub.DeliveryParked, func(d *admin.Delivery) {
			because(hub.ParkUnclear, "payment-exists")(d)
			d.Role = "payment"
		}), "is not certain (payment-exists)", "stellwerk close N/1 --reason … ends it and what waits for it; if it is paid, stellwerk replay NUMBER/N --anew --reason … then lets each of those go on"},
		"ended": {hub.SubmissionSettled, "", delivery(hub.DeliveryClosed, func(d *admin.Delivery) { d.Role, d.Code = "payment", "payment-exists" }),
			"the payment was ended by a person (payment-exists), so what waits for it was closed: payment", "lets a part go on"},
		"optional": {hub.SubmissionSettled, "", delivery(hub.DeliveryParked, because(hub.ParkRefused, "")), "optional", "stellwerk replay N/1"},
		"damaged":  {hub.SubmissionDamaged, "", nil, "failed its check", "stellwerk mend N --reason …; or ask the portal to submit again and end this one: stellwerk close N --reason …"},
		"sending":  {hub.SubmissionRunning, "", delivery(hub.DeliverySending, nil), "is being sent", "nothing to do"},
		"asked":    {hub.SubmissionRunning, "", delivery(hub.DeliverySending, func(d *admin.Delivery) { d.Code = hub.CodePaymentOpen }), "answer is still to come", "being asked"},
		"awaiting": {hub.SubmissionRunning, "", delivery(hub.DeliveryAwaiting, func(d *admin.Delivery) { d.NotBefore = now.Add(time.Minute) }), "answer is still to come", "asks again at 10:01:00"},
		"pending":  {hub.SubmissionRunning, "", delivery(hub.DeliveryPending, nil), "ready to be sent", "stellwerk systems"},
		"order":    {hub.SubmissionRunning, "", delivery(hub.DeliveryPending, held(admin.Held{By: "order", Number: "M", State: hub.SubmissionRunning})), "waits for the earlier case M, which is running", "stellwerk trace M"},
		"order2":   {hub.SubmissionRunning, "", delivery(hub.DeliveryPending, held(admin.Held{By: "order", Number: "M", State: hub.SubmissionParked})), "which is parked", "stellwerk replay N/1 --force --reason … lets this one go ahead"},
		"paused":   {hub.SubmissionRunning, "", delivery(hub.DeliveryPending, held(admin.Held{By: "paused", Reason: "Umzug"})), "kasse is paused (Umzug)", "stellwerk systems resume kasse"},
		"gone":     {hub.SubmissionRunning, "", delivery(hub.DeliveryPending, held(admin.Held{By: "gone"})), "does not know kasse any more", "stellwerk close N/1 --reason"},
		"window":   {hub.SubmissionRunning, "", delivery(hub.DeliveryPending, held(admin.Held{By: "window", Until: now.Add(time.Hour)})), "maintenance window until 11:00:00", "nothing to do"},
		"broken":   {hub.SubmissionRunning, "", delivery(hub.DeliveryPending, held(admin.Held{By: "broken"})), "breaker", "systems probe kasse"},
		"later":    {hub.SubmissionRunning, "", delivery(hub.DeliveryPending, func(d *admin.Delivery) { d.NotBefore = now.Add(time.Hour) }), "from 11:00:00 on", "nothing to do"},
		"retrying": {hub.SubmissionRunning, "", delivery(hub.DeliveryPending, func(d *admin.Delivery) { d.Attempts, d.Code, d.NotBefore = 2, "http-503", now.Add(30*time.Second) }), "http-503, 2 attempts", "tries again at 10:00:30 (stellwerk systems probe kasse looks now, stellwerk systems resume kasse tries now)"},
		"uncertain": {hub.SubmissionRunning, "", delivery(hub.DeliveryPending, func(d *admin.Delivery) {
			d.Attempts, d.Code, d.NotBefore, d.Uncertain = 2, "timeout", now.Add(30*time.Second), true
		}), "it is not known yet whether finance (kasse) took the document (timeout, 2 attempts)", "nothing to do; the hub asks, or sends it under the same id, at 10:00:30"},
		"overdue":   {hub.SubmissionRunning, "", delivery(hub.DeliveryPending, func(d *admin.Delivery) { d.Attempts, d.Code = 2, "http-503" }), "http-503", "tries again at once"},
		"waiting":   {hub.SubmissionRunning, "", delivery(hub.DeliveryWaiting, nil), "predecessors", "nothing to do"},
		"refused":   {hub.SubmissionParked, "", delivery(hub.DeliveryParked, because(hub.ParkRefused, "http-422")), "refused the document (http-422): Feld fehlt", "replay N/1 --anew"},
		"unclear":   {hub.SubmissionParked, "", delivery(hub.DeliveryParked, because(hub.ParkUnclear, "timeout")), "nobody knows whether finance (kasse)", "ask there for N"},
		"restored":  {hub.SubmissionParked, "", delivery(hub.DeliveryParked, because(hub.ParkUnclear, hub.CodeRemoteUnknown)), "finance (kasse) had taken the case and does not know it any more (submission-unknown)", "replay N/1 --reason … asks once more"},
		"erased":    {hub.SubmissionParked, "", delivery(hub.DeliveryParked, because(hub.ParkUnclear, hub.CodeRemoteErased)), "has deleted the case before", "close N/1"},
		"rung":      {hub.SubmissionRunning, "", delivery(hub.DeliverySending, func(d *admin.Delivery) { d.Code = hub.CodeAskedAgain }), "has told that there is news", "asked again"},
		"exhausted": {hub.SubmissionParked, "", delivery(hub.DeliveryParked, because(hub.ParkExhausted, "connection-refused")), "in 3 attempts (connection-refused)", "systems probe kasse"},
		"exhausted2": {hub.SubmissionParked, "", delivery(hub.DeliveryParked, func(d *admin.Delivery) {
			because(hub.ParkExhausted, "connection-refused")(d)
			d.Uncertain = true
		}), "nobody knows whether finance (kasse) took the document: the outcome of an attempt is not known, and after 3 the schedule gave up (connection-refused)", "systems probe kasse"},
		"unmapped": {hub.SubmissionParked, "", delivery(hub.DeliveryParked, because(hub.ParkUnmapped, "unknown-code")), "the mapping finance", "stellwerk reload"},
		"contrary": {hub.SubmissionParked, "", delivery(hub.DeliveryParked, because(hub.ParkUnmapped, "required")), "the mapping finance", "stellwerk close N/1 --reason"},
		"mistaken": {hub.SubmissionParked, "", delivery(hub.DeliveryParked, because(hub.ParkUnmapped, "refused")), "the mapping finance", "ask the applicant"},
		"parted":   {hub.SubmissionParked, "", delivery(hub.DeliveryParked, because(hub.ParkUnmapped, hub.CodeSystemGone)), "does not know kasse any more", "stellwerk replay N/1 --anew"},
		"parted2":  {hub.SubmissionParked, "", delivery(hub.DeliveryParked, because(hub.ParkUnclear, hub.CodeSystemGone)), "may have arrived", "systems/kasse.yaml back and reload: it goes on by itself then; otherwise ask there for N"},
		"offer":    {hub.SubmissionParked, "not-offered", nil, "does not offer", "municipalities/05999040.yaml"},
		"offer2":   {hub.SubmissionParked, "", delivery(hub.DeliveryParked, because(hub.ParkUnmapped, "not-offered")), "does not offer", "stellwerk replay N/1 --anew"},
		"consent":  {hub.SubmissionParked, "no-consent", nil, "consent", "submit again"},
		"nobody":   {hub.SubmissionParked, "no-delivery", nil, "to nobody", "stellwerk explain 05999040 hundeanmeldung"},
		"route":    {hub.SubmissionParked, "route-not-a-number", nil, "route-not-a-number", "replay N --anew"},
		"payload":  {hub.SubmissionParked, "payload-unreadable", nil, "cannot be read", "--payload"},
		"other":    {hub.SubmissionParked, "internal-error", nil, "internal-error", "log"},
	} {
		s := admin.Submission{ID: sampleID, Number: "N", State: c.state, Code: c.code, Municipality: "05999040", Service: "hundeanmeldung", Deliveries: c.deliveries}
		attempts := []admin.Attempt{{Delivery: sampleID.Delivery(1), Detail: "earlier"}, {Delivery: sampleID.Delivery(1), Detail: "Feld\nfehlt"}, {Delivery: sampleID.Delivery(2), Detail: "another's"}}
		cause, next := advice(p, &s, attempts)
		if !strings.Contains(cause, c.cause) || !strings.Contains(next, c.next) {
			t.Errorf("%s:\n  cause %q, want %q in it\n  next  %q, want %q in it", name, cause, c.cause, next, c.next)
		}
	}
}

func TestParseRef(t *testing.T) {
	for arg, want := range map[string]ref{
		sampleID.String():                          {sampleID.String(), 0},
		sampleID.Delivery(3).String():              {sampleID.String(), 3},
		sampleID.String() + "/2":                   {sampleID.String(), 2},
		sampleID.Number():                          {sampleID.Number(), 0},
		strings.ToLower(sampleID.Number()) + "/12": {strings.ToLower(sampleID.Number()), 12},
	} {
		if got, err := parseRef(arg); err != nil || got != want {
			t.Errorf("%s is %+v (%v), want %+v", arg, got, err, want)
		}
	}
	for _, arg := range []string{"", "/1", "x", sampleID.Number() + "/", sampleID.Number() + "/256", sampleID.Number() + "/-1", sampleID.Delivery(3).String() + "/2", "04VF-V200-000P"} {
		if got, err := parseRef(arg); exitCode(err) != exitUsage {
			t.Errorf("%q is taken for %+v (%v)", arg, got, err)
		}
	}
}
