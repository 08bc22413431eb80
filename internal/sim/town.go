package sim

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Options size a town. The zero value listens on free ports of this machine.
type Options struct {
	Dir      string            // for the drop folder and the sink's log; required
	Listen   map[string]string // address by partner, "control" too; a free one of this machine where none is given
	Now      func() time.Time
	Remember int           // documents each partner keeps whole; 1000. Their ids are kept all.
	Scan     time.Duration // between two looks into the drop folder; 100ms
	// SinkLog makes the sink write down and sync each document's id before it
	// answers, in sink.log below Dir; an existing log is read back at the start.
	SinkLog bool
	// Mark has the partners remember the word that starts with it in each body,
	// LOAD-000017 for LOAD-, to tell whether content and id belong together.
	Mark string
	// PortalKey verifies the signatures of callbacks; unsigned ones are refused then.
	PortalKey ed25519.PublicKey
}

// Town is a running simulation.
type Town struct {
	Control     string // base address of the control API
	Finance     string // base addresses of the partners
	Records     string
	DMS         string
	PublicOrder string
	Portal      string
	Sink        string
	Waste       string
	District    string
	Mailbox     string
	Bookings    string // below it /schnittstelle
	CashOffice  string // the drop folders
	WasteLists  string
	Payment     string // a payment provider: /pmpayment and /epay21 below it
	PaymentTLS  string // the same one where the hub shows its certificate: /epaybl below it
	Mail        string // host:port of a mail server, STARTTLS
	MailTLS     string // the same one, TLS from the first byte on
	CA          string // PEM file of the authority behind the town's certificates
	HubP12      string // PKCS#12 file with the hub's certificate, sealed with Password

	partners  []*partner
	control   *listener
	stop      context.CancelFunc
	watched   chan struct{}
	log       *sinkLog
	payment   *payment
	portal    *portal
	mail      *partner
	authority *authority
	ending    sync.Once
	ended     error
}

// Start starts every partner. The town ends with Close, or with ctx.
func Start(ctx context.Context, o Options) (*Town, error) {
	if o.Dir == "" {
		return nil, errors.New("start town: it needs a folder")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Remember == 0 {
		o.Remember = 1000
	}
	if o.Scan == 0 {
		o.Scan = 100 * time.Millisecond
	}
	inner, stop := context.WithCancel(ctx)
	t := &Town{watched: make(chan struct{})}
	t.stop = stop
	if err := t.start(inner, o); err != nil {
		close(t.watched)
		return nil, errors.Join(fmt.Errorf("start town: %w", err), t.Close())
	}
	forget := context.AfterFunc(ctx, func() { _ = t.Close() })
	t.stop = func() { forget(); stop() }
	return t, nil
}

func (t *Town) start(ctx context.Context, o Options) error {
	if err := os.MkdirAll(o.Dir, 0o750); err != nil {
		return err
	}
	sheets, err := readSheets()
	if err != nil {
		return err
	}
	sink, err := newSink(o)
	if err != nil {
		return err
	}
	t.log = sink.log
	base := func(name string) *partner { return newPartner(name, o) }
	cash, err := newCashOffice(base("cash-office"))
	if err != nil {
		return err
	}
	boxes := []*dropBox{cash, newWasteLists(base("waste-lists"))}
	for _, box := range boxes {
		if err := box.open(filepath.Join(o.Dir, box.name)); err != nil {
			return err
		}
	}
	t.CashOffice, t.WasteLists = boxes[0].drop, boxes[1].drop
	for _, p := range []struct {
		*partner
		handler http.Handler
		address *string
	}{
		{base("finance"), nil, &t.Finance},
		{base("records"), nil, &t.Records},
		{base("dms"), nil, &t.DMS},
		{base("public-order"), nil, &t.PublicOrder},
		{base("waste"), nil, &t.Waste},
		{base("district"), nil, &t.District},
		{base("bookings"), nil, &t.Bookings},
		{base("mailbox"), nil, &t.Mailbox},
		{base("portal"), nil, &t.Portal},
		{sink.partner, sink, &t.Sink},
	} {
		switch p.name {
		case "finance":
			p.handler = newFinance(p.partner, sheets["veranlagung"])
		case "records":
			p.handler = newRecords(p.partner)
		case "dms":
			p.handler = newDMS(p.partner)
		case "public-order":
			p.handler = newPublicOrder(p.partner, sheets["meldung"])
		case "waste":
			p.handler = newWaste(p.partner, sheets["behaelterauftrag"])
		case "district":
			p.handler = newDistrict(p.partner, sheets["reitkennzeichen"])
		case "bookings":
			p.handler = newBookings(p.partner)
		case "mailbox":
			p.handler = newMailbox(p.partner, sheets["nachricht"])
		case "portal":
			t.portal, p.handler = newPortal(p.partner, o.PortalKey)
		}
		if err := p.serve(o.Listen[p.name], p.handler); err != nil {
			return err
		}
		*p.address = "http://" + p.listener.address
		t.partners = append(t.partners, p.partner)
	}
	for _, box := range boxes {
		t.partners = append(t.partners, box.partner)
	}
	if err := t.startPayment(o); err != nil {
		return err
	}
	if err := t.startMail(o); err != nil {
		return err
	}
	t.control = &listener{address: o.Listen["control"], handler: t.controlAPI(sink, boxes)}
	if err := t.control.start(); err != nil {
		return err
	}
	t.Control = "http://" + t.control.address
	go func() {
		defer close(t.watched)
		var all sync.WaitGroup
		for _, box := range boxes {
			all.Go(func() { box.watch(ctx, o.Scan) })
		}
		all.Wait()
	}()
	return nil
}

// Close stops every partner and waits for them.
func (t *Town) Close() error {
	t.ending.Do(func() { t.ended = t.end() })
	return t.ended
}

func (t *Town) end() error {
	t.stop()
	<-t.watched
	var errs []error
	for _, p := range t.partners {
		errs = append(errs, p.close())
	}
	if t.control != nil {
		errs = append(errs, t.control.stop())
	}
	if t.log != nil {
		errs = append(errs, t.log.close())
	}
	return errors.Join(errs...)
}

// listener is a server that can go down and come back at its address.
type listener struct {
	address string
	handler http.Handler  // of an HTTP server, or …
	create  func() server // … another one
	tls     *tls.Config   // speaks TLS from the first byte on where it is set
	server  server
	at      net.Listener
	done    chan struct{}
}

// server is what net/http and go-smtp have in common.
type server interface {
	Serve(net.Listener) error
	Close() error
}

func (l *listener) start() error {
	if l.server != nil {
		return nil
	}
	at, err := l.listen()
	if err != nil {
		return err
	}
	l.address = at.Addr().String()
	if l.tls != nil {
		at = tls.NewListener(at, l.tls)
	}
	if l.create != nil {
		l.server = l.create()
	} else {
		l.server = &http.Server{Handler: l.handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	}
	l.at, l.done = at, make(chan struct{})
	server, done := l.server, l.done
	go func() {
		defer close(done)
		_ = server.Serve(at) // ends with ErrServerClosed
	}()
	return nil
}

func (l *listener) listen() (net.Listener, error) {
	if l.address == "" {
		return listenFree()
	}
	return net.Listen("tcp", l.address)
}

func (l *listener) stop() error {
	if l.server == nil {
		return nil
	}
	err := l.server.Close()
	_ = l.at.Close() // again, but for a server that was closed before it had begun to serve
	<-l.done
	l.server = nil
	return err
}
