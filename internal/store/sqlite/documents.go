package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"
	"time"

	"stellwerk/internal/store"
)

// Documents are numbered as they are rendered and lie in that order, so those of a commit
// lie side by side. The delivery's row has the number. Documents of a file that is older
// than that have none and lie in a table of their own, by the delivery's key.

// intoRendered begins the statement that writes documents.
const (
	intoRendered    = "INSERT INTO rendered (n, key, head, body)"
	documentColumns = 4
)

// unknownDocument is the number in a row that cannot be read.
const unknownDocument = -1

// lastDocument is the highest number that was given, or one that is higher where the page
// with it cannot be read.
func lastDocument(c *conn) (last int64, err error) {
	err = c.query(context.Background(), "SELECT coalesce(max(n), 0) FROM rendered", nil, func(row []driver.Value) error {
		last = asInt(row[0])
		return nil
	})
	if errors.Is(named(err), store.ErrDamaged) {
		return time.Now().UnixMicro(), nil
	}
	return last, err
}

// dropDocument deletes the document that a delivery has.
func (t *tx) dropDocument(d *delivery) error {
	switch {
	case d.document == unknownDocument: // no index leads there; few are ever looked for
		if err := t.exec("DELETE FROM rendered WHERE key = ?", d.key); err != nil {
			return err
		}
	case d.document > 0:
		return t.exec("DELETE FROM rendered WHERE n = ?", d.document)
	case !d.rendered:
		return nil
	}
	return t.exec("DELETE FROM document WHERE key = ?", d.key)
}

// readDocument calls each with a delivery's document, sealed, where it is there.
func readDocument(ctx context.Context, c *conn, d *delivery, each func(head, body []byte) error) error {
	found := func(row []driver.Value) error { return each(asBytes(row[0]), asBytes(row[1])) }
	switch {
	case d.document > 0:
		return c.query(ctx, "SELECT head, body FROM rendered WHERE n = ?", []any{d.document}, found)
	case d.document == unknownDocument:
		if err := c.query(ctx, "SELECT head, body FROM rendered WHERE key = ?", []any{d.key}, found); err != nil {
			return err
		}
	}
	return c.query(ctx, "SELECT head, body FROM document WHERE key = ?", []any{d.key}, found)
}

// readDocuments fills in the documents of tasks that are named by their numbers in
// rendered, or by their deliveries' keys in document.
func readDocuments(c *conn, table, column string, tasks map[int64]*store.Task) error {
	keys := make([]any, 0, len(tasks))
	for key := range tasks {
		keys = append(keys, key)
	}
	found := func(row []driver.Value) error {
		t := tasks[asInt(row[0])]
		t.Head, t.Body = asBytes(row[1]), asBytes(row[2])
		return nil
	}
	query := "SELECT " + column + ", head, body FROM " + table + " WHERE " + column + " IN "
	for _, some := range chunks(keys) {
		err := c.query(context.Background(), query+"(?"+strings.Repeat(",?", len(some)-1)+")", some, found)
		if errors.Is(named(err), store.ErrDamaged) {
			err = nil
			for _, key := range some { // around the page that is corrupt
				if e := c.query(context.Background(), query+"(?)", []any{key}, found); !errors.Is(named(e), store.ErrDamaged) {
					err = errors.Join(err, e)
				}
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// chunks cuts keys into sizes for which statements are kept: 32, 16, 8, … 1.
func chunks(keys []any) [][]any {
	var all [][]any
	for size := 32; len(keys) > 0; {
		if len(keys) < size {
			size /= 2
			continue
		}
		all = append(all, keys[:size])
		keys = keys[size:]
	}
	return all
}
