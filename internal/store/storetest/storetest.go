// Package storetest is the contract of store.Store as a suite that every
// implementation runs. The clock is moved by parameters; nothing sleeps.
package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// Test runs the suite. open gives an empty store and closes it when the test ends.
func Test(t *testing.T, open func(t *testing.T) store.Store) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(*fixture)
	}{
		{"AcceptedIsThere", acceptedIsThere},
		{"AcceptRefusesNonsense", acceptRefusesNonsense},
		{"IdempotencyKey", idempotencyKey},
		{"ForgetKeys", forgetKeys},
		{"ManyKeys", manyKeys},
		{"DueAndAdvance", dueAndAdvance},
		{"CasesAreCase", casesAreCase},
		{"AdvanceRefuses", advanceRefuses},
		{"FlowIndexesOnce", flowIndexesOnce},
		{"ParkedByTheFlow", parkedByTheFlow},
		{"Damage", damage},
		{"Mend", mend},
		{"MendWhatWasOnItsWay", mendWhatWasOnItsWay},
		{"MendKeepsTheEnd", mendKeepsTheEnd},
		{"MendInOrder", mendInOrder},
		{"CloseDamaged", closeDamaged},
		{"ClaimGivesDueOnes", claimGivesDueOnes},
		{"ClaimLimit", claimLimit},
		{"ClaimedAtOnce", claimedAtOnce},
		{"ClaimedAtOnceUnlessHeldOrPaused", claimedAtOnceUnlessHeldOrPaused},
		{"ClaimedAtOnceSendsTheNewest", claimedAtOnceSendsTheNewest},
		{"Progress", progress},
		{"ReachedInAnotherWay", reachedInAnotherWay},
		{"Hurry", hurry},
		{"StrandAndReturn", strandAndReturn},
		{"WaitsSince", waitsSince},
		{"WaitsSinceTheQuestion", waitsSinceTheQuestion},
		{"ReturnLeavesTheRest", returnLeavesTheRest},
		{"StrandLeavesAnswers", strandLeavesAnswers},
		{"StrandWhatWasTakenOnce", strandWhatWasTakenOnce},
		{"WithdrawnWhileStranded", withdrawnWhileStranded},
		{"RecordDelivered", recordDelivered},
		{"RecordRetry", recordRetry},
		{"RecordAwaiting", recordAwaiting},
		{"RecordAwaitingLearnsNothing", recordAwaitingLearnsNothing},
		{"NoticeAwaiting", noticeAwaiting},
		{"NoticeSettled", noticeSettled},
		{"NoticeRescued", noticeRescued},
		{"BundleToldOfTheMended", bundleToldOfTheMended},
		{"WithdrawParkedAndDamaged", withdrawParkedAndDamaged},
		{"ClosedDamagedCounts", closedDamagedCounts},
		{"NoticeParked", noticeParked},
		{"NoticeEnded", noticeEnded},
		{"NoticeRefuses", noticeRefuses},
		{"TellNews", tellNews},
		{"TellNobody", tellNobody},
		{"TellWhatPeopleDo", tellWhatPeopleDo},
		{"TellWithdrawal", tellWithdrawal},
		{"TellRings", tellRings},
		{"OrderGoesAhead", orderGoesAhead},
		{"OrderGoesAheadUnclear", orderGoesAheadUnclear},
		{"TellWhileOneIsSent", tellWhileOneIsSent},
		{"TellErased", tellErased},
		{"TellRefuses", tellRefuses},
		{"TellNewAnswer", tellNewAnswer},
		{"TellSameAnswer", tellSameAnswer},
		{"RecordParked", recordParked},
		{"RecordNotCounted", recordNotCounted},
		{"RecordNotCountedLater", recordNotCountedLater},
		{"RecordKeepsTheCode", recordKeepsTheCode},
		{"RecordAwaitingNews", recordAwaitingNews},
		{"RecordOfADamagedOne", recordOfADamagedOne},
		{"PutBackAgain", putBackAgain},
		{"PutBackForAnotherReason", putBackForAnotherReason},
		{"RecordStale", recordStale},
		{"SubmissionStateFollows", submissionStateFollows},
		{"SuccessorsAfterPredecessors", successorsAfterPredecessors},
		{"MovesWithItsRole", movesWithItsRole},
		{"RescueOfAQuestion", rescueOfAQuestion},
		{"ClosedTakesItsSuccessorsAlong", closedTakesItsSuccessorsAlong},
		{"OrderHoldsBack", orderHoldsBack},
		{"OrderUnplannedHoldsBack", orderUnplannedHoldsBack},
		{"OrderParkedHoldsBack", orderParkedHoldsBack},
		{"OrderRefundHoldsNobodyBack", orderRefundHoldsNobodyBack},
		{"OrderOtherSystemsAreFree", orderOtherSystemsAreFree},
		{"OrderFollowsTheRole", orderFollowsTheRole},
		{"OrderDamagedAndClosedDoNot", orderDamagedAndClosedDoNot},
		{"OrderNamesThePredecessor", orderNamesThePredecessor},
		{"OrderManyBehindOne", orderManyBehindOne},
		{"OrderPutBackTogether", orderPutBackTogether},
		{"PausedIsNotClaimed", pausedIsNotClaimed},
		{"LeaseExpires", leaseExpires},
		{"LeaseExtended", leaseExtended},
		{"Rescue", rescue},
		{"ReplaySame", replaySame},
		{"ReplayAnew", replayAnew},
		{"ReplayRefuses", replayRefuses},
		{"Reopen", reopen},
		{"CloseDelivery", closeDelivery},
		{"ClosePayment", closePayment},
		{"CloseDue", closeDue},
		{"CloseSubmission", closeSubmission},
		{"WithdrawBeforeThePlan", withdrawBeforeThePlan},
		{"WithdrawInTheMiddle", withdrawInTheMiddle},
		{"WithdrawWhileSending", withdrawWhileSending},
		{"WithdrawWhatMayHaveArrived", withdrawWhatMayHaveArrived},
		{"WithdrawHandedOn", withdrawHandedOn},
		{"WithdrawLeavesWhatWasTaken", withdrawLeavesWhatWasTaken},
		{"WithdrawPaid", withdrawPaid},
		{"WithdrawPaidThere", withdrawPaidThere},
		{"WithdrawPaidIsToldOnce", withdrawPaidIsToldOnce},
		{"WithdrawTooLate", withdrawTooLate},
		{"WithdrawDamaged", withdrawDamaged},
		{"EraseWhole", eraseWhole},
		{"EraseInSteps", eraseInSteps},
		{"EraseRefuses", eraseRefuses},
		{"EraseOptional", eraseOptional},
		{"EraseNamesWhoHadIt", eraseNamesWhoHadIt},
		{"EraseKeepsTheReceipt", eraseKeepsTheReceipt},
		{"EraseMany", eraseMany},
		{"CutAudit", cutAudit},
		{"NumberRanges", numberRanges},
		{"NumbersAtOnce", numbersAtOnce},
		{"NumbersOfTheDeleted", numbersOfTheDeleted},
		{"Holds", holds},
		{"Walk", walk},
		{"ListFilters", listFilters},
		{"ListPages", listPages},
		{"Search", search},
		{"Events", events},
		{"AttemptsAndDocument", attemptsAndDocument},
		{"Municipalities", municipalities},
		{"Figures", figures},
		{"AuditTrail", auditTrail},
		{"Rewrap", rewrap},
		{"BundleOpened", bundleOpened},
		{"BundleKey", bundleKey},
		{"BundleParts", bundleParts},
		{"BundleRefusesParts", bundleRefusesParts},
		{"BundleLife", bundleLife},
		{"BundleFind", bundleFind},
		{"BundleRewrap", bundleRewrap},
		{"BundleTold", bundleTold},
		{"BundleForgets", bundleForgets},
		{"Jobs", jobs},
		{"Healthy", healthy},
		{"CancelledContext", cancelledContext},
		{"UnknownIDs", unknownIDs},
		{"Concurrent", concurrent},
		{"ConcurrentClaims", concurrentClaims},
		{"ConcurrentSameKey", concurrentSameKey},
		{"RandomLives", randomLives},
	} {
		t.Run(test.name, func(t *testing.T) {
			now := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
			f := &fixture{T: t, Store: open(t), ctx: t.Context(), now: now}
			f.ids.Now = func() time.Time { return f.now }
			test.run(f)
		})
	}
}

