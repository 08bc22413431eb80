package store

import (
	"context"
	"errors"

	"stellwerk/internal/hub"
)

// ErrUsedUp: a number range has no number left.
var ErrUsedUp = errors.New("the number range is used up")

// Numbers gives away the numbers of the municipalities' ranges, each once.
type Numbers interface {
	// Number gives a record of a submission the next number of a range, and the same one
	// whenever it is asked for again, whatever the range is by then. A number is never
	// given twice, not even where it was not used or its submission is deleted. ErrUsedUp
	// where none is left, ErrNotFound and ErrErased where there is no such submission.
	Number(ctx context.Context, o NumberOrder) (int64, error)
	// Ranges tells of every range from which a number was given away.
	Ranges(ctx context.Context) ([]NumberRange, error)
}

// NumberOrder asks for a number from First to Last.
type NumberOrder struct {
	Municipality, Range string
	First, Last         int64
	Submission          hub.ID
	Record              string // which of the things that the submission is about
}

// NumberRange is how far a range has got.
type NumberRange struct {
	Municipality, Range string
	Last                int64 // the one that was given away last
}
