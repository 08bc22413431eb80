package cli

import (
	"context"
	"errors"
	"net/http"

	"stellwerk/internal/web/admin"
)

// The exit codes; doc.go says what they mean.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitFindings    = 3
	exitNotFound    = 4
	exitUnreachable = 5
	exitKey         = 6
	exitState       = 7
)

// usageError is a command that was not written as it must be.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// errFindings ends a command that has said what it found.
var errFindings = errors.New("there are findings")

// notFoundError is something that a folder, not the hub, does not have.
type notFoundError struct{ err error }

func (e *notFoundError) Error() string { return e.err.Error() }
func (e *notFoundError) Unwrap() error { return e.err }

// exitCode is the one place where an error becomes a code.
func exitCode(err error) int {
	var usage *usageError
	var missing *notFoundError
	var problem *admin.Problem
	var refusal *portalRefusal
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, errFindings):
		return exitFindings
	case errors.As(err, &missing):
		return exitNotFound
	case errors.As(err, &problem):
		return exitOfStatus(problem.Status)
	case errors.As(err, &refusal):
		return refusal.code
	case errors.Is(err, context.Canceled):
		return exitFailed // interrupted, which is not the hub's fault
	case errors.Is(err, admin.ErrUnreachable), errors.Is(err, admin.ErrNoAnswer):
		return exitUnreachable
	}
	return exitFailed
}

func exitOfStatus(status int) int {
	switch status {
	case http.StatusBadRequest:
		return exitUsage
	case http.StatusNotFound:
		return exitNotFound
	case http.StatusUnauthorized, http.StatusForbidden:
		return exitKey
	case http.StatusConflict, http.StatusGone:
		return exitState
	}
	return exitFailed
}
