package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"stellwerk/internal/sim"
	"stellwerk/internal/web/admin"
	"stellwerk/routes"
)

// The stories: the whole program, a sample town, partners that speak their real
// protocols. One text file below testdata/services is one submission and everything
// it causes. `go test ./cmd/stellwerk -run TestStories/hundeanmeldung/good` tells one of them.
//
// A story is read aloud with these words, beside testscript's own:
//
//	town [FOLDER]                    partners, and an operator's folder "hub" that points at them: the
//	                                 sample, or another one below testdata
//	amend FILE 'KEY: VALUE'          set a top-level key in a file of the folder; 'KEY:' takes it out
//	open [FLAG...]                   start the hub; with ! it must not start
//	stop, crash                      stop it in order; kill it
//	change FILE OLD NEW              replace a text in a file of the story, which must be there
//	submit NAME FILE [FLAG...]       push a file as the citizens' portal; $NAME is its number then
//	pay NAME WHAT                    what becomes of its payment: pay, cancel, fail, clarify (a status
//	                                 nobody knows), lapse, and late: paid after it has lapsed
//	await NAME STATE                 until the submission is there
//	await NAME/ROLE STATE [REASON] [CODE]       a number in place of a role is that delivery
//	quiet NAME                       until nothing of it is under way, callbacks included
//	system NAME STATE                until the system is ready, paused, in its window or broken
//	tried NAME/ROLE N                so many attempts were counted
//	says TEXT...                     the last output holds the text, wherever its lines break
//	traced NAME TEXT                 the case's trace comes to hold the text, which passes by
//	callbacks                        the portal is called back, and takes only what is signed
//	knows NAME STATUS                until a callback with this status is planned
//	trust KEY...                     the portal trusts these keys of the folder, and no others
//	mailboxes                        citizens are written to: into their mailbox, or by mail
//	mail N [TEXT...]                 the N-th mail, which holds the texts; it goes to stdout
//	fault PARTNER FAULT[=VALUE]...   a partner suffers (sim.Faults); heal PARTNER ends it
//	takes PARTNER N                  until it took so many documents
//	takes PARTNER TEXT               until its last document holds the text
//	received PARTNER N [COUNT=N]...  it took so many documents; repeated=, altered=, refused= too
//	document PARTNER N [FILE]        its N-th document is this one; without FILE it goes to stdout
//	attached PARTNER N FILE...       these files came with it, byte for byte
//	found PATTERN [FILE]             the one file of the folder with such a name; without FILE it goes to stdout
//	as PORTAL METHOD PATH STATUS [FILE] [HEADER=VALUE]...   the portals' API; answer on stdout,
//	                                 a new case's number in $receipt
//	bundle NAME STATUS OPENING [PART=SERVICE@AGS:FILE]...   a bundle in one call, its answer on stdout;
//	                                 FILE! without consent; each accepted part is a submission of its name
//	list NAME STATUS [LINE]...       until the bundle has this status and its list these lines
//	bridge                           two hubs side by side, the town's in "hub" and the Kreis's in "kreis"
//	at kreis WORD...                 a word, said at the Kreis's hub; "stellwerk" is one, too
//	arrived NAME N                   the hub has N submissions in all, and the newest is $NAME
//	line held, line free             the Kreis's hub gets what it is sent, and its answers get lost; no more
//	calls N STATUS                   until the portal has taken N callbacks, the last with this status
//	told PORTAL NAME TEXT...         until the portal reads every text in the submission's status
//	cmpjson ANSWER WANT              the same JSON; "…" in WANT is whatever it may be
//	damage NAME WHAT                 flip one bit on the disk: payload, attachment or a numbered document
//	metric NAME VALUE                one line of the hub's metrics
//
// Files of WANT may speak of variables as ${NAME}. The examples of the service lie
// beside the story, of this year where they speak of one; $YEAR is that. Whatever it tells, no story may leave a name or a number of a
// person in the hub's log or readable in its data folder.
func TestStories(t *testing.T) {
	t.Parallel()
	services, err := filepath.Glob("../../testdata/services/*")
	if err != nil || len(services) == 0 {
		t.Fatalf("there are no stories: %v", err)
	}
	for _, dir := range services {
		service := filepath.Base(dir)
		t.Run(service, func(t *testing.T) {
			testscript.Run(t, testscript.Params{
				Dir:                 dir,
				RequireExplicitExec: false,
				RequireUniqueNames:  true,
				Setup:               func(env *testscript.Env) error { return begin(env, service) },
				Cmds:                words(),
			})
		})
	}
}

