package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// transport knows of every failed request whether a byte of it left, and lets
// net/http repeat none of which one did: the standard transport would silently
// send a POST again that carries an Idempotency-Key.
type transport struct{ base *http.Transport }

// sendError is a request without a reply.
type sendError struct {
	begun    bool // bytes of it were written
	complete bool // nothing contradicts that all of it was
	err      error
}

func (e *sendError) Error() string { return e.err.Error() }
func (e *sendError) Unwrap() error { return e.err }

// blockedError is an address that the operator has not listed.
type blockedError struct{ addr netip.Addr }

func (e *blockedError) Error() string {
	return fmt.Sprintf("address %s is not on the system's allow-list", e.addr)
}

var errOnce = errors.New("a request that may have arrived is not sent again")

// poolWithoutLimit sizes the pool of connections where the hub sets no limit.
const poolWithoutLimit = 64

func newTransport(security *tls.Config, allow []netip.Prefix, pool int) *transport {
	if pool <= 0 {
		pool = poolWithoutLimit
	}
	dialer := Dialer(allow)
	return &transport{&http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &countingConn{Conn: conn}, nil
		},
		TLSClientConfig:        security,
		TLSHandshakeTimeout:    15 * time.Second,
		MaxIdleConns:           pool,
		MaxIdleConnsPerHost:    pool,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true,
		WriteBufferSize:        16 << 10, // a usual document leaves in one piece
	}}
}

// Dialer connects to listed addresses only, for protocols other than HTTP too.
func Dialer(allow []netip.Prefix) *net.Dialer {
	return &net.Dialer{
		Timeout:   15 * time.Second,
		KeepAlive: 30 * time.Second,
		Control: func(_, address string, _ syscall.RawConn) error {
			return permit(allow, address)
		},
	}
}

// permit checks the address that a name was resolved to, so that no name can
// lead elsewhere between check and use.
func permit(allow []netip.Prefix, address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("check address: %w", err)
	}
	addr := at.Addr().Unmap().WithZone("")
	for _, p := range allow {
		if p.Contains(addr) {
			return nil
		}
	}
	return &blockedError{addr}
}

// RoundTrip sends one request once.
func (w *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	var s sending
	traced := req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		GotConn:      s.gotConn,
		WroteRequest: s.wroteRequest,
	}))
	if again := req.GetBody; again != nil {
		traced.GetBody = func() (io.ReadCloser, error) {
			if s.begun() {
				return nil, errOnce
			}
			return again()
		}
	}
	res, err := w.base.RoundTrip(traced)
	if err != nil {
		return nil, &sendError{begun: s.begun(), complete: !s.incomplete.Load(), err: err}
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		// The body is the connection itself from now on: no context ends reading it.
		_ = res.Body.Close()
		res.Body, res.ContentLength = http.NoBody, 0
	}
	return res, nil
}

// sending watches one request on its way.
type sending struct {
	mu         sync.Mutex
	conn       *countingConn
	before     int64
	incomplete atomic.Bool
}

func (s *sending) gotConn(info httptrace.GotConnInfo) {
	conn := info.Conn
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	counting, ok := conn.(*countingConn)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn, s.before = counting, counting.written.Load()
}

// wroteRequest hears of an error only where the last bytes did not leave.
func (s *sending) wroteRequest(info httptrace.WroteRequestInfo) {
	if info.Err != nil {
		s.incomplete.Store(true)
	}
}

func (s *sending) begun() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn != nil && s.conn.touched(s.before)
}

// countingConn counts the bytes that the system took over for sending.
type countingConn struct {
	net.Conn
	writing atomic.Int64 // calls of Write under way
	written atomic.Int64
}

func (c *countingConn) Write(b []byte) (int, error) {
	c.writing.Add(1)
	defer c.writing.Add(-1)
	n, err := c.Conn.Write(b)
	c.written.Add(int64(n))
	return n, err
}

// touched reports whether anything was or is being written since the count was
// before. It looks at writing first: Write counts its bytes before it ends.
func (c *countingConn) touched(before int64) bool {
	return c.writing.Load() > 0 || c.written.Load() > before
}
