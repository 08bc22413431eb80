package cli

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
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

// A list of any length is one order: after a restored backup everybody who was erased is
// erased again.
func TestEraseAnyNumber(t *testing.T) {
	const cases = 2500
	c, ids := newConsole(t, nil), new(hub.IDs)
	order, asked, fail := ids.New(), []int(nil), 0
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in admin.Erase
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		asked = append(asked, len(in.Submissions))
		out := admin.Erasure{Order: order, Matched: len(in.Submissions) - 1, Files: admin.ErasureInFile{Keys: len(in.Submissions) - 1, LogEmptied: true}}
		if first := len(asked) == 1; first != in.Order.Zero() || !first && in.Order != order || len(in.Submissions) > admin.MostErased {
			t.Errorf("request %d goes on with %v for %d", len(asked), in.Order, len(in.Submissions))
		}
		for _, name := range in.Submissions[1:] {
			out.Deletions = append(out.Deletions, admin.Deletion{Number: name, Deletion: hub.Deletion{N: 1, Order: order, Submission: order, Reason: in.Reason}})
		}
		out.Refused = []admin.NotErased{{Number: in.Submissions[0], Code: admin.CodeNotFound, Detail: "the hub has nothing under this name"}}
		if len(asked) == fail {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusServiceUnavailable)
			_ = json.NewEncoder(w).Encode(admin.Problem{Status: http.StatusServiceUnavailable, Code: "store-unavailable", Detail: "the disk"})
			return
		}
		_ = json.NewEncoder(w).Encode(out)
	}))
	t.Cleanup(web.Close)
	c.env["STELLWERK_HUB"] = web.URL
	var list strings.Builder
	for range cases {
		list.WriteString(ids.New().String() + "\n")
	}
	c.In = strings.NewReader(list.String())
	var all admin.Erasure
	if err := json.Unmarshal([]byte(c.run(7, "erase", "-", "--reason", "once more", "--json")), &all); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(asked, []int{1000, 1000, 500}) || all.Order != order || all.Matched != cases-3 || len(all.Deletions) != cases-3 || len(all.Refused) != 3 || all.Files.Keys != cases-3 {
		t.Errorf("%v: order %v, %d matched, %d deleted, %d refused, %+v", asked, all.Order, all.Matched, len(all.Deletions), len(all.Refused), all.Files)
	}
	// What was deleted before an error is proved all the same.
	asked, fail, all = nil, 3, admin.Erasure{}
	c.In = strings.NewReader(list.String())
	if err := json.Unmarshal([]byte(c.run(1, "erase", "-", "--reason", "once more", "--json")), &all); err != nil {
		t.Fatal(err)
	}
	if len(all.Deletions) != 1998 || !strings.Contains(c.err.String(), "2000 of 2500") {
		t.Errorf("%d are proved; %s", len(all.Deletions), c.err.String())
	}
}

// A look beforehand promises only what the order would do: a case that runs or is held is
// named with what is in its way, and a name that the hub does not have is, too.
func TestEraseDryRunSaysWhatWouldStay(t *testing.T) {
	ids := new(hub.IDs)
	good, held := ids.New(), ids.New()
	c := newConsole(t, map[string]any{"POST /admin/v1/erasures": admin.Erasure{Matched: 2, DryRun: true, Deletions: []admin.Deletion{},
		Found: []admin.Submission{{ID: good, Number: good.Number()}, {ID: held, Number: held.Number()}},
		Refused: []admin.NotErased{{Number: "gone", Code: admin.CodeNotFound, Detail: "the hub has nothing under this name"},
			{Submission: held, Number: held.Number(), Code: admin.CodeState, Detail: "a lawsuit"}}}})
	got := c.run(7, "erase", good.Number(), held.Number(), held.String(), "--dry-run")
	for _, want := range []string{held.Number() + " would not be deleted: a lawsuit\n", "gone would not be deleted: the hub has nothing", "1 case of 2 found would be deleted; nothing was"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}