// fixture is a store with a clock.
type fixture struct {
	*testing.T
	store.Store
	ctx context.Context
	ids hub.IDs
	now time.Time
	n   int
}

const node = "node-1"

func (f *fixture) pass(d time.Duration) { f.now = f.now.Add(d) }

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) mustBe(err, want error) {
	f.Helper()
	if !errors.Is(err, want) {
		f.Fatalf("%v, want %v", err, want)
	}
}

func equal[T comparable](f *fixture, what string, got, want T) {
	f.Helper()
	if got != want {
		f.Fatalf("%s: %v, want %v", what, got, want)
	}
}

// acceptance is a good one with a key of its own.
func (f *fixture) acceptance() *store.Acceptance {
	f.n++
	id := f.ids.New()
	payload := []byte("sealed payload of " + id.String())
	return &store.Acceptance{
		Submission: hub.Submission{
			ID: id, Municipality: "05974040", Service: "hundeanmeldung", Portal: "soest", Channel: "portal",
			State: hub.SubmissionAccepted, Consent: hub.Consent{Given: true, At: f.now, Wording: "2026-01"},
			ReceivedAt: f.now, Revision: "r1", Format: "xml", SHA256: sha256.Sum256(payload), Size: int64(len(payload)),
			Trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", Version: 1,
		},
		Key: fmt.Sprintf("key-%d", f.n), Fingerprint: sha256.Sum256(payload), Answer: []byte(`{"id":"` + id.String() + `"}`),
		DataKey: []byte("wrapped " + id.String()), Meta: []byte("sealed meta"), Payload: payload, Actor: "portal:soest",
	}
}

