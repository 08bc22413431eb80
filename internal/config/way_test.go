package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"stellwerk/internal/config"
)

// The way to a system is another one where anything has changed that it is reached by,
// be it only what a secret's or a certificate's file holds, and the same where its pace
// or a comment has.
func TestWayToASystem(t *testing.T) {
	const before = "kind: post\nprofile: counter\naddress: 127.0.0.1:9\ncredentials: {password: \"file:secrets/post.key\"}\ndesk: {number: 2, clerk: ca.pem}\n"
	dir := folder(t, nil)
	write := func(name, text string) {
		t.Helper()
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	way := func() [32]byte {
		t.Helper()
		snap, found := config.Load(source(dir))
		if snap == nil {
			t.Fatal(lines(found))
		}
		return snap.Systems["post"].Way
	}
	write("systems/post.yaml", before)
	write("secrets/post.key", "one")
	write("ca.pem", "a certificate")
	was := way()
	for _, c := range []struct {
		name, file, text string
		same             bool
	}{
		{"a comment", "systems/post.yaml", "# for Ms Kern\n" + before, true},
		{"its pace", "systems/post.yaml", before + "limits: {concurrency: 2}\nbreaker: {open-after: 9}\n", true},
		{"its address", "systems/post.yaml", before + "port: 4\n", false},
		{"its schedule", "systems/post.yaml", before + "retry: {then: 5m}\n", false},
		{"where it may lead", "systems/post.yaml", before + "allow: [127.0.0.0/8]\n", false},
		{"what the profile gives", "profiles/post/counter.yaml", "port: 8\ndesk: {number: 1}\n", false},
		{"what the secret is", "secrets/post.key", "two", false},
		{"the certificate that a setting names", "ca.pem", "another one", false},
	} {
		old, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(c.file)))
		write(c.file, c.text)
		if now := way(); (now == was) != c.same {
			t.Errorf("%s has changed: the same way %v, want %v", c.name, now == was, c.same)
		}
		if err != nil {
			if err := os.Remove(filepath.Join(dir, filepath.FromSlash(c.file))); err != nil {
				t.Fatal(err)
			}
			continue
		}
		write(c.file, string(old))
	}
}
