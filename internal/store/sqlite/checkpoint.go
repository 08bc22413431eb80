package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"

	"modernc.org/sqlite"
)

// How far the log may grow, in pages, before it is copied into the file, and
// before the writer helps.
const (
	checkpointAfter = 2048
	foldAfter       = 4 * checkpointAfter
)

// housekeep is the writer's part between two batches. While it writes without a
// pause, a checkpoint beside it never gets to the log's end, and the log would
// grow for ever: when it has become long, the writer copies the little that the
// checkpointer has left, and the log begins anew.
func (w *writer) housekeep() {
	st, ok := w.conn.dc.(interface {
		Status(sqlite.DBStatusOp, bool) (int, int, error)
	})
	if ok {
		if n, _, err := st.Status(sqlite.DBStatusCacheWrite, true); err == nil {
			if w.pages.Add(int64(n)) >= checkpointAfter {
				select {
				case w.nudge <- struct{}{}:
				default:
				}
			}
		}
	}
	if w.fold.CompareAndSwap(true, false) {
		if _, _, err := checkpoint(w.conn); err != nil {
			w.log.Warn("checkpoint", "error", err)
		}
	}
}

// checkpoints copies the log into the file beside the writer.
func (s *Store) checkpoints() {
	var c *conn
	defer func() {
		if c != nil {
			if err := c.close(); err != nil {
				s.log.Warn("close the checkpointer's connection", "error", err)
			}
		}
	}()
	for {
		select {
		case <-s.quit:
			return
		case <-s.w.nudge:
		}
		s.w.pages.Store(0)
		var err error
		if c == nil {
			if c, err = connect(s.path); err != nil {
				s.log.Warn("checkpoint", "error", err)
				continue
			}
		}
		length, _, err := checkpoint(c)
		if err != nil {
			s.log.Warn("checkpoint", "error", err)
			if e := c.close(); e != nil {
				s.log.Warn("close the checkpointer's connection", "error", e)
			}
			c = nil
			continue
		}
		if length > foldAfter {
			s.w.fold.Store(true)
		}
	}
}

// checkpoint copies what can be copied without waiting for anybody; it gives the
// log's length and how much of it is copied, in pages.
func checkpoint(c *conn) (length, copied int64, err error) {
	err = c.query(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)", nil, func(row []driver.Value) error {
		length, copied = asInt(row[1]), asInt(row[2])
		return nil
	})
	if err != nil {
		return 0, 0, fmt.Errorf("copy the log into the file: %w", err)
	}
	return length, copied, nil
}