// words are what stories are told with.
func words() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"town": town, "amend": amend, "open": open, "stop": stopHub, "crash": crash, "change": change,
		"submit": submit, "await": await, "fault": fault, "heal": heal, "received": received,
		"document": document, "attached": attached, "as": as, "cmpjson": cmpJSON, "damage": damage, "metric": metric,
		"system": system, "quiet": quiet, "tried": tried, "says": says, "traced": traced, "pay": pay, "found": found, "bundle": bundle, "list": list, "takes": takes,
		"callbacks": callbacks, "trust": trust, "knows": knows, "mailboxes": mailboxes, "mail": mail,
		"bridge": bridge, "at": at, "line": line, "arrived": arrived, "told": told, "calls": calls,
	}
}

// TestMain lets the test binary be the program itself, which stories start.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"stellwerk": main})
}

// story is what a script has besides its files.
type story struct {
	ctx     context.Context
	service string
	work    string
	partner *sim.Town
	client  sim.Client

	side
	others map[string]*side // the hubs besides this one, by their folders
	line   *cable           // to the Kreis's hub
}

// side is one hub and its folder.
type side struct {
	dir            string // below work
	sample         sample
	portals, admin string // addresses
	hub            *exec.Cmd
	exited         chan struct{} // closed when hub has ended
}

type storyKey struct{}

func of(ts *testscript.TestScript) *story { return ts.Value(storyKey{}).(*story) }

func (s *story) folder(name string) string {
	return filepath.Join(s.work, s.dir, filepath.FromSlash(name))
}

func (s *story) operator() *admin.Client { return admin.New("http://"+s.admin, s.sample.operatorKey) }

// sample is a folder below testdata with its public keys.
type sample struct {
	municipality, portal string // what submit and as take where nothing is said
	operatorKey          string
	portalKeys           map[string]string
}

var samples = map[string]sample{
	"musterstadt": {"05999040", "buergerportal", "swo_leitstelle_only-for-the-demo-Jd5xP9sL", map[string]string{
		"buergerportal": "swp_buergerportal_only-for-the-demo-Zq3tY8mK",
		"buergertheke":  "swp_buergertheke_only-for-the-demo-Vh7nR2cW",
	}},
	"soest": {"05974040", "buergerportal-soest", "swo_leitstelle_only-for-the-demo-Ue8gM4kB", map[string]string{
		"buergerportal-soest":    "swp_buergerportal-soest_only-for-the-demo-Kw4nT8vQ",
		"kreisportal-soest":      "swp_kreisportal-soest_only-for-the-demo-Rb6mX2pZ",
		"serviceportal-iserlohn": "swp_serviceportal-iserlohn_only-for-the-demo-Hs9dL3fG",
		"buergertheke-soest":     "swp_buergertheke-soest_only-for-the-demo-Yc5jW7tN",
	}},
	"bridge/stadt": {"05999040", "buergerportal", "swo_leitstelle_only-for-the-demo-Lb6hV4yC", map[string]string{
		"buergerportal":   "swp_buergerportal_only-for-the-demo-Bs4tR1dG",
		"stellwerk-kreis": "swp_stellwerk-kreis_only-for-the-demo-Kr7sN2xT",
	}},
	"bridge/kreis": {"05999", "kreisportal", "swo_leitstelle_only-for-the-demo-Lb6hV4yC", map[string]string{
		"kreisportal":     "swp_kreisportal_only-for-the-demo-Kp8vL5mZ",
		"stellwerk-stadt": "swp_stellwerk-stadt_only-for-the-demo-St3dQ9wF",
	}},
	"fourth": {"05998016", "rathaus-online", "swo_edv_only-for-the-demo-Pf7sA2yE", map[string]string{
		"rathaus-online": "swp_rathaus-online_only-for-the-demo-Dn3vC8hJ",
	}},
}

// yearOf finds the year that an example is for, in XML and in JSON.
var yearOf = regexp.MustCompile(`(jahr>|"jahr": ")2026`)

