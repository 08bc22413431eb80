package cli

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"stellwerk/internal/hub"
	"stellwerk/internal/web/admin"
)

// What was ordered is found behind any number of records of the retention: a list
// without it would leave a person in the hub when a backup was restored.
func TestOrderedDeletionsAreAllThere(t *testing.T) {
	const records = 2500 // by rule, all but the first and the newest
	c, ids := newConsole(t, nil), new(hub.IDs)
	id, order := ids.New(), ids.New()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, _ := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64)
		limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
		if from == 0 {
			from = records + 1
		}
		out := admin.Deletions{}
		for n := from - 1; n > 0 && len(out.Deletions) < min(limit, 1000); n-- {
			d := hub.Deletion{N: n, Order: order, Submission: id, Rule: "payload: 30 days after settled"}
			if n == 1 || n == records {
				d.Rule, d.Reason = "", "Ticket 12"
			}
			out.Deletions = append(out.Deletions, admin.Deletion{Number: "nr-" + strconv.FormatInt(n, 10), Deletion: d})
			out.Next = n
		}
		if len(out.Deletions) < limit {
			out.Next = 0
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out)
	}))
	t.Cleanup(web.Close)
	c.env["STELLWERK_HUB"] = web.URL
	var all admin.Deletions
	if err := json.Unmarshal([]byte(c.run(0, "deletions", "--ordered", "--json")), &all); err != nil {
		t.Fatal(err)
	}
	if len(all.Deletions) != 2 || all.Deletions[0].N != records || all.Deletions[1].N != 1 || all.Next != 0 {
		t.Errorf("%+v", all)
	}
	if err := json.Unmarshal([]byte(c.run(0, "deletions", "--ordered", "--limit", "1", "--json")), &all); err != nil || len(all.Deletions) != 1 || all.Next != records {
		t.Errorf("%+v, %v", all, err)
	}
}
