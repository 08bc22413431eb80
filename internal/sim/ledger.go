package sim

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"sync"
	"time"
	"unicode/utf8"
)

// Received is a document that a partner has taken.
type Received struct {
	N           int               `json:"n"` // from 1, in the order of taking
	ID          string            `json:"id"`
	At          time.Time         `json:"at"`
	ContentType string            `json:"content-type,omitempty"`
	SHA256      string            `json:"sha256"`
	Text        string            `json:"text,omitempty"` // the document, where it is UTF-8
	Raw         []byte            `json:"raw,omitempty"`  // else
	Attachments []File            `json:"attachments,omitempty"`
	Answer      map[string]string `json:"answer,omitempty"`
}

// File is an attachment that a partner has taken.
type File struct {
	Name        string `json:"name"`
	ContentType string `json:"content-type,omitempty"`
	Size        int64  `json:"size"`
	SHA256      string `json:"sha256"`
}

// Counts are a partner's figures.
type Counts struct {
	Taken    int `json:"taken"`    // documents
	Repeated int `json:"repeated"` // recognised: same id, same content
	Altered  int `json:"altered"`  // refused: same id, other content
	Refused  int `json:"refused"`  // refused for what they say
}

// ledger is a partner's memory. It keeps every id and the newest documents.
type ledger struct {
	now  func() time.Time
	keep int

	lock   sync.Mutex
	byID   map[string]receipt
	newest []Received
	counts Counts
	marks  map[string]int // documents taken by the word in them that starts with mark
	mark   []byte
}

type receipt struct {
	sum    [32]byte
	answer map[string]string
}

func newLedger(now func() time.Time, keep int, mark string) *ledger {
	return &ledger{now: now, keep: keep, byID: map[string]receipt{}, marks: map[string]int{}, mark: []byte(mark)}
}

// what became of an id.
type taking int

const (
	taken taking = iota
	repeated
	altered
)

// incoming is a document at the door.
type incoming struct {
	id          string
	contentType string
	body        []byte
	files       []File
}

// take keeps a document unless its id is known; it gives the answer that belongs
// to the id. n counts from 1. A forgetful partner knows no ids.
func (l *ledger) take(in incoming, forgetful bool, answer func(n int) map[string]string) (map[string]string, taking) {
	h := sha256.New()
	h.Write(in.body)
	for _, f := range in.files {
		h.Write([]byte(f.SHA256))
	}
	var sum [32]byte
	h.Sum(sum[:0])

	l.lock.Lock()
	defer l.lock.Unlock()
	if known, ok := l.byID[in.id]; ok && !forgetful {
		if known.sum == sum {
			l.counts.Repeated++
			return known.answer, repeated
		}
		l.counts.Altered++
		return nil, altered
	}
	l.counts.Taken++
	given := answer(l.counts.Taken)
	l.byID[in.id] = receipt{sum, given}
	if m := findMark(in.body, l.mark); m != "" {
		l.marks[m]++
	}
	r := Received{N: l.counts.Taken, ID: in.id, At: l.now().UTC(), ContentType: in.contentType, SHA256: checksum(in.body), Attachments: in.files, Answer: given}
	if utf8.Valid(in.body) {
		r.Text = string(in.body)
	} else {
		r.Raw = slices.Clone(in.body)
	}
	if len(l.newest) >= l.keep {
		l.newest = slices.Delete(l.newest, 0, len(l.newest)-l.keep+1)
	}
	l.newest = append(l.newest, r)
	return given, taken
}

// find gives the answer that belongs to an id.
func (l *ledger) find(id string) (map[string]string, bool) {
	l.lock.Lock()
	defer l.lock.Unlock()
	known, ok := l.byID[id]
	return known.answer, ok
}

// again counts a repetition that was recognised by its id alone.
func (l *ledger) again() {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.counts.Repeated++
}

func (l *ledger) refused() {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.counts.Refused++
}

func (l *ledger) figures() Counts {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.counts
}

// received lists the newest documents after the n-th.
func (l *ledger) received(after int) []Received {
	l.lock.Lock()
	defer l.lock.Unlock()
	out := []Received{}
	for _, r := range l.newest {
		if r.N > after {
			out = append(out, r)
		}
	}
	return out
}

// forget empties the memory.
func (l *ledger) forget() {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.byID, l.newest, l.counts, l.marks = map[string]receipt{}, nil, Counts{}, map[string]int{}
}

// marked gives how many documents were taken of each mark.
func (l *ledger) marked() map[string]int {
	l.lock.Lock()
	defer l.lock.Unlock()
	return maps.Clone(l.marks)
}

// findMark gives the word of a body that starts with the mark; "" where there is none.
func findMark(body, mark []byte) string {
	if len(mark) == 0 {
		return ""
	}
	at := bytes.Index(body, mark)
	if at < 0 {
		return ""
	}
	end := at
	for end < len(body) && (body[end] == '-' || body[end] >= '0' && body[end] <= '9' || body[end] >= 'A' && body[end] <= 'Z' || body[end] >= 'a' && body[end] <= 'z') {
		end++
	}
	return string(body[at:end])
}

func checksum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}