// accept accepts a submission, changed before by the given functions.
func (f *fixture) accept(change ...func(*store.Acceptance)) hub.ID {
	f.Helper()
	a := f.acceptance()
	for _, c := range change {
		c(a)
	}
	got, err := f.Accept(f.ctx, a)
	f.must(err)
	if got.ID != a.Submission.ID || got.Replayed {
		f.Fatalf("accept %s: %+v", a.Submission.ID, got)
	}
	return got.ID
}

func ordered(key string) func(*store.Acceptance) {
	return func(a *store.Acceptance) { a.OrderKey = []byte(key) }
}

// pending is a delivery as it is planned, with its document.
func (f *fixture) pending(id hub.ID, n int, system string) store.NewDelivery {
	d := id.Delivery(n)
	return store.NewDelivery{
		Delivery: hub.Delivery{ID: d, Role: "role-" + system, System: system, Document: "doc", State: hub.DeliveryPending, NotBefore: f.now},
		Document: document(d),
	}
}

func (f *fixture) waiting(id hub.ID, n int, system string, after ...int) store.NewDelivery {
	d := f.pending(id, n, system)
	d.State, d.Document, d.After, d.NotBefore = hub.DeliveryWaiting, nil, after, time.Time{}
	return d
}

func document(d hub.ID) *store.Rendered {
	body := []byte("sealed document of " + d.String())
	return &store.Rendered{Delivery: d, Head: []byte("head"), Body: body, SHA256: fmt.Sprintf("%x", sha256.Sum256(body)), Revision: "r1"}
}

// plan writes deliveries for a submission, which runs from then on.
func (f *fixture) plan(id hub.ID, deliveries ...store.NewDelivery) {
	f.Helper()
	f.advance(id, &store.Advance{State: hub.SubmissionRunning, Deliveries: deliveries})
}

