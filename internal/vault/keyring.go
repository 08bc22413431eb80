package vault

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// searchName is the reserved name of the key behind the keyed hashes.
const searchName = "search"

// keySize is the length of every key here: AES-256.
const keySize = 32

// Vault holds the operator's keys. It is safe for concurrent use.
type Vault struct {
	current string
	keys    map[string]cipher.AEAD
	macs    sync.Pool // of hash.Hash, keyed
}

// line is one key of a keyring file.
type line struct {
	name string
	key  []byte
}

// Parse reads a keyring. Complaints name the line and never quote a key.
func Parse(keyring []byte) (*Vault, error) {
	lines, err := parse(keyring)
	if err != nil {
		return nil, err
	}
	v := &Vault{keys: make(map[string]cipher.AEAD)}
	var search []byte
	for _, l := range lines {
		if l.name == searchName {
			search = l.key
			continue
		}
		if v.current == "" {
			v.current = l.name
		}
		v.keys[l.name] = newAEAD(l.key)
	}
	if v.current == "" {
		return nil, errors.New("the keyring has no key to wrap with; its first line should be like: k1 <base64 of 32 bytes>")
	}
	if search == nil {
		return nil, errors.New("the keyring has no line search; the keyed hashes are made with it")
	}
	macKey, err := hkdf.Key(sha256.New, search, nil, "stellwerk search hash 1", keySize)
	if err != nil {
		return nil, fmt.Errorf("derive the key for hashes: %w", err)
	}
	v.macs.New = func() any { return newMAC(macKey) }
	return v, nil
}

// SameFirst reports whether another keyring wraps what is new with the same key:
// the same name does not say so.
func (v *Vault) SameFirst(other *Vault) bool {
	if v.current != other.current {
		return false
	}
	probe := v.keys[v.current].Seal(nil, nil, nil, nil)
	_, err := other.keys[other.current].Open(nil, nil, probe, nil)
	return err == nil
}

func parse(keyring []byte) ([]line, error) {
	var lines []line
	seen := make(map[string]bool)
	for i, text := range strings.Split(string(keyring), "\n") {
		text = strings.TrimSpace(text)
		if text == "" || text[0] == '#' {
			continue
		}
		fields := strings.Fields(text)
		if len(fields) != 2 {
			return nil, fmt.Errorf("keyring:%d: a line is a name and a key in base64, with a blank between them", i+1)
		}
		if !validName(fields[0]) {
			return nil, fmt.Errorf("keyring:%d: a key's name is 1 to 16 lower-case letters, digits or hyphens", i+1)
		}
		if seen[fields[0]] {
			return nil, fmt.Errorf("keyring:%d: %s is there twice", i+1, fields[0])
		}
		seen[fields[0]] = true
		key, err := base64.StdEncoding.Strict().DecodeString(fields[1])
		if err != nil || len(key) != keySize {
			return nil, fmt.Errorf("keyring:%d: the key of %s is not the base64 of %d bytes", i+1, fields[0], keySize)
		}
		lines = append(lines, line{fields[0], key})
	}
	return lines, nil
}

func validName(s string) bool {
	if len(s) == 0 || len(s) > 16 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// Generate makes a new keyring: a first wrapping key and the key for hashes.
func Generate() ([]byte, error) {
	first, err := newLine(keyName(1))
	if err != nil {
		return nil, err
	}
	search, err := newLine(searchName)
	if err != nil {
		return nil, err
	}
	head := "# Stellwerk keyring. Who has this file can read every submission; without it nobody can.\n" +
		"# The first key wraps what is new, the others open what is old. Never change the line search.\n"
	return []byte(head + first + search), nil
}

// Rotate gives the keyring with a new key in front; nothing else changes in it.
// Keys behind it may be removed when Rewrap has been run over the whole store.
func Rotate(keyring []byte) ([]byte, error) {
	if _, err := Parse(keyring); err != nil {
		return nil, err
	}
	lines, err := parse(keyring)
	if err != nil {
		return nil, err
	}
	last := 0
	for _, l := range lines {
		number, _, _ := strings.Cut(strings.TrimPrefix(l.name, "k"), "-")
		if n, err := strconv.Atoi(number); err == nil && l.name[0] == 'k' && n > last {
			last = n
		}
	}
	fresh, err := newLine(keyName(last + 1))
	if err != nil {
		return nil, err
	}
	at := firstKey(keyring)
	return bytes.Join([][]byte{keyring[:at], []byte(fresh), keyring[at:]}, nil), nil
}

// firstKey is where the first line begins that is neither blank nor a comment.
func firstKey(keyring []byte) int {
	at := 0
	for _, l := range bytes.SplitAfter(keyring, []byte("\n")) {
		if t := bytes.TrimSpace(l); len(t) > 0 && t[0] != '#' {
			break
		}
		at += len(l)
	}
	return at
}

// keyName is the n-th key's: no two keyrings have one in common. A keyring that belongs
// to another hub, or was made where the right one was lost, lacks the key then, and what
// waits goes on waiting; and the right one's lines can be put beside its own.
func keyName(n int) string {
	var own [3]byte
	_, _ = rand.Read(own[:]) // it never fails; see crypto/rand
	return fmt.Sprintf("k%d-%x", n, own)
}

func newLine(name string) (string, error) {
	key := make([]byte, keySize)
	if _, err := rand.Read(key); err != nil {
		return "", fmt.Errorf("make a key: %w", err)
	}
	return name + " " + base64.StdEncoding.EncodeToString(key) + "\n", nil
}

// newAEAD is AES-256-GCM that puts a random nonce in front of what it seals. The
// key's length was checked, so the errors cannot come.
func newAEAD(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("vault: " + err.Error())
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("vault: " + err.Error())
	}
	return aead
}
