package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"stellwerk/connectors"
	"stellwerk/internal/audit"
	"stellwerk/internal/config"
	"stellwerk/internal/deliver"
	"stellwerk/internal/flow"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/store/sqlite"
	"stellwerk/internal/vault"
	"stellwerk/mappings"
	"stellwerk/routes"
	"stellwerk/testdata"
)

const chaosTown = "05999040"

// scan is between two looks for what no bell has announced.
const scan = 20 * time.Second

// setting is what a reload may change of the sample town.
type setting struct {
	finance  string   // the system that has the role
	gone     string   // a system that is no more
	order    bool     // whether there is a public-order office
	services []string // offered
	callback bool
	traits   map[string]string
}

func usual() setting {
	return setting{
		finance: "kasse-a", order: true, services: []string{"hundeanmeldung", "hundemarke"}, callback: true,
		traits: map[string]string{"kasse-a": "", "kasse-b": "askable", "akte": "repeatable", "ordnung": "askable", "bezahlen": "repeatable askable"},
	}
}

// chaos is a hub in its world.
type chaos struct {
	*world
	dir  string
	src  config.Source
	live *config.Live
	set  setting
	life *living
	ids  hub.IDs

	cases   []hub.ID
	bundles []hub.ID
	open    hub.ID // the bundle that is filled now
	service map[hub.ID]string
	chip    map[hub.ID]string
	touched map[hub.ID]bool // a person, or a partner, has taken it up again: it may be behind others
	passed  map[hub.ID]bool // a delivery that a person may have let go ahead of an earlier case
	erased  map[hub.ID]bool
	given   map[hub.ID]bool // up as a whole, by a person: what is damaged may be beyond telling
}

// living is one process.
type living struct {
	*mortal
	flow    *flow.Flow
	deliver *deliver.Deliverer
	ctx     context.Context
	end     context.CancelFunc
	tasks   sync.WaitGroup
	nudge   chan struct{}
}

// TestChaos lets everything happen at once, in any order, and then be quiet: what was
// accepted comes to an end that somebody can name, and no promise is broken on the way.
func TestChaos(t *testing.T) {
	first, runs, steps := uint64(1), 4, 60
	if testing.Short() {
		runs = 2
	}
	if s := os.Getenv("STELLWERK_CHAOS"); s != "" { // "seed runs steps"
		if _, err := fmt.Sscan(s, &first, &runs, &steps); err != nil {
			t.Fatal(err)
		}
	}
	for i := range runs {
		seed := first + uint64(i)
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newChaos(t, seed).run(steps) })
		})
	}
}

func newChaos(t *testing.T, seed uint64) *chaos {
	w := &world{T: t, rnd: rand.New(rand.NewPCG(seed, 1)), late: seed%2 == 0, flaky: seed%3 == 0, flying: map[string]int{}, taken: map[string]int{}, again: map[string]int{}, told: map[string][]toldOf{}}
	c := &chaos{world: w, dir: t.TempDir(), set: usual(), service: map[hub.ID]string{}, chip: map[hub.ID]string{}, touched: map[hub.ID]bool{}, passed: map[hub.ID]bool{}, erased: map[hub.ID]bool{}, given: map[hub.ID]bool{}}
	w.ahead.Store(int64(time.Until(time.Date(2026, 10, 24, 12, 0, 0, 0, time.UTC))))
	c.ids = hub.IDs{Now: w.now}
	sample, err := fs.Sub(testdata.Musterstadt, "musterstadt")
	c.must(err)
	c.must(os.CopyFS(c.dir, sample))
	for _, dir := range []string{"municipalities", "systems", "portals"} {
		c.must(os.RemoveAll(filepath.Join(c.dir, dir)))
	}
	c.write()
	c.src = config.Source{Dir: c.dir, Routes: routes.FS, Mappings: mappings.FS, Kinds: w.kinds(), Now: w.now}
	snap, found := config.Load(c.src)
	if found.HasErrors() {
		t.Fatal(found.Err())
	}
	c.live = config.NewLive(c.src, snap)
	w.look = c.promised
	c.start()
	return c
}

