package cli

import (
	"bufio"
	"bytes"
	"io"
	"log"
	"net"
	"net/http"
	"testing"
)

// A partner answers twice. net/http writes the second answer, which nobody asked for, to
// the standard log: the program keeps it from there, for it may name a person.
func TestSecondAnswerIsInNoLog(t *testing.T) {
	before := log.Writer()
	defer log.SetOutput(before)
	var said bytes.Buffer
	log.SetOutput(&said)
	Standard()

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	hungUp := make(chan struct{})
	go func() {
		defer close(hungUp)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		in := bufio.NewReader(conn)
		if _, err := http.ReadRequest(in); err != nil {
			return
		}
		answer := "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nJörg Beispiel"
		_, _ = io.WriteString(conn, answer+answer)
		_, _ = io.Copy(io.Discard, in)
	}()
	client := &http.Client{Transport: &http.Transport{}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	<-hungUp // the second answer was seen by then
	if said.Len() > 0 {
		t.Errorf("the standard log has %q", said.String())
	}
}
