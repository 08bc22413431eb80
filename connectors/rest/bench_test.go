package rest_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"

	"stellwerk/connectors"
	"stellwerk/connectors/connectortest"
)

// answering is the cheapest partner there is: it answers every request on a
// connection with the same bytes, so that the figure is the connector's own.
func answering(b *testing.B) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return l.Addr().String()
}

func serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	r := bufio.NewReader(conn)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		if _, err := io.WriteString(conn, "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 32\r\n\r\n{\"kassenzeichen\":\"5.0001.00042\"}"); err != nil {
			return
		}
	}
}

func BenchmarkDeliver(b *testing.B) {
	address := answering(b)
	config := configure(b, "kasse-json", "address: http://"+address)
	c, err := config.Open(environment(b))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	m := connectortest.Message(1)
	m.Body = make([]byte, 3000)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if r := c.Deliver(b.Context(), m); r.Outcome != connectors.Delivered {
				b.Errorf("%s %s", r.Outcome, r.Code)
				return
			}
		}
	})
}
