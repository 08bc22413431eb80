package vault

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// HashSize is the length of a keyed hash.
const HashSize = 16

// Hash is the keyed hash of a value in its search form, for finding and ordering
// submissions without storing the value. The same value has another hash for
// another purpose or municipality, so hashes tell nothing across them.
func (v *Vault) Hash(purpose, municipality, value string) []byte {
	mac := v.macs.Get().(hash.Hash)
	defer v.macs.Put(mac)
	mac.Reset()
	b := make([]byte, 0, 192)
	for _, part := range [...]string{purpose, municipality, SearchForm(value)} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	mac.Write(b)
	return mac.Sum(b[:0])[:HashSize:HashSize]
}

// SearchForm is what two spellings of one value share: upper and lower case (ß is SS in
// capitals), composed and decomposed letters, blanks, what is not seen, apostrophes, dashes and the
// marks between names or groups of digits make no difference. "276 0981-00000017" and "276098100000017" are one chip.
func SearchForm(value string) string {
	form := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.In(r, unicode.Pd, unicode.Cf) || strings.ContainsRune("./_−"+apostrophes, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKC.String(accent.Replace(value)))
	return strings.ReplaceAll(form, "ß", "ss")
}

// apostrophes are the signs that people type for one.
const apostrophes = "'’‘ʼ`′"

// accent turns the acute accent into an apostrophe before it becomes a blank and a mark on
// the letter before.
var accent = strings.NewReplacer("´", "'")

func newMAC(key []byte) hash.Hash { return hmac.New(sha256.New, key) }
