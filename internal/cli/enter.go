package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"stellwerk/internal/intake"
	"stellwerk/internal/web/admin"
)

// counterEntry is what enter was asked.
type counterEntry struct {
	submission
	portals, portalKey, idempotency string
	file, save                      string
}

// enter takes a case at the counter, for people without a computer.
func (p *Program) enter() *cobra.Command {
	var e counterEntry
	cmd := &cobra.Command{
		Use:   "enter SERVICE",
		Short: "Take a case at the counter, for people without a computer",
		Long: `Take a case at the counter: the form is asked for field by field (in German), or
read from --file. It goes through the portals' API with the key of a portal that
is set up as a counter (counter: true in portals/NAME.yaml): the same gate and the
same route as every portal's, channel "counter", and the clerk's name in the audit
trail.

  stellwerk enter hundeanmeldung --municipality 05974040 --clerk "M. Amt" \
      --portal-key file:theke.key --attach sachkunde.pdf

The questions follow the service's JSON Schema; what only machines need (message
header, code list versions) is filled in. The text of the consent is shown and
asked for, unless --consent says that it was given. --save keeps what was typed,
so that it can be corrected and given again as --file; where the hub refuses it or
cannot be reached, enter offers that too.`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			e.service = args[0]
			return p.runEnter(cmd.Context(), &e)
		},
	}
	f := cmd.Flags()
	f.StringVar(&e.municipality, "municipality", "", "AGS or name of the municipality; may be left out where there is one only")
	f.StringVar(&e.clerk, "clerk", "", "who takes the case down; stands in the audit trail")
	f.StringVar(&e.file, "file", "", "the finished form, XML or JSON, instead of questions")
	f.StringVar(&e.save, "save", "", "write what was typed to this file (personal data: delete it afterwards)")
	f.StringVar(&e.version, "schema-version", "", "version of the schema; the newest where none is given")
	f.BoolVar(&e.consent, "consent", false, "the citizen agrees that the data are stored and handed on")
	f.StringVar(&e.wording, "consent-wording", "", "version of the text that was shown; the service's own where none is given")
	f.StringVar(&e.consentAt, "consent-at", "", "when the citizen agreed (RFC 3339); now where none is given, a repeat says it again")
	f.StringVar(&e.bundle, "bundle", "", "id of the bundle it belongs to")
	f.StringVar(&e.part, "part", "", "part of the bundle that it is for, such as hund-anmelden")
	f.StringVar(&e.reference, "reference", "", "the counter's own reference")
	f.StringArrayVar(&e.attach, "attach", nil, "attach this file; may be repeated")
	f.StringVar(&e.portals, "portals", "", "address of the portals' API (STELLWERK_PORTALS; else the hub is asked)")
	f.StringVar(&e.portalKey, "portal-key", "", "the counter's key: file:PATH or env:NAME (STELLWERK_PORTAL_KEY)")
	f.StringVar(&e.idempotency, "idempotency-key", "", "repeat an earlier entry with its key and --consent-at; a fresh one where none is given")
	return cmd
}