func (c *chaos) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func (c *chaos) file(name, content string) {
	path := filepath.Join(c.dir, filepath.FromSlash(name))
	c.must(os.MkdirAll(filepath.Dir(path), 0o700))
	c.must(os.WriteFile(path, []byte(content), 0o600))
}

// write writes the operator's folder.
func (c *chaos) write() {
	c.must(os.RemoveAll(filepath.Join(c.dir, "systems")))
	for name, traits := range c.set.traits {
		if name == c.set.gone {
			continue
		}
		c.file("systems/"+name+".yaml", "kind: fake\ntraits: "+strconv.Quote(traits)+
			"\nretry: {schedule: [1s, 10s], then: 1m, give-up-after: 20m}\nbreaker: {open-after: 3, half-open-after: 20s}\nlimits: {concurrency: 2, timeout: 20s}\n")
	}
	c.file("systems/klingel.yaml", "kind: webhook\ntraits: repeatable\nretry: {schedule: [1s, 10s], then: 1m, give-up-after: 20m}\n")
	role := "finance: " + c.set.finance + ", records: akte, payment: bezahlen"
	if c.set.order {
		role += ", public-order: ordnung"
	}
	town := "name: Stadt Musterstadt\nars: \"059990040040\"\nsystems: {" + role + "}\nordinances:\n  hundesteuer: ordinances/hundesteuer-musterstadt.yaml\n" +
		"  hundesteuer-ende: ordinances/hundesteuer-ende-musterstadt.yaml\n  hundegebuehren: ordinances/hundegebuehren-musterstadt.yaml\nservices:\n"
	for _, s := range c.set.services {
		town += "  " + s + ": {}\n"
	}
	c.file("municipalities/"+chaosTown+".yaml", town)
	portal := "title: Portal\nkeys:\n  - {sha256: 1b7d4456466451c1943de43004d26606790c098fa5cd84c5f05d76f4684951b6}\nmunicipalities: [\"" + chaosTown + "\"]\n"
	if c.set.callback {
		portal += "callback: klingel\n"
	}
	c.file("portals/portal.yaml", portal)
}

// counts fails where a start finds counts that are not those of the rows.
type countsLog struct{ c *chaos }

func (l countsLog) Enabled(context.Context, slog.Level) bool { return true }
func (l countsLog) Handle(_ context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, "a count was not") || strings.Contains(r.Message, "is made anew") {
		l.c.wrong("%s", r.Message)
	}
	return nil
}
func (l countsLog) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l countsLog) WithGroup(string) slog.Handler      { return l }

// start begins a life.
func (c *chaos) start() {
	c.Helper()
	log := slog.New(countsLog{c})
	s, err := sqlite.Open(sqlite.Options{Dir: filepath.Join(c.dir, "data"), Log: log})
	c.must(err)
	keyring, err := os.ReadFile(filepath.Join(c.dir, "secrets", "keyring"))
	c.must(err)
	v, err := vault.Parse(keyring)
	c.must(err)
	p := &living{mortal: &mortal{Store: s, w: c.world}, nudge: make(chan struct{}, 1)}
	p.ctx, p.end = context.WithCancel(context.Background())
	p.deliver = deliver.New(deliver.Options{
		Store: p.mortal, Damage: p.Damage, Case: p.Case, Vault: v, Log: log, Now: c.now, Node: "node", Lease: time.Minute, Scan: scan,
		Attachments: func(string) (io.ReadCloser, error) { return nil, fs.ErrNotExist },
		Ring:        func(id hub.ID) { c.ring(p, id) },
	})
	p.flow = &flow.Flow{
		Store: p.mortal, Vault: v, Live: c.live, Log: log, Now: c.now, Wake: p.deliver.Wake, Wait: p.deliver.Wait,
		Reserve: func(system string) flow.Room {
			if room := p.deliver.Reserve(system); room != nil {
				return room
			}
			return nil
		},
		Ring: func(id hub.ID) bool { c.ring(p, id); return true },
	}
	c.mu.Lock()
	c.world.life++
	clear(c.flying)
	c.life = p
	c.mu.Unlock()
	c.must(p.deliver.Start(p.ctx, c.live.Get()))
	p.up.Store(true)
	p.tasks.Go(func() { p.flow.Sweep(p.ctx, scan, p.nudge, func() {}) })
}

