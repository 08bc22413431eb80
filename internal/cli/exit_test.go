package cli

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"stellwerk/internal/web/admin"
)

func TestExitCodes(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want int
	}{
		"done":              {nil, 0},
		"failed":            {errors.New("x"), 1},
		"usage":             {wrongUsage("x"), 2},
		"usage at the hub":  {&admin.Problem{Status: 400}, 2},
		"findings":          {errFindings, 3},
		"not in the folder": {&notFoundError{errors.New("x")}, 4},
		"not at the hub":    {fmt.Errorf("x: %w", &admin.Problem{Status: 404}), 4},
		"unreachable":       {fmt.Errorf("x: %w", admin.ErrUnreachable), 5},
		"key":               {&admin.Problem{Status: 401}, 6},
		"portal's key":      {&portalRefusal{code: exitKey}, 6},
		"portal's refusal":  {&portalRefusal{code: exitFailed}, 1},
		"state":             {&admin.Problem{Status: 409}, 7},
		"hub's fault":       {&admin.Problem{Status: 500}, 1},
		"disk full":         {&admin.Problem{Status: 503}, 1},
		"interrupted":       {fmt.Errorf("%w: %w", admin.ErrUnreachable, context.Canceled), 1},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