func (p *Program) runEnter(ctx context.Context, e *counterEntry) (err error) {
	if strings.TrimSpace(e.clerk) == "" {
		return wrongUsage("--clerk is needed: who takes the case down stands in the audit trail")
	}
	if e.file != "" && e.save != "" {
		return wrongUsage("--save keeps what is typed; with --file nothing is")
	}
	if e.portalKey, err = p.portalKeyOf(e.portalKey); err != nil {
		return err
	}
	if e.portals, err = p.portalsURL(ctx, e.portals); err != nil {
		return err
	}
	if e.idempotency == "" {
		e.idempotency = uuid.NewString()
	}
	if err := e.sendable(e.idempotency); err != nil {
		return err
	}
	if _, err := os.Lstat(e.save); e.save != "" && err == nil {
		return wrongUsage("--save: %s is there already, and it is not overwritten", e.save)
	}
	c := &catalogue{Program: p, base: e.portals, key: e.portalKey}
	service, err := c.service(ctx, e.service)
	if err != nil {
		return err
	}
	town, err := townOf(service, e.municipality)
	if err != nil {
		return err
	}
	e.municipality = town.AGS
	if service.Wording != nil && e.wording == "" {
		e.wording = service.Wording.Version
	}
	if e.file != "" {
		if e.body, e.mediaType, err = p.readInput(e.file); err != nil {
			return err
		}
		return p.push(ctx, e.portals, e.portalKey, e.idempotency, &e.submission)
	}
	q, err := p.ask(ctx, c, service, town, e)
	if err != nil {
		return err
	}
	err = p.push(ctx, e.portals, e.portalKey, e.idempotency, &e.submission)
	if err != nil && e.save == "" {
		return errors.Join(err, q.rescue(e))
	}
	return err
}

// rescue offers to keep what was typed and was not taken: a person sat there for it, and
// where nobody knows whether it arrived, only the same bytes may be sent again.
func (q *questions) rescue(e *counterEntry) error {
	q.say("\nDer Vorgang ist nicht bestätigt.")
	file, err := q.line("Eingaben sichern, um sie noch einmal abzugeben? Datei (leer: nicht sichern)")
	if err != nil || file == "" {
		return nil // nobody is there to answer, or they are not wanted
	}
	if err := createSecret(file, e.body); err != nil {
		return err
	}
	again := "--file " + file + " --schema-version " + e.version + " --idempotency-key " + e.idempotency
	if e.consent {
		again += " --consent --consent-at " + e.consentAt
	}
	q.say("Gesichert (danach löschen). Noch einmal abgeben, wo nötig berichtigt: derselbe Aufruf mit %s", again)
	return nil
}

// portalKeyOf reads the key from a reference; the variable may also hold the key itself.
func (p *Program) portalKeyOf(ref string) (string, error) {
	if ref == "" {
		ref = p.env("STELLWERK_PORTAL_KEY", "")
	}
	switch {
	case ref == "":
		return "", wrongUsage("--portal-key is needed: file:PATH or env:NAME (STELLWERK_PORTAL_KEY)")
	case strings.HasPrefix(ref, "swp_"):
		return ref, nil
	}
	return p.reveal("--portal-key", ref)
}

// ask fills the form by questions, and asks for the consent.
func (p *Program) ask(ctx context.Context, c *catalogue, s *intake.Service, town *intake.Municipality, e *counterEntry) (*questions, error) {
	in := newestJSON(s, e.version, p.Now())
	if in == nil {
		return nil, wrongUsage("%s cannot be asked for: it has no JSON Schema; give --file", s.Service)
	}
	text, err := c.get(ctx, in.Schema)
	if err != nil {
		return nil, err
	}
	form, err := parseForm(text)
	if err != nil {
		return nil, fmt.Errorf("read the schema of %s: %w", s.Service, err)
	}
	if complaint := form.given("nachrichtenkopf/vorgang", e.reference); complaint != "" {
		return nil, wrongUsage("--reference does not fit the form: %s", complaint)
	}
	q := &questions{in: newLines(p.In), out: p.Err, form: form, now: p.Now(), zone: p.Zone}
	if err := q.example(ctx, c, s, in.Version); err != nil {
		return nil, err
	}
	q.say("%s · %s", s.Title, town.Name)
	if s.Wording != nil && !e.consent {
		q.say("\n%s\n", strings.TrimSpace(s.Wording.Text))
		if e.consent, err = q.yes("Willigt die Person ein?"); err != nil {
			return nil, err
		}
	}
	if s.Consent == "required" && !e.consent {
		return nil, wrongUsage("without the citizen's consent %s cannot be taken", s.Service)
	}
	q.prefill(e, town, portalName(e.portalKey), p.Version)
	body, err := q.run()
	if err != nil {
		return nil, err
	}
	e.body, e.mediaType, e.version = body, "application/json", in.Version
	if e.save != "" {
		return q, createSecret(e.save, body)
	}
	return q, nil
}

