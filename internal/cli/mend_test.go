package cli

import (
	"strings"
	"testing"

	"stellwerk/internal/hub"
	"stellwerk/internal/web/admin"
)

// A damaged case is mended or closed as a whole, whatever its deliveries are.
func TestMendAndCloseDamaged(t *testing.T) {
	s := sampleCase()
	s.State = hub.SubmissionDamaged
	mended, settled := s, s
	mended.State, settled.State = hub.SubmissionRunning, hub.SubmissionSettled
	path := "/admin/v1/submissions/"
	c := newConsole(t, map[string]any{"GET " + path + s.Number: s, "POST " + path + s.Number + "/mend": mended,
		"POST " + path + s.ID.String() + "/close": settled})
	if got := c.run(0, "mend", s.Number, "--reason", "x"); got != s.Number+" mended; the case is running\n" {
		t.Errorf("mend says %q", got)
	}
	if got := c.run(0, "close", s.Number, "--reason", "x"); got != s.Number+" closed; the case is settled\n" {
		t.Errorf("close says %q", got)
	}
	c.run(exitUsage, "mend", s.Number)
	c.run(exitUsage, "mend", s.Number+"/1", "--reason", "x")
	refused := newConsole(t, map[string]any{"POST " + path + s.Number + "/mend": &admin.Problem{Status: 409, Code: admin.CodeDamaged, Detail: "still damaged: payload"}})
	refused.run(exitState, "mend", s.Number, "--reason", "x")
	if !strings.Contains(refused.errorText(), "still damaged: payload") {
		t.Errorf("the refusal says %q", refused.errorText())
	}
}
