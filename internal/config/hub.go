package config

import (
	"crypto/tls"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"stellwerk/connectors"
	"stellwerk/internal/config/strict"
	"stellwerk/internal/route"
)

const hubFile = "stellwerk.yaml"

type hubYAML struct {
	Node   string `yaml:"node"`
	Listen struct {
		Portals string `yaml:"portals"`
		Admin   string `yaml:"admin"`
		Public  string `yaml:"public"`
		Proxy   bool   `yaml:"proxy"`
		TLS     *struct {
			Certificate string            `yaml:"certificate,required"`
			Key         connectors.Secret `yaml:"key,required"`
		} `yaml:"tls"`
	} `yaml:"listen"`
	Data   string            `yaml:"data"`
	Key    connectors.Secret `yaml:"key,required"`
	Limits struct {
		Payload     strict.Size `yaml:"payload"`
		Attachment  strict.Size `yaml:"attachment"`
		Attachments int         `yaml:"attachments"`
		Total       strict.Size `yaml:"total"`
		Requests    int         `yaml:"requests"`
	} `yaml:"limits"`
	Timeouts struct {
		Header time.Duration `yaml:"header"`
		Read   time.Duration `yaml:"read"`
		Write  time.Duration `yaml:"write"`
		Idle   time.Duration `yaml:"idle"`
		Stop   time.Duration `yaml:"stop"`
	} `yaml:"timeouts"`
	Flow struct {
		Workers int           `yaml:"workers"`
		Lease   time.Duration `yaml:"lease"`
		Scan    time.Duration `yaml:"scan"`
	} `yaml:"flow"`
	Log struct {
		Level  string `yaml:"level"`
		Format string `yaml:"format"`
	} `yaml:"log"`
	Tracing struct {
		Endpoint string  `yaml:"endpoint"`
		Sample   float64 `yaml:"sample"`
	} `yaml:"tracing"`
	Retention route.Retention `yaml:"retention"`
}

// hub reads stellwerk.yaml. What it leaves out is the default written here.
func (l *loader) hub() {
	var y hubYAML
	y.Listen.Portals, y.Listen.Admin = "127.0.0.1:8080", "127.0.0.1:8081"
	y.Data = "data"
	y.Limits.Payload, y.Limits.Attachment, y.Limits.Total = 10e6, 200e6, 2e9
	y.Limits.Attachments, y.Limits.Requests = 100, 512
	y.Timeouts.Header, y.Timeouts.Read, y.Timeouts.Write = 5*time.Second, 5*time.Minute, 5*time.Minute
	y.Timeouts.Idle, y.Timeouts.Stop = 2*time.Minute, 10*time.Second
	// A worker waits most of the time, for a sync or for a system with room.
	y.Flow.Workers, y.Flow.Lease, y.Flow.Scan = max(32, 16*runtime.GOMAXPROCS(0)), 2*time.Minute, 5*time.Second
	y.Log.Level, y.Log.Format = "info", "json"
	y.Tracing.Sample = 1
	ok := l.read(hubFile, "a setting of the hub", &y)
	if !ok {
		return
	}
	if y.Node == "" {
		var err error
		if y.Node, err = os.Hostname(); err != nil {
			l.at(hubFile, "node", "node: this machine does not say its name: "+err.Error(), "write one: node: NAME")
		}
	}
	y.Data = l.absolute(y.Data)
	h := Hub{
		Node: y.Node,
		Data: y.Data,
		Key:  y.Key,
		Listen: Listen{
			Portals: y.Listen.Portals, Admin: y.Listen.Admin,
			Public: strings.TrimSuffix(y.Listen.Public, "/"), Proxy: y.Listen.Proxy,
		},
		Limits: Limits{
			Payload: int64(y.Limits.Payload), Attachment: int64(y.Limits.Attachment), Attachments: y.Limits.Attachments,
			Total: int64(y.Limits.Total), Requests: y.Limits.Requests,
		},
		Timeouts:  Timeouts(y.Timeouts),
		Flow:      Flow(y.Flow),
		Log:       Log(y.Log),
		Tracing:   Tracing(y.Tracing),
		Retention: y.Retention,
	}
	if _, why := y.Retention.Over(route.DefaultRetention).Contradiction(); why != "" {
		l.at(hubFile, "retention", "retention: "+why, "what a submission is found by goes last; what is not written is the default")
	}
	l.secret(hubFile, "key", y.Key)
	if ring, err := reveal(y.Key, l.src.Dir); err == nil && !y.Key.Empty() && l.src.Keyring != nil {
		if err := l.src.Keyring(ring); err != nil {
			l.at(hubFile, "key", "key: "+err.Error(), "stellwerk keys keyring FILE makes one")
		}
	}
	if info, err := os.Stat(y.Data); err == nil && !info.IsDir() {
		l.at(hubFile, "data", "data: "+y.Data+" is not a folder", "it is made where there is none")
	}
	if t := y.Listen.TLS; t != nil {
		certificate := l.absolute(t.Certificate)
		l.pair(certificate, t.Certificate, t.Key)
		h.Listen.TLS = &TLS{Certificate: certificate, Key: t.Key}
	}
	l.hubChecks(&h)
	l.snap.Hub = h
}