// ring is a doorbell; some are lost.
func (c *chaos) ring(p *living, id hub.ID) {
	if p.ctx.Err() != nil || !c.calm.Load() && c.dice(5) {
		return
	}
	p.tasks.Go(func() {
		if err := p.flow.Run(p.ctx, id); err != nil && !errors.Is(err, errKilled) && !errors.Is(err, store.ErrFull) && !errors.Is(err, store.ErrUnknown) && p.ctx.Err() == nil {
			c.wrong("the flow stops at %s: %v", id, err)
		}
	})
}

// stop ends a life: in good order, cut off, or killed.
func (c *chaos) stop(how string) {
	c.note("%s", how)
	p := c.life
	patience := 30 * time.Second
	switch how {
	case "killed":
		p.dead.Store(true)
		patience = 0
	case "cut off":
		patience = time.Duration(c.pick(2000)) * time.Millisecond
	}
	if patience == 0 { // nobody waits for anybody
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		p.end()
		_ = p.deliver.Stop(ctx)
		p.tasks.Wait()
	} else {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		p.end()
		p.tasks.Wait()
		_ = p.deliver.Stop(ctx) // an error says that attempts were cut off
		cancel()
	}
	c.must(p.Store.Close())
}

// submit accepts what a portal pushes.
func (c *chaos) submit() {
	c.Helper()
	service := []string{"hundeanmeldung", "hundeanmeldung", "hundemarke"}[c.pick(3)]
	file := map[string]string{"hundeanmeldung": "labrador.xml", "hundemarke": "verloren.xml"}[service]
	body, err := fs.ReadFile(routes.FS, service+"/examples/"+file)
	c.must(err)
	chip := "27609810000001" + strconv.Itoa(c.pick(3))
	body = bytes.ReplaceAll(body, []byte("276098100000017"), []byte(chip))
	id := c.ids.New()
	key, wrapped, err := c.life.flow.Vault.NewKey(id, chaosTown)
	c.must(err)
	meta, err := json.Marshal(hub.Meta{Reference: "R", MediaType: "application/xml"})
	c.must(err)
	a := &store.Acceptance{
		Submission: hub.Submission{
			ID: id, Municipality: chaosTown, Service: service, Portal: "portal", Channel: "portal", State: hub.SubmissionAccepted,
			Consent: hub.Consent{Given: true, At: c.now(), Wording: "1"}, ReceivedAt: c.now(), Format: "xml", SHA256: sha256.Sum256(body), Size: int64(len(body)), Version: 1,
		},
		Key: id.String(), Answer: []byte("{}"), DataKey: wrapped, Meta: key.Seal(hub.RecordMeta, meta), Payload: key.Seal(hub.RecordPayload, body), Actor: "portal:portal",
	}
	if service == "hundeanmeldung" {
		a.OrderKey = c.life.flow.Vault.Hash("order", chaosTown, chip)
		c.mu.Lock()
		c.chip[id] = chip
		c.mu.Unlock()
	}
	if !c.open.Zero() && c.dice(2) {
		a.Submission.Bundle, a.Submission.Part = c.open, "part"
	}
	_, err = c.life.Accept(context.Background(), a)
	if errors.Is(err, store.ErrState) { // the bundle was closed with the last of its parts
		c.open, a.Submission.Bundle, a.Submission.Part = hub.ID{}, hub.ID{}, ""
		_, err = c.life.Accept(context.Background(), a)
	}
	c.must(err)
	c.note("accepted %s %s %s", id, service, chip)
	c.mu.Lock()
	c.cases, c.service[id] = append(c.cases, id), service
	c.mu.Unlock()
	c.ring(c.life, id)
}

