package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"stellwerk/internal/app"
	"stellwerk/internal/hub"
	"stellwerk/internal/sim"
)

// Bodies differ in their business keys only, and stay as long as they are.
func TestLoadBody(t *testing.T) {
	b, err := newLoadBody()
	if err != nil {
		t.Fatal(err)
	}
	one, two := bytes.Clone(b.text), bytes.Clone(b.text)
	b.write(one, 1)
	b.write(two, 98765432)
	for _, part := range []string{"<h:chip>276098198765432</h:chip>", "<h:strasse>LOAD-98765432</h:strasse>", "<h:vorgang>BP-98765432</h:vorgang>", "6f2b98765432</h:nachrichtenUUID>"} {
		if !bytes.Contains(two, []byte(part)) {
			t.Errorf("%s is missing in\n%s", part, two)
		}
	}
	if len(one) != len(two) || bytes.Equal(one, two) || !bytes.Contains(one, []byte(mark(1)+"<")) {
		t.Error("bodies must have one length and their own numbers")
	}
}

func TestLoadRequest(t *testing.T) {
	b, err := newLoadBody()
	if err != nil {
		t.Fatal(err)
	}
	r := b.newRequest("hub.example:8080", "swp_a_b", "05999040", "run", "2026-03-02T09:00:00Z")
	sum := r.number(42)
	head, body, _ := bytes.Cut(r.bytes, []byte("\r\n\r\n"))
	if sha256.Sum256(body) != sum || !bytes.Contains(body, []byte(mark(42))) {
		t.Error("the digest must be that of the numbered body")
	}
	for _, line := range []string{"Idempotency-Key: load-run-00000042", "Authorization: Bearer swp_a_b", fmt.Sprintf("Content-Length: %d", len(body))} {
		if !bytes.Contains(head, []byte("\r\n"+line)) {
			t.Errorf("%q is missing in\n%s", line, head)
		}
	}
}

// The hub that a load starts must start: its folder is one without errors.
func TestLoadFolder(t *testing.T) {
	f, err := prepareSample(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := f.sinkAll("http://127.0.0.1:1", 64); err != nil {
		t.Fatal(err)
	}
	snap, found := app.Check(f.dir)
	if found.HasErrors() {
		t.Fatal(found.Err())
	}
	b, _ := snap.Binding("05999040", "hundeanmeldung")
	for _, d := range b.Deliveries {
		if d.System != nil && d.System.Limits.Concurrency != 32 {
			t.Errorf("%s is not at the sink", d.System.Name)
		}
	}
}

func TestLedger(t *testing.T) {
	for _, synced := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "ledger")
		l, err := openLedger(path, synced)
		if err != nil {
			t.Fatal(err)
		}
		var ids hub.IDs
		want := map[hub.ID]string{}
		var mu sync.Mutex
		var clients sync.WaitGroup
		for i := range 8 {
			clients.Go(func() {
				for j := range 50 {
					e := entry{ID: ids.New(), SHA256: sha256.Sum256([]byte{byte(i), byte(j)}), Mark: mark(i*50 + j)}
					if err := l.note(e); err != nil {
						t.Error(err)
					}
					mu.Lock()
					want[e.ID] = e.Mark
					mu.Unlock()
				}
			})
		}
		clients.Wait()
		if err := l.close(); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString("019cadd8-3000-70"); err != nil { // a crash in the middle of a line
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		got := map[hub.ID]string{}
		if err := readLedger(path, func(e entry) error { got[e.ID] = e.Mark; return nil }); err != nil {
			t.Fatal(err)
		}
		if len(got) != 400 {
			t.Errorf("sync %v: %d entries, want 400", synced, len(got))
		}
		for id, m := range want {
			if got[id] != m {
				t.Fatalf("sync %v: %s has mark %q, want %q", synced, id, got[id], m)
			}
		}
	}
}

func TestLedgerRefusesWhatIsNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	for _, line := range []string{"x", sampleID.String() + " abcd " + mark(1), sampleID.String() + " " + strings.Repeat("ab", 32)} {
		if err := os.WriteFile(path, []byte(line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := readLedger(path, func(entry) error { return nil }); err == nil || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// The comparison finds what it is for: each fault alone turns the verdict, and
// the control passes.
func TestCompareFindsEveryFault(t *testing.T) {
	var ids hub.IDs
	one, two := ids.New(), ids.New()
	path := filepath.Join(t.TempDir(), "ledger")
	l, err := openLedger(path, false)
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range []hub.ID{one, two} {
		if err := l.note(entry{ID: id, Mark: mark(i + 1)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*arrivals)
		want   loadReport
	}{
		"control":    {func(*arrivals) {}, loadReport{OK: true, Arrived: 4}},
		"lost":       {func(a *arrivals) { delete(a.times, one.Delivery(2)) }, loadReport{Lost: 1, Arrived: 3}},
		"all lost":   {func(a *arrivals) { clear(a.times) }, loadReport{Lost: 2}},
		"recognised": {func(a *arrivals) { a.times[one.Delivery(1)] = 3 }, loadReport{OK: true, Arrived: 4, Recognised: 2}},
		"altered":    {func(a *arrivals) { a.altered[two.Delivery(1)] = true }, loadReport{Altered: 1, Arrived: 4}},
		"exchanged":  {func(a *arrivals) { a.marks[two.Delivery(1)] = mark(7) }, loadReport{Altered: 1, Arrived: 4}},
		"twice": {func(a *arrivals) {
			id := ids.New().Delivery(1)
			a.times[id], a.marks[id], a.systems[id] = 1, mark(1), "s1"
		}, loadReport{Duplicated: 1, Arrived: 4, Unknown: 1}},
		"without a 202": {func(a *arrivals) {
			id := ids.New().Delivery(1)
			a.times[id], a.marks[id], a.systems[id] = 1, mark(9), "s1"
		}, loadReport{OK: true, Arrived: 4, Unknown: 1}},
	} {
		a := &arrivals{times: map[hub.ID]int{}, altered: map[hub.ID]bool{}, marks: map[hub.ID]string{}, systems: map[hub.ID]string{}}
		for i, id := range []hub.ID{one, two} {
			for n := 1; n <= 2; n++ {
				d := id.Delivery(n)
				a.times[d], a.marks[d], a.systems[d] = 1, mark(i+1), fmt.Sprintf("s%d", n)
			}
		}
		c.change(a)
		got := loadReport{OK: true}
		if err := got.compare(&loadOptions{ledger: path, documents: 2}, a); err != nil {
			t.Fatal(err)
		}
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestPercentile(t *testing.T) {
	sorted := make([]uint32, 100)
	for i := range sorted {
		sorted[i] = uint32(i + 1)
	}
	for p, want := range map[int]time.Duration{50: 50, 95: 95, 99: 99, 100: 100, 0: 1} {
		if got := percentile(sorted, p); got != want*time.Microsecond {
			t.Errorf("p%d is %v, want %v", p, got, want*time.Microsecond)
		}
	}
	if percentile(nil, 99) != 0 || percentile([]uint32{7}, 50) != 7*time.Microsecond {
		t.Error("few values must do")
	}
}

// A hub that breaks off, is busy and forgets answers is pushed to again with the
// same idempotency key; what it refuses for good is not.
func TestPushRepeatsWithTheSameKey(t *testing.T) {
	var mu sync.Mutex
	tries := map[string]int{}
	var ids hub.IDs
	taken := map[string]hub.ID{}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		key := r.Header.Get("Idempotency-Key")
		n := key[len(key)-8:]
		mu.Lock()
		defer mu.Unlock()
		tries[n]++
		switch {
		case n == "00000003":
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		case tries[n] == 1 && n == "00000001":
			panic(http.ErrAbortHandler)
		case tries[n] == 1 && n == "00000002":
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if taken[n].Zero() {
			taken[n] = ids.New()
		}
		sum := sha256.Sum256(body)
		if n == "00000004" {
			sum[0] ^= 1
		}
		w.WriteHeader(http.StatusAccepted)
		if err := json.NewEncoder(w).Encode(map[string]string{"id": taken[n].String(), "sha256": hex.EncodeToString(sum[:])}); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(web.Close)
	c := newConsole(t, nil)
	ledger := filepath.Join(t.TempDir(), "ledger")
	text := c.run(exitFindings, "load", "--submit-only", "--target", web.URL, "--portal-key", "swp_a_b", "--count", "6", "--clients", "2", "--ledger", ledger, "--json")
	var r loadReport
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	if r.Acknowledged != 4 || r.Repeated != 2 || r.Refused != 1 || r.Altered != 1 || r.Failed != 0 || r.OK || r.Refusal == "" {
		t.Errorf("report is %+v", r)
	}
	noted := 0
	if err := readLedger(ledger, func(e entry) error {
		noted++
		if taken[e.Mark[len(loadMark):]] != e.ID {
			t.Errorf("%s was acknowledged with another id than %s", e.Mark, e.ID)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if noted != 4 || tries["00000003"] != 1 || tries["00000001"] != 2 || tries["00000002"] != 2 {
		t.Errorf("%d noted, tries %v", noted, tries)
	}
}

// A ledger in which nothing stands proves nothing, and is no success.
func TestVerifyNeedsAcknowledgements(t *testing.T) {
	c, _ := openTown(t)
	empty := filepath.Join(t.TempDir(), "ledger")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c.run(exitFailed, "load", "--verify-only", "--ledger", empty, "--control", c.control)
}

// What the partners have from others does not stand for what is still on its way to them.
func TestVerifyWaitsBehindOtherDocuments(t *testing.T) {
	c, f := openTown(t)
	push := []string{"load", "--target", c.portals, "--control", c.control, "--portal-key", "file:" + f.portalKeyFile(), "--clients", "4"}
	c.run(0, append(push, "--count", "20")...)
	if err := (sim.Client{Control: c.control}).Suffer(t.Context(), "public-order", sim.Faults{Delay: "700ms"}); err != nil {
		t.Fatal(err)
	}
	ledger := filepath.Join(t.TempDir(), "ledger")
	c.run(0, append(push, "--count", "4", "--submit-only", "--ledger", ledger)...)
	var r loadReport
	if err := json.Unmarshal([]byte(c.run(0, "load", "--verify-only", "--ledger", ledger, "--control", c.control, "--json")), &r); err != nil {
		t.Fatal(err)
	}
	if !r.OK || r.Arrived != 12 || r.Expected != 12 || r.Lost+r.Duplicated+r.Altered != 0 {
		t.Errorf("report is %+v", r)
	}
	// What is really missing is told when nothing new comes.
	id, err := hub.ParseID("019cadd8-3000-7000-8000-000000000000")
	if err != nil {
		t.Fatal(err)
	}
	l, err := openLedger(ledger, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.note(entry{ID: id, Mark: mark(9999)}), l.close()); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(c.run(3, "load", "--verify-only", "--ledger", ledger, "--control", c.control, "--settle", "300ms", "--json")), &r); err != nil {
		t.Fatal(err)
	}
	if r.OK || r.Lost != 1 || r.Arrived != 12 {
		t.Errorf("report is %+v", r)
	}
	// New partners have nothing of an earlier run: all of it would be called lost.
	c.run(2, "load", "--ledger", ledger, "--count", "1")
	if !strings.Contains(c.err.String(), "earlier run") {
		t.Error(c.err.String())
	}
}

// The partners of a demo are asked as well, and a second run goes on behind the first.
func TestLoadAgainstATown(t *testing.T) {
	c, f := openTown(t)
	for range 2 {
		text := c.run(0, "load", "--target", c.portals, "--control", c.control, "--portal-key", "file:"+f.portalKeyFile(), "--count", "20", "--clients", "4", "--json")
		var r loadReport
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatal(err)
		}
		if !r.OK || r.Acknowledged != 20 || r.Arrived != 60 || r.Lost+r.Duplicated+r.Altered != 0 {
			t.Errorf("report is %+v", r)
		}
	}
	marks, err := sim.Client{Control: c.control}.Marks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, partner := range []string{"finance", "records", "public-order"} {
		if len(marks[partner]) != 40 || marks[partner][mark(40)] != 1 {
			t.Errorf("%s has %v", partner, marks[partner])
		}
	}
}

// Its control: what is missing at a partner, and what came twice, is noticed.
func TestCompareMarks(t *testing.T) {
	ledger := filepath.Join(t.TempDir(), "ledger")
	l, err := openLedger(ledger, false)
	if err != nil {
		t.Fatal(err)
	}
	var ids hub.IDs
	for n := range 3 {
		if err := l.note(entry{ID: ids.New(), Mark: mark(n)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
	r := loadReport{OK: true}
	if err := r.compareMarks(&loadOptions{ledger: ledger, documents: 2}, map[string]map[string]int{
		"finance": {mark(0): 1, mark(1): 1, mark(2): 3},
		"records": {mark(0): 1, mark(2): 1, mark(7): 1},
	}); err != nil {
		t.Fatal(err)
	}
	if r.OK || r.Lost != 1 || r.Duplicated != 2 || r.Arrived != 5 {
		t.Errorf("report is %+v, want one lost and two twice", r)
	}
}
