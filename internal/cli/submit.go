package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"stellwerk/internal/web/admin"
)

// submission is what submit pushes.
type submission struct {
	municipality, service, version     string
	reference, trust, mailbox, wording string
	clerk                              string            // at a counter
	account                            map[string]string // attributes of the citizen's
	bundle, part                       string
	consent                            bool
	consentAt                          string // RFC 3339; a repeat has that of the first push
	attach                             []string
	body                               []byte
	mediaType                          string
}

// submit pushes a file as a portal does, or shows what it would cause.
func (p *Program) submit() *cobra.Command {
	var s submission
	var portals, portalKey, idempotency, out string
	var dry bool
	cmd := &cobra.Command{
		Use:   "submit FILE",
		Short: "Push a file as a portal does, or with --dry-run show what would leave",
		Long: `Push a file as a portal does: with the portal's key, to the portals' API. The
answer names the case.

--dry-run shows the documents that would leave instead. It asks the admin API
with an operator's key; nothing is kept and nothing is sent.`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if s.municipality == "" || s.service == "" {
				return wrongUsage("--municipality and --service are needed")
			}
			if s.body, s.mediaType, err = p.readInput(args[0]); err != nil {
				return err
			}
			if dry {
				return p.dryRun(cmd.Context(), &s, out)
			}
			if portalKey, err = p.portalKeyOf(portalKey); err != nil {
				return err
			}
			base, err := p.portalsURL(cmd.Context(), portals)
			if err != nil {
				return err
			}
			if idempotency == "" {
				idempotency = uuid.NewString()
			}
			return p.push(cmd.Context(), base, portalKey, idempotency, &s)
		},
	}
	f := cmd.Flags()
	f.StringVar(&s.municipality, "municipality", "", "AGS of the municipality")
	f.StringVar(&s.service, "service", "", "service, such as hundeanmeldung")
	f.StringVar(&s.version, "schema-version", "", "version of the schema; the newest where none is given")
	f.BoolVar(&s.consent, "consent", false, "the citizen agrees that the data are stored and handed on")
	f.StringVar(&s.wording, "consent-wording", "", "version of the text that was shown")
	f.StringVar(&s.consentAt, "consent-at", "", "when the citizen agreed (RFC 3339); now where none is given, a repeat says it again")
	f.StringVar(&s.reference, "reference", "", "the portal's own reference")
	f.StringVar(&s.trust, "trust-level", "", "of the citizen's account: STORK-QAA-Level-1 to -4")
	f.StringVar(&s.mailbox, "mailbox", "", "mailbox handle of the citizen's account")
	f.StringVar(&s.bundle, "bundle", "", "id of the bundle it belongs to")
	f.StringVar(&s.part, "part", "", "part of the bundle that it is for, such as hund-anmelden")
	f.StringToStringVar(&s.account, "account", nil, "an attribute of the citizen's account, such as surname=Muster; may be repeated")
	f.StringArrayVar(&s.attach, "attach", nil, "attach this file; may be repeated")
	f.StringVar(&portals, "portals", "", "address of the portals' API (STELLWERK_PORTALS; else the hub is asked)")
	f.StringVar(&portalKey, "portal-key", "", "the portal's key: file:PATH or env:NAME (STELLWERK_PORTAL_KEY)")
	f.StringVar(&idempotency, "idempotency-key", "", "repeat an earlier push with its key and --consent-at; a fresh one where none is given")
	f.BoolVar(&dry, "dry-run", false, "show the documents that would leave; nothing is kept or sent")
	f.StringVar(&out, "out", "", "with --dry-run: write the documents into this folder")
	return cmd
}

// portalsURL finds the portals' API: by flag, environment, or by asking the hub.
func (p *Program) portalsURL(ctx context.Context, flag string) (string, error) {
	base := flag
	if base == "" {
		base = p.env("STELLWERK_PORTALS", "")
	}
	if base != "" {
		return strings.TrimRight(base, "/"), checkAddress("--portals", base, "http://127.0.0.1:8080")
	}
	c, err := p.client()
	if err != nil {
		return "", fmt.Errorf("%w; or give --portals with the address of the portals' API", err)
	}
	v, err := c.Version(ctx)
	if err != nil {
		return "", err
	}
	if v.Portals == "" {
		return "", wrongUsage("the hub does not say where its portals' API is: give --portals")
	}
	return v.Portals, checkAddress("--portals", v.Portals, "http://127.0.0.1:8080")
}

