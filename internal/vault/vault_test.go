package vault

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"stellwerk/internal/hub"
)

const soest = "05974040"

func open(t testing.TB, keyring []byte) *Vault {
	t.Helper()
	v, err := Parse(keyring)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func generate(t testing.TB) []byte {
	t.Helper()
	keyring, err := Generate()
	if err != nil {
		t.Fatal(err)
	}
	return keyring
}

func newTestKey(t testing.TB, v *Vault) (hub.ID, *Key, []byte) {
	t.Helper()
	id := new(hub.IDs).New()
	key, wrapped, err := v.NewKey(id, soest)
	if err != nil {
		t.Fatal(err)
	}
	return id, key, wrapped
}

func TestSealedRecordsOpenAgain(t *testing.T) {
	v := open(t, generate(t))
	id, key, wrapped := newTestKey(t, v)
	for _, plain := range []string{"", "x", strings.Repeat("Hund ", 1000)} {
		sealed := key.Seal("payload", []byte(plain))
		if len(plain) > 8 && bytes.Contains(sealed, []byte(plain)) { // one byte is in any noise
			t.Error("the sealed record shows the plain text")
		}
		again, err := v.Unwrap(id.Delivery(3), soest, wrapped)
		if err != nil {
			t.Fatal(err)
		}
		got, err := again.Open("payload", sealed)
		if err != nil || string(got) != plain {
			t.Errorf("open: %q, %v; want %q", got, err, plain)
		}
	}
}

func TestEveryBitFlipIsDetected(t *testing.T) {
	v := open(t, generate(t))
	id, key, wrapped := newTestKey(t, v)
	sealed := key.Seal("meta", []byte("Bello, Schäferhund"))
	for i := range len(sealed) * 8 {
		flipped := bytes.Clone(sealed)
		flipped[i/8] ^= 1 << (i % 8)
		if _, err := key.Open("meta", flipped); !errors.Is(err, ErrDamaged) {
			t.Fatalf("record with bit %d flipped: %v, want ErrDamaged", i, err)
		}
	}
	for i := range len(wrapped) * 8 {
		flipped := bytes.Clone(wrapped)
		flipped[i/8] ^= 1 << (i % 8)
		if _, err := v.Unwrap(id, soest, flipped); !errors.Is(err, ErrDamaged) {
			t.Fatalf("data key with bit %d flipped: %v, want ErrDamaged", i, err)
		}
	}
	for n := range len(sealed) {
		if _, err := key.Open("meta", sealed[:n]); !errors.Is(err, ErrDamaged) {
			t.Fatalf("record cut to %d bytes: %v, want ErrDamaged", n, err)
		}
	}
	for n := range len(wrapped) {
		if _, err := v.Unwrap(id, soest, wrapped[:n]); !errors.Is(err, ErrDamaged) {
			t.Fatalf("data key cut to %d bytes: %v, want ErrDamaged", n, err)
		}
	}
}

func TestWhatIsBoundIn(t *testing.T) {
	v := open(t, generate(t))
	id, key, wrapped := newTestKey(t, v)
	sealed := key.Seal("payload", []byte("x"))
	if _, err := key.Open("meta", sealed); !errors.Is(err, ErrDamaged) {
		t.Errorf("another name: %v, want ErrDamaged", err)
	}
	if _, err := v.Unwrap(new(hub.IDs).New(), soest, wrapped); !errors.Is(err, ErrDamaged) {
		t.Errorf("another submission: %v, want ErrDamaged", err)
	}
	if _, err := v.Unwrap(id, "05974000", wrapped); !errors.Is(err, ErrDamaged) {
		t.Errorf("another municipality: %v, want ErrDamaged", err)
	}
	// The same data key, claimed for another submission: the records know better.
	for _, other := range []*Key{newKey(key.raw, new(hub.IDs).New(), soest), newKey(key.raw, id, "05974000")} {
		if _, err := other.Open("payload", sealed); !errors.Is(err, ErrDamaged) {
			t.Errorf("record moved: %v, want ErrDamaged", err)
		}
	}
	_, second, _ := newTestKey(t, v)
	if _, err := second.Open("payload", sealed); !errors.Is(err, ErrDamaged) {
		t.Errorf("another data key: %v, want ErrDamaged", err)
	}
}

func TestRotation(t *testing.T) {
	old := generate(t)
	before := open(t, old)
	id, key, wrapped := newTestKey(t, before)
	sealed := key.Seal("payload", []byte("x"))

	rotated, err := Rotate(old)
	if err != nil {
		t.Fatal(err)
	}
	after := open(t, rotated)
	if !bytes.HasPrefix(rotated, []byte("# Stellwerk")) || !bytes.Contains(rotated, []byte("\nk2-")) {
		t.Errorf("rotated keyring should keep its comments and have a second key:\n%s", rotated)
	}
	if !before.Current(wrapped) || after.Current(wrapped) {
		t.Error("the old wrapping is current before the rotation, not after it")
	}
	again, err := after.Rewrap(id, soest, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	if !after.Current(again) {
		t.Error("a rewrapped data key should be current")
	}
	if twice, err := after.Rewrap(id, soest, again); twice != nil || err != nil {
		t.Errorf("rewrapping what is current: %x, %v; want nothing", twice, err)
	}
	if _, err := after.Rewrap(id, "05974000", wrapped); !errors.Is(err, ErrDamaged) {
		t.Errorf("rewrapping for another municipality: %v, want ErrDamaged", err)
	}
	got, err := after.Unwrap(id, soest, again)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := got.Open("payload", sealed); err != nil || string(plain) != "x" {
		t.Errorf("after rewrapping: %q, %v", plain, err)
	}
	if _, err := before.Unwrap(id, soest, again); !errors.Is(err, ErrNoKey) {
		t.Errorf("the old keyring: %v, want ErrNoKey", err)
	}
	if !bytes.Equal(before.Hash("search", soest, "v"), after.Hash("search", soest, "v")) {
		t.Error("a hash must not change with rotation")
	}
	twice, err := Rotate(rotated)
	if err != nil || !bytes.Contains(twice, []byte("k3-")) {
		t.Errorf("second rotation: %v\n%s", err, twice)
	}
}

func TestHash(t *testing.T) {
	v := open(t, generate(t))
	seen := make(map[string]string)
	for _, in := range [][3]string{
		{"search", soest, "276098100000001"}, {"order", soest, "276098100000001"},
		{"search", "05974000", "276098100000001"}, {"search", soest, "276098100000002"},
		{"search" + soest, "", "276098100000001"}, {"", "", ""},
	} {
		h := v.Hash(in[0], in[1], in[2])
		if len(h) != HashSize || !bytes.Equal(h, v.Hash(in[0], in[1], in[2])) {
			t.Errorf("%q: %x is not a stable hash of %d bytes", in, h, HashSize)
		}
		if other, dup := seen[string(h)]; dup {
			t.Errorf("%q has the hash of %q", in, other)
		}
		seen[string(h)] = strings.Join(in[:], "/")
	}
	if other := open(t, generate(t)); bytes.Equal(v.Hash("search", soest, "x"), other.Hash("search", soest, "x")) {
		t.Error("another operator's keyring should give another hash")
	}
}

func TestParseRefuses(t *testing.T) {
	const k1 = "k1 MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n"
	const search = "search MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDI=\n"
	if _, err := Parse([]byte("\n# comment\r\n" + k1 + "  \n" + search)); err != nil {
		t.Errorf("a good keyring: %v", err)
	}
	for name, test := range map[string]struct{ in, complaint string }{
		"empty":          {"", "no key to wrap with"},
		"only search":    {search, "no key to wrap with"},
		"without search": {k1, "no line search"},
		"twice":          {k1 + k1 + search, "keyring:2: k1 is there twice"},
		"one word":       {"k1\n" + search, "keyring:1: a line is a name"},
		"three words":    {"k1 a b\n" + search, "keyring:1: a line is a name"},
		"capital":        {"K1 MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n", "keyring:1: a key's name"},
		"long name":      {strings.Repeat("k", 17) + " MDE=\n", "keyring:1: a key's name"},
		"short key":      {search + "k1 MDEyMw==\n", "keyring:2: the key of k1 is not"},
		"not base64":     {"k1 !!!!\n", "keyring:1: the key of k1 is not"},
	} {
		_, err := Parse([]byte(test.in))
		if err == nil || !strings.Contains(err.Error(), test.complaint) {
			t.Errorf("%s: %v, want %q", name, err, test.complaint)
		}
		if err != nil && strings.Contains(err.Error(), "MDE") {
			t.Errorf("%s: the complaint quotes a key: %v", name, err)
		}
		if _, err := Rotate([]byte(test.in)); err == nil {
			t.Errorf("%s: Rotate takes it", name)
		}
	}
}

func TestStream(t *testing.T) {
	v := open(t, generate(t))
	_, key, _ := newTestKey(t, v)
	for _, size := range []int{0, 1, segment - 100, segment, 3*segment + 7} {
		plain := bytes.Repeat([]byte{7}, size)
		sealed := sealStream(t, key, "attachment 1", plain)
		r, err := key.OpenStream(iotest.HalfReader(bytes.NewReader(sealed)), "attachment 1")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes: got %d, %v", size, len(got), err)
		}
	}
}

func TestStreamDetectsDamage(t *testing.T) {
	v := open(t, generate(t))
	_, key, _ := newTestKey(t, v)
	small := sealStream(t, key, "a", []byte("Impfpass"))
	for i := range len(small) * 8 {
		flipped := bytes.Clone(small)
		flipped[i/8] ^= 1 << (i % 8)
		mustBeDamaged(t, key, "a", flipped)
	}
	for n := range len(small) {
		mustBeDamaged(t, key, "a", small[:n])
	}
	mustBeDamaged(t, key, "b", small)
	large := sealStream(t, key, "a", make([]byte, 2*segment))
	mustBeDamaged(t, key, "a", large[:segment])
	mustBeDamaged(t, key, "a", large[:len(large)-1])
	mustBeDamaged(t, key, "a", append(bytes.Clone(large), 0))

	broken := errors.New("disk is gone")
	r, err := key.OpenStream(io.MultiReader(bytes.NewReader(large[:segment]), iotest.ErrReader(broken)), "a")
	if err == nil {
		_, err = io.ReadAll(r)
	}
	if !errors.Is(err, broken) || errors.Is(err, ErrDamaged) {
		t.Errorf("a failing disk: %v, want its own error and not ErrDamaged", err)
	}
}

func sealStream(t *testing.T, key *Key, name string, plain []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := key.SealStream(&out, name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func mustBeDamaged(t *testing.T, key *Key, name string, sealed []byte) {
	t.Helper()
	r, err := key.OpenStream(bytes.NewReader(sealed), name)
	if err == nil {
		_, err = io.ReadAll(r)
	}
	if !errors.Is(err, ErrDamaged) {
		t.Fatalf("%d bytes: %v, want ErrDamaged", len(sealed), err)
	}
}

func BenchmarkSubmission(b *testing.B) {
	v := open(b, generate(b))
	id, payload := new(hub.IDs).New(), make([]byte, 3<<10)
	b.ReportAllocs()
	for b.Loop() {
		key, wrapped, err := v.NewKey(id, soest)
		if err != nil {
			b.Fatal(err)
		}
		key.Seal("meta", payload[:200])
		sealed := key.Seal("payload", payload)
		again, err := v.Unwrap(id, soest, wrapped)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := again.Open("payload", sealed); err != nil {
			b.Fatal(err)
		}
		v.Hash("search", soest, "276098100000001")
	}
}
