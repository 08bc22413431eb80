package deliver

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"stellwerk/connectors"
	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// Decision is what an outcome means for the delivery.
type Decision struct {
	State     hub.DeliveryState
	Reason    hub.ParkReason
	NotBefore time.Time
	Uncertain bool
	KeepCode  bool // the delivery's code stays what it was: it says that the system may be at work
}

// Decide turns an outcome into the delivery's next state. d is the delivery as it
// was claimed: Attempts counts this one, FirstAt is set.
//
//	delivered  the end
//	refused    a person: repeating does not help
//	retry      again by the schedule, until it gives up; "not found" to a question: at once
//	cancelled  the end, by the citizen or the office: what waited for it will not happen
//	awaiting   asked again by the schedule, without an end: the citizen may take days
//	unknown    the same id again where the system recognises it, asked where it can
//	           be asked, a person otherwise, or where the connector says so
func Decide(r connectors.Receipt, d *hub.Delivery, retry config.Retry, traits connectors.Traits, now time.Time) Decision {
	switch r.Outcome {
	case connectors.Delivered:
		return Decision{State: hub.DeliveryDelivered}
	case connectors.Cancelled:
		return Decision{State: hub.DeliveryClosed}
	case connectors.Refused:
		return Decision{State: hub.DeliveryParked, Reason: hub.ParkRefused}
	case connectors.Awaiting:
		return Decision{State: hub.DeliveryAwaiting, NotBefore: now.Add(wait(r, d, retry))}
	case connectors.Retry:
		// "Not found" after an unknown outcome clears it up: it may be sent now. A system
		// that nobody has waited for may be at work on it still, and is asked once more.
		if d.Uncertain && r.Code == NotFound {
			if mayBeAtWork(d) {
				return Decision{State: hub.DeliveryPending, NotBefore: now.Add(max(wait(r, d, retry), store.Settle)), Uncertain: true}
			}
			return Decision{State: hub.DeliveryPending, NotBefore: now}
		}
		if exhausted(d, retry, now) {
			return Decision{State: hub.DeliveryParked, Reason: hub.ParkExhausted, Uncertain: d.Uncertain}
		}
		return Decision{State: hub.DeliveryPending, NotBefore: now.Add(wait(r, d, retry)), Uncertain: d.Uncertain, KeepCode: mayBeAtWork(d)}
	default:
		if r.Person || !traits.Repeatable && !traits.Askable || exhausted(d, retry, now) {
			return Decision{State: hub.DeliveryParked, Reason: hub.ParkUnclear, Uncertain: true}
		}
		return Decision{State: hub.DeliveryPending, NotBefore: now.Add(wait(r, d, retry)), Uncertain: true, KeepCode: mayBeAtWork(d) && !atWork(r.Code)}
	}
}

// NotFound is the code of an Asker's Retry: the system never saw the message.
const NotFound = "not-found"

// unheard are the ends of the codes that say that the system, or what is behind its
// gateway, was still at work when nobody waited any longer: it was too slow, or the hub
// was stopped or went down meanwhile.
var unheard = []string{"timeout", "http-504", "cancelled", "closed", "interrupted", "connector-panic"}

func atWork(code string) bool {
	return slices.ContainsFunc(unheard, func(end string) bool { return strings.HasSuffix(code, end) })
}

// mayBeAtWork is known until the system was asked: an attempt that could not ask it has
// taught nothing.
func mayBeAtWork(d *hub.Delivery) bool { return d.Uncertain && atWork(d.Code) }

func exhausted(d *hub.Delivery, retry config.Retry, now time.Time) bool {
	return retry.GiveUpAfter > 0 && now.Sub(d.FirstAt) >= retry.GiveUpAfter
}

// wait is the pause before the next attempt: the schedule's, stretched by up to a
// tenth so that a thousand deliveries do not return in the same second, and never
// shorter than what the system asked for.
func wait(r connectors.Receipt, d *hub.Delivery, retry config.Retry) time.Duration {
	pause := retry.Then
	if n := d.Attempts - 1; n >= 0 && n < len(retry.Schedule) {
		pause = retry.Schedule[n]
	}
	if tenth := int64(pause / 10); tenth > 0 {
		pause += time.Duration(rand.Int64N(tenth))
	}
	return max(pause, r.RetryAfter)
}