// bundle opens one, or closes the one that is open.
func (c *chaos) bundle() {
	ctx, now := context.Background(), c.now()
	if !c.open.Zero() {
		ring, err := c.life.CloseBundle(ctx, c.open, "portal:portal", now)
		c.note("closed bundle %s: ring %s", c.open, ring)
		c.must(err)
		c.open = hub.ID{}
		if !ring.Zero() {
			c.ring(c.life, ring)
		}
		return
	}
	id := c.ids.New()
	key, wrapped, err := c.life.flow.Vault.NewKey(id, "portal")
	c.must(err)
	_, err = c.life.OpenBundle(ctx, &store.BundleOpening{
		Bundle: hub.Bundle{ID: id, Name: "umzugsmappe", Portal: "portal", OpenedAt: now, ChangedAt: now, Revision: "r", Version: 1},
		Key:    id.String(), DataKey: wrapped, Answers: key.Seal("answers", []byte("{}")), Actor: "portal:portal",
	})
	c.must(err)
	c.open, c.bundles = id, append(c.bundles, id)
}

// promised says what of the hub's promises does not hold at the moment of sending.
func (c *chaos) promised(m *connectors.Message) string {
	if m.Role == hub.RolePortal {
		return ""
	}
	id, err := hub.ParseID(m.ID)
	if err != nil {
		return err.Error()
	}
	sub := id.Submission()
	c.mu.Lock()
	p := c.life
	c.mu.Unlock()
	s, err := p.Submission(context.Background(), sub)
	if err != nil {
		return ""
	}
	c.mu.Lock()
	touched, chip := c.touched[sub], c.chip[sub]
	if c.passed[id] {
		chip = ""
	}
	var before []hub.ID
	for _, other := range c.cases {
		if chip != "" && c.chip[other] == chip && bytes.Compare(other[:], sub[:]) < 0 && !c.touched[other] {
			before = append(before, other)
		}
	}
	c.mu.Unlock()
	i := slices.IndexFunc(s.Deliveries, func(d hub.Delivery) bool { return d.ID == id })
	if i < 0 {
		return ""
	}
	d := s.Deliveries[i]
	if !touched {
		for _, n := range d.After {
			for _, o := range s.Deliveries {
				if o.ID.Ordinal() == n && !o.State.Settled() {
					return fmt.Sprintf("%s before %s, which is %s", d.Role, o.Role, o.State)
				}
			}
		}
	}
	for _, other := range before {
		o, err := p.Submission(context.Background(), other)
		if err != nil || o.Submission.State == hub.SubmissionDamaged || o.Submission.State == hub.SubmissionErased {
			continue
		}
		if o.Submission.State == hub.SubmissionAccepted {
			return fmt.Sprintf("%s overtakes %s, which is not planned", sub, other)
		}
		for _, od := range o.Deliveries {
			if od.System == d.System && !od.State.Settled() && od.Role != hub.RolePortal {
				return fmt.Sprintf("%s overtakes %s, which is %s", id, od.ID, od.State)
			}
		}
	}
	return ""
}

// some is a submission, mostly a late one.
func (c *chaos) some() (hub.ID, *store.Status) {
	if len(c.cases) == 0 {
		c.submit()
	}
	n := len(c.cases)
	id := c.cases[n-1-min(n-1, c.pick(8))]
	s, err := c.life.Submission(context.Background(), id)
	c.must(err)
	return id, s
}

// any is one of its deliveries; zero where there is none.
func (c *chaos) any() hub.ID {
	_, s := c.some()
	if len(s.Deliveries) == 0 {
		return hub.ID{}
	}
	return s.Deliveries[c.pick(len(s.Deliveries))].ID
}

func (c *chaos) touch(id hub.ID) {
	c.mu.Lock()
	c.touched[id.Submission()] = true
	c.mu.Unlock()
}

// tried notes an order and what became of it; only the store's verdicts are expected.
func (c *chaos) tried(what string, id hub.ID, err error) bool {
	c.note("%s %s: %v", what, id, err)
	for _, is := range []error{nil, store.ErrState, store.ErrStale, store.ErrDamaged, store.ErrNotFound} {
		if errors.Is(err, is) {
			return err == nil
		}
	}
	c.wrong("%s %s: %v", what, id, err)
	return false
}

func (c *chaos) audited() {
	trail, err := c.life.AuditTrail(context.Background(), 0, 100_000)
	c.must(err)
	if _, err := audit.Verify(audit.Head{}, trail); err != nil {
		c.wrong("audit: %v", err)
	}
}