// metadataJSON is the part metadata of a push.
func (s *submission) metadataJSON(now time.Time) ([]byte, error) {
	type consent struct {
		Given   bool   `json:"given"`
		At      string `json:"at,omitempty"`
		Wording string `json:"wording,omitempty"`
	}
	m := struct {
		Municipality string            `json:"municipality"`
		Service      string            `json:"service"`
		Version      string            `json:"version,omitempty"`
		Consent      consent           `json:"consent"`
		Reference    string            `json:"reference,omitempty"`
		Trust        string            `json:"trust-level,omitempty"`
		Mailbox      string            `json:"mailbox,omitempty"`
		Account      map[string]string `json:"account,omitempty"`
		Clerk        string            `json:"clerk,omitempty"`
		Bundle       string            `json:"bundle,omitempty"`
		Part         string            `json:"part,omitempty"`
	}{Municipality: s.municipality, Service: s.service, Version: s.version, Consent: consent{Given: s.consent, Wording: s.wording},
		Reference: s.reference, Trust: s.trust, Mailbox: s.mailbox, Account: s.account, Clerk: s.clerk, Bundle: s.bundle, Part: s.part}
	if s.consent {
		if s.consentAt == "" {
			s.consentAt = now.UTC().Format(time.RFC3339)
		}
		m.Consent.At = s.consentAt
	}
	return json.Marshal(m)
}

// repeatable says what makes another push the same one: the hub compares metadata too.
func (s *submission) repeatable(idempotency string) string {
	if s.consent {
		return "repeat with --idempotency-key " + idempotency + " --consent-at " + s.consentAt
	}
	return "repeat with --idempotency-key " + idempotency
}

// sendable reports what keeps a push from being sent whatever its form says.
func (s *submission) sendable(idempotency string) error {
	for _, file := range s.attach {
		if err := readable(file); err != nil {
			return &usageError{fmt.Errorf("--attach: %w", err)}
		}
	}
	if strings.ContainsFunc(idempotency, func(r rune) bool { return r < ' ' || r > '~' }) {
		return wrongUsage("--idempotency-key: %q has characters that no header may have", idempotency)
	}
	if _, err := time.Parse(time.RFC3339, s.consentAt); s.consentAt != "" && err != nil {
		return wrongUsage("--consent-at: %q is not a time like 2026-03-01T09:30:00+01:00", s.consentAt)
	}
	return nil
}

// receipt is the 202's body, as far as people are told.
type receipt struct {
	ID         string    `json:"id"`
	Number     string    `json:"number"`
	ReceivedAt time.Time `json:"received-at"`
	SHA256     string    `json:"sha256"`
	Status     string    `json:"status"`
}

// push sends the multipart request; attachments are streamed from their files.
func (p *Program) push(ctx context.Context, base, key, idempotency string, s *submission) error {
	if err := s.sendable(idempotency); err != nil {
		return err
	}
	meta, err := s.metadataJSON(p.Now())
	if err != nil {
		return fmt.Errorf("write the metadata: %w", err)
	}
	body, w := io.Pipe()
	form := multipart.NewWriter(w)
	go func() { w.CloseWithError(writeForm(form, meta, s)) }()
	defer func() { _ = body.Close() }() // ends the writer where the request ends early
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/submissions", body)
	if err != nil {
		return &usageError{fmt.Errorf("address of the portals' API: %w", err)}
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Idempotency-Key", idempotency)
	req.Header.Set("Accept-Language", "en")
	client, err := p.portalsClient(10 * time.Minute)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("%w (%s): %w", admin.ErrUnreachable, s.repeatable(idempotency), err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 8<<20))
	if err != nil {
		return fmt.Errorf("%w: read its answer (%s): %w", admin.ErrUnreachable, s.repeatable(idempotency), err)
	}
	if res.StatusCode != http.StatusAccepted {
		err := p.refusal(res.StatusCode, answer)
		if res.StatusCode >= 500 || res.StatusCode == http.StatusConflict || res.StatusCode == http.StatusRequestTimeout {
			return fmt.Errorf("%w (%s)", err, s.repeatable(idempotency))
		}
		return err
	}
	var r receipt
	if err := json.Unmarshal(answer, &r); err != nil {
		return fmt.Errorf("read the receipt: %w", err)
	}
	if p.json {
		return p.emit(json.RawMessage(answer))
	}
	p.say("%s", r.Number)
	p.say("  id        %s", r.ID)
	p.say("  received  %s", p.clock(r.ReceivedAt))
	p.say("  sha256    %s", r.SHA256)
	p.say("  next      stellwerk trace %s", r.Number)
	return nil
}

// readable reports why a file cannot be sent, before anything is.
func readable(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	if info, err := f.Stat(); err != nil {
		return err
	} else if info.IsDir() {
		return fmt.Errorf("%s is a folder", name)
	}
	return nil
}

func writeForm(form *multipart.Writer, meta []byte, s *submission) error {
	write := func(name, file, contentType string, content io.Reader) error {
		disposition := map[string]string{"name": name}
		if file != "" {
			disposition["filename"] = file
		}
		part, err := form.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {mime.FormatMediaType("form-data", disposition)},
			"Content-Type":        {contentType},
		})
		if err != nil {
			return err
		}
		_, err = io.Copy(part, content)
		return err
	}
	if err := write("metadata", "", "application/json", bytes.NewReader(meta)); err != nil {
		return err
	}
	if err := write("payload", "", s.mediaType, bytes.NewReader(s.body)); err != nil {
		return err
	}
	for _, name := range s.attach {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		err = errors.Join(write("attachment", filepath.Base(name), typeOf(name), f), f.Close())
		if err != nil {
			return err
		}
	}
	return form.Close()
}

