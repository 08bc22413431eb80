package sqlite

import (
	"database/sql/driver"
	"fmt"
	"slices"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// The states as they are stored; the order never changes.
var (
	submissionStates = []hub.SubmissionState{"", hub.SubmissionAccepted, hub.SubmissionRunning, hub.SubmissionParked, hub.SubmissionSettled, hub.SubmissionDamaged, hub.SubmissionErased}
	deliveryStates   = []hub.DeliveryState{"", hub.DeliveryWaiting, hub.DeliveryPending, hub.DeliverySending, hub.DeliveryAwaiting, hub.DeliveryDelivered, hub.DeliveryParked, hub.DeliveryClosed}
)

// The numbers that stand in SQL text, where a partial index wants a literal.
const (
	stateRunning = 2
	stateDamaged = 5

	statePending  = 2
	stateSending  = 3
	stateAwaiting = 4
	stateParked   = 6
)

func submissionState(n int64) hub.SubmissionState {
	if n < 0 || n >= int64(len(submissionStates)) {
		return ""
	}
	return submissionStates[n]
}

func deliveryState(n int64) hub.DeliveryState {
	if n < 0 || n >= int64(len(deliveryStates)) {
		return ""
	}
	return deliveryStates[n]
}

// submission is a row of that table. Version is the row's own part of the
// submission's version: the deliveries' records count, too.
type submission struct {
	hub.Submission
	key       int64
	flowDue   int64
	planned   int64 // deliveries written so far
	plannedAt int64
	order     []byte
	dataKey   []byte
	lost      []byte              // the data key of a row that fails its check, where it can be told
	was       hub.SubmissionState // as stored, for the tally
	wasFor    hub.ParkReason
}

func (s *submission) encode() []byte {
	p := packer{make([]byte, 0, 256)}
	p.str(s.Channel)
	p.str(string(s.Reason))
	p.str(s.Code)
	p.bool(s.Consent.Given)
	p.time(s.Consent.At)
	p.str(s.Consent.Wording)
	p.time(s.ReceivedAt)
	p.time(s.SettledAt)
	p.str(s.Revision)
	p.str(s.Format)
	p.bytes(s.SHA256[:])
	p.int(s.Size)
	p.int(int64(s.Attachments))
	p.str(s.Trace)
	p.int(s.Version)
	p.int(s.planned)
	p.int(s.plannedAt)
	p.bytes(s.order)
	p.bytes(s.dataKey)
	s.packExtra(&p)
	return p.seal(s.key, string(s.ID[:]), s.Municipality, s.Service, s.Portal, string(s.State))
}

// What only few submissions have stands at the end of their row, each behind its
// number.
const (
	extraBundle    = 1
	extraWithdrawn = 2
	extraHold      = 3
	extraErased    = 4
	extraTold      = 8
)

func (s *submission) packExtra(p *packer) {
	if !s.Bundle.Zero() {
		p.int(extraBundle)
		p.bytes(s.Bundle[:])
		p.str(s.Part)
	}
	if !s.WithdrawnAt.IsZero() {
		p.int(extraWithdrawn)
		p.time(s.WithdrawnAt)
	}
	if s.Hold.On() {
		p.int(extraHold)
		p.time(s.Hold.Since)
		p.str(s.Hold.By)
		p.str(s.Hold.Reason)
	}
	if s.Erased != (hub.Erased{}) {
		p.int(extraErased)
		p.time(s.Erased.Payload)
		p.time(s.Erased.Attachments)
		p.time(s.Erased.Metadata)
	}
	if s.Told != "" {
		p.int(extraTold)
		p.str(string(s.Told))
	}
}

func (s *submission) unpackExtra(u *unpacker) {
	for len(u.b) > 0 {
		switch u.int() {
		case extraBundle:
			copy(s.Bundle[:], u.bytes())
			s.Part = u.str()
		case extraWithdrawn:
			s.WithdrawnAt = u.time()
		case extraHold:
			s.Hold = hub.Hold{Since: u.time(), By: u.str(), Reason: u.str()}
		case extraErased:
			s.Erased = hub.Erased{Payload: u.time(), Attachments: u.time(), Metadata: u.time()}
		case extraTold:
			s.Told = hub.CaseStatus(u.str())
		default:
			u.fail()
		}
	}
}

// submissionColumns is what decodeSubmission takes, in this order.
const submissionColumns = "key, id, municipality, service, portal, state, flow_due, body"

// decodeSubmission reads a row. Where the row fails its check, the error is
// ErrDamaged and what could be read is given all the same, its state damaged.
func decodeSubmission(row []driver.Value) (*submission, error) {
	s := &submission{key: asInt(row[0]), flowDue: asInt(row[6])}
	copy(s.ID[:], asBytes(row[1]))
	s.Municipality, s.Service, s.Portal = asString(row[2]), asString(row[3]), asString(row[4])
	s.State = submissionState(asInt(row[5]))
	u, ok := unseal(asBytes(row[7]), s.key, string(s.ID[:]), s.Municipality, s.Service, s.Portal, string(s.State))
	s.was = s.State
	if !ok && s.State == hub.SubmissionDamaged {
		if restored, is := s.unsealRestored(asBytes(row[7])); is {
			u, ok = restored, true
		}
	}
	if !ok || s.State == "" {
		bad := &submission{key: s.key, was: s.was}
		bad.ID, bad.Municipality, bad.Service, bad.Portal = s.ID, s.Municipality, s.Service, s.Portal
		bad.State, bad.ReceivedAt = hub.SubmissionDamaged, s.ID.Time()
		if s.unpack(u); len(s.dataKey) > keyTail {
			bad.lost = s.dataKey
		}
		bad.wasFor = known(s.Reason)
		return bad, fmt.Errorf("submission %s: %w", s.ID, store.ErrDamaged)
	}
	s.unpack(u)
	s.wasFor = s.Reason
	if u.bad {
		return s, fmt.Errorf("submission %s: %w", s.ID, store.ErrDamaged)
	}
	return s, nil
}

func (s *submission) unpack(u *unpacker) {
	s.Channel = u.str()
	s.Reason = hub.ParkReason(u.str())
	s.Code = u.str()
	s.Consent.Given = u.bool()
	s.Consent.At = u.time()
	s.Consent.Wording = u.str()
	s.ReceivedAt = u.time()
	s.SettledAt = u.time()
	s.Revision = u.str()
	s.Format = u.str()
	copy(s.SHA256[:], u.bytes())
	s.Size = u.int()
	s.Attachments = int(u.int())
	s.Trace = u.str()
	s.Version = u.int()
	s.planned = u.int()
	s.plannedAt = u.int()
	s.order = u.bytes()
	s.dataKey = u.bytes()
	s.unpackExtra(u)
}

// unsealRestored opens the row of a damaged submission whose content was put
// right afterwards: it was sealed before it was set aside, under another state.
func (s *submission) unsealRestored(body []byte) (*unpacker, bool) {
	for i, before := range submissionStates {
		if i == 0 || i == stateDamaged {
			continue
		}
		if u, ok := unseal(body, s.key, string(s.ID[:]), s.Municipality, s.Service, s.Portal, string(before)); ok {
			return u, true
		}
	}
	return nil, false
}

// attempt is one try as it is stored.
type attempt struct {
	hub.Attempt
	detail []byte
	led    hub.DeliveryState // what the delivery became
	reason hub.ParkReason
}

func (a *attempt) pack(p *packer) {
	p.int(int64(a.N))
	p.time(a.At)
	p.int(int64(a.Took))
	p.str(a.Node)
	p.str(a.Kind)
	p.str(a.Outcome)
	p.str(a.Code)
	p.bytes(a.detail)
	p.str(string(a.led))
	p.str(string(a.reason))
}

func unpackAttempt(u *unpacker) *attempt {
	a := &attempt{}
	a.N = int(u.int())
	a.At = u.time()
	a.Took = asDuration(u.int())
	a.Node = u.str()
	a.Kind = u.str()
	a.Outcome = u.str()
	a.Code = u.str()
	a.detail = u.bytes()
	a.led = hub.DeliveryState(u.str())
	a.reason = hub.ParkReason(u.str())
	return a
}

// delivery is a row of that table.
type delivery struct {
	hub.Delivery
	key      int64
	due      int64 // 0 where nothing is due
	rendered bool  // there is a document
	document int64 // its number; see documents.go
	revision string
	owner    string
	lease    int64
	fence    int64
	asked    bool      // in sending: what was taken before is being asked for
	since    time.Time // when it could be sent first, in this life; of one that is open
	records  int64     // outcomes recorded so far: this delivery's part of the version
	order    []byte
	answer   []byte
	token    []byte
	last     *attempt // nil before the first
	was      hub.DeliveryState
	wasFor   hub.ParkReason
	// aside: its submission is damaged. Then it counts only while it is being sent.
	aside, wasAside bool
}

// waits notes since when an open delivery can be sent; one that has ended, or waits for a
// person, begins anew when it is put back.
func (d *delivery) waits() {
	switch d.State {
	case hub.DeliveryPending, hub.DeliverySending, hub.DeliveryAwaiting:
		if d.since.IsZero() {
			d.since = d.UpdatedAt
		}
	default:
		d.since = time.Time{}
	}
}

func (d *delivery) encode() []byte {
	d.waits()
	p := packer{make([]byte, 0, 320)}
	p.str(d.Role)
	p.str(d.Document)
	p.int(int64(len(d.After)))
	for _, n := range d.After {
		p.int(int64(n))
	}
	p.bool(d.Optional)
	p.str(string(d.Reason))
	p.str(d.Code)
	p.time(d.NotBefore)
	p.int(int64(d.Attempts))
	p.time(d.FirstAt)
	p.time(d.UpdatedAt)
	p.time(d.SettledAt)
	p.bool(d.Uncertain)
	p.hex(d.SHA256)
	p.bool(d.rendered)
	p.str(d.revision)
	p.str(d.owner)
	p.int(d.lease)
	p.int(d.fence)
	p.int(d.records)
	p.bytes(d.order)
	p.bytes(d.answer)
	p.bytes(d.token)
	p.bool(d.last != nil)
	if d.last != nil {
		d.last.pack(&p)
	}
	p.int(d.document)
	p.bool(d.asked)
	p.time(d.since)
	return p.seal(d.key, d.System, string(d.State))
}

// deliveryColumns is what decodeDelivery takes, in this order.
const deliveryColumns = "key, system, state, due, body"

// decodeDelivery reads a row of the given submission. Where the row fails its
// check, the error is ErrDamaged and the rest is given all the same.
func decodeDelivery(of hub.ID, row []driver.Value) (*delivery, error) {
	d := &delivery{key: asInt(row[0]), due: asInt(row[3])}
	d.ID = of.Delivery(ordinal(d.key))
	d.System, d.State = asString(row[1]), deliveryState(asInt(row[2]))
	d.was = d.State
	u, ok := unseal(asBytes(row[4]), d.key, d.System, string(d.State))
	if !ok || d.State == "" {
		d.document = unknownDocument
		d.wasFor = parkedFor(u)
		return d, fmt.Errorf("delivery %s: %w", d.ID, store.ErrDamaged)
	}
	d.Role = u.str()
	d.Document = u.str()
	if n := u.int(); n > 0 && n < 256 {
		d.After = make([]int, n)
		for i := range d.After {
			d.After[i] = int(u.int())
		}
	}
	d.Optional = u.bool()
	d.Reason = hub.ParkReason(u.str())
	d.Code = u.str()
	d.NotBefore = u.time()
	d.Attempts = int(u.int())
	d.FirstAt = u.time()
	d.UpdatedAt = u.time()
	d.SettledAt = u.time()
	d.Uncertain = u.bool()
	d.SHA256 = u.hex()
	d.rendered = u.bool()
	d.revision = u.str()
	d.owner = u.str()
	d.lease = u.int()
	d.fence = u.int()
	d.records = u.int()
	d.order = u.bytes()
	d.answer = u.bytes()
	d.token = u.bytes()
	if u.bool() {
		d.last = unpackAttempt(u)
		d.last.Delivery = d.ID
	}
	if len(u.b) > 0 {
		d.document = u.int()
	}
	if len(u.b) > 0 {
		d.asked = u.bool()
	} else { // of an earlier version: the attempt before has left it awaiting; a replay begins to count anew
		d.asked = d.last != nil && d.last.led == hub.DeliveryAwaiting && d.Attempts == d.last.N+1
	}
	if len(u.b) > 0 {
		d.since = u.time()
	} else if d.waits(); !d.since.IsZero() && !d.FirstAt.IsZero() { // of an earlier version
		d.since = d.FirstAt
	}
	d.wasFor = d.Reason
	if u.bad {
		return d, fmt.Errorf("delivery %s: %w", d.ID, store.ErrDamaged)
	}
	return d, nil
}

// parkedFor is the reason in a body that fails its check, as far as it can be told: it is
// what the tally has counted.
func parkedFor(u *unpacker) hub.ParkReason {
	_, _ = u.str(), u.str()
	for n := u.int(); n > 0 && n < 256 && !u.bad; n-- {
		u.int()
	}
	u.bool()
	return known(hub.ParkReason(u.str()))
}

// known is a reason if it is one.
func known(r hub.ParkReason) hub.ParkReason {
	if slices.Contains(hub.ParkReasons, r) {
		return r
	}
	return ""
}

// head is the part of a submission's content that is not sealed as a whole.
type head struct {
	fingerprint [32]byte
	answer      []byte
	attachments []store.SealedAttachment
}

func (h *head) encode(key int64) []byte {
	p := packer{make([]byte, 0, 256)}
	p.bytes(h.fingerprint[:])
	p.bytes(h.answer)
	p.int(int64(len(h.attachments)))
	for _, a := range h.attachments {
		p.int(int64(a.N))
		p.bytes(a.Info)
		p.str(a.File)
	}
	return p.seal(key)
}

func decodeHead(key int64, body []byte) (*head, error) {
	u, ok := unseal(body, key)
	if !ok {
		return nil, fmt.Errorf("head of the content: %w", store.ErrDamaged)
	}
	h := &head{}
	copy(h.fingerprint[:], u.bytes())
	h.answer = u.bytes()
	for n := u.int(); n > 0 && !u.bad; n-- {
		h.attachments = append(h.attachments, store.SealedAttachment{N: int(u.int()), Info: u.bytes(), File: u.str()})
	}
	if u.bad {
		return nil, fmt.Errorf("head of the content: %w", store.ErrDamaged)
	}
	return h, nil
}

// clone is the delivery as callers get it: nothing in it is shared with the row.
func (d *delivery) clone() hub.Delivery {
	c := d.Delivery
	c.After = slices.Clone(d.After)
	return c
}
