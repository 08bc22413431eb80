package cli

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"stellwerk/internal/hub"
	"stellwerk/internal/web/admin"
)

// ref is how people name a case or one of its deliveries: an id, a number, either
// with /N for the N-th delivery, or a delivery's own id.
type ref struct {
	submission string // an id or a number
	ordinal    int    // 0: the submission as a whole
}

func parseRef(arg string) (ref, error) {
	name, n, with := strings.Cut(arg, "/")
	r := ref{submission: name}
	if id, err := hub.ParseID(name); err == nil {
		r = ref{submission: id.Submission().String(), ordinal: id.Ordinal()}
	} else if _, _, err := hub.ParseNumber(name); err != nil {
		return ref{}, wrongRef(arg)
	}
	if with {
		ordinal, err := strconv.Atoi(n)
		if err != nil || ordinal < 1 || ordinal > 255 || r.ordinal != 0 {
			return ref{}, wrongRef(arg)
		}
		r.ordinal = ordinal
	}
	return r, nil
}

func wrongRef(arg string) error {
	return wrongUsage("%q is neither an id nor a number; a number is like 4KQ2-X7M1-9ABH, its second delivery 4KQ2-X7M1-9ABH/2", arg)
}

// pick gives the delivery that a reference names.
func pick(s *admin.Submission, ordinal int) (*admin.Delivery, error) {
	for i := range s.Deliveries {
		if s.Deliveries[i].Ordinal == ordinal {
			return &s.Deliveries[i], nil
		}
	}
	if err := gone(s); err != nil {
		return nil, err
	}
	return nil, &notFoundError{fmt.Errorf("%s has no delivery %d; it has %d", s.Number, ordinal, len(s.Deliveries))}
}

// hasOrdinal refuses a delivery that a case does not have; of a deleted one nobody
// knows any more.
func hasOrdinal(s *admin.Submission, r ref) error {
	if r.ordinal == 0 || s.State == hub.SubmissionErased {
		return nil
	}
	_, err := pick(s, r.ordinal)
	return err
}

// gone is the complaint about a case of which only the row is left, nil for any other.
func gone(s *admin.Submission) error {
	if s.State != hub.SubmissionErased {
		return nil
	}
	return &admin.Problem{Status: http.StatusGone, Code: admin.CodeDestroyed, Detail: s.Number + " was deleted: nothing of it can be sent or ended any more; stellwerk deletions " + s.Number + " says when and why"}
}

// name is how people name a delivery.
func name(s *admin.Submission, d *admin.Delivery) string {
	return s.Number + "/" + strconv.Itoa(d.Ordinal)
}
