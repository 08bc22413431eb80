package storetest

import (
	"fmt"
	"slices"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

func (f *fixture) list(filter store.Filter) []hub.ID {
	f.Helper()
	rows, err := f.List(f.ctx, filter)
	f.must(err)
	var ids []hub.ID
	for _, r := range rows {
		ids = append(ids, r.Submission.ID)
	}
	return ids
}

func listFilters(f *fixture) {
	start := f.now
	iserlohn := f.accept(func(a *store.Acceptance) {
		a.Submission.Municipality, a.Submission.Service, a.Submission.Portal = "05962024", "reitkennzeichen", "iserlohn"
	})
	f.pass(time.Hour)
	running := f.planned("infoma", "records")
	f.pass(time.Hour)
	parked := f.planned("records", "infoma")
	for _, t := range f.claimSome("infoma", 10) {
		if t.Submission.ID == parked {
			f.record(t, hub.DeliveryParked)
		} else {
			f.record(t, hub.DeliveryPending)
		}
	}
	f.pass(time.Hour)
	unmapped := f.accept()
	f.advance(unmapped, &store.Advance{State: hub.SubmissionParked, Reason: hub.ParkUnmapped, Code: "not-competent"})
	f.pass(time.Hour)
	settled := f.planned("waste")
	f.send("waste", hub.DeliveryPending)
	f.pass(time.Hour)
	f.send("waste", hub.DeliveryDelivered)
	first, last, err := hub.ParseNumber(parked.Number())
	f.must(err)

	for _, test := range []struct {
		name   string
		filter store.Filter
		want   []hub.ID
	}{
		{"all", store.Filter{}, []hub.ID{settled, unmapped, parked, running, iserlohn}},
		{"municipality", store.Filter{Municipality: "05962024"}, []hub.ID{iserlohn}},
		{"service", store.Filter{Service: "reitkennzeichen"}, []hub.ID{iserlohn}},
		{"portal", store.Filter{Portal: "iserlohn"}, []hub.ID{iserlohn}},
		{"accepted", store.Filter{State: hub.SubmissionAccepted}, []hub.ID{iserlohn}},
		{"running", store.Filter{State: hub.SubmissionRunning}, []hub.ID{running}},
		{"parked", store.Filter{State: hub.SubmissionParked}, []hub.ID{unmapped, parked}},
		{"settled", store.Filter{State: hub.SubmissionSettled}, []hub.ID{settled}},
		{"damaged", store.Filter{State: hub.SubmissionDamaged}, nil},
		{"delivery parked", store.Filter{DeliveryState: hub.DeliveryParked}, []hub.ID{parked}},
		{"delivery parked in system", store.Filter{DeliveryState: hub.DeliveryParked, System: "infoma"}, []hub.ID{parked}},
		{"delivery parked elsewhere", store.Filter{DeliveryState: hub.DeliveryParked, System: "records"}, nil},
		{"delivery pending in system", store.Filter{DeliveryState: hub.DeliveryPending, System: "records"}, []hub.ID{parked, running}},
		{"delivery pending", store.Filter{DeliveryState: hub.DeliveryPending}, []hub.ID{parked, running}},
		{"delivery delivered in system", store.Filter{DeliveryState: hub.DeliveryDelivered, System: "waste"}, []hub.ID{settled}},
		{"system", store.Filter{System: "waste"}, []hub.ID{settled}},
		{"refused", store.Filter{Reason: hub.ParkRefused}, []hub.ID{parked}},
		{"unmapped", store.Filter{Reason: hub.ParkUnmapped}, []hub.ID{unmapped}},
		{"code of a delivery", store.Filter{Code: "iban-wrong"}, []hub.ID{parked}},
		{"code of a retry", store.Filter{Code: "connection-refused"}, []hub.ID{running}},
		{"code of a system's deliveries", store.Filter{Code: "connection-refused", System: "infoma"}, []hub.ID{running}},
		{"refused by a system", store.Filter{Reason: hub.ParkRefused, System: "infoma"}, []hub.ID{parked}},
		{"code of a submission", store.Filter{Code: "not-competent"}, []hub.ID{unmapped}},
		{"conditions meet in one delivery", store.Filter{DeliveryState: hub.DeliveryParked, System: "infoma", Reason: hub.ParkRefused, Code: "iban-wrong"}, []hub.ID{parked}},
		{"conditions in different deliveries", store.Filter{System: "records", Code: "iban-wrong"}, nil},
		{"since", store.Filter{Since: start.Add(3 * time.Hour)}, []hub.ID{settled, unmapped}},
		{"until", store.Filter{Until: start.Add(time.Hour)}, []hub.ID{running, iserlohn}},
		{"number", store.Filter{First: first, Last: last}, []hub.ID{parked}},
	} {
		if got := f.list(test.filter); !slices.Equal(got, test.want) {
			f.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
	rows, err := f.List(f.ctx, store.Filter{State: hub.SubmissionRunning})
	f.must(err)
	equal(f, "deliveries in a line", len(rows[0].Deliveries), 2)
}

func listPages(f *fixture) {
	var want []hub.ID
	for i := range 120 {
		id := f.accept(func(a *store.Acceptance) {
			if i%3 == 0 {
				a.Submission.Service = "abfallbehaelter-anmeldung"
			}
		})
		want = append(want, id)
	}
	slices.Reverse(want)
	equal(f, "without a limit", len(f.list(store.Filter{})), 50)
	equal(f, "a limit beyond the most", len(f.list(store.Filter{Limit: 5000})), 120)
	for _, service := range []string{"", "abfallbehaelter-anmeldung"} {
		var got []hub.ID
		for before := (hub.ID{}); ; {
			page := f.list(store.Filter{Service: service, Before: before, Limit: 7})
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
			before = page[len(page)-1]
		}
		if service == "" && !slices.Equal(got, want) || service != "" && len(got) != 40 {
			f.Errorf("pages of %q give %d submissions", service, len(got))
		}
	}
}

func search(f *fixture) {
	hash := func(s string) []byte { return []byte(fmt.Sprintf("%-16s", s)) }
	find := func(s string) []hub.ID { return f.list(store.Filter{Search: hash(s), Limit: 1000}) }
	var odd []hub.ID
	for i := range 300 {
		id := f.accept()
		f.advance(id, &store.Advance{State: hub.SubmissionRunning, Deliveries: []store.NewDelivery{f.pending(id, 1, "infoma")},
			Search: [][]byte{hash(fmt.Sprint("chip ", i)), hash([]string{"even", "odd"}[i%2])}})
		if i%2 == 1 {
			odd = append(odd, id)
		}
		if i == 17 {
			defer func() {
				if got := find("chip 17"); !slices.Equal(got, []hub.ID{id}) {
					f.Errorf("chip 17: %v, want %s", got, id)
				}
			}()
		}
	}
	slices.Reverse(odd)
	if got := find("odd"); !slices.Equal(got, odd) {
		f.Errorf("odd ones: %d, want %d", len(got), len(odd))
	}
	equal(f, "unknown", len(find("unknown")), 0)
	equal(f, "search and another condition", len(f.list(store.Filter{Search: hash("odd"), State: hub.SubmissionSettled})), 0)
}
