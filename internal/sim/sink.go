package sim

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// sink takes anything from anybody, fast: POST to any path, whose first segment
// is the system's name. It keeps an id, a short checksum and a count, so that
// millions of documents fit, and can be asked what arrived, how often, and
// whether it was the same each time.
type sink struct {
	*partner
	log *sinkLog // nil where nothing is written down

	mu      sync.Mutex
	arrived map[[16]byte]*arrival
	systems []string // by arrival.system
	counts  SinkCounts
	buffers sync.Pool
}

// arrival is what the sink knows of one id.
type arrival struct {
	sum     uint64 // first 8 bytes of the SHA-256 of the first body
	at      int64  // of the first time, microseconds since 1970
	times   uint16
	system  uint8
	altered bool
	mark    string
}

// Arrived is a line of the sink's account.
type Arrived struct {
	ID      string `json:"id"`
	System  string `json:"system"`
	SHA256  string `json:"sha256"` // its first 16 hex digits
	At      int64  `json:"at"`     // of the first time, microseconds since 1970
	Times   int    `json:"times"`
	Altered bool   `json:"altered,omitempty"`
	Mark    string `json:"mark,omitempty"`
}

func newSink(o Options) (*sink, error) {
	s := &sink{partner: newPartner("sink", o), arrived: map[[16]byte]*arrival{}, counts: SinkCounts{Systems: map[string]int{}}}
	s.buffers.New = func() any { return new(bytes.Buffer) }
	s.refuse = func(w http.ResponseWriter) {
		s.refused()
		answer(w, http.StatusUnprocessableEntity, map[string]string{"code": "abgelehnt"})
	}
	if !o.SinkLog {
		return s, nil
	}
	var err error
	s.log, err = openSinkLog(filepath.Join(o.Dir, "sink.log"), func(line Arrived) {
		sum, _ := hex.DecodeString(line.SHA256)
		s.remember(sinkKey(line.ID), line.System, binary.BigEndian.Uint64(sum), line.Mark, line.At)
	})
	return s, err
}

// sinkKey shortens an id to 16 bytes: a UUID's own, or a checksum's.
func sinkKey(id string) [16]byte {
	if u, err := uuid.Parse(id); err == nil {
		return u
	}
	h := sha256.Sum256([]byte(id))
	return [16]byte(h[:16])
}

var sinkAnswer = []byte(`{"nummer":"angenommen"}`)

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	id := r.Header.Get("Idempotency-Key")
	if id == "" || len(id) > 100 {
		answer(w, http.StatusBadRequest, map[string]string{"code": "schluessel-fehlt"})
		return
	}
	b := s.buffers.Get().(*bytes.Buffer)
	defer s.buffers.Put(b)
	b.Reset()
	if _, err := io.Copy(b, r.Body); err != nil {
		return // broke off
	}
	at := time.Now().UnixMicro()
	sum := sha256.Sum256(b.Bytes())
	system, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	mark := findMark(b.Bytes(), s.mark)
	same := s.remember(sinkKey(id), system, binary.BigEndian.Uint64(sum[:8]), mark, at)
	if s.log != nil {
		if err := s.log.write(Arrived{ID: id, System: system, SHA256: hex.EncodeToString(sum[:8]), At: at, Mark: mark}); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
	}
	w.Header()["Content-Type"] = []string{"application/json"}
	if !same {
		w.WriteHeader(http.StatusConflict)
		return
	}
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(sinkAnswer)
}

// remember counts an arrival; it reports false where the content is another one
// than before.
func (s *sink) remember(key [16]byte, system string, sum uint64, mark string, now int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.arrived[key]
	if a == nil {
		at := slices.Index(s.systems, system)
		if at < 0 {
			at = min(len(s.systems), 255)
			if at < 255 {
				s.systems = append(s.systems, system)
			}
		}
		a = &arrival{sum: sum, at: now, times: 1, system: uint8(at), mark: mark}
		s.arrived[key] = a
		s.counts.Documents++
		s.counts.Systems[s.system(a)]++
		return true
	}
	a.times = max(a.times, a.times+1) // stays at its most
	s.counts.Repeated++
	if a.sum != sum && !a.altered {
		a.altered = true
		s.counts.Altered++
	}
	return a.sum == sum
}

// SinkCounts are the sink's figures.
type SinkCounts struct {
	Documents int            `json:"documents"` // different ids
	Repeated  int            `json:"repeated"`  // arrivals beyond the first of an id
	Altered   int            `json:"altered"`   // ids that came with different contents
	Systems   map[string]int `json:"systems"`
}

func (s *sink) sums() SinkCounts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts
	c.Systems = maps.Clone(c.Systems)
	return c
}

func (s *sink) system(a *arrival) string {
	if int(a.system) < len(s.systems) {
		return s.systems[a.system]
	}
	return "other"
}

// account writes a line of JSON for each id, in order of the ids. The world may
// go on meanwhile: the account is of the moment it was asked for.
func (s *sink) account(w io.Writer) error {
	s.mu.Lock()
	lines := make([]Arrived, 0, len(s.arrived))
	for key, a := range s.arrived {
		var sum [8]byte
		binary.BigEndian.PutUint64(sum[:], a.sum)
		lines = append(lines, Arrived{uuid.UUID(key).String(), s.system(a), hex.EncodeToString(sum[:]), a.at, int(a.times), a.altered, a.mark})
	}
	s.mu.Unlock()
	slices.SortFunc(lines, func(a, b Arrived) int { return cmp.Compare(a.ID, b.ID) })
	out := json.NewEncoder(w)
	for _, line := range lines {
		if err := out.Encode(line); err != nil {
			return err
		}
	}
	return nil
}

func (s *sink) empty() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.arrived)
	s.counts = SinkCounts{Systems: map[string]int{}}
}
