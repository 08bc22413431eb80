package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"stellwerk/internal/web/admin"
)

// bundle opens a bundle in one call with the submissions in it. The same name repeats
// the call with its key. Where the status is crash, the hub is killed when it has kept
// the first submission and before the rest arrives. $NAME is its number then, and each part that was accepted is
// a submission of the part's name.
func bundle(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: bundle NAME STATUS OPENING [PART=SERVICE@AGS:FILE]...")
	}
	s := of(ts)
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	write := func(name, contentType, text string) {
		w, err := form.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {fmt.Sprintf(`form-data; name=%q`, name)}, "Content-Type": {contentType},
		})
		ts.Check(err)
		_, err = io.WriteString(w, text)
		ts.Check(err)
	}
	write("bundle", "application/json", ts.ReadFile(args[2]))
	for _, arg := range args[3:] {
		part, rest, _ := strings.Cut(arg, "=")
		service, rest, _ := strings.Cut(rest, "@")
		ags, file, ok := strings.Cut(rest, ":")
		if !ok {
			ts.Fatalf("%s is no PART=SERVICE@AGS:FILE", arg)
		}
		file, denied := strings.CutSuffix(file, "!")
		meta, err := json.Marshal(map[string]any{"part": part, "service": service, "municipality": ags,
			"consent": map[string]any{"given": !denied, "at": "2026-03-02T09:15:00+01:00"}})
		ts.Check(err)
		write("metadata", "application/json", string(meta))
		write("payload", "application/"+strings.TrimPrefix(filepath.Ext(file), "."), ts.ReadFile(file))
	}
	ts.Check(form.Close())
	var content io.Reader = &body
	killed := make(chan error, 1)
	if args[1] == "crash" {
		content = cutAfterOne(ts, body.Bytes(), killed)
	}
	req, err := http.NewRequestWithContext(s.ctx, http.MethodPost, "http://"+s.portals+"/v1/bundles", content)
	ts.Check(err)
	req.Header.Set("Authorization", "Bearer "+s.sample.portalKeys[s.sample.portal])
	req.Header.Set("Idempotency-Key", args[0])
	req.Header.Set("Content-Type", form.FormDataContentType())
	res, err := http.DefaultClient.Do(req)
	if args[1] == "crash" {
		if err == nil {
			ts.Fatalf("the call was answered %d by a hub that is dead", res.StatusCode)
		}
		ts.Check(<-killed)
		return
	}
	ts.Check(err)
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	ts.Check(err)
	_, err = ts.Stdout().Write(answer)
	ts.Check(err)
	if strconv.Itoa(res.StatusCode) != args[1] {
		ts.Fatalf("the call was answered %d, want %s:\n%s", res.StatusCode, args[1], answer)
	}
	if res.StatusCode >= http.StatusBadRequest {
		return
	}
	remember(ts, args[0], answer)
	var receipt struct {
		Parts []struct {
			Part    string
			Receipt json.RawMessage
		}
	}
	ts.Check(json.Unmarshal(answer, &receipt))
	for _, p := range receipt.Parts {
		if p.Receipt != nil {
			remember(ts, p.Part, p.Receipt)
		}
	}
}

// cutAfterOne gives a body up to its second submission, kills the hub when the first
// is kept, and then gives the rest.
func cutAfterOne(ts *testscript.TestScript, body []byte, killed chan<- error) io.Reader {
	s := of(ts)
	second := []byte(`form-data; name="metadata"`)
	at := bytes.Index(body, second) + len(second)
	at += bytes.Index(body[at:], second)
	at += bytes.Index(body[at:], []byte("\r\n\r\n")) + 4 // the second one has begun: the first has come to its end
	r, w := io.Pipe()
	go func() {
		_, err := w.Write(body[:at])
		kept := until(func() bool {
			page, err := s.operator().List(s.ctx, admin.Filter{})
			return err == nil && len(page.Submissions) == 1
		})
		if !kept {
			err = errors.Join(err, errors.New("the first submission was not kept"))
		}
		killed <- errors.Join(err, s.end(os.Kill))
		_, _ = w.Write(body[at:]) // nobody reads it any more
		_ = w.Close()
	}()
	return r
}

// list waits until a bundle has a status and its list reads so: PART! applies, PART?
// is missing, and behind it stand the statuses of what was submitted for it.
func list(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: list NAME STATUS [LINE]...")
	}
	s := of(ts)
	var got []string
	var answer []byte
	reached := until(func() bool {
		req, err := http.NewRequestWithContext(s.ctx, http.MethodGet, "http://"+s.portals+"/v1/bundles/"+ts.Getenv(args[0]+"_id"), nil)
		ts.Check(err)
		req.Header.Set("Authorization", "Bearer "+s.sample.portalKeys[s.sample.portal])
		res, err := http.DefaultClient.Do(req)
		ts.Check(err)
		defer func() { _ = res.Body.Close() }()
		answer, err = io.ReadAll(res.Body)
		ts.Check(err)
		var b struct {
			Status string
			Parts  []struct {
				Part             string
				Applies, Missing bool
				Submissions      []struct{ Status string }
			}
		}
		ts.Check(json.Unmarshal(answer, &b))
		got = []string{b.Status}
		for _, p := range b.Parts {
			line := p.Part
			if p.Applies {
				line += "!"
			}
			if p.Missing {
				line += "?"
			}
			for _, sub := range p.Submissions {
				line += " " + sub.Status
			}
			if line != p.Part {
				got = append(got, line)
			}
		}
		return strings.Join(got, ", ") == strings.Join(args[1:], ", ")
	})
	_, err := ts.Stdout().Write(answer)
	ts.Check(err)
	if !reached {
		ts.Fatalf("the list of %s is\n%q, want\n%q", args[0], got, args[1:])
	}
}

// takes waits until a partner took so many documents, where nobody can tell which
// delivery it is by; or until its last one holds a text.
func takes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: takes PARTNER N, or takes PARTNER TEXT")
	}
	s := of(ts)
	if _, err := strconv.Atoi(args[1]); err != nil {
		var last string
		holds := until(func() bool {
			all, err := s.client.Received(s.ctx, args[0], 0)
			ts.Check(err)
			if len(all) > 0 {
				last = all[len(all)-1].Text
			}
			return strings.Contains(last, args[1])
		})
		if !holds {
			ts.Fatalf("the last document of %s is %s, want %q in it", args[0], last, args[1])
		}
		return
	}
	have := -1
	reached := until(func() bool {
		all, err := s.client.Partners(s.ctx)
		ts.Check(err)
		for _, p := range all {
			if p.Name == args[0] {
				have = p.Counts.Taken
			}
		}
		return strconv.Itoa(have) == args[1]
	})
	if !reached {
		ts.Fatalf("%s took %d documents, want %s", args[0], have, args[1])
	}
}
