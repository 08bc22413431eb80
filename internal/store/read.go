package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stellwerk/internal/hub"
)

// reader is what Read needs of a store.
type reader interface {
	Submission(ctx context.Context, id hub.ID) (*Status, error)
	Damage(ctx context.Context, id hub.ID, what string, at time.Time) error
}

// Read is Submission for those who are asked about one. Rows that fail their check are no
// fault of the store: whoever comes upon them first sets the submission aside, and from
// then on it is told as far as it can be, and can be mended or closed.
func Read(ctx context.Context, s reader, id hub.ID, at time.Time) (*Status, error) {
	status, err := s.Submission(ctx, id)
	if !errors.Is(err, ErrDamaged) {
		return status, err
	}
	if err := s.Damage(context.WithoutCancel(ctx), id, "row", at); err != nil {
		return nil, fmt.Errorf("set submission %s aside: %w", id, err)
	}
	return s.Submission(ctx, id)
}
