package intake

import (
	"net/http"

	"stellwerk/internal/config"
)

const maxHeaderBytes = 16 << 10

// Server is a server with every time-out and limit set. A connection that sends
// its head slowly is cut after Header, one that sends its body slowly after Read,
// one that does nothing after Idle. The time for writing starts with the request,
// so it covers the reading too.
func Server(h http.Handler, t config.Timeouts) *http.Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	return &http.Server{
		Handler:                      h,
		ReadHeaderTimeout:            t.Header,
		ReadTimeout:                  t.Read,
		WriteTimeout:                 t.Read + t.Write,
		IdleTimeout:                  t.Idle,
		MaxHeaderBytes:               maxHeaderBytes,
		DisableGeneralOptionsHandler: true,
		Protocols:                    &protocols,
		HTTP2:                        &http.HTTP2Config{MaxConcurrentStreams: 100, SendPingTimeout: t.Idle, PingTimeout: t.Header},
	}
}
