package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"stellwerk/internal/audit"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/web/admin"
)

// auditVerdict is what checking the chain found, for JSON.
type auditVerdict struct {
	OK      bool   `json:"ok"`
	Entries int64  `json:"entries"`          // that hold
	Broken  int64  `json:"broken,omitempty"` // sequence number of the first that does not
	Why     string `json:"why,omitempty"`
	Seq     int64  `json:"seq"`                     // the end of the chain, as far as it holds
	Hash    string `json:"hash,omitempty"`          // of that entry
	Cut     bool   `json:"noted-cut-off,omitempty"` // the noted entry lay before the trail's beginning
}

// verifyAudit reads the whole trail, a thousand entries at a time, and checks that
// each follows from the one before. noted is an end of the chain that was kept
// elsewhere; "" for none.
func (p *Program) verifyAudit(ctx context.Context, c *admin.Client, noted string) error {
	mark, err := parseHead(noted)
	if err != nil {
		return err
	}
	var head audit.Head
	var start string // of a trail whose old end was cut off, as an entry of it must name it
	var cut int64
	v := auditVerdict{OK: true}
	for next := int64(1); next > 0 && v.OK; {
		t, err := c.Audit(ctx, admin.AuditFilter{From: next, Limit: 1000})
		if err != nil {
			return err
		}
		if s := t.Start; s != nil && next == 1 {
			begin, err := parseHead(fmt.Sprintf("%d:%s", s.Seq, s.Hash))
			if err != nil {
				return err
			}
			if mark != nil && mark.Seq == begin.Seq && mark.Hash != begin.Hash {
				v.OK, v.Broken, v.Why = false, mark.Seq, "it is not the entry that was noted: the trail was written anew"
				break
			}
			head, cut, start = *begin, s.Seq, fmt.Sprintf("%d:%s", s.Seq, s.Hash)
		}
		next = t.Next
		before := head
		if slices.ContainsFunc(t.Entries, func(e hub.AuditEntry) bool { return e.Action == store.ActionCut && e.Object == start }) {
			start = ""
		}
		var broken *audit.Broken
		if head, err = audit.Verify(head, t.Entries); errors.As(err, &broken) {
			v.OK, v.Broken, v.Why = false, broken.Seq, broken.Why
		} else if t.Damaged > 0 {
			v.OK, v.Broken, v.Why = false, t.Damaged, "the stored record that begins there fails its own check; what could be read of it follows from the entries before"
		}
		if mark != nil && before.Seq < mark.Seq && mark.Seq <= head.Seq {
			i := mark.Seq - before.Seq - 1
			if at := t.Entries[i]; at.Hash != hex.EncodeToString(mark.Hash[:]) {
				v.OK, v.Broken, v.Why = false, mark.Seq, "it is not the entry that was noted: the trail was written anew"
			}
		}
	}
	if mark != nil && v.OK && head.Seq < mark.Seq {
		v.OK, v.Broken, v.Why = false, head.Seq+1, fmt.Sprintf("the trail ends at %d, entry %d was noted: its end was cut off", head.Seq, mark.Seq)
	}
	if start != "" && v.OK {
		v.OK, v.Broken, v.Why = false, cut+1, "the trail begins here, and no entry of it says that what was before was cut off by rule"
	}
	v.Cut = mark != nil && mark.Seq <= cut
	v.Entries, v.Seq = head.Seq-cut, head.Seq
	if head.Seq > 0 {
		v.Hash = hex.EncodeToString(head.Hash[:])
	}
	if err := p.printChain(v, mark != nil); err != nil {
		return err
	}
	if !v.OK {
		return errFindings
	}
	return nil
}

func (p *Program) printChain(v auditVerdict, noted bool) error {
	if p.json {
		return p.emit(v)
	}
	switch {
	case !v.OK:
		p.say("the audit trail is broken at entry %d: %s", v.Broken, v.Why)
		p.say("the first %d entries hold", v.Entries)
	case noted && v.Cut:
		p.say("the audit trail holds: %d entries, none changed, left out or moved; the noted one was cut off by rule, like everything before entry %d", v.Entries, v.Seq-v.Entries+1)
	case noted:
		p.say("the audit trail holds: %d entries, none changed, left out or moved, and the noted one is among them", v.Entries)
	default:
		p.say("the audit trail holds: %d entries, none changed, left out or moved", v.Entries)
	}
	if v.OK && v.Seq > 0 {
		p.say("its end, to be kept elsewhere: %d:%s", v.Seq, v.Hash)
	}
	return nil
}

// parseHead reads an end of the chain as printChain writes it; nil for "".
func parseHead(s string) (*audit.Head, error) {
	if s == "" {
		return nil, nil
	}
	seq, hash, _ := strings.Cut(s, ":")
	n, err := strconv.ParseInt(seq, 10, 64)
	sum, bad := hex.DecodeString(hash)
	h := &audit.Head{Seq: n}
	if err != nil || bad != nil || n < 1 || copy(h.Hash[:], sum) != len(h.Hash) || len(sum) != len(h.Hash) {
		return nil, wrongUsage("--since-noted: %q is not the end of a chain: SEQ:HASH, as --verify prints it", s)
	}
	return h, nil
}
