package audit

import (
	"errors"
	"slices"
	"testing"
	"time"

	"stellwerk/internal/hub"
)

func chain(n int) []hub.AuditEntry {
	var head Head
	at := time.Date(2026, 3, 1, 8, 0, 0, 123456789, time.FixedZone("CET", 3600))
	entries := make([]hub.AuditEntry, n)
	for i := range entries {
		entries[i] = hub.AuditEntry{At: at.Add(time.Duration(i) * time.Second), Actor: "operator:meier", Action: "replayed", Object: "x", Reason: "y"}
		head.Append(&entries[i])
	}
	return entries
}

func TestChainHolds(t *testing.T) {
	entries := chain(5)
	head, err := Verify(Head{}, entries[:2])
	if err != nil {
		t.Fatal(err)
	}
	head, err = Verify(head, entries[2:])
	if err != nil || head.Seq != 5 {
		t.Errorf("the second half: head %d, %v", head.Seq, err)
	}
}

func TestVerifyNamesTheFirstBrokenEntry(t *testing.T) {
	tests := map[string]struct {
		change func([]hub.AuditEntry) []hub.AuditEntry
		index  int
	}{
		"actor":  {func(e []hub.AuditEntry) []hub.AuditEntry { e[2].Actor = "operator:schulze"; return e }, 2},
		"action": {func(e []hub.AuditEntry) []hub.AuditEntry { e[2].Action = "closed"; return e }, 2},
		"object": {func(e []hub.AuditEntry) []hub.AuditEntry { e[2].Object = "z"; return e }, 2},
		"reason": {func(e []hub.AuditEntry) []hub.AuditEntry { e[2].Reason = ""; return e }, 2},
		"time":   {func(e []hub.AuditEntry) []hub.AuditEntry { e[2].At = e[2].At.Add(time.Microsecond); return e }, 2},
		"hash":   {func(e []hub.AuditEntry) []hub.AuditEntry { e[4].Hash = e[3].Hash; return e }, 4},
		"words": {func(e []hub.AuditEntry) []hub.AuditEntry {
			e[1].Actor, e[1].Action = e[1].Actor+"r", "eplayed"
			return e
		}, 1},
		"removed": {func(e []hub.AuditEntry) []hub.AuditEntry { return slices.Delete(e, 1, 2) }, 1},
		"moved":   {func(e []hub.AuditEntry) []hub.AuditEntry { e[3], e[4] = e[4], e[3]; return e }, 3},
		"inserted": {func(e []hub.AuditEntry) []hub.AuditEntry {
			return slices.Insert(e, 3, hub.AuditEntry{Seq: 4, Actor: "x"})
		}, 3},
		"first": {func(e []hub.AuditEntry) []hub.AuditEntry { return e[1:] }, 0},
	}
	for name, test := range tests {
		_, err := Verify(Head{}, test.change(chain(5)))
		var broken *Broken
		if !errors.As(err, &broken) || broken.Index != test.index {
			t.Errorf("%s: %v, want entry at %d named", name, err, test.index)
		}
	}
}

func TestRenumberedEntryIsBroken(t *testing.T) {
	entries := slices.Delete(chain(5), 1, 2)
	for i := range entries {
		entries[i].Seq = int64(i) + 1
	}
	_, err := Verify(Head{}, entries)
	var broken *Broken
	if !errors.As(err, &broken) || broken.Index != 1 {
		t.Errorf("%v, want entry at 1 named", err)
	}
}
