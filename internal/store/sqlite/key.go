package sqlite

import (
	"encoding/binary"
	"time"

	"stellwerk/internal/hub"
)

// A row's key is an id pressed into 63 bits, so that it can be SQLite's rowid: 41
// bits of milliseconds since 2020 (until 2089), the 12 bits of the id's counter,
// 2 random bits and the ordinal. Rows are then stored in the order of time, a
// submission's deliveries lie behind one another, and no index from id to row is
// needed. Within one process the counter makes keys unique; should two ids ever
// share a key (the clock was a day ahead before a restart), the second is refused.
const (
	ordinalBits = 8
	ordinalMask = 1<<ordinalBits - 1
)

var keyEpoch = uint64(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli())

// keyOf is the key of a submission or a delivery.
func keyOf(id hub.ID) int64 {
	ms := (binary.BigEndian.Uint64(id[:8])>>16 - keyEpoch) & (1<<41 - 1)
	v := ms<<14 | uint64(id[6]&0x0f)<<10 | uint64(id[7])<<2 | uint64(id[8]>>4&3)
	return int64(v<<ordinalBits | uint64(id[15]))
}

// idOf is the first id that a key can stand for: its other random bits are not in the key.
func idOf(key int64) (id hub.ID) {
	v := uint64(key) >> ordinalBits
	binary.BigEndian.PutUint64(id[:8], (v>>14+keyEpoch)<<16|0x7000|v>>2&0xfff)
	id[8], id[15] = 0x80|byte(v&3)<<4, byte(key&ordinalMask)
	return id
}

// submissionKey is the key of the submission that a key belongs to.
func submissionKey(key int64) int64 { return key &^ ordinalMask }

// ordinal of a delivery's key.
func ordinal(key int64) int { return int(key & ordinalMask) }
