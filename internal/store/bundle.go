package store

import (
	"context"
	"time"

	"stellwerk/internal/hub"
)

// Bundles is what bundles need. Their parts are submissions like any other: Accept
// adds them.
type Bundles interface {
	// OpenBundle writes a new bundle, or gives the earlier one where portal and
	// idempotency key were used before with the same fingerprint (Replayed is true
	// then). ErrKeyReused where the fingerprint differs. Keys of bundles and of
	// submissions do not meet.
	OpenBundle(ctx context.Context, o *BundleOpening) (OpenedBundle, error)
	// Bundle reads a bundle with the submissions in it, in order of their receipt. One
	// that is damaged is given as far as it can be read.
	Bundle(ctx context.Context, id hub.ID) (*BundleCase, error)
	// FindBundles gives the bundles whose ids lie between the two, these included,
	// oldest first; at most limit.
	FindBundles(ctx context.Context, first, last hub.ID, limit int) ([]hub.Bundle, error)
	// AnswerBundle replaces the answers. ErrState where the bundle is closed.
	AnswerBundle(ctx context.Context, id hub.ID, answers []byte, actor string, at time.Time) error
	// CloseBundle ends the adding of submissions. One that is closed stays as it is.
	// Where its new status is news to a portal that wants callbacks, the flow is due for
	// one of its submissions: ring names it, zero for none.
	CloseBundle(ctx context.Context, id hub.ID, actor string, at time.Time) (ring hub.ID, err error)
	// ForgetAnswers destroys the answers of bundles, with their key, and says of how many:
	// of those that were closed before then and whose submissions have all settled, of
	// those whose submissions are all erased, and of those that nobody has changed since
	// stale, which are closed by it. A hold on a submission keeps them.
	ForgetAnswers(ctx context.Context, closed, stale, at time.Time) (int, error)
	// BundleEvents is a bundle's story, oldest first: opened, answers-changed,
	// part-added, part-settled (Text is the part's name), closed.
	BundleEvents(ctx context.Context, id hub.ID) ([]hub.Event, error)
}

// BundleOpening is everything about a bundle that must be durable before it is
// acknowledged.
type BundleOpening struct {
	Bundle      hub.Bundle // Version 1, not closed
	Key         string     // the portal's idempotency key
	Fingerprint [32]byte   // of the request's content, without the submissions
	DataKey     []byte     // wrapped; bound to the portal's name in the municipality's place
	Answers     []byte     // sealed hub.BundleAnswers
	Actor       string     // for the audit line
}

// OpenedBundle is the answer to an opening.
type OpenedBundle struct {
	Bundle   hub.Bundle
	Replayed bool
}

// BundleCase is a bundle with what is in it.
type BundleCase struct {
	Bundle  hub.Bundle
	DataKey []byte // nil once the answers are forgotten
	Answers []byte // sealed
	Parts   []Status
}

// Standing is what is told of the bundle, by all its parts.
func (b *BundleCase) Standing() hub.Standing {
	parts := make([]hub.CaseStatus, len(b.Parts))
	for i := range b.Parts {
		parts[i] = hub.PartStatus(&b.Parts[i].Submission, b.Parts[i].Deliveries)
	}
	return hub.BundleStanding(b.Bundle.Closed(), parts)
}