// pair checks that the hub's certificate and its key are there and belong together.
func (l *loader) pair(file, written string, secret connectors.Secret) {
	const at = "listen.tls.certificate"
	certificate, err := os.ReadFile(file)
	if err != nil {
		l.at(hubFile, at, at+": "+written+" "+reason(err), "")
	}
	l.secret(hubFile, "listen.tls.key", secret)
	key, unread := reveal(secret, l.src.Dir)
	if err != nil || unread != nil {
		return
	}
	if _, err := tls.X509KeyPair(certificate, key); err != nil {
		l.at(hubFile, at, at+": "+err.Error(), "certificate and key are PEM, and of one pair")
	}
}

// absolute is a path that starts at the operator's folder, made independent of the
// process's working directory.
func (l *loader) absolute(file string) string {
	if !filepath.IsAbs(file) {
		file = filepath.Join(l.src.Dir, file)
	}
	if abs, err := filepath.Abs(file); err == nil {
		return abs
	}
	return file
}

func (l *loader) hubChecks(h *Hub) {
	l.listen("listen.portals", h.Listen.Portals, h.Listen)
	l.listen("listen.admin", h.Listen.Admin, h.Listen)
	if h.Listen.Admin == h.Listen.Portals && !strings.HasSuffix(h.Listen.Admin, ":0") {
		l.at(hubFile, "listen.admin", "listen.admin: "+h.Listen.Admin+" is the portals' address already", "give each its own port")
	}
	l.web("listen.public", h.Listen.Public, "write https://…")
	l.web("tracing.endpoint", h.Tracing.Endpoint, "write http://127.0.0.1:4318 for a collector on this machine")
	positive := func(key string, ok bool) {
		if !ok {
			l.at(hubFile, key, key+" must be greater than zero", "remove the key for the default")
		}
	}
	positive("limits.payload", h.Limits.Payload > 0)
	positive("limits.attachment", h.Limits.Attachment > 0)
	positive("limits.total", h.Limits.Total > 0)
	positive("limits.requests", h.Limits.Requests > 0)
	if h.Limits.Attachments < 0 {
		l.at(hubFile, "limits.attachments", "limits.attachments is negative", "0 allows none")
	}
	positive("timeouts.header", h.Timeouts.Header > 0)
	positive("timeouts.read", h.Timeouts.Read > 0)
	positive("timeouts.write", h.Timeouts.Write > 0)
	positive("timeouts.idle", h.Timeouts.Idle > 0)
	positive("timeouts.stop", h.Timeouts.Stop > 0)
	positive("flow.workers", h.Flow.Workers > 0)
	positive("flow.lease", h.Flow.Lease > 0)
	positive("flow.scan", h.Flow.Scan > 0)
	if h.Limits.Payload > h.Limits.Total {
		l.at(hubFile, "limits.total", "limits.total is less than limits.payload", "a request holds the payload and the attachments")
	}
	l.oneOf(hubFile, "log.level", h.Log.Level, "debug", "info", "warn", "error")
	l.oneOf(hubFile, "log.format", h.Log.Format, "json", "text")
	if h.Tracing.Sample < 0 || h.Tracing.Sample > 1 {
		l.at(hubFile, "tracing.sample", "tracing.sample must be between 0 and 1", "")
	}
}

// web checks an address of the web; empty is none.
func (l *loader) web(key, address, remedy string) {
	if address == "" {
		return
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
		l.at(hubFile, key, key+": "+address+" is not an address of the web", remedy)
	}
}

// listen checks host:port, and that what strangers reach is encrypted.
func (l *loader) listen(key, addr string, in Listen) {
	host, port, err := net.SplitHostPort(addr)
	if n, e := strconv.Atoi(port); err != nil || e != nil || n < 0 || n > 65535 {
		l.at(hubFile, key, key+": "+addr+" is not an address to listen at", "write host:port, such as 127.0.0.1:8080")
		return
	}
	ip := net.ParseIP(host)
	loopback := host == "localhost" || ip != nil && ip.IsLoopback()
	if !loopback && in.TLS == nil && !in.Proxy {
		l.at(hubFile, key, key+": "+addr+" is open to other machines without TLS",
			"give listen.tls, or say listen.proxy: true where a proxy in front does it")
	}
}

func (l *loader) oneOf(file, key, word string, allowed ...string) bool {
	for _, a := range allowed {
		if a == word {
			return true
		}
	}
	l.at(file, key, key+": "+word+" is not known", strict.Suggest(word, allowed))
	return false
}

// secret checks that a secret can be read now; its text is dropped at once.
func (l *loader) secret(file, key string, s connectors.Secret) {
	if s.Empty() {
		return
	}
	if _, err := reveal(s, l.src.Dir); err != nil {
		l.at(file, key, key+": "+err.Error(), "")
	}
}

// reveal reads a secret that has to be read again with every check, reload and start.
func reveal(s connectors.Secret, dir string) ([]byte, error) {
	if err := s.Lasts(dir); err != nil {
		return nil, err
	}
	return s.Reveal(dir)
}
