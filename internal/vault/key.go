package vault

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"stellwerk/internal/hub"
)

// The reasons why something does not open.
var (
	// ErrDamaged: the bytes are not what was sealed for this submission and name.
	ErrDamaged = errors.New("sealed record is damaged")
	// ErrNoKey: the data key is wrapped by a key that the keyring does not have.
	ErrNoKey = errors.New("the keyring lacks the key that wraps this submission's data key")
)

// version is the first byte of a wrapped data key.
const version = 1

// Key is the data key of one submission. It is safe for concurrent use.
type Key struct {
	aead  cipher.AEAD
	raw   [keySize]byte
	bound []byte // what every record's associated data begins with
}

// NewKey makes the data key of a submission and wraps it. The id may be that of
// one of its deliveries: the submission counts.
func (v *Vault) NewKey(id hub.ID, municipality string) (key *Key, wrapped []byte, err error) {
	var raw [keySize]byte
	if _, err := rand.Read(raw[:]); err != nil {
		return nil, nil, fmt.Errorf("make a data key: %w", err)
	}
	return newKey(raw, id, municipality), v.wrap(raw[:], id, municipality), nil
}

func newKey(raw [keySize]byte, id hub.ID, municipality string) *Key {
	return &Key{aead: newAEAD(raw[:]), raw: raw, bound: bind("record", id, municipality)}
}

// wrap is version, length of the key's name, the name, a checksum of these, and
// the sealed data key; everything in front of the sealed part is bound in. The
// checksum tells a damaged name from a key that the keyring lacks.
func (v *Vault) wrap(raw []byte, id hub.ID, municipality string) []byte {
	head := make([]byte, 0, 96)
	head = append(head, version, byte(len(v.current)))
	head = append(head, v.current...)
	head = binary.BigEndian.AppendUint32(head, crc32.ChecksumIEEE(head))
	aad := append(bind("data key", id, municipality), head...)
	return v.keys[v.current].Seal(head, nil, raw, aad)
}

// Unwrap opens a wrapped data key. ErrNoKey where its wrapping key is not in the
// keyring, ErrDamaged where it does not belong to this submission.
func (v *Vault) Unwrap(id hub.ID, municipality string, wrapped []byte) (*Key, error) {
	raw, err := v.unwrap(id, municipality, wrapped)
	if err != nil {
		return nil, err
	}
	return newKey(raw, id, municipality), nil
}

func (v *Vault) unwrap(id hub.ID, municipality string, wrapped []byte) (raw [keySize]byte, err error) {
	name, body, ok := split(wrapped)
	if !ok {
		return raw, fmt.Errorf("data key: %w", ErrDamaged)
	}
	aead := v.keys[string(name)]
	if aead == nil {
		return raw, fmt.Errorf("%w: %s", ErrNoKey, name)
	}
	aad := append(bind("data key", id, municipality), wrapped[:len(wrapped)-len(body)]...)
	plain, err := aead.Open(raw[:0], nil, body, aad)
	if err != nil || len(plain) != keySize {
		return raw, fmt.Errorf("data key: %w", ErrDamaged)
	}
	return raw, nil
}

// Rewrap wraps a data key anew with the current operator's key; nil where it is
// wrapped by that already.
func (v *Vault) Rewrap(id hub.ID, municipality string, wrapped []byte) ([]byte, error) {
	if v.Current(wrapped) {
		return nil, nil
	}
	raw, err := v.unwrap(id, municipality, wrapped)
	if err != nil {
		return nil, err
	}
	return v.wrap(raw[:], id, municipality), nil
}

// Current reports whether a data key is wrapped by the current operator's key.
func (v *Vault) Current(wrapped []byte) bool {
	name, _, ok := split(wrapped)
	return ok && string(name) == v.current
}

func split(wrapped []byte) (name, body []byte, ok bool) {
	if len(wrapped) < 2 || wrapped[0] != version || len(wrapped) < 2+int(wrapped[1])+4 {
		return nil, nil, false
	}
	n := 2 + int(wrapped[1])
	if binary.BigEndian.Uint32(wrapped[n:]) != crc32.ChecksumIEEE(wrapped[:n]) {
		return nil, nil, false
	}
	return wrapped[2:n], wrapped[n+4:], true
}

// bind is the start of the associated data: what it is for and whose it is.
func bind(what string, id hub.ID, municipality string) []byte {
	id = id.Submission()
	b := make([]byte, 0, 96)
	b = append(b, "stellwerk "...)
	b = append(b, what...)
	b = append(b, 0)
	b = append(b, id[:]...)
	b = append(b, municipality...)
	return append(b, 0)
}

// Seal seals a record of the submission under its name.
func (k *Key) Seal(name string, plain []byte) []byte {
	dst := make([]byte, 0, len(plain)+k.aead.Overhead())
	return k.aead.Seal(dst, nil, plain, k.named(name))
}

// Open gives back what was sealed under the name, or ErrDamaged.
func (k *Key) Open(name string, sealed []byte) ([]byte, error) {
	plain, err := k.aead.Open(nil, nil, sealed, k.named(name))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, ErrDamaged)
	}
	return plain, nil
}

func (k *Key) named(name string) []byte {
	b := make([]byte, 0, 128)
	b = append(b, k.bound...)
	return append(b, name...)
}
