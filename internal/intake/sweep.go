package intake

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// sweepAfter is how old a file must be before it counts as left over: longer than
// any request lasts.
const sweepAfter = 24 * time.Hour

// Sweep removes attachment files that belong to no submission: a crash, or an
// accept whose outcome was unknown, leaves them. It says how many. Files whose
// names are not ours are left alone.
func (a *API) Sweep(ctx context.Context) (int, error) {
	removed := 0
	known := map[hub.ID]bool{}
	err := filepath.WalkDir(a.Attachments, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		id, ok := spooledBy(d)
		if !ok || a.Now().Sub(id.Time()) < sweepAfter {
			return nil
		}
		there, asked := known[id]
		if !asked {
			_, err := a.Store.Submission(ctx, id)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return nil // damaged or unreadable: not ours to decide
			}
			there = err == nil
			clear(known) // the files of one submission stand together
			known[id] = there
		}
		if there {
			return nil
		}
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		removed++
		return nil
	})
	if err != nil {
		return removed, fmt.Errorf("sweep the attachment folder: %w", err)
	}
	return removed, nil
}

// spooledBy reads the submission's id from a file's name.
func spooledBy(d fs.DirEntry) (hub.ID, bool) {
	name := d.Name()
	i := strings.LastIndexByte(name, '-')
	if !d.Type().IsRegular() || i < 0 {
		return hub.ID{}, false
	}
	id, err := hub.ParseID(name[:i])
	return id, err == nil && len(name) > i+1 && strings.Trim(name[i+1:], "0123456789") == ""
}
