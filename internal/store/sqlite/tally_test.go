package sqlite

import (
	"errors"
	"maps"
	"testing"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// truthful demands that the tally says what the rows say.
func truthful(t *testing.T, s *Store) {
	t.Helper()
	err := s.read(t.Context(), func(c *conn) error {
		want, err := counts(c)
		if err != nil {
			return err
		}
		got := make(map[count]int64)
		for what, n := range s.tally.n {
			if what.what >= countParked && n != 0 {
				got[what] = n
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("the tally is %v, the rows are %v", got, want)
		}
		return nil
	})
	if err != nil && !errors.Is(err, errClosed) {
		t.Error(err)
	}
}

// refused sends the victim's first delivery and parks it.
func refused(t *testing.T) (s *Store, victim hub.ID) {
	t.Helper()
	s, _, now, victim, other := neighbours(t)
	for _, task := range claim(t, s, benchSystems[0], now, 10) {
		_, err := s.Record(t.Context(), &store.Record{Attempt: hub.Attempt{Delivery: task.Delivery.ID, N: 1, At: now, Kind: "send", Outcome: "refused", Code: "http-422"},
			Owner: "n1", Fence: task.Fence, State: hub.DeliveryParked, Reason: hub.ParkRefused})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.CloseDelivery(t.Context(), other.Delivery(1), "operator:x", "T", now); err != nil {
		t.Fatal(err)
	}
	if f := figuresOf(t, s); f.Parked[hub.ParkRefused] != 1 || f.Systems[benchSystems[0]].Parked != 1 {
		t.Fatalf("before: %+v", f)
	}
	return s, victim
}

func figuresOf(t *testing.T, s *Store) *store.Figures {
	t.Helper()
	f, err := s.Figures(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A damaged submission is counted as one, and its deliveries are not counted beside it;
// whatever became of its rows, nothing stays in the counts when it is closed.
func TestDamagedCountsOnce(t *testing.T) {
	for _, broken := range []string{"", "submission", "delivery"} {
		t.Run("row "+broken, func(t *testing.T) {
			s, victim := refused(t)
			now := victim.Time()
			key := keyOf(victim)
			if broken == "delivery" {
				key = keyOf(victim.Delivery(1))
			}
			if broken != "" {
				body := asBytes(column(t, s, "SELECT body FROM "+broken+" WHERE key = ?", key))
				body[len(body)-1] ^= 1 // of its checksum
				scribble(t, s, "UPDATE "+broken+" SET body = ? WHERE key = ?", body, key)
			}
			if err := s.Damage(t.Context(), victim, "row", now); err != nil {
				t.Fatal(err)
			}
			f := figuresOf(t, s)
			if f.Submissions[hub.SubmissionDamaged] != 1 || f.Parked[hub.ParkRefused] != 0 || f.Systems[benchSystems[0]].Parked != 0 || f.Systems[benchSystems[1]].Pending > 1 {
				t.Errorf("set aside: %+v", f)
			}
			truthful(t, s)
			if broken == "" {
				if err := s.Mend(t.Context(), victim, "operator:x", "T", now); err != nil {
					t.Fatal(err)
				}
				if f := figuresOf(t, s); f.Parked[hub.ParkRefused] != 1 || f.Systems[benchSystems[0]].Parked != 1 {
					t.Errorf("mended: %+v", f)
				}
				truthful(t, s)
				if err := s.Damage(t.Context(), victim, "row", now); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := s.CloseDelivery(t.Context(), victim, "operator:x", "submitted again", now); err != nil {
				t.Fatal(err)
			}
			if f := figuresOf(t, s); f.Submissions[hub.SubmissionDamaged] != 0 || f.Parked[hub.ParkRefused] != 0 || f.Systems[benchSystems[0]].Parked != 0 {
				t.Errorf("closed: %+v", f)
			}
			truthful(t, s)
		})
	}
}

// What was counted wrong, by an earlier version or for a row that could not be read, is
// right again after a start.
func TestCountsArePutRightAtTheStart(t *testing.T) {
	s, _ := refused(t)
	scribble(t, s, "UPDATE tally SET n = n + 3 WHERE what >= 100")
	scribble(t, s, "INSERT INTO tally (what, name, n) VALUES (100, 'unclear', 4)")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, Options{Dir: s.dir})
	truthful(t, s)
	if f := figuresOf(t, s); f.Parked[hub.ParkRefused] != 1 || f.Parked[hub.ParkUnclear] != 0 || f.Systems[benchSystems[0]].Parked != 1 {
		t.Errorf("after the start: %+v", f)
	}
	if n := asInt(column(t, s, "SELECT n FROM tally WHERE what = 100 AND name = 'unclear'")); n != 0 {
		t.Errorf("the table still has %d", n)
	}
}
