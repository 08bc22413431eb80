package sim

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
)

// controlAPI is how tests, the demo and the load test look behind the counters:
//
//	GET    /control/partners                    names, addresses, faults, counts
//	GET    /control/partners/{name}/faults      PUT sets them, DELETE heals
//	GET    /control/partners/{name}/received    ?after=n; newest documents, oldest first
//	DELETE /control/partners/{name}/received    forgets everything
//	GET    /control/{box}/rejected              cash-office, waste-lists: protocols by file name
//	POST   /control/{box}/scan                  imports at once
//	GET    /control/marks                      documents taken by partner and mark, the sink's left out
//	GET    /control/sink/counts
//	GET    /control/sink/arrived                one line of JSON for each id
//	DELETE /control/sink/arrived
//	GET    /control/payment/transactions
//	POST   /control/payment/transactions/{id}/{what}   pay, cancel, fail, clarify, lapse; late: paid after it
//	PUT    /control/portal/keys                         a list of whpk_…: takes what one of them has signed
//	GET    /control/mail/messages                       ?after=n; mails as their reader sees them
func (t *Town) controlAPI(s *sink, boxes []*dropBox) http.Handler {
	m := http.NewServeMux()
	m.Handle("GET /{$}", http.RedirectHandler("/control/partners", http.StatusFound)) // for whoever opens the address that demo prints
	m.HandleFunc("GET /control/partners", t.list)
	m.HandleFunc("GET /control/partners/{name}/faults", t.with(func(p *partner, w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, p.currentFaults())
	}))
	m.HandleFunc("PUT /control/partners/{name}/faults", t.with(putFaults))
	m.HandleFunc("DELETE /control/partners/{name}/faults", t.with(func(p *partner, w http.ResponseWriter, _ *http.Request) {
		reply(w, p.setFaults(Faults{}))
	}))
	m.HandleFunc("GET /control/partners/{name}/received", t.with(func(p *partner, w http.ResponseWriter, r *http.Request) {
		after, _ := strconv.Atoi(r.URL.Query().Get("after"))
		answer(w, http.StatusOK, p.received(after))
	}))
	m.HandleFunc("DELETE /control/partners/{name}/received", t.with(func(p *partner, w http.ResponseWriter, _ *http.Request) {
		p.forget()
		reply(w, nil)
	}))
	for _, box := range boxes {
		m.HandleFunc("GET /control/"+box.name+"/rejected", func(w http.ResponseWriter, _ *http.Request) {
			protocols, err := box.protocols()
			if err != nil {
				reply(w, err)
				return
			}
			answer(w, http.StatusOK, protocols)
		})
		m.HandleFunc("POST /control/"+box.name+"/scan", func(w http.ResponseWriter, _ *http.Request) { reply(w, box.scan()) })
	}
	m.HandleFunc("GET /control/marks", func(w http.ResponseWriter, _ *http.Request) {
		all := map[string]map[string]int{}
		for _, p := range t.partners {
			if marks := p.marked(); len(marks) > 0 {
				all[p.name] = marks
			}
		}
		answer(w, http.StatusOK, all)
	})
	m.HandleFunc("GET /control/sink/counts", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, s.sums()) })
	m.HandleFunc("GET /control/sink/arrived", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		_ = s.account(w) // the other side may have gone
	})
	m.HandleFunc("DELETE /control/sink/arrived", func(w http.ResponseWriter, _ *http.Request) {
		s.empty()
		reply(w, nil)
	})
	m.HandleFunc("GET /control/payment/transactions", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, t.payment.list())
	})
	m.HandleFunc("POST /control/payment/transactions/{id}/{what}", func(w http.ResponseWriter, r *http.Request) {
		reply(w, t.payment.settle(r.PathValue("id"), r.PathValue("what"), r.URL.Query().Get("method")))
	})
	m.HandleFunc("PUT /control/portal/keys", t.portal.putKeys)
	m.HandleFunc("GET /control/mail/messages", func(w http.ResponseWriter, r *http.Request) {
		after, _ := strconv.Atoi(r.URL.Query().Get("after"))
		all, err := t.mails(after)
		if err != nil {
			reply(w, err)
			return
		}
		answer(w, http.StatusOK, all)
	})
	return m
}

// reply answers 204, or 400 with the reason.
func reply(w http.ResponseWriter, err error) {
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// Partner is a partner as the control API lists it.
type Partner struct {
	Name    string `json:"name"`
	Address string `json:"address"` // base address, or the drop folder
	Faults  Faults `json:"faults"`
	Counts  Counts `json:"counts"`
}

func (t *Town) list(w http.ResponseWriter, _ *http.Request) {
	var all []Partner
	for _, p := range t.partners {
		address := map[string]string{"cash-office": t.CashOffice, "waste-lists": t.WasteLists}[p.name]
		if p.listener != nil {
			address = cmp.Or(p.scheme, "http") + "://" + p.listener.address
		}
		all = append(all, Partner{p.name, address, p.currentFaults(), p.figures()})
	}
	answer(w, http.StatusOK, all)
}

func (t *Town) with(do func(*partner, http.ResponseWriter, *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, p := range t.partners {
			if p.name == r.PathValue("name") {
				do(p, w, r)
				return
			}
		}
		answer(w, http.StatusNotFound, map[string]string{"error": "there is no such partner"})
	}
}

func putFaults(p *partner, w http.ResponseWriter, r *http.Request) {
	var f Faults
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		reply(w, err)
		return
	}
	reply(w, p.setFaults(f))
}
