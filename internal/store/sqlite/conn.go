package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"stellwerk/internal/store"
)

// pragma is a setting of every connection, and what it must read back as.
type pragma struct{ name, value, reads string }

// pragmas are what durability and the file's shape rest on.
var pragmas = []pragma{
	{"busy_timeout", "5000", "5000"},
	{"journal_mode", "WAL", "wal"},
	{"synchronous", "FULL", "2"},
	{"foreign_keys", "1", "1"},
	{"wal_autocheckpoint", "0", "0"},
	{"journal_size_limit", "67108864", "67108864"},
	{"cell_size_check", "1", "1"},
	{"trusted_schema", "0", "0"},
}

// dsn names the file with pragmas.
func dsn(path string, pragmas ...pragma) string {
	q := url.Values{}
	for _, p := range pragmas {
		q.Add("_pragma", p.name+"("+p.value+")")
	}
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}).String()
}

// conn is one connection with its prepared statements. It is used by one
// goroutine at a time. database/sql is left out here: it costs as much as half a
// statement.
type conn struct {
	dc    driver.Conn
	stmts map[string]prepared
	args  []driver.NamedValue
}

// prepared is what the driver's statements can do.
type prepared interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// connect opens a connection and reads its pragmas back.
func connect(path string, extra ...pragma) (*conn, error) {
	return connectWith(path, append(pragmas[:len(pragmas):len(pragmas)], extra...))
}

func connectWith(path string, pragmas []pragma) (*conn, error) {
	dc, err := new(sqlite.Driver).Open(dsn(path, pragmas...))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	c := &conn{dc: dc, stmts: make(map[string]prepared)}
	for _, p := range pragmas {
		got, err := c.pragma(p.name)
		if err == nil && got != p.reads {
			err = fmt.Errorf("pragma %s of %s is %s and not %s; this file system cannot keep submissions safe", p.name, path, got, p.reads)
		}
		if err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	return c, nil
}

// writable begins to write, and writes nothing, so that a full disk is no matter here.
// SQLite opens a file that it may only read without a word, and lets BEGIN IMMEDIATE pass.
func (c *conn) writable() error { return c.exec("DELETE FROM job WHERE name IS NULL") }

func (c *conn) pragma(name string) (string, error) {
	var got string
	err := c.query(context.Background(), "PRAGMA "+name, nil, func(row []driver.Value) error {
		got = fmt.Sprint(row[0])
		return nil
	})
	return got, err
}

func (c *conn) close() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.dc.Close())...)
}

func (c *conn) prepare(query string) (prepared, error) {
	if s := c.stmts[query]; s != nil {
		return s, nil
	}
	s, err := c.dc.Prepare(query)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", query, err)
	}
	p, ok := s.(prepared)
	if !ok {
		return nil, fmt.Errorf("prepare %q: a statement of type %T", query, s)
	}
	c.stmts[query] = p
	return p, nil
}

func (c *conn) bind(args []any) []driver.NamedValue {
	c.args = c.args[:0]
	for i, a := range args {
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return c.args
}

// exec runs a statement that gives no rows. Arguments are int64, string, []byte
// or nil.
func (c *conn) exec(query string, args ...any) error {
	s, err := c.prepare(query)
	if err != nil {
		return err
	}
	_, err = s.ExecContext(context.Background(), c.bind(args))
	return err
}

// changed is exec that says how many rows it changed.
func (c *conn) changed(query string, args ...any) (int, error) {
	s, err := c.prepare(query)
	if err != nil {
		return 0, err
	}
	r, err := s.ExecContext(context.Background(), c.bind(args))
	if err != nil {
		return 0, err
	}
	n, err := r.RowsAffected()
	return int(n), err
}

// query calls each with every row; the slice is reused, what is in it is not. An
// error of each ends it.
func (c *conn) query(ctx context.Context, query string, args []any, each func(row []driver.Value) error) (err error) {
	s, err := c.prepare(query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(ctx, c.bind(args))
	if err != nil {
		return err
	}
	defer func() {
		if e := rows.Close(); err == nil {
			err = e
		}
	}()
	n := len(rows.Columns())
	row := make([]driver.Value, n)
	for {
		switch err := rows.Next(row); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if err := each(row); err != nil {
			return err
		}
	}
}

// code is SQLite's primary result code of an error, 0 where it has none.
func code(err error) int {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return 0
	}
	return e.Code() & 0xff
}

// named gives SQLite's errors the store's words.
func named(err error) error {
	switch code(err) {
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%w: %w", store.ErrFull, err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%w: %w", store.ErrDamaged, err)
	}
	return err
}

func asInt(v driver.Value) int64 {
	n, _ := v.(int64)
	return n
}

func asBytes(v driver.Value) []byte {
	b, _ := v.([]byte)
	return b
}

func asString(v driver.Value) string {
	s, _ := v.(string)
	return s
}

func asDuration(n int64) time.Duration { return time.Duration(n) }

// null is NULL for 0.
func null(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}

// blob is never NULL.
func blob(b []byte) any {
	if b == nil {
		return []byte{}
	}
	return b
}

// once is query for a statement that is not worth keeping.
func (c *conn) once(ctx context.Context, query string, args []any, each func(row []driver.Value) error) error {
	err := c.query(ctx, query, args, each)
	if s := c.stmts[query]; s != nil {
		delete(c.stmts, query)
		err = errors.Join(err, s.Close())
	}
	return err
}
