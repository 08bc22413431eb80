package cli

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"stellwerk/internal/hub"
)

// pusher is the first phase: clients that push until the count is reached.
type pusher struct {
	*loadOptions
	target *url.URL
	ledger *ledger
	start  time.Time

	next                                       atomic.Int64
	accepted, refused, failed, retried, broken atomic.Int64

	mu        sync.Mutex
	latencies []uint32 // microseconds, of pushes that needed no repetition
	answered  receipts
	recent    []uint32 // since the last progress line
	refusal   string   // the first one
}

func (p *Program) pushAll(ctx context.Context, o *loadOptions, report *loadReport) (err error) {
	if err := checkAddress("--target", o.target, "http://127.0.0.1:8080"); err != nil {
		return err
	}
	target, err := url.Parse(o.target)
	if err != nil {
		return err
	}
	body, err := newLoadBody()
	if err != nil {
		return err
	}
	l, err := openLedger(o.ledger, o.sync)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	var run [6]byte
	if _, err := rand.Read(run[:]); err != nil {
		return fmt.Errorf("make a name for the run: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	push := &pusher{loadOptions: o, target: target, ledger: l, start: time.Now(), latencies: make([]uint32, 0, o.count), answered: make(receipts, o.count)}
	var clients sync.WaitGroup
	for range o.clients {
		r := body.newRequest(target.Host, o.portalKey, o.municipality, hex.EncodeToString(run[:]), push.start.UTC().Format(time.RFC3339))
		clients.Go(func() {
			if err := push.client(ctx, r); err != nil {
				push.noteRefusal(err.Error())
				stop() // the ledger cannot be written: nothing that follows would count
			}
		})
	}
	shown := make(chan struct{})
	done := make(chan struct{})
	go func() { defer close(shown); push.progress(p, done) }()
	clients.Wait()
	took := time.Since(push.start)
	close(done)
	<-shown
	push.fill(report, took)
	if ctx.Err() != nil && push.accepted.Load()+push.refused.Load()+push.failed.Load() < int64(o.count) {
		report.OK = false
	}
	return nil
}

// receipts are when the 202s were here, microseconds since 1970.
type receipts map[hub.ID]int64

// client pushes one submission after the other over one connection.
func (u *pusher) client(ctx context.Context, r *request) error {
	c := &wire{target: u.target}
	defer c.close()
	for ctx.Err() == nil {
		turn := u.next.Add(1) - 1
		if turn >= int64(u.count) {
			return nil
		}
		due := time.Now()
		if u.rate > 0 {
			due = u.start.Add(time.Duration(float64(turn) / u.rate * float64(time.Second)))
			if !sleep(ctx, time.Until(due)) {
				return nil
			}
		}
		n := u.first + int(turn)
		sum := r.number(n)
		id, err := u.one(ctx, c, r, due, hex.EncodeToString(sum[:]))
		if err != nil {
			u.noteRefusal(err.Error())
			continue
		}
		if id.Zero() {
			continue
		}
		if err := u.ledger.note(entry{ID: id, SHA256: sum, Mark: mark(n)}); err != nil {
			return err
		}
		u.accepted.Add(1)
	}
	return nil
}

// errOtherContent: the receipt names another digest than what was pushed.
var errOtherContent = errors.New("the receipt's SHA-256 is not that of what was pushed")

// one pushes until it is acknowledged, refused for good, or patience ends. The
// idempotency key stays the same, so a repetition makes no second case.
func (u *pusher) one(ctx context.Context, c *wire, r *request, due time.Time, sum string) (hub.ID, error) {
	wait := 20 * time.Millisecond
	for try := 0; ; try++ {
		status, answer, err := c.push(r.bytes)
		switch {
		case err == nil && status == http.StatusAccepted:
			var got struct {
				ID     hub.ID `json:"id"`
				SHA256 string `json:"sha256"`
			}
			if err := json.Unmarshal(answer, &got); err != nil {
				u.failed.Add(1)
				return hub.ID{}, fmt.Errorf("read a receipt: %w", err)
			}
			if got.SHA256 != sum {
				u.broken.Add(1)
				return got.ID, errOtherContent
			}
			if try == 0 {
				u.note(got.ID, due, time.Now())
			} else {
				u.retried.Add(1)
			}
			return got.ID, nil
		case err == nil && status < 500 && status != http.StatusConflict && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout:
			u.refused.Add(1)
			return hub.ID{}, fmt.Errorf("refused with %d: %s", status, answer)
		case time.Since(due) > u.patience:
			u.failed.Add(1)
			if err == nil {
				err = fmt.Errorf("answered %d: %s", status, answer)
			}
			return hub.ID{}, err
		}
		if !sleep(ctx, wait) {
			return hub.ID{}, nil
		}
		wait = min(2*wait, time.Second)
	}
}

func (u *pusher) note(id hub.ID, due, now time.Time) {
	us := uint32(min(now.Sub(due).Microseconds(), 1<<32-1))
	u.mu.Lock()
	u.answered[id] = now.UnixMicro()
	u.latencies = append(u.latencies, us)
	u.recent = append(u.recent, us)
	u.mu.Unlock()
}

func (u *pusher) noteRefusal(text string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.refusal == "" {
		u.refusal = text
	}
}

// progress writes a line a second: over the last one on a terminal, else below it
// and more seldom.
func (u *pusher) progress(p *Program, done <-chan struct{}) {
	every, end := 5*time.Second, "\n"
	if p.terminal() {
		every, end = time.Second, "\x1b[K\r"
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	before := int64(0)
	for {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		u.mu.Lock()
		recent := u.recent
		u.recent = nil
		u.mu.Unlock()
		slices.Sort(recent)
		now := u.accepted.Load()
		fmt.Fprintf(p.Err, "%d of %d accepted, %.0f/s, p99 %s, %d repeated, %d refused, %d failed%s", now, u.count,
			float64(now-before)/every.Seconds(), span(percentile(recent, 99)), u.retried.Load(), u.refused.Load(), u.failed.Load(), end)
		before = now
	}
}

func (u *pusher) fill(r *loadReport, took time.Duration) {
	slices.Sort(u.latencies)
	r.Pushed, r.Refusal, r.start, r.answered = true, u.refusal, u.start, &u.answered
	r.Count, r.Acknowledged = u.count, int(u.accepted.Load())
	r.Refused, r.Failed, r.Repeated = int(u.refused.Load()), int(u.failed.Load()), int(u.retried.Load())
	r.Altered += int(u.broken.Load())
	r.Seconds = rounded(took.Seconds())
	r.Rate = rounded(float64(r.Acknowledged) / took.Seconds())
	r.Latency = latencyOf(u.latencies)
	r.OK = r.OK && r.Refused+r.Failed+r.Altered == 0
}

func latencyOf(sorted []uint32) latency {
	return latency{P50: inMilliseconds(sorted, 50), P95: inMilliseconds(sorted, 95), P99: inMilliseconds(sorted, 99), Max: inMilliseconds(sorted, 100)}
}

// percentile of sorted microseconds.
func percentile(sorted []uint32, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	at := (len(sorted)*p + 99) / 100
	return time.Duration(sorted[max(0, min(at, len(sorted))-1)]) * time.Microsecond
}

func inMilliseconds(sorted []uint32, p int) float64 {
	return float64(percentile(sorted, p).Microseconds()) / 1000
}

// sleep waits, and reports false where ctx ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// wire is one connection that is kept alive. It writes finished requests and reads
// answers, and does no more: the load test shares the machine with the hub.
type wire struct {
	target *url.URL
	conn   net.Conn
	read   *bufio.Reader
}

// answerTime bounds one request: a hub that was killed may leave the line silent.
const answerTime = 30 * time.Second

func (c *wire) push(request []byte) (status int, answer []byte, err error) {
	if c.conn == nil {
		if err := c.dial(); err != nil {
			return 0, nil, err
		}
	}
	status, answer, again, err := c.exchange(request)
	if err != nil || !again {
		c.close()
	}
	return status, answer, err
}

func (c *wire) exchange(request []byte) (status int, answer []byte, again bool, err error) {
	if err := c.conn.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return 0, nil, false, err
	}
	if _, err := c.conn.Write(request); err != nil {
		return 0, nil, false, err
	}
	res, err := http.ReadResponse(c.read, nil)
	if err != nil {
		return 0, nil, false, err
	}
	answer, err = io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, answer, !res.Close, errors.Join(err, res.Body.Close())
}

func (c *wire) dial() (err error) {
	address := c.target.Host
	if c.target.Port() == "" {
		address = net.JoinHostPort(c.target.Hostname(), c.target.Scheme)
	}
	d := &net.Dialer{Timeout: 5 * time.Second}
	if c.target.Scheme == "https" {
		c.conn, err = tls.DialWithDialer(d, "tcp", address, &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.target.Hostname()})
	} else {
		c.conn, err = d.Dial("tcp", address)
	}
	if err != nil {
		c.conn = nil // a typed nil of the TLS connection is none
		return err
	}
	c.read = bufio.NewReaderSize(c.conn, 4<<10)
	return nil
}

func (c *wire) close() {
	if c.conn != nil {
		_ = c.conn.Close() // what matters was answered before
		c.conn = nil
	}
}
