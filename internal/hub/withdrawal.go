package hub

import "time"

// CodeWithdrawn is the code of a delivery that ended, or waits for a person,
// because the citizen took the submission back.
const CodeWithdrawn = "withdrawn"

// CodeRefund is the code of a payment that was made for what the citizen took back. It
// waits for a person then, and keeps the code when that one has closed it.
const CodeRefund = "refund"

// Withdrawal is what a citizen's taking back has stopped, and what it came too
// late for. Each role is in one of the lists.
type Withdrawal struct {
	At        time.Time `json:"at"`
	Left      []string  `json:"left"`      // roles whose system has taken the document
	Cancelled []string  `json:"cancelled"` // roles that get nothing
	Open      []string  `json:"open"`      // being sent at that moment, or unclear: a person looks
}

// WithdrawalOf tells a withdrawal from where the deliveries stand; nil where the
// submission was not withdrawn.
func WithdrawalOf(s *Submission, deliveries []Delivery) *Withdrawal {
	if s.WithdrawnAt.IsZero() {
		return nil
	}
	w := &Withdrawal{At: s.WithdrawnAt, Left: []string{}, Cancelled: []string{}, Open: []string{}}
	for _, d := range deliveries {
		if d.Role == RolePortal {
			continue
		}
		switch {
		case d.State == DeliveryDelivered, d.Code == CodeRefund:
			w.Left = append(w.Left, d.Role)
		case d.State == DeliveryClosed, d.endedThere():
			w.Cancelled = append(w.Cancelled, d.Role)
		case d.State == DeliveryAwaiting, d.asksCitizen():
			w.Left = append(w.Left, d.Role)
		default:
			w.Open = append(w.Open, d.Role)
		}
	}
	return w
}

// endedThere reports whether the hub that it was handed on to has ended it, also while
// that one is asked again: it keeps its code then.
func (d *Delivery) endedThere() bool {
	return endedThere(d.Code) && (d.State == DeliveryClosed || d.State == DeliveryAwaiting || d.State == DeliverySending)
}

func endedThere(code string) bool {
	return code == CodeRemoteCancelled || code == CodeRemoteRefund || code == CodeRemoteRejected
}

// Stands reports whether a delivery with this code has had its answer and stands by it
// until there is another one, where it is asked for again.
func Stands(code string) bool { return code == CodeAskedAgain || endedThere(code) }
