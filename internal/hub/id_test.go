package hub

import (
	"strings"
	"sync"
	"testing"
	"time"
)

func TestIDsRiseWhateverTheClockDoes(t *testing.T) {
	now := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	g := IDs{Now: func() time.Time { now = now.Add(-time.Millisecond); return now }}
	last := g.New()
	for range 20_000 { // more than one counter holds
		next := g.New()
		if strings.Compare(next.String(), last.String()) <= 0 {
			t.Fatalf("%s does not follow %s", next, last)
		}
		last = next
	}
}

func TestIDsFollowAnEarlierProcess(t *testing.T) {
	now := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	before := IDs{Now: func() time.Time { return now }}
	var last ID
	for range 5000 { // the counter has run over
		last = before.New()
	}
	after := IDs{Now: func() time.Time { return now.Add(-time.Minute) }}
	after.Follow(last)
	if next := after.New(); strings.Compare(next.String(), last.String()) <= 0 {
		t.Errorf("%s does not follow %s", next, last)
	}
}

func TestIDsAreUniqueAcrossGoroutines(t *testing.T) {
	var g IDs
	var mu sync.Mutex
	seen := map[ID]bool{}
	numbers := map[string]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5000 {
				id := g.New()
				mu.Lock()
				if seen[id] || numbers[id.Number()] {
					t.Errorf("%s came twice", id)
				}
				seen[id], numbers[id.Number()] = true, true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func TestIDText(t *testing.T) {
	var g IDs
	id := g.New()
	got, err := ParseID(id.String())
	if err != nil || got != id {
		t.Fatalf("ParseID(%s) = %s, %v", id, got, err)
	}
	if d := id.Delivery(3); d.Submission() != id || d.Ordinal() != 3 || d.String() <= id.String() {
		t.Errorf("delivery %s does not belong to %s", d, id)
	}
	if since := time.Since(id.Time()); since < 0 || since > time.Minute {
		t.Errorf("the id's time is %s ago", since)
	}
	for _, bad := range []string{"", "x", id.String()[1:], id.String()[:14] + "4" + id.String()[15:], id.String() + "0", strings.Repeat("g", 36)} {
		if _, err := ParseID(bad); err == nil {
			t.Errorf("ParseID(%q) is accepted", bad)
		}
	}
}

func TestNumberFindsItsID(t *testing.T) {
	var g IDs
	for range 1000 {
		id := g.New()
		n := id.Number()
		for _, spelled := range []string{n, strings.ToLower(n), strings.ReplaceAll(n, "-", " "), strings.ReplaceAll(n, "0", "O"), strings.ReplaceAll(n, "1", "l")} {
			first, last, err := ParseNumber(spelled)
			if err != nil {
				t.Fatalf("ParseNumber(%q): %v", spelled, err)
			}
			if s := id.String(); s < first.String() || s > last.String() {
				t.Fatalf("%s is not between %s and %s", id, first, last)
			}
		}
	}
}

// One wrong character on the phone, or two in each other's place, must not find another
// citizen's case. 0 and Z are the first and the last of the alphabet.
func TestNumberNoticesWrongCharacters(t *testing.T) {
	var g IDs
	for _, n := range []string{g.New().Number(), g.New().Number(), ID{}.Number(), "0Z0Z-0Z0Z-0Z00"} {
		n := strings.ReplaceAll(n, "-", "")
		n = n[:11] + string(checkChar([]byte(n[:11])))
		if _, _, err := ParseNumber(n); err != nil {
			t.Fatalf("%s is refused", n)
		}
		for i := range 12 {
			for _, c := range crockford {
				if wrong := n[:i] + string(c) + n[i+1:]; wrong != n {
					if _, _, err := ParseNumber(wrong); err == nil {
						t.Errorf("%s is accepted, meant was %s", wrong, n)
					}
				}
			}
			for k := range i {
				if wrong := n[:k] + n[i:i+1] + n[k+1:i] + n[k:k+1] + n[i+1:]; wrong != n {
					if _, _, err := ParseNumber(wrong); err == nil {
						t.Errorf("%s is accepted, meant was %s", wrong, n)
					}
				}
			}
		}
		if _, _, err := ParseNumber("U" + n[1:]); err == nil {
			t.Error("a letter outside the alphabet is accepted")
		}
	}
}

func BenchmarkNewID(b *testing.B) {
	var g IDs
	for b.Loop() {
		g.New()
	}
}
