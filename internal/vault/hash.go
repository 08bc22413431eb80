package vault

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// HashSize is the length of a keyed hash.
const HashSize = 16

// Hash is the keyed hash of a normalised value, for finding and ordering
// submissions without storing the value. The same value has another hash for
// another purpose or municipality, so hashes tell nothing across them.
func (v *Vault) Hash(purpose, municipality, value string) []byte {
	mac := v.macs.Get().(hash.Hash)
	defer v.macs.Put(mac)
	mac.Reset()
	b := make([]byte, 0, 192)
	for _, part := range [...]string{purpose, municipality, value} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	mac.Write(b)
	return mac.Sum(b[:0])[:HashSize:HashSize]
}

func newMAC(key []byte) hash.Hash { return hmac.New(sha256.New, key) }
