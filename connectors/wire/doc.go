// Package wire is how kinds reach a partner over HTTP. It never repeats a request,
// follows no redirect, uses no proxy and dials no address that the operator has
// not listed. One HTTP/1.1 connection carries one request at a time, so the count
// of bytes written on it tells whether a request left at all: that is what decides
// between retry and unknown where no answer comes:
//
//	address not listed, name not found, connection refused,
//	TLS handshake failed, no byte written                      retry
//	request written in part only: no server can take it        retry
//	time-out, broken connection or unreadable answer later on  unknown
//	an attachment is damaged: the request is broken off         refused, no fault
//
// And where one comes that a kind has no rule of its own for:
//
//	2xx            the kind's to judge
//	401, 403, 407  retry: the hub's credentials are wrong, not the document
//	408, 421, 425  retry: the partner says that it has not read or worked on the request
//	429, 503       retry, after the time that the partner asks for
//	307, 308       retry: not taken here; a redirect is never followed
//	other 3xx      unknown: after a POST it may mean "taken, look there"
//	400            retry, where its page says that it is about TLS or the hub's certificate
//	404, 405       retry, where the address is the same for every message and the body
//	               is neither JSON nor XML: a proxy says so while the system is away
//	other 4xx      refused
//	other 5xx      unknown: the partner may have stored the document and failed
//	               afterwards. A repeatable system is sent it again anyway; for
//	               another one, guessing "retry" books a dog twice
package wire
