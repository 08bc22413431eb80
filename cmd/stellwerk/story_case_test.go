package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/text/encoding/charmap"

	"stellwerk/internal/hub"
	"stellwerk/internal/sim"
	"stellwerk/internal/web/admin"
)

// submit pushes a file with the command of the same name. With ! it must be
// refused; why goes to stderr.
func submit(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: submit NAME FILE [FLAG...]")
	}
	s := of(ts)
	flags := []string{"submit", args[1], "--json"}
	for name, value := range map[string]string{"--service": s.service, "--municipality": s.sample.municipality, "--consent": ""} {
		given := false
		for _, a := range args[2:] {
			given = given || a == name || strings.HasPrefix(a, name+"=")
		}
		switch {
		case given:
		case value == "":
			flags = append(flags, name)
		default:
			flags = append(flags, name, value)
		}
	}
	err := ts.Exec("stellwerk", append(flags, args[2:]...)...)
	if neg {
		if err == nil {
			ts.Fatalf("it was accepted")
		}
		return
	}
	ts.Check(err)
	remember(ts, args[0], []byte(ts.ReadFile("stdout")))
}

// remember keeps a receipt's number and id in variables.
func remember(ts *testscript.TestScript, name string, answer []byte) {
	var receipt struct {
		ID     hub.ID `json:"id"`
		Number string `json:"number"`
	}
	ts.Check(json.Unmarshal(answer, &receipt))
	ts.Setenv(name, receipt.Number)
	ts.Setenv(name+"_id", receipt.ID.String())
}

// await waits for a state of a submission, or of its delivery to a role.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: await NAME STATE, or await NAME/ROLE STATE [REASON] [CODE]")
	}
	s := of(ts)
	name, role, _ := strings.Cut(args[0], "/")
	id := ts.Getenv(name + "_id")
	if id == "" {
		ts.Fatalf("nothing was submitted as %s", name)
	}
	var c admin.Submission
	var err error
	reached := until(func() bool {
		c, err = s.operator().Submission(s.ctx, id)
		return err == nil && stands(&c, role, args[1:])
	})
	if reached {
		return
	}
	_ = ts.Exec("stellwerk", "trace", id) // for the log of the failure
	ts.Fatalf("%s did not become %s: %v\n%s%s", args[0], strings.Join(args[1:], " "), err, ts.ReadFile("stdout"), ts.ReadFile(s.log()))
}

// stands reports whether every wanted word is the state, the reason or the code.
func stands(c *admin.Submission, role string, want []string) bool {
	if role == "" {
		return cmp.Equal(want, []string{string(c.State)}) || cmp.Equal(want, []string{string(c.State), string(c.Reason), c.Code})
	}
	for i := range c.Deliveries {
		if d := &c.Deliveries[i]; d.Role == role || strconv.Itoa(d.Ordinal) == role {
			have := []string{string(d.State)}
			if d.Reason != "" {
				have = append(have, string(d.Reason))
			}
			if d.Code != "" {
				have = append(have, d.Code)
			}
			return len(want) <= len(have) && cmp.Equal(want, have[:len(want)])
		}
	}
	return false
}

// quiet waits until every delivery of a case has come to its end or to a person.
func quiet(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: quiet NAME")
	}
	s := of(ts)
	var c admin.Submission
	var err error
	reached := until(func() bool {
		c, err = s.operator().Submission(s.ctx, ts.Getenv(args[0]+"_id"))
		return err == nil && !slices.ContainsFunc(c.Deliveries, func(d admin.Delivery) bool {
			return !d.State.Settled() && d.State != hub.DeliveryParked
		})
	})
	if !reached {
		ts.Fatalf("%s did not come to rest: %v %+v", args[0], err, c.Deliveries)
	}
}

// system waits until a system is in a state: ready, paused, window, broken.
func system(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: system NAME STATE")
	}
	s := of(ts)
	var all admin.Systems
	var err error
	reached := until(func() bool {
		all, err = s.operator().Systems(s.ctx)
		return slices.ContainsFunc(all.Systems, func(x admin.System) bool { return x.Name == args[0] && x.State == args[1] })
	})
	if !reached {
		ts.Fatalf("%s did not become %s: %v %+v", args[0], args[1], err, all.Systems)
	}
}

