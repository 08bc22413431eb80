package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// AttachmentDir is the folder that the names of attachments are relative to.
func (s *Store) AttachmentDir() string { return filepath.Join(s.dir, "attachments") }

// SweepAttachments removes files that no submission names, left behind by
// requests that came to nothing. Younger files are spared: their submission may
// be on its way. It says how many it removed.
func (s *Store) SweepAttachments(ctx context.Context, olderThan time.Time) (int, error) {
	removed := 0
	err := filepath.WalkDir(s.AttachmentDir(), func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !info.ModTime().Before(olderThan) {
			return err
		}
		name, err := filepath.Rel(s.AttachmentDir(), path)
		if err != nil {
			return err
		}
		named, err := s.namesFile(ctx, filepath.ToSlash(name))
		if err != nil || named {
			return err
		}
		removed++
		return os.Remove(path)
	})
	if err != nil {
		return removed, fmt.Errorf("sweep the attachments: %w", err)
	}
	return removed, nil
}

func (s *Store) namesFile(ctx context.Context, name string) (found bool, err error) {
	err = s.read(ctx, func(c *conn) error {
		return c.query(ctx, "SELECT 1 FROM attachment WHERE file = ?", []any{name}, func([]driver.Value) error {
			found = true
			return nil
		})
	})
	return found, err
}