// refusal tells what the portals' API found wrong, every finding with its place.
func (p *Program) refusal(status int, answer []byte) error {
	var problem struct {
		admin.Problem
		Errors []struct {
			Line    int    `json:"line"`
			Column  int    `json:"column"`
			Pointer string `json:"pointer"`
			Path    string `json:"path"`
			Header  string `json:"header"`
			Part    string `json:"part"`
			Rule    string `json:"rule"`
			Detail  string `json:"detail"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(answer, &problem); err != nil || problem.Status == 0 {
		return fmt.Errorf("%w: the address answered %d, and not as the portals' API does", admin.ErrUnreachable, status)
	}
	if p.json {
		if err := p.emit(json.RawMessage(answer)); err != nil {
			return err
		}
	}
	text := problem.Title + ": " + problem.Detail
	for _, e := range problem.Errors {
		place := e.Part + e.Header + " " + e.Pointer + e.Path
		if e.Line > 0 {
			place = fmt.Sprintf("%d:%d %s", e.Line, e.Column, place)
		}
		place = strings.Join(strings.Fields(place), " ")
		text += fmt.Sprintf("\n  %s: %s (%s)", place, e.Detail, e.Rule)
	}
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		return &portalRefusal{text: text, code: exitKey}
	}
	return &portalRefusal{text: text, code: exitFailed}
}

// portalRefusal is a refusal of the portals' API with the code it ends with.
type portalRefusal struct {
	text string
	code int
}

func (e *portalRefusal) Error() string { return e.text }

// dryRun shows the documents that a file would cause.
func (p *Program) dryRun(ctx context.Context, s *submission, out string) error {
	c, err := p.client()
	if err != nil {
		return err
	}
	in := admin.Render{Municipality: s.municipality, Service: s.service, MediaType: s.mediaType, Payload: s.body, Version: s.version,
		Reference: s.reference, TrustLevel: s.trust, Mailbox: s.mailbox, Account: s.account, ConsentWording: s.wording, Bundle: s.bundle}
	for _, name := range s.attach {
		at, err := attached(name)
		if err != nil {
			return &usageError{fmt.Errorf("--attach: %w", err)}
		}
		in.Attachments = append(in.Attachments, at)
	}
	r, err := c.Render(ctx, in)
	if err != nil {
		return err
	}
	if out != "" {
		if err := os.MkdirAll(out, 0o700); err != nil {
			return fmt.Errorf("make the folder for the documents: %w", err)
		}
	}
	held := 0
	for i := range r.Documents {
		d := &r.Documents[i]
		if d.Held != "" {
			held++
		}
		if out == "" || d.Held != "" {
			continue
		}
		name := fmt.Sprintf("%d-%s-%s", i+1, d.Role, filepath.Base(d.Name))
		if d.Name == "" {
			name = fmt.Sprintf("%d-%s.txt", i+1, d.Role)
		}
		if err := os.WriteFile(filepath.Join(out, name), d.Body, 0o600); err != nil {
			return fmt.Errorf("write a document: %w", err)
		}
	}
	if p.json {
		err = p.emit(r)
	} else {
		p.printDocuments(r.Documents, out == "")
	}
	if err == nil && held > 0 {
		return errFindings
	}
	return err
}

// attached describes a file as the hub would have received it.
func attached(name string) (admin.Attached, error) {
	if err := readable(name); err != nil {
		return admin.Attached{}, err
	}
	f, err := os.Open(name)
	if err != nil {
		return admin.Attached{}, err
	}
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	return admin.Attached{Name: filepath.Base(name), ContentType: typeOf(name), Size: size, SHA256: hex.EncodeToString(sum.Sum(nil))}, errors.Join(err, f.Close())
}

// typeOf is the media type that a file's name says.
func typeOf(name string) string {
	if t := mime.TypeByExtension(filepath.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

func (p *Program) printDocuments(docs []admin.Rendered, bodies bool) {
	for i := range docs {
		d := &docs[i]
		after := ""
		if len(d.After) > 0 {
			after = ", after " + strings.Join(d.After, ", ") + " (whose answers are empty here)"
		}
		p.say("── %d. %s → %s by %s%s", i+1, d.Role, d.System, d.Mapping, after)
		switch {
		case d.Held != "":
			p.say("   held for a person: %s", d.Held)
		case bodies:
			p.say("   %s, %s", d.ContentType, bytesOf(int64(len(d.Body))))
			fmt.Fprintln(p.Out, cleanLines(strings.TrimRight(strings.ToValidUTF8(string(d.Body), "\uFFFD"), "\n")))
		default:
			p.say("   %s, %s", d.ContentType, bytesOf(int64(len(d.Body))))
		}
		p.say("")
	}
}