// tried counts a delivery's attempts.
func tried(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: tried NAME/ROLE N")
	}
	s := of(ts)
	name, role, _ := strings.Cut(args[0], "/")
	c, err := s.operator().Submission(s.ctx, ts.Getenv(name+"_id"))
	ts.Check(err)
	for i := range c.Deliveries {
		if d := &c.Deliveries[i]; d.Role == role {
			if strconv.Itoa(d.Attempts) != args[1] {
				ts.Fatalf("%s was tried %d times, want %s", args[0], d.Attempts, args[1])
			}
			return
		}
	}
	ts.Fatalf("%s has no delivery to %s", name, role)
}

// says looks for a text in the last output, wherever its lines are broken.
func says(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: says TEXT...")
	}
	output := said(ts)
	for _, text := range args {
		if strings.Contains(output, text) == neg {
			ts.Fatalf("looking for %q (unwanted: %t) in\n%s", text, neg, output)
		}
	}
}

// said is the last output in one line.
func said(ts *testscript.TestScript) string {
	return strings.Join(strings.Fields(ts.ReadFile("stdout")+" "+ts.ReadFile("stderr")), " ")
}

// traced waits for what a trace says now and then: between two tries, for one.
func traced(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: traced NAME TEXT")
	}
	reached := until(func() bool {
		ts.Check(ts.Exec("stellwerk", "trace", ts.Getenv(args[0])))
		return strings.Contains(said(ts), args[1])
	})
	if !reached {
		ts.Fatalf("the trace of %s never says %q: %s", args[0], args[1], said(ts))
	}
}

// pay does with a submission's payment what a citizen does, or the time. The provider
// knows it by the number in its purpose.
func pay(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: pay NAME WHAT")
	}
	s := of(ts)
	number := ts.Getenv(args[0])
	all, err := s.client.Transactions(s.ctx)
	ts.Check(err)
	for _, t := range all {
		if strings.Contains(t.Purpose, number) {
			ts.Check(s.client.Pay(s.ctx, t.ID, args[1]))
			return
		}
	}
	ts.Fatalf("nobody was asked to pay for %s: %+v", number, all)
}

// found compares the one file whose name fits, or shows it.
func found(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 || len(args) > 2 {
		ts.Fatalf("usage: found PATTERN [FILE]")
	}
	var files []string
	until(func() bool {
		var err error
		files, err = filepath.Glob(of(ts).folder(args[0]))
		ts.Check(err)
		return len(files) > 0 || neg
	})
	switch {
	case neg && len(files) == 0:
		return
	case neg || len(files) != 1:
		ts.Fatalf("%s is %q", args[0], files)
	}
	text := ts.ReadFile(files[0])
	if len(args) == 1 {
		_, err := io.WriteString(ts.Stdout(), text)
		ts.Check(err)
		return
	}
	want := expand(ts, ts.ReadFile(args[1]))
	if strings.HasSuffix(args[1], ".json") {
		compareJSON(ts, text, want)
	} else if diff := cmp.Diff(want, text); diff != "" {
		ts.Fatalf("%s is another one (-want +got):\n%s", args[0], diff)
	}
}

// received counts at a partner.
func received(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: received PARTNER N [COUNT=N]...")
	}
	want := map[string]int{}
	for _, arg := range append([]string{"taken=" + args[1]}, args[2:]...) {
		name, value, _ := strings.Cut(arg, "=")
		n, err := strconv.Atoi(value)
		ts.Check(err)
		want[name] = n
	}
	s := of(ts)
	var counts *sim.Counts
	// A partner that looks into a folder may be a moment behind; one that has too much stays so.
	missing := func() (name string, have int) {
		all, err := s.client.Partners(s.ctx)
		ts.Check(err)
		for i := range all {
			if all[i].Name == args[0] {
				counts = &all[i].Counts
			}
		}
		if counts == nil {
			ts.Fatalf("there is no partner %s", args[0])
		}
		got := map[string]int{"taken": counts.Taken, "repeated": counts.Repeated, "altered": counts.Altered, "refused": counts.Refused}
		for name, n := range want {
			if got[name] != n {
				return name, got[name]
			}
		}
		return "", 0
	}
	var name string
	var have int
	until(func() bool {
		name, have = missing()
		return name == "" || have > want[name]
	})
	if name != "" {
		ts.Fatalf("%s has %s %d, want %d (%+v)", args[0], name, have, want[name], *counts)
	}
}

