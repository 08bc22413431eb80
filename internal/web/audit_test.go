package web

import (
	"bytes"
	"database/sql"
	"net/http"
	"path/filepath"
	"slices"
	"testing"

	_ "modernc.org/sqlite"

	"stellwerk/internal/hub"
	"stellwerk/internal/web/admin"
)

// numbers are the sequence numbers of a trail and its cursor.
func numbers(tr *admin.Trail) (seqs []int64) {
	for _, e := range tr.Entries {
		seqs = append(seqs, e.Seq)
	}
	return seqs
}

func TestAuditIsReadFromTheNewestInPieces(t *testing.T) {
	f := newFixture(t)
	var entries []hub.AuditEntry
	for i := range 2500 {
		actor := "portal:buergerportal"
		if i%1000 == 0 {
			actor = "operator:meier"
		}
		entries = append(entries, hub.AuditEntry{At: f.now, Actor: actor, Action: "probed", Object: system})
	}
	for some := range slices.Chunk(entries, 70) {
		f.must(f.store.Audit(t.Context(), some...))
	}
	seen, before, calls := int64(2501), int64(0), 0
	for {
		tr, err := f.client.Audit(t.Context(), admin.AuditFilter{Before: before, Limit: 700})
		f.must(err)
		for _, n := range numbers(&tr) {
			if seen--; n != seen {
				t.Fatalf("entry %d comes where %d should", n, seen)
			}
		}
		calls++
		if before = tr.Next; before == 0 {
			break
		}
	}
	if seen != 1 || calls != 4 {
		t.Errorf("read down to %d in %d calls, want all in 4", seen, calls)
	}
	tr, err := f.client.Audit(t.Context(), admin.AuditFilter{From: 2400, Limit: 1000})
	f.must(err)
	if n := numbers(&tr); len(n) != 101 || n[0] != 2400 || tr.Next != 0 {
		t.Errorf("from 2400 on: %d entries, next %d", len(n), tr.Next)
	}
	for actor, want := range map[string]int{"operator": 3, "operator:meier": 3, "operator:me": 0} {
		tr, err = f.client.Audit(t.Context(), admin.AuditFilter{Actor: actor, Limit: 1000})
		f.must(err)
		if len(tr.Entries) != want || tr.Next != 0 {
			t.Errorf("of actor %s: %v, next %d, want %d", actor, numbers(&tr), tr.Next, want)
		}
	}
	tr, err = f.client.Audit(t.Context(), admin.AuditFilter{Actor: "operator", Limit: 2})
	f.must(err)
	if n := numbers(&tr); len(n) != 2 || n[0] != 2001 || n[1] != 1001 || tr.Next == 0 {
		t.Errorf("the newest two of operators are %v, next %d", n, tr.Next)
	}
	tr, err = f.client.Audit(t.Context(), admin.AuditFilter{Actor: "operator", Before: tr.Next, Limit: 2})
	f.must(err)
	if n := numbers(&tr); len(n) != 1 || n[0] != 1 || tr.Next != 0 {
		t.Errorf("the one before is %v, next %d", n, tr.Next)
	}
}

func TestAuditOfACase(t *testing.T) {
	f := newFixture(t)
	f.parked("http-400")
	id, d := f.parked("http-422")
	_, err := f.client.Close(t.Context(), d, "auf Papier erledigt")
	f.must(err)
	for _, object := range []string{id.String(), id.Number()} {
		tr, err := f.client.Audit(t.Context(), admin.AuditFilter{Object: object, Limit: 100})
		f.must(err)
		if len(tr.Entries) != 2 || tr.Entries[0].Action != "closed" || tr.Entries[1].Action != "accepted" {
			t.Errorf("%s: %+v", object, tr.Entries)
		}
	}
	tr, err := f.client.Audit(t.Context(), admin.AuditFilter{Object: d.String(), Action: "closed", Limit: 100})
	f.must(err)
	if len(tr.Entries) != 1 {
		t.Errorf("of the delivery: %+v", tr.Entries)
	}
	_, err = f.client.Pause(t.Context(), system, "Jahresabschluss")
	f.must(err)
	tr, err = f.client.Audit(t.Context(), admin.AuditFilter{Object: system, Limit: 100})
	f.must(err)
	if len(tr.Entries) != 1 || tr.Entries[0].Action != "paused" {
		t.Errorf("of the system: %+v", tr.Entries)
	}
	_, err = f.client.Audit(t.Context(), admin.AuditFilter{Object: "0000-0000-0000", Limit: 100})
	f.problem(err, http.StatusNotFound, admin.CodeNotFound)
}

func TestAuditRefuses(t *testing.T) {
	f := newFixture(t)
	for _, filter := range []admin.AuditFilter{{Limit: 0}, {Limit: 1001}, {Limit: 1, From: 1, Before: 2}, {Limit: 1, Actor: "meier"}, {Limit: 1, Actor: "operater:meier"}} {
		_, err := f.client.Audit(t.Context(), filter)
		f.problem(err, http.StatusBadRequest, admin.CodeInvalid)
	}
}

// A row that fails its check hides neither its own words nor its neighbours.
func TestAuditTellsOfADamagedRow(t *testing.T) {
	f := newFixture(t)
	for range 3 {
		f.must(f.store.Audit(t.Context(), hub.AuditEntry{At: f.now, Actor: "operator:meier", Action: "probed", Object: system}))
	}
	db, err := sql.Open("sqlite", filepath.Join(f.dir, "stellwerk.db"))
	f.must(err)
	defer func() { f.must(db.Close()) }()
	var body []byte
	f.must(db.QueryRow("SELECT body FROM audit WHERE first = 2").Scan(&body))
	_, err = db.Exec("UPDATE audit SET body = ? WHERE first = 2", bytes.Replace(body, []byte("meier"), []byte("maier"), 1))
	f.must(err)
	tr, err := f.client.Audit(t.Context(), admin.AuditFilter{Limit: 100})
	f.must(err)
	if tr.Damaged != 2 || len(tr.Entries) < 2 {
		t.Errorf("damaged from %d, %d entries", tr.Damaged, len(tr.Entries))
	}
	tr, err = f.client.Audit(t.Context(), admin.AuditFilter{From: 1, Limit: 1})
	f.must(err)
	if tr.Damaged != 0 || len(tr.Entries) != 1 || tr.Next != 2 {
		t.Errorf("what is damaged behind a piece is told in it: %+v", tr)
	}
}