func (f *fixture) advance(id hub.ID, a *store.Advance) {
	f.Helper()
	if a.At.IsZero() {
		a.At = f.now
	}
	f.must(f.Advance(f.ctx, id, f.status(id).Submission.Version, a))
}

// planned is a submission with pending deliveries to these systems.
func (f *fixture) planned(systems ...string) hub.ID {
	f.Helper()
	id := f.accept()
	var all []store.NewDelivery
	for i, s := range systems {
		all = append(all, f.pending(id, i+1, s))
	}
	f.plan(id, all...)
	return id
}

func (f *fixture) status(id hub.ID) *store.Status {
	f.Helper()
	s, err := f.Submission(f.ctx, id)
	f.must(err)
	return s
}

func (f *fixture) delivery(id hub.ID) hub.Delivery {
	f.Helper()
	for _, d := range f.status(id.Submission()).Deliveries {
		if d.ID == id {
			return d
		}
	}
	f.Fatalf("no delivery %s", id)
	return hub.Delivery{}
}

func (f *fixture) state(id hub.ID, want hub.SubmissionState) {
	f.Helper()
	equal(f, "state of the submission", f.status(id).Submission.State, want)
}

func (f *fixture) deliveryState(id hub.ID, want hub.DeliveryState) {
	f.Helper()
	equal(f, "state of the delivery", f.delivery(id).State, want)
}

func (f *fixture) claimSome(system string, limit int) []store.Task {
	f.Helper()
	tasks, err := f.Claim(f.ctx, store.Claim{System: system, Owner: node, Now: f.now, Lease: time.Minute, Limit: limit})
	f.must(err)
	return tasks
}

// claimOne claims the only delivery that is due to the system.
func (f *fixture) claimOne(system string) store.Task {
	f.Helper()
	tasks := f.claimSome(system, 10)
	if len(tasks) != 1 {
		f.Fatalf("claim for %s gives %d tasks, want 1", system, len(tasks))
	}
	return tasks[0]
}

func (f *fixture) claimNone(system string) {
	f.Helper()
	if tasks := f.claimSome(system, 10); len(tasks) != 0 {
		f.Fatalf("claim for %s gives %d tasks, want none", system, len(tasks))
	}
}

// took is how long every attempt of the suite takes: as finely measured as a real one,
// where the store keeps microseconds of a time.
const took = 5*time.Millisecond + 381*time.Nanosecond

// outcome is the record of a task that ends in a state.
func (f *fixture) outcome(t store.Task, state hub.DeliveryState) *store.Record {
	r := &store.Record{
		Attempt: hub.Attempt{Delivery: t.Delivery.ID, N: t.Delivery.Attempts, At: f.now, Took: took, Node: node, Kind: "send", Outcome: string(state)},
		Detail:  []byte("sealed detail"), Owner: node, Fence: t.Fence, State: state,
	}
	switch state {
	case hub.DeliveryDelivered:
		r.Answer = []byte("sealed answer of " + t.Delivery.ID.String())
	case hub.DeliveryParked:
		r.Reason, r.Attempt.Code, r.Attempt.Outcome = hub.ParkRefused, "iban-wrong", "refused"
	case hub.DeliveryPending:
		r.NotBefore, r.Attempt.Code, r.Attempt.Outcome = f.now.Add(time.Hour), "connection-refused", "retry"
	case hub.DeliveryAwaiting:
		r.NotBefore, r.Token, r.Answer = f.now.Add(time.Hour), []byte("sealed token"), []byte("sealed link")
	}
	return r
}

func (f *fixture) record(t store.Task, state hub.DeliveryState) store.Effect {
	f.Helper()
	e, err := f.Record(f.ctx, f.outcome(t, state))
	f.must(err)
	return e
}

// send claims the only due delivery to the system and records its end.
func (f *fixture) send(system string, state hub.DeliveryState) store.Effect {
	f.Helper()
	return f.record(f.claimOne(system), state)
}