// begin lays the service's examples beside the story and sees to its end.
func begin(env *testscript.Env, service string) error {
	ctx, end := context.WithCancel(context.Background())
	s := &story{ctx: ctx, service: service, work: env.WorkDir, side: side{dir: "hub"}}
	env.Values[storyKey{}] = s
	shipped, err := filepath.Abs("../..")
	if err != nil {
		end()
		return err
	}
	if os.Getenv("GORACE") == "" {
		env.Setenv("GORACE", quickRace)
	}
	berlin, err := time.LoadLocation("Europe/Berlin") // in the hour before midnight UTC its year is another
	if err != nil {
		end()
		return err
	}
	year := strconv.Itoa(time.Now().In(berlin).Year()) // a riding plate is for a year that is not over
	for name, value := range map[string]string{"TZ": "Europe/Berlin", "SHIPPED": shipped, "YEAR": year} {
		env.Setenv(name, value)
	}
	env.Defer(func() {
		defer end()
		if err := s.finish(); err != nil {
			env.T().Fatal(err)
		}
	})
	examples := path.Join(service, "examples")
	files, err := fs.ReadDir(routes.FS, examples)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // a bundle has none
		return err
	}
	for _, f := range files {
		if f.IsDir() {
			continue // what the service refuses
		}
		to := filepath.Join(env.WorkDir, f.Name())
		if _, err := os.Stat(to); err == nil {
			continue // the story has its own
		}
		content, err := fs.ReadFile(routes.FS, path.Join(examples, f.Name()))
		if err != nil {
			return err
		}
		if err := os.WriteFile(to, yearOf.ReplaceAll(content, []byte("${1}"+year)), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// finish stops everything and looks at what is left behind.
func (s *story) finish() error {
	err := s.end(os.Interrupt)
	for _, other := range s.others {
		there := &story{work: s.work, side: *other}
		err = errors.Join(err, there.end(os.Interrupt), there.secrecy())
	}
	if s.line != nil {
		s.line.Close()
	}
	if s.partner != nil {
		err = errors.Join(err, s.partner.Close())
	}
	return errors.Join(err, s.secrecy())
}

// quickRace keeps the race detector from waiting a second at every program's end.
const quickRace = "atexit_sleep_ms=10"

// personal is what the examples say of people.
var personal = []string{"Beispiel,", "Jörg", "Erika", "Musterfrau", "Musterweg", "1979-08-23", "1964-08-12", "joerg.beispiel", "23125000",
	"DE89370400440532013000", "de89 3704", "276098100000017", "276098100000025", "HV-000-4711",
	"Petra", "Pferdmenges", "Çelik", "Am Beispielbach", "Reiterweg", "Lindenallee", "1991-06-12", "1975-02-28", "petra.probe", "DE02120300000000202051",
	"276098100000033", "276098100000041", "SO-R 2207", "Stadtwald", "4711-0021"}

// secrecy finds personal data that lies around readable.
func (s *story) secrecy() error {
	look := func(file string) error {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, p := range personal {
			if i := strings.Index(string(content), p); i >= 0 {
				return fmt.Errorf("%s holds personal data: …%q…", filepath.Base(file), content[max(0, i-80):min(len(content), i+80)])
			}
		}
		return nil
	}
	var errs []error
	if _, err := os.Stat(s.log()); err == nil {
		errs = append(errs, look(s.log()))
	}
	err := filepath.WalkDir(s.folder("data"), func(file string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fs.SkipAll // a story without a town
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "partners":
			return fs.SkipDir // they hold what they were sent
		case d.Type().IsRegular():
			errs = append(errs, look(file))
		}
		return nil
	})
	return errors.Join(append(errs, err)...)
}

// The control: what a story looks for must be found where it lies.
func TestSecrecyControl(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{"log": "hub.log", "journal": "hub/data/stellwerk.db"} {
		s := &story{work: t.TempDir(), side: side{dir: "hub"}}
		file = filepath.Join(s.work, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("\x00\x01halter.vorname=Jörg\x00"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.secrecy(); err == nil || !strings.Contains(err.Error(), "holds personal data") {
			t.Errorf("%s: a name that lies there readable was not found: %v", name, err)
		}
	}
}