// newestJSON is the JSON input that the hub would take for the version now.
func newestJSON(s *intake.Service, version string, now time.Time) *intake.Input {
	var best *intake.Input
	for i := range s.Inputs {
		in := &s.Inputs[i]
		if in.Format != "json" || in.Schema == "" || version != "" && in.Version != version || now.Before(in.From) {
			continue
		}
		if best == nil || !in.From.Before(best.From) {
			best = in
		}
	}
	return best
}

func townOf(s *intake.Service, name string) (*intake.Municipality, error) {
	var all []string
	for i := range s.Municipalities {
		m := &s.Municipalities[i]
		_, last, _ := strings.Cut(m.Name, " ")
		if m.AGS == name || strings.EqualFold(m.Name, name) || strings.EqualFold(last, name) || name == "" && len(s.Municipalities) == 1 {
			return m, nil
		}
		all = append(all, m.AGS+" "+m.Name)
	}
	if name == "" {
		return nil, wrongUsage("--municipality is needed; %s is offered by %s", s.Service, strings.Join(all, ", "))
	}
	return nil, &notFoundError{fmt.Errorf("%s is not offered to this counter in %s; there are: %s", s.Service, name, strings.Join(all, ", "))}
}

// portalName is the name in a portal's key.
func portalName(key string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(key, "swp_"), "_")
	return name
}

// catalogue reads what the portals' API offers to a key.
type catalogue struct {
	*Program
	base, key string
}

func (c *catalogue) service(ctx context.Context, name string) (*intake.Service, error) {
	body, err := c.get(ctx, "/v1/services/"+url.PathEscape(name))
	if err != nil {
		return nil, err
	}
	var s intake.Service
	if err := json.Unmarshal(body, &s); err != nil {
		return nil, fmt.Errorf("read the catalogue: %w", err)
	}
	if !slices.ContainsFunc(s.Metadata, func(i intake.Item) bool { return i.Pointer == "/clerk" }) {
		return nil, wrongUsage("this key is no counter's: only a portal with counter: true in its file takes cases for others")
	}
	return &s, nil
}

// get reads an address of the API; addresses in its answers may begin with what
// the world calls the hub, which need not be the way from here.
func (c *catalogue) get(ctx context.Context, address string) ([]byte, error) {
	if i := strings.Index(address, "/v1/"); i > 0 {
		address = address[i:]
	}
	client, err := c.portalsClient(time.Minute)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+address, nil)
	if err != nil {
		return nil, &usageError{fmt.Errorf("address of the portals' API: %w", err)}
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	req.Header.Set("Accept-Language", "en")
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", admin.ErrUnreachable, err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, 8<<20))
	if err != nil {
		return nil, fmt.Errorf("%w: read its answer: %w", admin.ErrUnreachable, err)
	}
	switch {
	case res.StatusCode == http.StatusNotFound:
		return nil, &notFoundError{fmt.Errorf("the hub offers nothing at %s to this key", address)}
	case res.StatusCode != http.StatusOK:
		return nil, c.refusal(res.StatusCode, body)
	}
	return body, nil
}

// example takes over what only machines need of a form: the versions of code
// lists, as the service's own example has them.
func (q *questions) example(ctx context.Context, c *catalogue, s *intake.Service, version string) error {
	for i := range s.Examples {
		x := &s.Examples[i]
		if x.Format != "json" || x.Version != version {
			continue
		}
		body, err := c.get(ctx, x.URL)
		if err != nil {
			return err
		}
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber()
		var doc any
		if err := d.Decode(&doc); err != nil {
			return fmt.Errorf("read the example %s: %w", x.Name, err)
		}
		q.learn("", doc)
	}
	return nil
}
