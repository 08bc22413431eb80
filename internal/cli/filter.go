package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"stellwerk/internal/hub"
	"stellwerk/internal/web/admin"
)

// filterFlags choose submissions; several commands share them.
type filterFlags struct {
	state, delivery, service, municipality, portal, system, reason, code, since, until string
	limit                                                                              int
}

// add declares the flags; what a command does not offer is left out.
func (f *filterFlags) add(cmd *cobra.Command, without ...string) {
	fs := cmd.Flags()
	has := func(name string) bool {
		for _, w := range without {
			if w == name {
				return false
			}
		}
		return true
	}
	for _, flag := range []struct {
		name, text string
		into       *string
	}{
		{"state", "accepted, running, parked, settled, damaged or erased", &f.state},
		{"delivery-state", "waiting, pending, sending, awaiting, delivered, parked or closed", &f.delivery},
		{"service", "only this service", &f.service},
		{"municipality", "only this municipality (AGS)", &f.municipality},
		{"portal", "only this portal", &f.portal},
		{"system", "only with a delivery to this system", &f.system},
		{"reason", "refused, unclear, exhausted, unmapped, refund or damaged", &f.reason},
		{"code", "only with this code of the last outcome: http-422, timeout, …", &f.code},
		{"since", "received since: 2h, 2026-03-01, \"2026-03-01 14:00\"", &f.since},
		{"until", "received before", &f.until},
	} {
		if has(flag.name) {
			fs.StringVar(flag.into, flag.name, "", flag.text)
		}
	}
}

func (f *filterFlags) filter(p *Program) (admin.Filter, error) {
	if f.limit < 1 {
		return admin.Filter{}, wrongUsage("--limit is at least 1")
	}
	since, err := p.sinceFlag("since", f.since)
	if err != nil {
		return admin.Filter{}, err
	}
	until, err := p.sinceFlag("until", f.until)
	if err != nil {
		return admin.Filter{}, err
	}
	return admin.Filter{
		State: hub.SubmissionState(f.state), DeliveryState: hub.DeliveryState(f.delivery), Service: f.service,
		Municipality: f.municipality, Portal: f.portal, System: f.system, Reason: hub.ParkReason(strings.ToLower(f.reason)),
		Code: f.code, Since: since, Until: until, Limit: f.limit,
	}, nil
}

// empty reports whether nothing was chosen.
func (f *filterFlags) empty() bool { return *f == filterFlags{limit: f.limit} }
