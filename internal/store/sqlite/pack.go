package sqlite

import (
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"time"
)

// castagnoli has an instruction of its own on today's processors.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// packer appends values one behind the other; unpacker reads them in the same order.
type packer struct{ b []byte }

func (p *packer) int(v int64)    { p.b = binary.AppendVarint(p.b, v) }
func (p *packer) str(s string)   { p.b = append(binary.AppendUvarint(p.b, uint64(len(s))), s...) }
func (p *packer) bytes(v []byte) { p.b = append(binary.AppendUvarint(p.b, uint64(len(v))), v...) }
func (p *packer) time(t time.Time) {
	p.int(micros(t))
}

func (p *packer) bool(v bool) {
	if v {
		p.b = append(p.b, 1)
	} else {
		p.b = append(p.b, 0)
	}
}

// hex packs text that is usually lower-case hex in half its length.
func (p *packer) hex(s string) {
	raw, err := hex.DecodeString(s)
	if err != nil || hex.EncodeToString(raw) != s {
		p.bool(false)
		p.str(s)
		return
	}
	p.bool(true)
	p.bytes(raw)
}

// seal ends a body with a checksum over the row's other columns and itself.
func (p *packer) seal(key int64, columns ...string) []byte {
	return binary.BigEndian.AppendUint32(p.b, checksum(p.b, key, columns))
}

func checksum(body []byte, key int64, columns []string) uint32 {
	var k [9]byte
	binary.BigEndian.PutUint64(k[:], uint64(key))
	sum := crc32.Update(0, castagnoli, k[:])
	for _, c := range columns {
		sum = crc32.Update(sum, castagnoli, []byte(c))
		sum = crc32.Update(sum, castagnoli, k[8:])
	}
	return crc32.Update(sum, castagnoli, body)
}

// unpacker reads what packer wrote. After anything that does not fit, bad is set
// and every further value is zero.
type unpacker struct {
	b   []byte
	bad bool
}

// unseal checks the checksum that ends a body and gives the rest to read.
func unseal(body []byte, key int64, columns ...string) (*unpacker, bool) {
	n := len(body) - 4
	if n < 0 {
		return &unpacker{bad: true}, false
	}
	ok := binary.BigEndian.Uint32(body[n:]) == checksum(body[:n], key, columns)
	return &unpacker{b: body[:n]}, ok
}

func (u *unpacker) int() int64 {
	v, n := binary.Varint(u.b)
	if n <= 0 {
		u.fail()
		return 0
	}
	u.b = u.b[n:]
	return v
}

// bytes shares memory with the body; nil for none.
func (u *unpacker) bytes() []byte {
	l, n := binary.Uvarint(u.b)
	if n <= 0 || l > uint64(len(u.b)-n) {
		u.fail()
		return nil
	}
	end := n + int(l)
	v := u.b[n:end:end]
	u.b = u.b[end:]
	if l == 0 {
		return nil
	}
	return v
}

func (u *unpacker) str() string { return string(u.bytes()) }

func (u *unpacker) bool() bool {
	if len(u.b) == 0 {
		u.fail()
		return false
	}
	v := u.b[0] != 0
	u.b = u.b[1:]
	return v
}

func (u *unpacker) hex() string {
	if u.bool() {
		return hex.EncodeToString(u.bytes())
	}
	return u.str()
}

func (u *unpacker) time() time.Time { return fromMicros(u.int()) }

func (u *unpacker) fail() { u.b, u.bad = nil, true }

// micros is a time as it is stored; 0 is the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// stored is a time as it comes back from the file.
func stored(t time.Time) time.Time { return fromMicros(micros(t)) }
