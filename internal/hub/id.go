package hub

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"time"
)

// ID names a submission or one of its deliveries. It is a UUIDv7: 48 bits of
// Unix milliseconds, a counter that makes ids of one process strictly rising,
// and random bits. Its last byte is the delivery's ordinal, 0 for the submission
// itself, so a delivery names its submission and sorts right behind it.
type ID [16]byte

// Zero reports whether the id was never set.
func (id ID) Zero() bool { return id == ID{} }

// Submission is the id of the submission that this delivery belongs to.
func (id ID) Submission() ID { id[15] = 0; return id }

// Delivery is the id of the submission's n-th delivery, n from 1 to 255.
func (id ID) Delivery(n int) ID { id[15] = byte(n); return id }

// Ordinal is the delivery's place in its submission, 0 for a submission.
func (id ID) Ordinal() int { return int(id[15]) }

// Time is when the id was made, to the millisecond.
func (id ID) Time() time.Time {
	return time.UnixMilli(int64(id.millis())).UTC()
}

func (id ID) millis() uint64 {
	return uint64(id[0])<<40 | uint64(id[1])<<32 | uint64(binary.BigEndian.Uint32(id[2:6]))
}

// String is the canonical UUID text, 36 characters.
func (id ID) String() string {
	var b [36]byte
	hex.Encode(b[:8], id[:4])
	b[8] = '-'
	hex.Encode(b[9:13], id[4:6])
	b[13] = '-'
	hex.Encode(b[14:18], id[6:8])
	b[18] = '-'
	hex.Encode(b[19:23], id[8:10])
	b[23] = '-'
	hex.Encode(b[24:], id[10:])
	return string(b[:])
}

// MarshalText makes the id a string in JSON and YAML.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *ID) UnmarshalText(text []byte) error {
	got, err := ParseID(string(text))
	if err != nil {
		return err
	}
	*id = got
	return nil
}

// ErrNotAnID is the answer of ParseID and ParseNumber to any other text.
var ErrNotAnID = errors.New("not an id of a submission")

// ParseID reads the canonical text of a UUIDv7.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return ID{}, ErrNotAnID
	}
	plain := s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	if _, err := hex.Decode(id[:], []byte(plain)); err != nil || id[6]>>4 != 7 || id[8]>>6 != 2 {
		return ID{}, ErrNotAnID
	}
	return id, nil
}

// crockford is the alphabet of the number: no I, L, O, U.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// numberEpoch is where the number's 40 bits of milliseconds start: they last
// until October 2060.
var numberEpoch = uint64(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli())

// Number is the form of a submission's id that is read out on the phone: twelve
// characters in groups of four, the last one a check character. It is part of
// the id, so finding a submission by it needs no index of its own.
func (id ID) Number() string {
	v := (id.millis()-numberEpoch)&(1<<40-1)<<15 | uint64(id[6]&0x0f)<<11 | uint64(id[7])<<3 | uint64(id[8]>>3&7)
	var c [11]byte
	for i := 10; i >= 0; i-- {
		c[i] = crockford[v&31]
		v >>= 5
	}
	return string(c[:4]) + "-" + string(c[4:8]) + "-" + string(c[8:]) + string(checkChar(c[:]))
}

// checkChar notices one wrong character and two in each other's place. It counts in the
// field of 32 elements (x⁵ + x² + 1), where each place has a weight of its own and no two
// characters are alike, as 0 and Z would be to a remainder by 31.
func checkChar(c []byte) byte {
	sum := 0
	for _, ch := range c {
		if sum = (sum ^ strings.IndexByte(crockford, ch)) << 1; sum > 31 {
			sum ^= 0b100101
		}
	}
	return crockford[sum]
}

// ParseNumber gives the first and the last id that a number can stand for; case,
// blanks and hyphens do not matter, and the letters O, I and L are read as 0 and 1.
func ParseNumber(s string) (first, last ID, err error) {
	s = strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(s))
	if len(s) != 12 {
		return ID{}, ID{}, ErrNotAnID
	}
	var v uint64
	for i := range 11 {
		d := strings.IndexByte(crockford, s[i])
		if d < 0 {
			return ID{}, ID{}, ErrNotAnID
		}
		v = v<<5 | uint64(d)
	}
	if checkChar([]byte(s[:11])) != s[11] {
		return ID{}, ID{}, ErrNotAnID
	}
	first.setMillis(v>>15 + numberEpoch)
	first[6] = 0x70 | byte(v>>11&0x0f)
	first[7] = byte(v >> 3)
	first[8] = 0x80 | byte(v&7)<<3
	last = first
	last[8] |= 7
	for i := 9; i < 16; i++ {
		last[i] = 0xff
	}
	return first, last, nil
}

func (id *ID) setMillis(ms uint64) {
	id[0], id[1] = byte(ms>>40), byte(ms>>32)
	binary.BigEndian.PutUint32(id[2:6], uint32(ms))
}

// IDs makes ids that rise strictly within one process, whatever the clock does.
// The zero value is ready; Now may be set before first use.
type IDs struct {
	Now func() time.Time

	mu    sync.Mutex
	ms    uint64
	count uint16
}

// Follow makes the ids rise behind one of an earlier process, though the clock was set
// back since. It is called before first use.
func (g *IDs) Follow(last ID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ms, g.count = last.millis(), uint16(last[6]&0x0f)<<8|uint16(last[7])
}

// New makes the id of a submission.
func (g *IDs) New() ID {
	var id ID
	if _, err := rand.Read(id[8:15]); err != nil {
		panic("hub: the system has no randomness: " + err.Error())
	}
	now := time.Now
	if g.Now != nil {
		now = g.Now
	}
	g.mu.Lock()
	if ms := uint64(now().UnixMilli()); ms > g.ms {
		g.ms, g.count = ms, uint16(id[14])
	} else if g.count++; g.count > 0x0fff {
		g.ms, g.count = g.ms+1, 0
	}
	ms, count := g.ms, g.count
	g.mu.Unlock()
	id.setMillis(ms)
	id[6] = 0x70 | byte(count>>8)
	id[7] = byte(count)
	id[8] = 0x80 | id[8]&0x3f
	id[15] = 0
	return id
}
