package folder

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"stellwerk/connectors"
	"stellwerk/connectors/connectortest"
)

func openConnector(t *testing.T, dir, settings string) *Connector {
	t.Helper()
	config, err := configure(connectortest.Settings(settings + "\npath: drop"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Open(connectors.Environment{System: "ablage", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*Connector)
}

// drop makes the operator's folder with the watched one in it.
func drop(t *testing.T) (dir, watched string) {
	t.Helper()
	dir = t.TempDir()
	watched = filepath.Join(dir, "drop")
	if err := os.Mkdir(watched, 0o750); err != nil {
		t.Fatal(err)
	}
	return dir, watched
}

// visible lists what a receiver sees, sub folders included.
func visible(t *testing.T, watched string) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(os.DirFS(watched), ".", func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() && path == work {
			return fs.SkipDir
		}
		if err == nil && !e.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestSuite(t *testing.T) {
	connectortest.Test(t, connectortest.Harness{Start: func(t *testing.T) connectortest.Partner {
		dir, watched := drop(t)
		config, err := configure(connectortest.Settings("path: drop\nattachments: folder"))
		if err != nil {
			t.Fatal(err)
		}
		return connectortest.Partner{
			Config:      config,
			Environment: connectors.Environment{System: "ablage", Dir: dir},
			Received:    func() []connectortest.Received { return received(t, watched) },
			Break: func(f connectortest.Fault) bool {
				away := watched + ".away"
				switch f {
				case connectortest.Down, connectortest.Busy: // the share is not mounted
					if err := os.Rename(watched, away); err != nil {
						t.Fatal(err)
					}
				case connectortest.Healthy:
					if err := os.Rename(away, watched); err != nil {
						t.Fatal(err)
					}
				default:
					return false
				}
				return true
			},
		}
	}})
}

// received reads the folder as a receiver that takes sub folders for attachments.
func received(t *testing.T, watched string) []connectortest.Received {
	t.Helper()
	if _, err := os.Stat(watched); err != nil {
		watched += ".away"
	}
	var all []connectortest.Received
	for _, name := range visible(t, watched) {
		if strings.Contains(name, "/") {
			continue
		}
		var r connectortest.Received
		r.Body = readFile(t, filepath.Join(watched, name))
		attached, err := filepath.Glob(filepath.Join(watched, strings.TrimSuffix(name, ".json"), "*"))
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(attached)
		for _, a := range attached {
			r.Attachments = append(r.Attachments, readFile(t, a))
		}
		all = append(all, r)
	}
	return all
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func want(t *testing.T, r connectors.Receipt, outcome connectors.Outcome, code string) {
	t.Helper()
	if r.Outcome != outcome || r.Code != code {
		t.Fatalf("got %s %q (%s), want %s %q", r.Outcome, r.Code, r.Detail, outcome, code)
	}
}

func TestConsumedFileIsNotWrittenAgain(t *testing.T) {
	dir, watched := drop(t)
	c := openConnector(t, dir, "")
	m := connectortest.Message(1)
	want(t, c.Deliver(t.Context(), m), connectors.Delivered, "")
	if err := os.Remove(filepath.Join(watched, visible(t, watched)[0])); err != nil {
		t.Fatal(err)
	}
	want(t, c.Deliver(t.Context(), m), connectors.Delivered, "")
	want(t, c.Ask(t.Context(), m), connectors.Delivered, "")
	if left := visible(t, watched); len(left) > 0 {
		t.Errorf("the receiver gets %v a second time", left)
	}
	want(t, c.Ask(t.Context(), connectortest.Message(2)), connectors.Retry, "not-found")

	m.Body = []byte(`{"mapped":"anew"}`)
	want(t, c.Deliver(t.Context(), m), connectors.Delivered, "")
	if n := len(visible(t, watched)); n != 1 {
		t.Errorf("a document mapped anew gives %d files", n)
	}
}

// Each crash leaves what the comment of the package says; the next attempt ends
// with exactly one file, or none where the receiver has it already.
func TestCrash(t *testing.T) {
	m := connectortest.Message(1)
	for name, test := range map[string]struct {
		leave func(t *testing.T, d *delivery)
		files int
	}{
		"while the file was written": {func(t *testing.T, d *delivery) {
			put(t, d, d.part, m.Body[:10])
		}, 1},
		"before the receipt": {func(t *testing.T, d *delivery) {
			put(t, d, d.part, m.Body)
		}, 1},
		"while the receipt was written": {func(t *testing.T, d *delivery) {
			put(t, d, d.part, m.Body)
			put(t, d, d.receipt, []byte(d.print()[:20]))
		}, 1},
		"before the rename": {func(t *testing.T, d *delivery) {
			put(t, d, d.part, m.Body)
			put(t, d, d.receipt, []byte(d.print()))
		}, 1},
		"after the rename": {func(t *testing.T, d *delivery) {
			put(t, d, d.file, m.Body)
			put(t, d, d.receipt, []byte(d.print()))
		}, 1},
		"after the receiver took it": {func(t *testing.T, d *delivery) {
			put(t, d, d.receipt, []byte(d.print()))
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir, watched := drop(t)
			c := openConnector(t, dir, "")
			d, err := c.open(m)
			if err != nil {
				t.Fatal(err)
			}
			test.leave(t, d)
			d.close()
			want(t, c.Deliver(t.Context(), m), connectors.Delivered, "")
			files := visible(t, watched)
			if len(files) != test.files {
				t.Fatalf("the receiver sees %v, want %d", files, test.files)
			}
			for _, f := range files {
				if !bytes.Equal(readFile(t, filepath.Join(watched, f)), m.Body) {
					t.Error("the file is altered")
				}
			}
			if left, _ := filepath.Glob(filepath.Join(watched, work, "*.part")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func put(t *testing.T, d *delivery, name string, content []byte) {
	t.Helper()
	if err := d.root.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestForeignFileIsNeverOverwritten(t *testing.T) {
	dir, watched := drop(t)
	c := openConnector(t, dir, "")
	m := connectortest.Message(1)
	name := filepath.Join(watched, c.fileName(m))
	if err := os.WriteFile(name, []byte("somebody else's"), 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, c.Deliver(t.Context(), m), connectors.Refused, "file-exists")
	if got := string(readFile(t, name)); got != "somebody else's" {
		t.Errorf("the file now holds %q", got)
	}
	if err := os.WriteFile(name, m.Body, 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, c.Deliver(t.Context(), m), connectors.Delivered, "")
}

// Two deliveries at once whose files have the same name: one is written, the other one
// finds it there.
func TestSameNameAtOnce(t *testing.T) {
	dir, watched := drop(t)
	c := openConnector(t, dir, `file: "{number}.xml"`)
	for n := range 20 {
		var told [2]connectors.Receipt
		var all sync.WaitGroup
		for i := range told {
			m := connectortest.Message(n)
			m.ID, m.Body = fmt.Sprintf("%s-%d", m.ID, i), fmt.Appendf(nil, "<role>%d</role>", i)
			all.Go(func() { told[i] = c.Deliver(t.Context(), m) })
		}
		all.Wait()
		got := string(readFile(t, filepath.Join(watched, connectortest.Message(n).Number+".xml")))
		for i, r := range told {
			if r.Outcome == connectors.Delivered && got != fmt.Sprintf("<role>%d</role>", i) {
				t.Fatalf("delivery %d is told as delivered, and the file is %s", i, got)
			}
		}
	}
}

func TestNothingEscapes(t *testing.T) {
	dir, watched := drop(t)
	outside := t.TempDir()
	c := openConnector(t, dir, "attachments: folder")

	m := connectortest.Message(1)
	m.Name = "../../../etc/cron.d/boese"
	connectortest.Attach(m, "../../../../etc/passwd", "text/plain", []byte("x"))
	connectortest.Attach(m, "..", "text/plain", []byte("y"))
	want(t, c.Deliver(t.Context(), m), connectors.Delivered, "")
	for _, f := range visible(t, watched) {
		if strings.Contains(f, "..") {
			t.Errorf("a file is called %s", f)
		}
	}

	for i, link := range []string{"", work} { // the attachments' folder, then the work folder
		m := connectortest.Message(2 + i)
		connectortest.Attach(m, "a.pdf", "application/pdf", []byte("geheim"))
		if link == "" {
			link = strings.TrimSuffix(c.fileName(m), ".json")
		} else if err := os.RemoveAll(filepath.Join(watched, work)); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(outside, filepath.Join(watched, link)); err != nil {
			t.Fatal(err)
		}
		if r := c.Deliver(t.Context(), m); r.Outcome == connectors.Delivered {
			t.Errorf("delivered over a link that leads out: %s", link)
		}
		if escaped := visible(t, outside); len(escaped) > 0 {
			t.Errorf("outside are now %v", escaped)
		}
	}
}

func TestAttachmentIsTakenForNoDocument(t *testing.T) {
	for marker, ending := range map[string]string{"none": "", "done": ".done", "manifest": ".manifest.json"} {
		t.Run(marker, func(t *testing.T) {
			dir, watched := drop(t)
			c := openConnector(t, dir, "marker: "+marker)
			m := connectortest.Message(1)
			for _, name := range []string{"buchung.JSON", "buchung.json.done", "buchung.json.manifest.json", "foto.jpg"} {
				connectortest.Attach(m, name, "image/jpeg", []byte(name))
			}
			want(t, c.Deliver(t.Context(), m), connectors.Delivered, "")
			stem, taken := strings.TrimSuffix(c.fileName(m), ".json"), 0
			for _, f := range visible(t, watched) {
				if end := strings.ToLower(filepath.Ext(f)); end == ".json" || marker == "done" && end == ".done" {
					if taken++; f != stem+".json" && f != stem+".json"+ending {
						t.Errorf("a receiver takes %s", f)
					}
				}
				if strings.HasSuffix(f, "-04-foto.jpg") {
					taken += 10
				}
			}
			if wanted := map[string]int{"none": 11, "done": 12, "manifest": 12}[marker]; taken != wanted {
				t.Errorf("%d, want %d: %v", taken, wanted, visible(t, watched))
			}
		})
	}
}

func TestMarkerComesLast(t *testing.T) {
	for marker, ending := range map[string]string{"done": ".done", "manifest": ".manifest.json"} {
		t.Run(marker, func(t *testing.T) {
			dir, watched := drop(t)
			c := openConnector(t, dir, "marker: "+marker)
			m := connectortest.Message(1)
			connectortest.AttachDamaged(m, 1000)
			want(t, c.Deliver(t.Context(), m), connectors.Refused, "attachment-damaged")
			if files := visible(t, watched); len(files) > 0 {
				t.Fatalf("a damaged delivery leaves %v", files)
			}
			m.Attachments = nil
			connectortest.Attach(m, "Impfpaß Fräulein.pdf", "application/pdf", []byte("%PDF"))
			want(t, c.Deliver(t.Context(), m), connectors.Delivered, "")
			stem := "7K2M-0001-anmeldung-0001"
			expect := []string{stem + "-01-Impfpas_Fraulein.pdf", stem + ".json", stem + ".json" + ending}
			slices.Sort(expect)
			if files := visible(t, watched); !slices.Equal(files, expect) {
				t.Fatalf("got %v, want %v", files, expect)
			}
			content := string(readFile(t, filepath.Join(watched, stem+".json"+ending)))
			if marker == "manifest" && (!strings.Contains(content, sum(m.Body)) || !strings.Contains(content, m.Attachments[0].SHA256)) {
				t.Errorf("the manifest lacks a checksum: %s", content)
			}
		})
	}
}

func TestFailures(t *testing.T) {
	for _, test := range []struct {
		err     error
		outcome connectors.Outcome
		code    string
	}{
		{&fs.PathError{Op: "open", Err: syscall.ENOENT}, connectors.Retry, "folder-missing"},
		{&fs.PathError{Op: "open", Err: syscall.EACCES}, connectors.Retry, "permission-denied"},
		{&fs.PathError{Op: "write", Err: syscall.ENOSPC}, connectors.Retry, "no-space"},
		{&fs.PathError{Op: "write", Err: syscall.EDQUOT}, connectors.Retry, "no-space"},
		{&fs.PathError{Op: "open", Err: syscall.EROFS}, connectors.Retry, "read-only"},
		{&fs.PathError{Op: "open", Err: syscall.ENAMETOOLONG}, connectors.Refused, "name-too-long"},
		{fmt.Errorf("write: %w", syscall.EIO), connectors.Retry, "io-error"},
		{errors.Join(&damageError{errors.New("x")}), connectors.Refused, "attachment-damaged"},
	} {
		r := failure(test.err)
		want(t, r, test.outcome, test.code)
		if r.Fault != (test.outcome == connectors.Retry) {
			t.Errorf("%s: fault is %v", test.code, r.Fault)
		}
	}
}

func TestOldReceiptsGo(t *testing.T) {
	dir, watched := drop(t)
	c := openConnector(t, dir, "remember: 48h")
	now := time.Now()
	c.now = func() time.Time { return now }
	want(t, c.Deliver(t.Context(), connectortest.Message(1)), connectors.Delivered, "")
	receipts := func() int {
		all, _ := filepath.Glob(filepath.Join(watched, work, "*.receipt"))
		return len(all)
	}
	now = now.Add(49 * time.Hour)
	want(t, c.Deliver(t.Context(), connectortest.Message(2)), connectors.Delivered, "")
	if receipts() != 0 { // the clock is moved, so the second one is old, too
		t.Errorf("%d receipts are left", receipts())
	}
}

func TestSettings(t *testing.T) {
	for text, setting := range map[string]string{
		"{}":                              "path",
		"path: x\nfile: '{name}'":         "file",
		"path: x\nfile: '../{id}'":        "file",
		"path: x\nfile: '{id}-{nam}'":     "file",
		"path: x\nattachments: nebenan":   "attachments",
		"path: x\nmarker: fertig":         "marker",
		"path: x\nremember: 1h":           "remember",
		"path: x\nmode: '0999'":           "mode",
		"path: x\nmode: '0040'":           "mode",
		"path: x\nmode: '0640x'":          "mode",
		"path: x\nfile: '{id'":            "file",
		"path: x\nfile: 'a\\b{number}'":   "file",
		"path: x\nattachments: [beside]":  "",
		"path: x\nunbekannt: 1":           "",
		"path: x\nfile: 'fest.txt'":       "file",
		"path: x\nmode: '01777'":          "mode",
		"path: x\nremember: ein-jahr":     "",
		"path: x\nfile: '{submission}/x'": "file",
	} {
		_, err := configure(connectortest.Settings(text))
		var s *connectors.SettingError
		switch {
		case err == nil:
			t.Errorf("%q is accepted", text)
		case setting != "" && (!errors.As(err, &s) || s.Setting != setting):
			t.Errorf("%q: the complaint is %v, not about %s", text, err, setting)
		}
	}
}
