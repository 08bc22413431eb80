package main

import (
	"bytes"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
	_ "modernc.org/sqlite" // to find a record in the journal

	"stellwerk/internal/hub"
)

// damage flips one bit of what the hub keeps, while it does not run: as a disk does,
// the database notices nothing.
func damage(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts)
	if neg || len(args) != 2 || s.hub != nil {
		ts.Fatalf("usage: damage NAME payload|attachment|N (while the hub is stopped)")
	}
	file := s.folder("data/stellwerk.db")
	var at int64
	if args[1] == "attachment" {
		file, at = s.attachment(ts)
	} else {
		at = s.record(ts, file, ts.Getenv(args[0]+"_id"), args[1])
	}
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	ts.Check(err)
	defer func() { ts.Check(f.Close()) }()
	b := make([]byte, 1)
	_, err = f.ReadAt(b, at)
	ts.Check(err)
	b[0] ^= 0x10
	_, err = f.WriteAt(b, at)
	ts.Check(err)
}

func (s *story) attachment(ts *testscript.TestScript) (file string, at int64) {
	var found []string
	ts.Check(filepath.WalkDir(s.folder("data/attachments"), func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			found = append(found, name)
		}
		return err
	}))
	if len(found) != 1 {
		ts.Fatalf("there is not one attachment: %v", found)
	}
	info, err := os.Stat(found[0])
	ts.Check(err)
	return found[0], info.Size() / 2
}

// record finds where in the file a stored record lies.
func (s *story) record(ts *testscript.TestScript, file, id, what string) int64 {
	parsed, err := hub.ParseID(id)
	ts.Check(err)
	db, err := sql.Open("sqlite", "file:"+file)
	ts.Check(err)
	var key int64
	var sealed []byte
	find := func() error {
		if _, err := db.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
			return err
		}
		if err := db.QueryRow("SELECT key FROM submission WHERE id = ?", parsed[:]).Scan(&key); err != nil {
			return fmt.Errorf("find %s: %w", id, err)
		}
		if what == "payload" {
			return db.QueryRow("SELECT payload FROM content WHERE key = ?", key).Scan(&sealed)
		}
		ordinal, err := strconv.Atoi(what)
		if err != nil {
			return err
		}
		return db.QueryRow("SELECT body FROM rendered WHERE key = ?", key+int64(ordinal)).Scan(&sealed)
	}
	err = find()
	ts.Check(db.Close())
	ts.Check(err)
	content, err := os.ReadFile(file)
	ts.Check(err)
	// A long record lies on several pages: a piece of it lies on one.
	for n := 0; n+48 <= len(sealed); n += 16 {
		if piece := sealed[n : n+48]; bytes.Count(content, piece) == 1 {
			return int64(bytes.Index(content, piece)) + 24
		}
	}
	ts.Fatalf("the record is not in the file")
	return 0
}