// document compares what a partner took, or shows it.
func document(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: document PARTNER N [FILE]")
	}
	r := taken(ts, args[0], args[1])
	text := r.Text
	if r.Raw != nil {
		latin, err := charmap.Windows1252.NewDecoder().Bytes(r.Raw)
		ts.Check(err)
		text = string(latin)
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if len(args) == 2 {
		_, err := io.WriteString(ts.Stdout(), text)
		ts.Check(err)
		return
	}
	want := expand(ts, ts.ReadFile(args[2]))
	if strings.HasSuffix(args[2], ".json") {
		compareJSON(ts, text, want)
		return
	}
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(text, "\n")); diff != "" {
		ts.Fatalf("%s got another document (-want +got):\n%s", args[0], diff)
	}
}

func taken(ts *testscript.TestScript, partner, n string) *sim.Received {
	number, err := strconv.Atoi(n)
	ts.Check(err)
	all, err := of(ts).client.Received(of(ts).ctx, partner, number-1)
	ts.Check(err)
	if len(all) == 0 {
		ts.Fatalf("%s has no document %s", partner, n)
	}
	return &all[0]
}

// attached compares the files that came with a document.
func attached(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: attached PARTNER N FILE...")
	}
	var want []sim.File
	for _, name := range args[2:] {
		content := ts.ReadFile(name)
		sum := sha256.Sum256([]byte(content))
		want = append(want, sim.File{Name: name, Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:])})
	}
	got := taken(ts, args[0], args[1]).Attachments
	for i := range got {
		got[i].ContentType = ""
	}
	if diff := cmp.Diff(want, got); diff != "" {
		ts.Fatalf("%s got other attachments (-want +got):\n%s", args[0], diff)
	}
}

// as speaks to the portals' API as a portal does.
func as(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: as PORTAL METHOD PATH STATUS [FILE] [HEADER=VALUE]...")
	}
	s := of(ts)
	var body io.Reader
	header := http.Header{"Authorization": {"Bearer " + s.sample.portalKeys[args[0]]}}
	for _, arg := range args[4:] {
		if name, value, ok := strings.Cut(arg, "="); ok {
			header.Set(name, value)
			continue
		}
		body = strings.NewReader(ts.ReadFile(arg))
		header.Set("Content-Type", "application/"+strings.TrimPrefix(filepath.Ext(arg), "."))
		for name, value := range map[string]string{"Municipality": s.sample.municipality, "Service": s.service, "Consent": "true", "Consent-At": "2026-03-02T09:15:00+01:00"} {
			header.Set("Stellwerk-"+name, value)
		}
	}
	req, err := http.NewRequestWithContext(s.ctx, args[1], "http://"+s.portals+args[2], body)
	ts.Check(err)
	req.Header = header
	res, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	ts.Check(err)
	_, err = ts.Stdout().Write(answer)
	ts.Check(err)
	if strconv.Itoa(res.StatusCode) != args[3] {
		ts.Fatalf("%s answered %d, want %s:\n%s", args[2], res.StatusCode, args[3], answer)
	}
	if res.StatusCode == http.StatusAccepted || res.StatusCode == http.StatusCreated {
		remember(ts, "receipt", answer)
	}
}

// cmpJSON compares two files, the first of which may be stdout.
func cmpJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: cmpjson ANSWER WANT")
	}
	compareJSON(ts, ts.ReadFile(args[0]), expand(ts, ts.ReadFile(args[1])))
}

func compareJSON(ts *testscript.TestScript, got, want string) {
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		ts.Fatalf("that is no JSON: %v\n%s", err, got)
	}
	ts.Check(json.Unmarshal([]byte(want), &w))
	anything := cmp.FilterValues(func(a, b any) bool { return a == "…" || b == "…" }, cmp.Ignore())
	if diff := cmp.Diff(w, g, anything); diff != "" {
		ts.Fatalf("other than expected (-want +got):\n%s", diff)
	}
}

// expand puts the story's variables in: ${NAME}.
func expand(ts *testscript.TestScript, text string) string {
	return os.Expand(strings.ReplaceAll(text, "\r\n", "\n"), ts.Getenv)
}

// metric looks at one of the hub's figures.
func metric(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: metric NAME VALUE")
	}
	res, err := http.Get("http://" + of(ts).admin + "/metrics")
	ts.Check(err)
	defer func() { _ = res.Body.Close() }()
	all, err := io.ReadAll(res.Body)
	ts.Check(err)
	for line := range strings.Lines(string(all)) {
		if strings.TrimSpace(line) == args[0]+" "+args[1] {
			return
		}
	}
	ts.Fatalf("no line %s %s in\n%s", args[0], args[1], all)
}
